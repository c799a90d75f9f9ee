"""The one place where user code waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from gradstep.protocol.nonfinite import Plan
from gradstep.protocol.trace import Goal, Level, Place

QUIET = 0.3
"""Seconds without a command after which what nobody should wait for is done."""


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
        self._abandoned = False
        self.waiting = False
        self.broken: Callable[[], None] = lambda: None
        """Called when an exception (Ctrl+C) ends the waiting in place of a command."""
        self.released: Callable[[], None] = lambda: None
        """Called before whoever waited goes on, however that came about."""

    def wait(
        self, announce: Callable[[], None], meanwhile: Callable[[], object] | None = None
    ) -> Command:
        """Block until a command comes; ``announce`` tells that somebody waits, once commands are
        taken. ``meanwhile`` is called once if none comes for a while. Where nobody would answer,
        nobody waits: in a forked child, or once abandoned."""
        if os.getpid() != self._pid or self._abandoned:
            return Command(Goal.RUN, Level.RUN)
        with self._turn:
            self.waiting = True
            try:
                announce()
                if meanwhile is not None and not self._called(QUIET):
                    meanwhile()
                return self._take()
            except BaseException:
                self.waiting = False
                self.broken()
                raise
            finally:
                self.released()

    def _called(self, seconds: float | None = None) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self._command is not None or self._abandoned, seconds
            )

    def _take(self) -> Command:
        with self._changed:
            self._called()
            command, self._command = self._command, None
            self.waiting = False
            return command or Command(Goal.RUN, Level.RUN)

    def abandon(self) -> None:
        """Called by the link: the window is gone; whoever waits runs on, and nobody waits again."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def attend(self) -> None:
        """A window is there again."""
        with self._changed:
            self._abandoned, self._command = False, None

    def open(self, command: Command) -> None:
        """Called by the link: let the waiting thread go on."""
        with self._changed:
            self._command = command
            self.waiting = False  # from now on it runs, though it may not have woken yet
            self._changed.notify_all()
