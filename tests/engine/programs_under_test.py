"""Where the programs are, and a program under test with a timeout on every wait."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradstep.debuggee import Debuggee
from gradstep.phases import Phase
from gradstep.protocol.gauges import Gauge
from gradstep.protocol.trace import Level, Reason, Stop

PROGRAMS = Path(__file__).parent / "programs"
LESSONS = Path(__file__).parents[2] / "resources" / "lessons"
PATIENCE = 60.0
"""Seconds after which what has not happened will not happen."""
STEPS = 150
"""Operations that are stepped one by one before a program goes on by phases."""
ITERATIONS = 300
"""Iterations that are recorded one by one before a program runs on."""
FINAL = (Reason.END, Reason.EXCEPTION, Reason.LOST)

_WAITING = frozenset(
    ("wait", "step", "into", "over", "out", "iteration", "epoch", "run_to", "run", *Phase)
)


class Opened:
    """A ``Debuggee`` whose blocking verbs have a timeout."""

    def __init__(self, debuggee: Debuggee) -> None:
        self.debuggee = debuggee

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.debuggee, name)
        return functools.partial(found, timeout=PATIENCE) if name in _WAITING else found

    def steps_until(self, operation: str, limit: int = 200) -> Stop:
        """Step until ``operation`` is the next to execute."""
        for _ in range(limit):
            stop: Stop = self.step()
            if stop.reason in FINAL or (stop.operation and stop.operation.name == operation):
                return stop
        raise AssertionError(f"no {operation} within {limit} steps")


def run(program: Opened) -> None:
    program.run()


def phase_level(program: Opened) -> None:
    program.run(level=Level.PHASE)


def operation_level(program: Opened) -> None:
    """Iteration by iteration, so that every operation and node is recorded."""
    for _ in range(ITERATIONS):
        if program.stop.reason in FINAL:
            return
        program.iteration(level=Level.OPERATION)
    if program.stop.reason not in FINAL:
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


def gauged(program: Opened) -> None:
    """At full speed, with all that can be gauged."""
    program.gauge(*Gauge)
    program.run()


def gauged_by_steps(program: Opened) -> None:
    program.gauge(*Gauge)
    by_steps(program)


WAYS: dict[str, Callable[[Opened], None]] = {
    "run": run,
    "phase level": phase_level,
    "operation level": operation_level,
    "by phases": by_phases,
    "by steps": by_steps,
    "gauged": gauged,
    "gauged, by steps": gauged_by_steps,
}


def marker(file: str | Path, name: str) -> int:
    """The line (from 1) of ``file`` that carries the comment ``# @name``."""
    path = next(p for p in (PROGRAMS / file, LESSONS / file, Path(file)) if p.exists())
    lines = path.read_text(encoding="utf-8").splitlines()
    (found,) = [n for n, line in enumerate(lines, 1) if re.search(rf"# @{name}\b", line)]
    return found


def line_of(file: str | Path, text: str) -> int:
    """The one line of ``file`` that contains ``text``: lessons carry no markers."""
    path = next(p for p in (PROGRAMS / file, LESSONS / file, Path(file)) if p.exists())
    lines = path.read_text(encoding="utf-8").splitlines()
    (found,) = [n for n, line in enumerate(lines, 1) if text in line]
    return found
