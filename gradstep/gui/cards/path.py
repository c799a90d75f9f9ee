"""From the loss to a value: the gradient at each place on the way, and what turned it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.theme import theme
from gradstep.phases import Phase

_LONG = 5
"""Places shown at most; in between stands an ellipsis."""


@dataclass(frozen=True)
class Spot:
    """``number``: the gradient there; ``name``: of the value. ``by``: what leads from here on."""

    number: str
    name: str
    by: str = ""


class PathStrip(QWidget):
    """``1 → −3.92 → −7.84`` with names below and operations above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spots: tuple[Spot, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_spots(self, spots: tuple[Spot, ...]) -> None:
        if len(spots) > _LONG:
            spots = (spots[0], Spot("…", ""), *spots[-(_LONG - 2) :])
        self.spots = spots
        self.setAccessibleName(" → ".join(f"{spot.name} {spot.number}" for spot in spots))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 52)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.spots:
            return
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        code = look.font("small", code=True, weight=500)
        caption = look.font("caption", code=True)
        numbers, names = QFontMetricsF(code), QFontMetricsF(caption)
        widths = [
            min(
                max(numbers.horizontalAdvance(s.number), min(names.horizontalAdvance(s.name), 72)),
                110.0,
            )
            for s in self.spots
        ]
        arrows = len(self.spots) - 1
        arrow = max(14.0, (self.width() - sum(widths)) / arrows) if arrows else 0.0
        x = 0.0
        colour = look.phase(Phase.BACKWARD).text
        for i, (spot, width) in enumerate(zip(self.spots, widths, strict=True)):
            painter.setFont(code)
            painter.setPen(colour)
            painter.drawText(
                QRectF(x, 16, width + 2, 18), Qt.AlignmentFlag.AlignVCenter, spot.number
            )
            painter.setFont(caption)
            painter.setPen(look.colour("text_secondary"))
            last = i == arrows and i > 0  # it has room at its left only
            room = width + arrow * (0.25 if last else 0.7)
            name = names.elidedText(spot.name, Qt.TextElideMode.ElideMiddle, room)
            side = Qt.AlignmentFlag.AlignRight if last else Qt.AlignmentFlag.AlignLeft
            box = QRectF(x + width - room if last else x, 34, room + 1, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | side), name)
            x += width
            if i < arrows:
                self._paint_arrow(painter, spot.by, x, arrow)
                x += arrow

    def _paint_arrow(self, painter: QPainter, by: str, x: float, width: float) -> None:
        look = theme()
        colour = look.phase(Phase.BACKWARD).text
        painter.setPen(QPen(colour, 1.5))
        start, end = x + 6, x + width - 6
        painter.drawLine(QPointF(start, 25), QPointF(end - 4, 25))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        tip = [QPointF(end, 25), QPointF(end - 6, 21.5), QPointF(end - 6, 28.5)]
        painter.drawPolygon(QPolygonF(tip))
        painter.setFont(look.font("caption", code=True))
        painter.setPen(look.colour("text_secondary"))
        metrics = QFontMetricsF(painter.font())
        text = metrics.elidedText(by, Qt.TextElideMode.ElideRight, width - 4)
        painter.drawText(QRectF(x, 0, width, 16), Qt.AlignmentFlag.AlignCenter, text)
