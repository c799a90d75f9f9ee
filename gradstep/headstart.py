"""Start the program before there is a window to tell: importing Qt and torch then overlap."""

from __future__ import annotations

import threading
from typing import Any

from gradstep.debuggee import Debuggee
from gradstep.facts import Listener
from gradstep.program import Program


def start(program: Program, listener: Listener) -> Debuggee:
    """A started debuggee."""
    debuggee = Debuggee(program, listener)
    debuggee.start()
    return debuggee


class Headstart:
    """A program that already starts. Its facts wait until somebody takes it over."""

    def __init__(self, program: Program) -> None:
        self._lock = threading.Lock()
        self._kept: list[Any] = []
        self._listener: Listener | None = None
        self._debuggee: Debuggee | None = start(program, self._tell)

    def take_over(self, program: Program, listener: Listener) -> Debuggee:
        """The debuggee that has the head start, the first time and for the same program; after
        that a new one. ``listener`` is told all facts so far at once, the others as they come."""
        debuggee, self._debuggee = self._debuggee, None
        if debuggee is None or debuggee.program != program:
            self._drop(debuggee)
            return start(program, listener)
        with self._lock:
            self._listener = listener
            for fact in self._kept:
                listener(fact)
            self._kept.clear()
        return debuggee

    def close(self) -> None:
        """End what nobody has taken over."""
        debuggee, self._debuggee = self._debuggee, None
        self._drop(debuggee)

    def _tell(self, fact: Any) -> None:
        with self._lock:
            if self._listener is None:
                self._kept.append(fact)
                return
        self._listener(fact)

    @staticmethod
    def _drop(debuggee: Debuggee | None) -> None:
        if debuggee is not None:
            debuggee.kill()
            debuggee.close()
