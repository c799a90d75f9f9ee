"""The one place where user code waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gradstep.protocol.nonfinite import Plan
from gradstep.protocol.trace import Goal, Level, Place


@dataclass(frozen=True)
class Command:
    """How to go on. ``target``: the line that is the goal. ``leave``: the program ended and may
    finish. ``plan``: how a second run looks for the first NaN."""

    goal: Goal
    level: Level
    target: Place | None = None
    leave: bool = False
    plan: Plan | None = None


class Gate:
    """Holds whichever thread comes to it until the link brings a command. Autograd runs nodes of an
    accelerator in threads of its own, so any thread may come; only one at a time stands here."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._command: Command | None = None
        self._turn = threading.Lock()
        self._pid = os.getpid()
        self.waiting = False

    def wait(self, announce: Callable[[], None]) -> Command:
        """Block until a command comes; ``announce`` tells that somebody waits, once commands are
        taken. A forked child never waits: nobody would answer it."""
        if os.getpid() != self._pid:
            return Command(Goal.RUN, Level.RUN)
        with self._turn:
            self.waiting = True
            announce()
            return self._take()

    def _take(self) -> Command:
        with self._changed:
            self._changed.wait_for(lambda: self._command is not None)
            command, self._command = self._command, None
            self.waiting = False
            assert command is not None
            return command

    def open(self, command: Command) -> None:
        """Called by the link: let the waiting thread go on."""
        with self._changed:
            self._command = command
            self.waiting = False  # from now on it runs, though it may not have woken yet
            self._changed.notify_all()
