"""The signs by which the state of an item is told without its colour."""

from __future__ import annotations

import functools

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPainterPathStroker

from gradstep.gui.graph.paint.pens import FREED, ink, pen, stroke
from gradstep.gui.graph.sizes import NEAR

RING_GAP: float = NEAR["next_ring_gap"]
PASSED = 6.0
"""How high what tells that backward has passed stands at the foot of an item."""


def paint_next_ring(painter: QPainter, rect: QRectF, corner: float, colour: QColor) -> None:
    """It is next."""
    ring = rect.adjusted(-RING_GAP, -RING_GAP, RING_GAP, RING_GAP)
    painter.setPen(pen(colour, stroke("next_ring")))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(ring, corner + RING_GAP, corner + RING_GAP)


def paint_hatch(painter: QPainter, rect: QRectF, corner: float, colour: QColor) -> None:
    """Freed: what backward needed of it is gone."""
    path = QPainterPath()
    path.addRoundedRect(rect.adjusted(1, 1, -1, -1), corner, corner)
    faint = QColor(colour)
    faint.setAlphaF(0.28)
    painter.save()
    painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
    painter.setPen(pen(faint, 1.0))
    step, height = 6.0, rect.height()
    x = rect.left() - height
    while x < rect.right():
        painter.drawLine(QPointF(x, rect.bottom()), QPointF(x + height, rect.top()))
        x += step
    painter.restore()


def paint_dashes(
    painter: QPainter, rect: QRectF, corner: float, colour: QColor, width: float
) -> None:
    """Freed: the outline is no longer whole."""
    _fill(painter, rect, dashes(rect.width(), rect.height(), corner, width), colour)


@functools.lru_cache(maxsize=256)
def dashes(width: float, height: float, corner: float, stroke: float) -> QPainterPath:
    """The dashed outline as a shape. Qt's own dashes begin anew wherever what is painted is cut,
    so that a node painted in part would not fit the rest of it."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(0, 0, width, height), corner, corner)
    stroker = QPainterPathStroker(pen(QColor("black"), stroke, FREED))
    return stroker.createStroke(path)


def paint_foot(
    painter: QPainter, rect: QRectF, corner: float, colour: QColor, share: float
) -> None:
    """Backward has passed: all of it, or a ``share``."""
    _fill(painter, rect, foot(rect.width(), rect.height(), corner, share), colour)


@functools.lru_cache(maxsize=256)
def foot(width: float, height: float, corner: float, share: float) -> QPainterPath:
    """The lowest part of a rounded rectangle at 0, 0; ``share`` of its width, from the right, where
    the gradient comes from."""
    path, part = QPainterPath(), QPainterPath()
    path.addRoundedRect(QRectF(0, 0, width, height), corner, corner)
    part.addRect(QRectF(width * (1 - share), height - PASSED, width * share, PASSED))
    return path.intersected(part)


def paint_cross(painter: QPainter, rect: QRectF) -> None:
    """A mark at the upper right: it failed."""
    centre = QPointF(rect.right() - 4, rect.top() + 4)
    painter.setPen(pen(ink("error"), stroke("node")))
    painter.setBrush(ink("panel"))
    painter.drawEllipse(centre, 8.0, 8.0)
    painter.setPen(pen(ink("error"), 2.0))
    for sign in (-1, 1):
        painter.drawLine(centre + QPointF(-3.2, -3.2 * sign), centre + QPointF(3.2, 3.2 * sign))


def _fill(painter: QPainter, rect: QRectF, shape: QPainterPath, colour: QColor) -> None:
    """``shape`` lies at 0, 0, so that one serves every item of a size."""
    painter.save()
    painter.translate(rect.topLeft())
    painter.fillPath(shape, colour)
    painter.restore()
