"""Searching: keeps what was found up to date, walks from match to match, opens what hides them."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gradstep.gui.graph.canvas import GraphCanvas
from gradstep.gui.graph.finding import Match, key_in, matches, pattern_of
from gradstep.gui.graph.search import SearchRow


class Seeker(QObject):
    """``openWanted`` tells the groups that must be open to see the match that was stepped to."""

    openWanted = Signal(object)
    keyFound = Signal(str)
    """The item or frame to select and show."""

    def __init__(self, row: SearchRow, canvas: GraphCanvas, parent: QObject) -> None:
        super().__init__(parent)
        self._row, self._canvas = row, canvas
        self._pattern: re.Pattern[str] | None = None
        self.found: list[Match] = []
        self._at = -1
        self._awaited: Match | None = None
        row.changed.connect(self._look_for)
        row.stepped.connect(self.step)
        row.closed.connect(self._stop)

    def picture_changed(self) -> None:
        """Look again on what is shown now."""
        if self._pattern is None:
            return
        self._look()
        if self._awaited is not None:
            awaited, self._awaited = self._awaited, None
            self._at = self._number(lambda m: (m.node, m.group) == (awaited.node, awaited.group))
            key = key_in(awaited, self._canvas.picture.scene)
            if key:
                self.keyFound.emit(key)
        self._mark()

    def step(self, by: int) -> None:
        """To the next match, or (-1) the previous one; round the end to the beginning."""
        if not self.found:
            return
        if self._at < 0:
            self._at = 0 if by > 0 else len(self.found) - 1
        else:
            self._at = (self._at + by) % len(self.found)
        match = self.found[self._at]
        if match.inside:
            self._awaited = match
            self.openWanted.emit(frozenset(match.inside))
        else:
            self.keyFound.emit(match.shown)
        self._mark()

    def _look_for(self, text: str, regular: bool) -> None:
        self._at = -1
        try:
            self._pattern = pattern_of(text, regular) if text else None
        except re.error:
            self._pattern, self.found = None, []
            self._canvas.show_found(None)
            self._row.tell(self.tr("not valid"), True)
            return
        self._look()
        self._mark()

    def _look(self) -> None:
        scene = self._canvas.picture.scene
        self.found = matches(scene, self._pattern) if self._pattern is not None else []
        self._at = min(self._at, len(self.found) - 1)

    def _mark(self) -> None:
        if self._pattern is None:
            self._canvas.show_found(None)
            self._row.tell("")
            return
        self._canvas.show_found(frozenset(match.shown for match in self.found))
        if not self.found:
            self._row.tell(self.tr("none"))
        elif self._at < 0:
            self._row.tell(self.tr("{0} found").format(len(self.found)))
        else:
            self._row.tell(self.tr("{0} of {1}").format(self._at + 1, len(self.found)))

    def _number(self, wanted: Callable[[Match], bool]) -> int:
        return next((i for i, match in enumerate(self.found) if wanted(match)), self._at)

    def _stop(self) -> None:
        self._pattern, self._awaited = None, None
        self.found, self._at = [], -1
        self._canvas.show_found(None)
        self._canvas.setFocus()
