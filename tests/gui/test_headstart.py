"""A program that started before the window: nothing it said is lost, nobody inherits another's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gradstep.debuggee import Exited
from gradstep.headstart import Headstart
from gradstep.program import Program
from gradstep.protocol.trace import Reason, Stop


def until_exited(facts: list[Any]) -> None:
    end = time.monotonic() + 30
    while not any(isinstance(fact, Exited) for fact in facts):
        assert time.monotonic() < end, facts
        time.sleep(0.01)


@pytest.mark.parametrize("late", [False, True], ids=["taken over at once", "taken over late"])
def test_all_facts_are_heard_once_and_in_order(tmp_path: Path, late: bool) -> None:
    head = Headstart(Program(str(tmp_path / "missing.py")))
    if late:
        time.sleep(0.3)
    facts: list[Any] = []
    debuggee = head.take_over(Program(str(tmp_path / "missing.py")), facts.append)
    until_exited(facts)
    debuggee.close()
    assert [type(fact) for fact in facts] == [Stop, Exited]
    assert facts[0].reason is Reason.LOST
    assert "missing.py" in facts[0].message


def test_another_program_gets_a_start_of_its_own(tmp_path: Path) -> None:
    head = Headstart(Program(str(tmp_path / "one.py")))
    facts: list[Any] = []
    debuggee = head.take_over(Program(str(tmp_path / "two.py")), facts.append)
    until_exited(facts)
    debuggee.close()
    assert "two.py" in facts[0].message


def test_the_second_start_is_not_the_first(tmp_path: Path) -> None:
    program = Program(str(tmp_path / "missing.py"))
    head = Headstart(program)
    first = head.take_over(program, lambda fact: None)
    second = head.take_over(program, lambda fact: None)
    assert first is not second
    first.close()
    second.close()


def test_what_nobody_takes_over_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "sleeps.py"
    path.write_text("import time\ntime.sleep(1000)\n")
    head = Headstart(Program(str(path)))
    time.sleep(0.2)
    head.close()  # that the process is gone is checked for every test
