"""How a long reading ends early: the program is to go on, and a step never waits for a picture.

Whoever starts work that may be broken off says how to know that it is to end; the work itself asks
between two pieces of it, however deep they lie. Where nothing was said, nothing is asked: what the
program's own threads do is never broken off.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Overtaken(BaseException):
    """The work is to end here: something that matters more waits for it. No ``Exception``, so that
    what deals with the errors of a program's call does not take it for one."""


class _Here(threading.local):
    asked: Callable[[], bool] | None = None


_here = _Here()


@contextmanager
def giving_way(wanted: Callable[[], bool]) -> Iterator[None]:
    """In this thread ``between_pieces`` ends the work once ``wanted()`` says so."""
    before, _here.asked = _here.asked, wanted
    try:
        yield
    finally:
        _here.asked = before


def between_pieces() -> None:
    """Raises ``Overtaken`` where the work of this thread is to end. Nothing may be half done."""
    asked = _here.asked
    if asked is not None and asked():
        raise Overtaken


@contextmanager
def ending_python() -> Iterator[None]:
    """Python code that a person wrote knows of no pieces: where this thread's work may be broken
    off, its every line is one."""
    if _here.asked is None or sys.gettrace() is not None:
        yield
        return
    sys.settrace(_at_line)
    try:
        yield
    finally:
        sys.settrace(None)


def _at_line(frame: FrameType, event: str, argument: Any) -> Any:
    between_pieces()
    return _at_line
