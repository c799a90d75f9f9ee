"""Watching lines at native speed: ``sys.monitoring`` (PEP 669), from Python 3.12 on.

Only the code that contains a watched line is instrumented, and in it every other line is taken out
at its first run. Before 3.12 there is no such thing, and ``sys.settrace`` does it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

_monitoring: Any = getattr(sys, "monitoring", None)
_TOOLS = (3, 4, 5)
"""Identifiers that the standard gives no name to."""


class Monitor:
    """``lines`` gives the watched lines of some code; ``hit`` is told before one of them runs."""

    def __init__(
        self,
        lines: Callable[[CodeType], frozenset[int]],
        hit: Callable[[FrameType], None],
    ) -> None:
        self._lines, self._hit = lines, hit
        self._tool: int | None = None
        self._instrumented: list[CodeType] = []
        self.usable = _monitoring is not None and any(
            _monitoring.get_tool(tool) is None for tool in _TOOLS
        )

    def watch(self, on: bool) -> None:
        """Begin, or begin anew after the lines have changed, or end."""
        if on and self._tool is None and not self._register():
            return
        if self._tool is None:
            return
        for code in self._instrumented:
            _monitoring.set_local_events(self._tool, code, 0)
        self._instrumented.clear()
        events = _monitoring.events
        _monitoring.set_events(self._tool, (events.PY_START | events.PY_RESUME) if on else 0)
        if not on:
            _monitoring.free_tool_id(self._tool)
            self._tool = None
            return
        _monitoring.restart_events()
        for top in list(sys._current_frames().values()):
            frame: FrameType | None = top
            while frame is not None:
                self._began(frame.f_code, 0)
                frame = frame.f_back

    def _register(self) -> bool:
        events = _monitoring.events
        for tool in _TOOLS:
            if _monitoring.get_tool(tool) is None:
                _monitoring.use_tool_id(tool, "gradstep")
                _monitoring.register_callback(tool, events.PY_START, self._began)
                _monitoring.register_callback(tool, events.PY_RESUME, self._began)
                _monitoring.register_callback(tool, events.LINE, self._line)
                self._tool = tool
                return True
        return False

    def _began(self, code: CodeType, offset: int) -> Any:
        """Some code runs for the first time since the lines were given."""
        if self._lines(code) and not any(known is code for known in self._instrumented):
            self._instrumented.append(code)
            _monitoring.set_local_events(self._tool, code, _monitoring.events.LINE)
        return _monitoring.DISABLE

    def _line(self, code: CodeType, line: int) -> Any:
        if line not in self._lines(code):
            return _monitoring.DISABLE
        self._hit(sys._getframe(1))
        return None
