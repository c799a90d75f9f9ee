"""``sys.settrace``, shared with the program.

Python has one trace function per thread. While gradstep uses it, the program's own still gets every
event it would get, and ``sys.settrace`` and ``sys.gettrace`` answer as if gradstep were not there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from gradstep.engine.sites import own_code

Trace = Callable[[FrameType, str, Any], Any]


class Tracer:
    """Tells of the lines of some frames, in one thread, while it is on.

    ``follows`` says of which code, ``enters`` of which when it is called from now on; ``line`` and
    ``left`` are told before a line runs and when a frame returns (or yields)."""

    def __init__(
        self,
        follows: Callable[[CodeType], bool],
        enters: Callable[[CodeType], bool],
        line: Callable[[FrameType], None],
        left: Callable[[FrameType], None],
    ) -> None:
        self.on = False
        self.theirs: Trace | None = None
        """The program's own trace function, while this one is on."""
        self.follows, self.enters, self.line, self.left = follows, enters, line, left
        self._function: Trace = self._called
        self._set, self._get = sys.settrace, sys.gettrace
        self._thread = 0
        # Code that nobody follows, by identity, and kept so that its address is not given away.
        self._skipped: dict[int, CodeType] = {}

    def start(self, frame: FrameType | None) -> None:
        """Trace from here on, those of the frames from ``frame`` outwards that are followed too.
        Again when on: then for frames that are followed only now."""
        self._skipped.clear()
        if not self.on:
            self.on = True
            self._thread = threading.get_ident()
            self._set, self._get = sys.settrace, sys.gettrace
            before: Any = self._get()
            if before is not self._function:  # stopped by another thread, and still in its place
                self.theirs = before
            replaced: Any = sys
            replaced.settrace, replaced.gettrace = self._settrace, self._gettrace
            self._set(self._function)
        while frame is not None:
            if self.follows(frame.f_code) and not isinstance(frame.f_trace, _Both):
                frame.f_trace = _Both(self, frame.f_trace)
            frame = frame.f_back

    def stop(self) -> None:
        """Leave everything as it would be without us."""
        if not self.on:
            return
        self.on = False
        self._skipped.clear()
        replaced: Any = sys
        replaced.settrace, replaced.gettrace = self._set, self._get
        if threading.get_ident() != self._thread:
            return  # the function takes itself off at its next event
        if self._get() is self._function:  # else the program found a way to set its own
            self._set(self.theirs)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if isinstance(frame.f_trace, _Both):
                frame.f_trace = frame.f_trace.theirs
            frame = frame.f_back

    def traces(self, frame: FrameType) -> bool:
        """Whether ``line`` is told of this frame's lines."""
        return self.on and isinstance(frame.f_trace, _Both)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        """The trace function: a new frame."""
        if id(frame.f_code) in self._skipped:
            return None
        if not self.on:
            self._set(self.theirs)
            return self.theirs(frame, event, argument) if self.theirs is not None else None
        local = None
        if self.theirs is not None and not own_code(frame.f_code):
            local = self.ask(self.theirs, frame, event, argument)
        if local is not None or self.enters(frame.f_code):
            return _Both(self, local)
        if self.theirs is None:
            self._skipped[id(frame.f_code)] = frame.f_code
        return None

    def ask(self, theirs: Trace, frame: FrameType, event: str, argument: Any) -> Any:
        """Call a trace function of the program."""
        try:
            return theirs(frame, event, argument)
        except BaseException:
            self.theirs = None  # as Python does: it is taken off
            raise

    def _settrace(self, function: Trace | None, /) -> None:
        if threading.get_ident() == self._thread:
            self.theirs = function
            self._skipped.clear()
        else:
            self._set(function)

    def _gettrace(self) -> Any:
        return self.theirs if threading.get_ident() == self._thread else self._get()


class _Both:
    """The local trace function of one frame: the program's, then ours."""

    __slots__ = ("_tracer", "theirs")

    def __init__(self, tracer: Tracer, theirs: Trace | None) -> None:
        self._tracer, self.theirs = tracer, theirs

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        tracer = self._tracer
        if self.theirs is not None and tracer.theirs is not None:
            local = tracer.ask(self.theirs, frame, event, argument)
            if local is not None:
                self.theirs = local
        if tracer.on:
            if event == "line":
                tracer.line(frame)
            elif event == "return":
                tracer.left(frame)
        return self if tracer.on else self.theirs
