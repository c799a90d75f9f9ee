"""torch's own databases of operators, modules and optimizers: the same bits, watched or not.

Each program prints a line for every call: digests of outputs, gradients, layouts, version counters
and the state of the random numbers, or the error's type and text. It is run by plain Python, and
under gradstep with everything captured, as it is when a person looks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gradstep
from gradstep.protocol.breakpoints import BreakOn, Breakpoint
from gradstep.protocol.trace import Level, Reason
from tests.engine.programs_under_test import PROGRAMS

pytestmark = [pytest.mark.sweep, pytest.mark.slow]

DATABASES = PROGRAMS / "databases"
PARTS = {"operators": 12, "modules": 3, "optimizers": 3}
CASES = [(name, part) for name, parts in PARTS.items() for part in range(parts)]
PATIENCE = 3600.0
"""Seconds for one part."""

Lines = dict[str, str]


def lines(text: str) -> Lines:
    """What was found, by the name of the call."""
    found = dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    assert len(found) == text.count("\t"), "two calls have one name"
    return found


def plain(program: Path, arguments: list[str]) -> Lines:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environ)
    assert done.returncode == 0, done.stderr
    return lines(done.stdout)


def watched(program: Path, arguments: list[str], level: Level) -> Lines:
    """On the way to a breakpoint that is never hit: for that all is recorded."""
    on = BreakOn.NODE if level is Level.OPERATION else BreakOn.OPERATION
    with gradstep.open(program, arguments, timeout=PATIENCE) as debuggee:
        debuggee.set_breakpoints(Breakpoint(1, on, pattern="never"))
        stop = debuggee.run(level=level, timeout=PATIENCE)
        assert stop.reason is Reason.END, stop
        return lines(debuggee.output)


@pytest.mark.parametrize(("name", "part"), CASES, ids=[f"{name}-{part}" for name, part in CASES])
def test_zero_differences(
    name: str, part: int, record_property: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # some samples come out of a set
    program, arguments = DATABASES / f"{name}.py", [str(part), str(PARTS[name])]
    expected = plain(program, arguments)
    assert len(expected) > 100
    different = []
    for level in (Level.PHASE, Level.OPERATION):
        found = watched(program, arguments, level)
        assert found.keys() == expected.keys()
        different += [
            f"{level} {call}\n  plain   {expected[call]}\n  watched {found[call]}"
            for call in expected
            if found[call] != expected[call]
        ]
    record_property("comparisons", 2 * len(expected))
    assert not different, f"{len(different)} differ:\n" + "\n".join(different)
