"""Where the programs are, and a program under test with a timeout on every wait."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from gradstep.debuggee import Debuggee
from gradstep.phases import Phase
from gradstep.protocol.trace import Reason, Stop

PROGRAMS = Path(__file__).parent / "programs"
LESSONS = Path(__file__).parents[2] / "resources" / "lessons"
PATIENCE = 60.0
"""Seconds after which what has not happened will not happen."""
FINAL = (Reason.END, Reason.EXCEPTION, Reason.LOST)

_WAITING = frozenset(("wait", "step", "iteration", "run", *Phase))


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
