"""Warnings are told where plain Python tells them, as often as it does.

A warning belongs to the line that is running. Below a mode that line is gradstep's (or torch's, on
its way through the mode), where it would be told once and then kept quiet for every other line.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from gradstep.engine.running.tracebacks import asks_modes, runs_operation
from gradstep.engine.sites import own_frame


def install() -> None:
    module: Any = warnings
    module.warn = _counting_past_own_frames(warnings.warn)
    # Looked up by Python's C code too, at each warning that is to be told.
    module._showwarnmsg = _at_the_users_line(module._showwarnmsg)


_silent = threading.local()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What we do ourselves in this thread (compiling the program's source once more, evaluating a
    breakpoint's condition) warns of nothing. The program's filters stay as they are: changing them
    would make Python forget what it has told already."""
    before = getattr(_silent, "on", False)
    _silent.on = True
    try:
        yield
    finally:
        _silent.on = before


def _counting_past_own_frames(original: Callable[..., None]) -> Callable[..., None]:
    """``stacklevel`` counts the program's frames."""

    @functools.wraps(original)
    def warn(
        message: Any,
        category: Any = None,
        stacklevel: int = 1,
        source: Any = None,
        **options: Any,
    ) -> None:
        level = 2  # this frame is one more
        frame: FrameType | None = sys._getframe(1)
        for _ in range(stacklevel - 1):
            if frame is None:
                break
            outer = _caller(frame)
            while frame is not None and frame is not outer:
                frame, level = frame.f_back, level + 1
            if outer is None:
                level += 1  # beyond the outermost frame: Python has a way to say so
        original(message, category, level, source, **options)

    return warn


def _at_the_users_line(original: Callable[[Any], None]) -> Callable[[Any], None]:
    def _showwarnmsg(told: Any) -> None:
        if getattr(_silent, "on", False):
            return None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") in _OF_WARNINGS:
            frame = frame.f_back
        running, frame = frame, _without_modes(frame)
        if running is None or frame is None or frame is running:
            return original(told)
        if told.filename != running.f_code.co_filename:
            return original(told)
        # Told once per line and text: the program's line, not ours.
        running.f_globals.pop("__warningregistry__", None)
        scope = frame.f_globals
        return warnings.warn_explicit(
            told.message,
            told.category,
            frame.f_code.co_filename,
            frame.f_lineno,
            scope.get("__name__") or "<unknown>",
            scope.setdefault("__warningregistry__", {}),
            scope,
            told.source,
        )

    return _showwarnmsg


_OF_WARNINGS = ("warnings", "_py_warnings", __name__)


def _without_modes(frame: FrameType | None) -> FrameType | None:
    """The frame that runs if gradstep's, and torch's way to its modes, do not count."""
    top = frame
    while frame is not None and runs_operation(frame):
        frame = frame.f_back
    if frame is None or not own_frame(frame):
        return top
    while frame is not None and (own_frame(frame) or runs_operation(frame)):
        frame = frame.f_back
    if frame is not None and asks_modes(frame):
        frame = frame.f_back  # the function that asked: it is the one that runs
    return frame


def _caller(frame: FrameType) -> FrameType | None:
    """Who called ``frame`` in plain Python."""
    outer = frame.f_back
    past = _without_modes(outer)
    if outer is not past and past is not None and past.f_code is frame.f_code:
        return past.f_back  # the same function, before it asked the modes
    return past
