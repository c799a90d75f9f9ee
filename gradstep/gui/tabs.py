"""Tabs that line up with the title rows of the panels beside them."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from gradstep.gui.theme import theme

PADDING, GAP, START = 8, 4, 8


class Tabs(QTabWidget):
    """A row of words; the chosen one is bold and underlined."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setTabBar(_Bar(self))
        self.tabBar().setAccessibleName(self.tr("Panels below the timeline"))
        self.setDocumentMode(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        height = self.tabBar().height()
        painter.fillRect(QRect(0, 0, self.width(), height), theme().colour("window"))
        painter.fillRect(0, height - 1, self.width(), 1, theme().colour("border"))


class _Bar(QTabBar):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        theme().changed.connect(self.update)

    def tabSizeHint(self, index: int) -> QSize:
        # As wide as the bold word, so that nothing moves when another tab is chosen.
        words = QFontMetrics(theme().font(weight=600)).horizontalAdvance(self.tabText(index))
        start = START if index == 0 else 0
        return QSize(words + 2 * PADDING + GAP + start, theme().size("window", "panel_title"))

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        look = theme()
        painter.fillRect(self.rect(), look.colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour("border"))
        under = self.tabAt(self.mapFromGlobal(self.cursor().pos())) if self.underMouse() else -1
        for i in range(self.count()):
            box = self.tabRect(i).adjusted(START if i == 0 else 0, 0, -GAP, 0)
            chosen = i == self.currentIndex()
            painter.setFont(look.font(weight=600 if chosen else 400))
            bright = chosen or i == under
            painter.setPen(look.colour("text" if bright else "text_secondary"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.tabText(i))
            if chosen:
                ink = look.colour("text")
                painter.fillRect(box.left(), box.bottom() - 1, box.width(), 2, ink)
                if self.hasFocus():
                    painter.setPen(ink)
                    painter.drawRect(box.adjusted(2, 4, -3, -6))
