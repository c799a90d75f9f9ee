"""A few choices side by side in one frame, one of them chosen."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from gradstep.gui.theme import theme


class Segmented(QWidget):
    """26 px high. ``chosen`` tells the index of the choice that the person made."""

    chosen = Signal(int)

    def __init__(self, texts: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(1)
        for i, text in enumerate(texts):
            segment = _Segment(text, self)
            self._group.addButton(segment, i)
            layout.addWidget(segment, 1)
        self.choose(0)
        self._group.idClicked.connect(self.chosen)
        theme().changed.connect(self.update)

    @property
    def index(self) -> int:
        return self._group.checkedId()

    def choose(self, index: int) -> None:
        self._group.button(index).setChecked(True)

    def offer(self, places: list[int]) -> None:
        """Show the segments that have a place of 0 or more."""
        for button, place in zip(self._group.buttons(), places, strict=True):
            button.setVisible(place >= 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.colour("border_strong"))
        painter.setBrush(look.colour("panel"))
        radius = look.size("radius", "control")
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, radius, radius)
        for button in [b for b in self._group.buttons() if not b.isHidden()][1:]:
            painter.fillRect(button.x() - 1, 1, 1, self.height() - 2, look.colour("border_strong"))


class _Segment(QAbstractButton):
    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        self.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(theme().font("small", weight=600)).horizontalAdvance(self.text())
        return QSize(width + 20, theme().size("control", "segmented") - 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look, on = QPainter(self), theme(), self.isChecked()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if on or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("selected_background" if on else "hover"))
            painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        painter.setFont(look.font("small", weight=600 if on else 400))
        painter.setPen(look.colour("text" if on else "text_secondary"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(look.colour("selection_ring_and_primary_button"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
