"""A time limit for what a person wrote, in whatever thread it runs."""

from __future__ import annotations

import ctypes
import math
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN = 0.25
"""Seconds after which an expression that catches every exception is interrupted once more."""
PAUSE = 0.02
"""Seconds between two looks at the clock."""
IDLE = 1.0
"""Seconds without work after which the thread that keeps the time ends."""

_raise_in: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc


def _order(thread: int) -> None:
    """``TimeUp`` is raised in ``thread`` when it next looks."""
    _raise_in(ctypes.c_ulong(thread), ctypes.py_object(TimeUp))


class TimeUp(BaseException):
    """No ``Exception``: what an expression calls shall not take it for an error of its own."""


class Limits:
    """One thread of our own keeps the time of all that is limited; it is started when it is needed
    and ends when it has been idle for a while. The limited thread takes no lock while it may be
    interrupted: it would never give it back."""

    def __init__(self) -> None:
        self._due: dict[int, float] = {}
        """By the thread that is limited: when it is interrupted (next)."""
        self._fired: set[int] = set()
        """Threads in which it has been raised, or soon will be."""
        self._firing: int | None = None
        """The thread that may be interrupted at this moment."""
        self._keeper: threading.Thread | None = None
        self._starting = threading.Lock()
        self._asked = 0.0

    def run(self, seconds: float, work: Callable[[], T]) -> T:
        """``work()``, or ``TimeUp`` after so long. What it raises is passed on.

        Python code is interrupted between two of its instructions. One call of C code (``sum`` of
        a range, a large matrix product) is not: ``TimeUp`` is raised when that call has returned,
        however long it took; and where it keeps the interpreter's lock, no other thread of the
        process runs until then."""
        me = threading.get_ident()
        self._attend()
        try:
            try:
                self._due[me] = time.monotonic() + seconds
                return work()
            finally:
                self._end(me)
        except TimeUp:
            self._end(me)  # perhaps it was interrupted before its first line
            raise

    def _attend(self) -> None:
        with self._starting:
            self._asked = time.monotonic()
            if self._keeper is None or not self._keeper.is_alive():  # in a forked child it is not
                self._keeper = threading.Thread(
                    target=self._keep, name="gradstep-limit", daemon=True
                )
                self._keeper.start()

    def _end(self, thread: int) -> None:
        """Nothing is raised in ``thread`` once this has returned."""
        late: TimeUp | None = None
        ordered = False
        while not (ordered and late):
            try:
                self._due.pop(thread, None)
                while self._firing == thread:
                    time.sleep(0)
                self._due.pop(thread, None)  # the keeper may have just set it anew
                if thread not in self._fired:
                    break
                # Whether it has been raised already nobody can tell. There is room for one: a
                # second order takes the place of the first, and is taken here. (To withdraw an
                # order would leave Python 3.11 looking for it at every instruction.)
                ordered = True
                _order(thread)
                while True:
                    time.sleep(0)
            except TimeUp as error:
                late = error
        self._fired.discard(thread)
        if late is not None:
            raise late

    def _keep(self) -> None:
        while True:
            time.sleep(PAUSE)
            now = time.monotonic()
            for thread in list(self._due):
                self._firing = thread  # from here on ``_end`` waits
                if self._due.get(thread, math.inf) <= now:
                    self._fired.add(thread)
                    _order(thread)
                    if thread in self._due:
                        self._due[thread] = now + AGAIN
                self._firing = None
            with self._starting:
                if not self._due and now - self._asked > IDLE:
                    self._keeper = None
                    return
