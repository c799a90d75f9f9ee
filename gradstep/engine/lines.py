"""Stopping Python code at a line: for a pause, and after a phase that ended inside a call.

Tracing is on only between a wish and its fulfilment; running code pays nothing for it.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from gradstep.engine.sites import Sites, own_frame

_PENDING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


Action = Callable[[FrameType], None]
Wanted = Callable[[FrameType], bool]


class Lines:
    """Runs an action at the next wanted line of user code in the main thread, once armed."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._action: Action | None = None
        self._wanted: Wanted | None = None
        self._anywhere = False
        self._before: Any = None
        self._pending: Action | None = None
        self._interrupt = _PENDING(self._interrupted)

    @property
    def armed(self) -> bool:
        return self._action is not None

    def arm(
        self,
        frame: FrameType | None,
        action: Action,
        *,
        wanted: Wanted | None = None,
        anywhere: bool = False,
    ) -> None:
        """In the main thread: trace from ``frame`` outwards; at the first line that is ``wanted``
        disarm and run ``action``. ``anywhere``: lines of libraries count too."""
        if self._action is None:
            self._before = sys.gettrace()
        self._action, self._wanted, self._anywhere = action, wanted, anywhere
        while frame is not None:
            if anywhere or self._sites.is_user(frame.f_code):
                frame.f_trace = self._trace
            frame = frame.f_back
        sys.settrace(self._trace)

    def disarm(self) -> None:
        if self._action is not None:
            self._action = self._wanted = None
            sys.settrace(self._before)
            self._before = None

    def interrupt(self, action: Action, *, anywhere: bool = False) -> None:
        """From another thread: arm the main thread between two of its bytecodes."""
        self._pending, self._anywhere = action, anywhere
        ctypes.pythonapi.Py_AddPendingCall(self._interrupt, None)

    def _interrupted(self, _: Any) -> int:
        action, self._pending = self._pending, None
        if action is not None:
            self.arm(sys._getframe(1), action, anywhere=self._anywhere)
        return 0

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        action = self._action
        if action is None:
            return None
        if not (self._sites.is_user(frame.f_code) or (self._anywhere and not own_frame(frame))):
            return None
        if event == "line" and (self._wanted is None or self._wanted(frame)):
            self.disarm()
            action(frame)
        return self._trace if self._action is not None else None
