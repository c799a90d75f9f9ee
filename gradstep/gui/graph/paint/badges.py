"""The small signs at an operation's rim: in place, view, broadcast, detached, no grad."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from gradstep.gui.graph.marks import Mark
from gradstep.gui.graph.paint.pens import ink, pen

RADIUS = 8.0


def paint_badges(painter: QPainter, rect: QRectF, marks: Sequence[Mark]) -> None:
    """At the lower left of ``rect``, from the rim to the left."""
    centre = QPointF(rect.left() + 5, rect.bottom() - 4)
    for mark in marks:
        if mark != Mark.FREED:
            paint_badge(painter, centre, mark)
            centre -= QPointF(2 * RADIUS + 2, 0)


def paint_badge(painter: QPainter, centre: QPointF, mark: Mark) -> None:
    """One sign on a ground of its own."""
    painter.setPen(pen(ink("border_strong"), 1.0))
    painter.setBrush(ink("panel"))
    painter.drawEllipse(centre, RADIUS, RADIUS)
    painter.setPen(pen(ink("text"), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y = centre.x(), centre.y()
    if mark == Mark.IN_PLACE:  # PyTorch's own sign: add_
        painter.drawLine(QLineF(x - 3.5, y + 2.5, x + 3.5, y + 2.5))
    elif mark == Mark.VIEW:  # two frames around the same
        painter.drawRect(QRectF(x - 4, y - 4, 5.5, 5.5))
        painter.drawRect(QRectF(x - 1.5, y - 1.5, 5.5, 5.5))
    elif mark == Mark.BROADCAST:  # spread out
        painter.drawLine(QLineF(x - 5, y, x + 5, y))
        for side in (-1, 1):
            tip = x + 5 * side
            painter.drawLine(QLineF(tip, y, tip - 2.5 * side, y - 2.5))
            painter.drawLine(QLineF(tip, y, tip - 2.5 * side, y + 2.5))
    elif mark == Mark.DETACHED:  # a line that is cut
        painter.drawLine(QLineF(x - 5, y, x - 1.5, y))
        painter.drawLine(QLineF(x + 1.5, y, x + 5, y))
        painter.drawLine(QLineF(x - 1.5, y + 4, x + 1.5, y - 4))
    elif mark == Mark.NO_GRAD:  # none of it
        painter.drawEllipse(centre, 4.0, 4.0)
        painter.drawLine(QLineF(x - 4, y + 4, x + 4, y - 4))
