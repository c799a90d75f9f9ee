"""Expressions that do not end: interrupted, told in place, the program unharmed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
import torch

import gradstep
from gradstep.engine.values.limits import Limits, TimeUp
from gradstep.engine.values.watches import LIMIT
from gradstep.protocol.messages import RequestFailed
from tests.engine.programs_under_test import PATIENCE, Opened

PROGRAM = """
import torch

import gradstep

w = torch.tensor([1.0, -2.0], requires_grad=True)
log = []

def stubborn():
    while True:
        try:
            sum(x for x in range(1000))
        except Exception:
            log.append("caught")

def experiment():
    return gradstep.Experiment(
        lambda x: w * x, loss=lambda p, y: (p - y).pow(2).sum(), parameters={"w": w},
        learning_rate=0.1, data=[(torch.ones(2), torch.zeros(2))],
    )
"""
ENDLESS = "sum(x for x in range(10**12))"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    path = tmp_path_factory.mktemp("limits") / "program.py"
    path.write_text(PROGRAM)
    with gradstep.open(path, timeout=PATIENCE) as debuggee:
        yield Opened(debuggee)


def test_the_first_watch_brings_no_compiler_into_the_program(program: Opened) -> None:
    first, loaded = program.watch("w.sum()", "'torch._dynamo' in __import__('sys').modules")
    assert first.number == -1 and loaded.number is False


def test_an_endless_expression_is_interrupted(program: Opened) -> None:
    began = time.monotonic()
    bad, good = program.watch(ENDLESS, "w.sum()")
    assert LIMIT <= time.monotonic() - began < LIMIT + 5
    assert "longer than 2 s" in bad.problem and good.number == -1
    # At the next stop nobody waits for it again, until somebody asks.
    began = time.monotonic()
    (bad,) = program.watch(ENDLESS)
    assert "Not tried again" in bad.problem
    with pytest.raises(RequestFailed, match="Not tried again"):
        program.value(f"= {ENDLESS}")
    assert time.monotonic() - began < LIMIT
    assert "Interrupted" in program.watch(ENDLESS, again=True)[0].problem


def test_neither_exceptions_caught_nor_exit_keep_it(program: Opened) -> None:
    stubborn, leave = program.watch("stubborn()", "exit()")
    assert "longer than" in stubborn.problem and leave.problem.startswith("SystemExit")
    assert program.watch("log")[0].text == "[]"


def test_the_program_goes_on_unharmed(program: Opened) -> None:
    assert "longer than" in program.watch("sum(w.sum() for _ in iter(int, 1))")[0].problem
    program.iteration()
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    w.pow(2).sum().backward()
    assert program.value("w").data == (w - 0.1 * w.grad).tolist()


def test_one_call_of_c_code_ends_by_itself(program: Opened) -> None:
    (found,) = program.watch("sum(range(10**8))")
    # As fast as the machine is: in time, or told afterwards.
    words = found.problem
    assert found.number == 4999999950000000 or "longer" in words or "cannot interrupt" in words
    assert program.watch("1 + 1")[0].number == 2


def test_nothing_is_raised_once_it_is_over() -> None:
    limits = Limits()
    for i in range(100):  # just in time, too late, and in the middle
        with_limit = 0.02 * (i % 4)
        with contextlib.suppress(TimeUp):
            assert limits.run(with_limit, lambda: sum(x for x in range(400_000))) == 79_999_800_000
        sum(x for x in range(1000))  # would be hit by what comes late
    assert [t.name for t in threading.enumerate()].count("gradstep-limit") == 1
    with pytest.raises(ZeroDivisionError):
        limits.run(1.0, lambda: 1 / 0)
