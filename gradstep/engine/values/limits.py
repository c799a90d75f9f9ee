"""A time limit for what a person wrote, in whatever thread it runs."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN = 0.25
"""Seconds after which an expression that catches every exception is interrupted once more."""

_raise_in: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc


class TimeUp(BaseException):
    """No ``Exception``: what an expression calls shall not take it for an error of its own."""


class Limits:
    """One thread of our own keeps the time of all that is limited; it is started when it is first
    needed and then stays."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[int, float] = {}
        """By the thread that is limited: when it is interrupted (next)."""
        self._keeper: threading.Thread | None = None

    def run(self, seconds: float, work: Callable[[], T]) -> T:
        """``work()``, or ``TimeUp`` after so long. What it raises is passed on.

        Python code is interrupted between two of its instructions. One call of C code (``sum`` of
        a range, a large matrix product) is not: ``TimeUp`` is raised when that call has returned,
        however long it took; and where it keeps the interpreter's lock, no other thread of the
        process runs until then."""
        me = threading.get_ident()
        try:
            try:
                self._begin(me, seconds)
                return work()
            finally:
                self._end(me)
        except TimeUp:
            self._end(me)  # perhaps it was interrupted before its first line
            raise

    def _begin(self, thread: int, seconds: float) -> None:
        with self._changed:
            self._due[thread] = time.monotonic() + seconds
            if self._keeper is None or not self._keeper.is_alive():  # in a forked child it is not
                self._keeper = threading.Thread(
                    target=self._keep, name="gradstep-limit", daemon=True
                )
                self._keeper.start()
            self._changed.notify()

    def _end(self, thread: int) -> None:
        """Nothing is raised in ``thread`` once this has returned."""
        late: TimeUp | None = None
        while True:
            try:
                with self._changed:
                    self._due.pop(thread, None)
                    # What was ordered and has not been raised is not raised any more.
                    _raise_in(ctypes.c_ulong(thread), None)
                break
            except TimeUp as error:  # raised here, in our own lines
                late = error
        if late is not None:
            raise late

    def _keep(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for thread in [t for t, at in self._due.items() if at <= now]:
                    _raise_in(ctypes.c_ulong(thread), ctypes.py_object(TimeUp))
                    self._due[thread] = now + AGAIN
                next_ = min(self._due.values(), default=None)
                self._changed.wait(None if next_ is None else max(next_ - now, 0.0))
