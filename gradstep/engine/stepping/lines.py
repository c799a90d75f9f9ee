"""Stopping Python code at a line: for a pause, for a step, at a breakpoint.

Tracing is on only between a wish and its fulfilment; running code pays nothing for it. Breakpoints
and a line to run to are watched for by other means where Python has them (see ``linewatch``).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType

from gradstep.engine.sites import Sites, own_code
from gradstep.engine.stepping.codelines import lines_of
from gradstep.engine.stepping.linewatch import Monitor
from gradstep.engine.stepping.tracer import Tracer

_PENDING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)

Action = Callable[[FrameType], None]
Wanted = Callable[[FrameType], bool]
Watched = dict[str, frozenset[int]]
"""Lines by file (an absolute path without links)."""


@dataclass
class Wish:
    """``entering``: frames that begin later count too, and not only those there are. ``anywhere``:
    so do lines of libraries. ``left`` hears of frames that return."""

    action: Action
    wanted: Wanted | None = None
    anywhere: bool = False
    entering: bool = True
    left: Action | None = None


def in_python_thread() -> bool:
    """Whether this is the main thread or one that the program started by ``threading``."""
    return not isinstance(threading.current_thread(), threading._DummyThread)


class Undisturbed:
    """While inside, what interrupts the thread between two bytecodes is put off: it would find
    tracing half begun or half ended. ``afterwards`` calls it again."""

    def __init__(self, afterwards: Callable[[], None]) -> None:
        self._afterwards = afterwards
        self._depth = 0
        self._missed = False

    def put_off(self) -> bool:
        """Whether somebody is inside, who will call back."""
        self._missed = self._missed or self._depth > 0
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        if self._missed and not self._depth:
            self._missed = False
            self._afterwards()


class Lines:
    """Runs an action at the next wanted line of user code in the thread that armed it; and another
    one at each line that is watched, in the main thread."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._wish: Wish | None = None
        self._errands: list[Wish] = []
        self._pending: list[Action] = []
        self._busy = Undisturbed(self._call_back)
        self._interrupt = _PENDING(self._interrupted)
        self._tracer = Tracer(self._follows, self._enters, self._line, self._left)
        self._watched: Watched = {}
        self._hit: Callable[[FrameType], bool] = lambda frame: False
        self._known: dict[int, tuple[frozenset[int], CodeType]] = {}
        self._monitor = Monitor(self._wanted_lines, self._monitored)
        self._told: tuple[int, int] | None = None

    @property
    def armed(self) -> bool:
        return self._wish is not None

    def arm(self, frame: FrameType | None, wish: Wish) -> None:
        """Trace from ``frame`` outwards; at the first line that is wanted disarm and run the
        action. In a thread of autograd's, which has no lines: in the main one, as soon as that runs
        Python again."""
        if not in_python_thread():
            self.interrupt(wish)
            return
        with self._busy:
            self._wish = wish
            self._tracer.start(frame)

    def errand(self, frame: FrameType | None, action: Action, wanted: Wanted) -> None:
        """Something of our own to do at the next line of user code: it hinders no wish."""
        with self._busy:
            self._errands.append(Wish(action, wanted))
            self._tracer.start(frame)

    def disarm(self) -> None:
        """Of the wish, not of what is watched."""
        with self._busy:
            self._wish = None
            self._settle()

    def interrupt(self, wish: Wish) -> None:
        """From another thread: arm the main thread between two of its bytecodes."""
        self.in_main(lambda frame: self.arm(frame, wish))

    def in_main(self, action: Action) -> None:
        """From another thread: run ``action`` in the main one, between two of its bytecodes."""
        self._pending.append(action)
        self._call_back()

    def watch(self, watched: Watched, hit: Callable[[FrameType], bool]) -> None:
        """From now on tell ``hit`` before any of these lines runs; it says whether it stopped.
        In the main thread."""
        if watched == self._watched:
            return
        with self._busy:
            self._watched, self._hit = watched, hit
            self._known.clear()
            if self._monitor.usable:
                self._monitor.watch(bool(watched))
            elif watched:
                self._tracer.start(sys._getframe(1))
            self._settle()

    def _settle(self) -> None:
        traced = self._watched and not self._monitor.usable
        if self._wish is None and not self._errands and not traced:
            self._tracer.stop()

    def _call_back(self) -> None:
        ctypes.pythonapi.Py_AddPendingCall(self._interrupt, None)

    def _interrupted(self, _: object) -> int:
        while self._pending and not self._busy.put_off():
            self._pending.pop(0)(sys._getframe(1))
        return 0

    # ------------------------------------------------------------------ in the main thread

    def _follows(self, code: CodeType) -> bool:
        wish = self._wish
        if wish is not None or self._errands:
            if self._sites.is_user(code):
                return True
            if wish is not None and wish.anywhere and not own_code(code):
                return True
        return bool(self._watched) and bool(self._wanted_lines(code))

    def _enters(self, code: CodeType) -> bool:
        wish = self._wish
        if self._errands or (wish is not None and wish.entering):
            return self._follows(code)
        return bool(self._watched) and bool(self._wanted_lines(code))

    def _line(self, frame: FrameType) -> None:
        wish = self._wish
        if self._errands and self._sites.is_user(frame.f_code):
            self._run_errands(frame)
        if self._watched and frame.f_lineno in self._wanted_lines(frame.f_code):
            self._told = (id(frame), frame.f_lasti)
            if self._hit(frame):
                return
        if wish is None or wish is not self._wish:
            return
        if not (wish.anywhere or self._sites.is_user(frame.f_code)):
            return
        if wish.wanted is None or wish.wanted(frame):
            self.disarm()
            wish.action(frame)

    def _run_errands(self, frame: FrameType) -> None:
        for errand in list(self._errands):
            if errand.wanted is None or errand.wanted(frame):
                self._errands.remove(errand)
                errand.action(frame)
        with self._busy:
            self._settle()

    def _left(self, frame: FrameType) -> None:
        if self._wish is not None and self._wish.left is not None:
            self._wish.left(frame)

    def _monitored(self, frame: FrameType) -> None:
        """A watched line, told by ``sys.monitoring``: unless tracing has told of it."""
        told, self._told = self._told, None
        if told != (id(frame), frame.f_lasti) and not self._tracer.traces(frame):
            self._hit(frame)

    def _wanted_lines(self, code: CodeType) -> frozenset[int]:
        """Those watched lines that are this code's own."""
        known = self._known.get(id(code))
        if known is None:
            lines = self._watched.get(os.path.realpath(code.co_filename), frozenset())
            if lines:
                lines = lines & lines_of(code)
            known = self._known[id(code)] = (lines, code)
        return known[0]
