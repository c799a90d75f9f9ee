"""Tracebacks as plain Python would have them: without gradstep's frames, and without those that
torch adds because a mode is on."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from gradstep.engine.sites import own_frame


def install() -> None:
    """For the exceptions that the program catches and prints: every Python way of printing one
    (``traceback``, ``logging``) walks it by these two."""
    module: Any = traceback
    for name in ("walk_tb", "_walk_tb_with_full_positions"):
        walk = getattr(module, name, None)
        if walk is not None:
            setattr(module, name, _without_own(walk))


def _without_own(walk: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    def walk_tb(tb: Any) -> Iterator[Any]:
        return walk(without_own_frames(tb))

    return walk_tb


def without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    """A copy of the traceback as plain Python would have it: without gradstep's frames, and without
    those that torch adds because a mode was on."""
    kept: list[TracebackType] = []
    after_own = False
    while trace is not None:
        frame = trace.tb_frame
        own, asks = own_frame(frame, trace.tb_lineno), asks_modes(frame)
        if asks and kept and _in_torch(kept[-1].tb_frame):
            kept.pop()  # it asked the mode; its own work comes again below the mode's handler
        if not own and not asks and not (after_own and runs_operation(frame)):
            kept.append(trace)
        after_own = own
        trace = trace.tb_next
    result: TracebackType | None = None
    for entry in reversed(kept):
        result = TracebackType(result, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return result


def clean_traceback(error: BaseException) -> None:
    """Give the exception, and those it came from, the traceback that plain Python would show."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        link = chain.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = without_own_frames(link.__traceback__)
            chain += [link.__cause__, link.__context__]


def asks_modes(frame: FrameType) -> bool:
    """Whether the frame is torch's, on its way to a mode's handler."""
    return _is_file(frame, "overrides.py") and frame.f_code.co_name == "handle_torch_function"


def runs_operation(frame: FrameType) -> bool:
    """Whether the frame is torch's, below the handler of a dispatch mode."""
    return _is_file(frame, "_ops.py")


def _in_torch(frame: FrameType) -> bool:
    return f"{os.sep}torch{os.sep}" in frame.f_code.co_filename


def _is_file(frame: FrameType, name: str) -> bool:
    return frame.f_code.co_filename.endswith(os.path.join("torch", name))
