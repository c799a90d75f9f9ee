"""Splitters as a hairline."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget

from gradstep.gui.theme import theme


class Splitter(QSplitter):
    """Seen as one pixel; Qt lets a line this thin be grabbed beside it, too."""

    def __init__(
        self, name: str, orientation: Qt.Orientation, parent: QWidget | None = None
    ) -> None:
        super().__init__(orientation, parent)
        self.setObjectName(name)
        self.setHandleWidth(theme().size("window", "splitter", "seen"))
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self.orientation(), self)


class _Handle(QSplitterHandle):
    def paintEvent(self, event: QPaintEvent) -> None:
        # Between rows the lower one's title is line enough.
        between_rows = self.orientation() is Qt.Orientation.Vertical
        colour = theme().colour("window" if between_rows else "border")
        QPainter(self).fillRect(self.contentsRect(), colour)
