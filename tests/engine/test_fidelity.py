"""Watching changes nothing: output, exit code, parameters, optimizer and random numbers are those
of plain Python, at every level, run through or stepped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradstep.phases import Phase
from gradstep.protocol.trace import Level, Reason
from tests.engine.programs_under_test import FINAL, Opened

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]
STEPS = 150


def run(program: Opened) -> None:
    program.run()


def operation_level(program: Opened) -> None:
    program.run(level=Level.OPERATION)


def by_phases(program: Opened) -> None:
    """Each phase in turn at phase level, everything that a window asks for at each stop."""
    for _ in range(15):
        for phase in Phase:
            if program.stop.reason in FINAL:
                return
            getattr(program, phase.value)(level=Level.PHASE)
            program.values()
            program.graph()
    if program.stop.reason not in FINAL:
        program.run(level=Level.PHASE)


def by_steps(program: Opened) -> None:
    """A hundred and fifty operations one by one, then some phases at operation level."""
    for i in range(STEPS + 4 * len(Phase)):
        if program.stop.reason in FINAL:
            return
        go = program.step if i < STEPS else getattr(program, list(Phase)[i % len(Phase)].value)
        go()
        program.values()
    if program.stop.reason not in FINAL:
        program.run()


WAYS: dict[str, Callable[[Opened], None]] = {
    "run": run,
    "operation level": operation_level,
    "by phases": by_phases,
    "by steps": by_steps,
}


@pytest.mark.parametrize(
    ("file", "ways"),
    [
        ("fidelity/optimizers.py", list(WAYS)),
        ("fidelity/autograd.py", list(WAYS)),
        ("fidelity/python.py", list(WAYS)),
        ("linear_by_hand.py", ["by phases"]),
    ],
)
def test_the_same_as_plain_python(start: Start, plain: Plain, file: str, ways: list[str]) -> None:
    def watched(way: str) -> tuple[str, Opened, int]:
        program = start(file)
        WAYS[way](program)
        assert program.stop.reason in (Reason.END, Reason.EXCEPTION), (way, program.stop)
        return way, program, program.finish()

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(plain, file)
        seen = list(pool.map(watched, ways))
        expected = first.result()
    for way, program, code in seen:
        assert program.output_bytes == expected.stdout, way
        assert program.errors == expected.stderr.decode(), way
        assert code == expected.returncode, way
