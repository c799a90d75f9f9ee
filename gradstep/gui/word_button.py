"""A word with a small arrow, for the title row: it opens something below."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from gradstep.gui import icons
from gradstep.gui.theme import theme

_INSET, _ARROW, _GAP = 6, 12, 3


class WordButton(QToolButton):
    """``Operations ⌄``. As wide as its word; 24 px high."""

    def __init__(self, word: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(word)
        self.setFont(theme().font("small"))
        self.setFixedHeight(theme().size("control", "icon_button"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme().font("small")).horizontalAdvance(self.text())
        return QSize(width + 2 * _INSET + _GAP + _ARROW, theme().size("control", "icon_button"))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = look.size("radius", "control")
        box = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("selected_background" if self.isDown() else "hover"))
            painter.drawRoundedRect(box, radius, radius)
        ink = look.colour("text_secondary" if self.isEnabled() else "text_disabled")
        painter.setFont(look.font("small"))
        painter.setPen(ink)
        painter.drawText(box.adjusted(_INSET, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        middle = (self.height() - _ARROW) / 2
        arrow = QRectF(self.width() - _INSET - _ARROW, middle + 0.5, _ARROW, _ARROW)
        icons.paint(painter, "chevron_down", arrow, ink)
        if self.hasFocus():
            painter.setPen(look.colour("selection_ring_and_primary_button"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
