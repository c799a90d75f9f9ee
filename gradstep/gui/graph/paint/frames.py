"""Frames around groups, and the rings and corners around what is selected or was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPolygonF

from gradstep.gui.graph.paint.pens import fitted, ink, pen, stroke
from gradstep.gui.graph.paint.signs import RING_GAP
from gradstep.gui.graph.scene import Frame, Item, Role
from gradstep.gui.graph.sizes import frame_label

if TYPE_CHECKING:
    from gradstep.gui.graph.paint.picture import Picture


def paint_ring(painter: QPainter, picture: Picture, item: Item) -> None:
    """Selection: two pixels of ink outside everything."""
    gap = 4.0 + (RING_GAP if item.key in picture.now.next else 0.0)
    rect = picture.rect(item).adjusted(-gap, -gap, gap, gap)
    corner = 4.0 + gap
    if item.role in (Role.OPERATION, Role.LOSS):
        corner = rect.height() / 2
    painter.setPen(pen(ink("selection_ring_and_primary_button"), stroke("selection")))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect, corner, corner)


def paint_mark(painter: QPainter, rect: QRectF) -> None:
    """It was searched for: four corners around it."""
    rect = rect.adjusted(-6, -6, 6, 6)
    painter.setPen(pen(ink("text"), 2.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    length = min(8.0, rect.width() / 3, rect.height() / 3)
    for corner, dx, dy in (
        (rect.topLeft(), 1, 1),
        (rect.topRight(), -1, 1),
        (rect.bottomLeft(), 1, -1),
        (rect.bottomRight(), -1, -1),
    ):
        across, down = QPointF(dx * length, 0), QPointF(0, dy * length)
        painter.drawPolyline(QPolygonF([corner + across, corner, corner + down]))


def paint_frame(painter: QPainter, rect: QRectF) -> None:
    """A group's box."""
    painter.save()
    scale = painter.transform().m11()
    on_pixels = painter.transform().mapRect(rect).toRect()
    painter.resetTransform()
    painter.setPen(pen(ink("module_border"), 1.0))
    painter.setBrush(ink("module_fill"))
    # Between two rows of pixels a hairline is blurred, and differently so where only a part of it
    # is painted.
    edge = QRectF(on_pixels).adjusted(0.5, 0.5, -0.5, -0.5)
    painter.drawRoundedRect(edge, 8 * scale, 8 * scale)
    painter.restore()


def paint_frame_label(painter: QPainter, frame: Frame, rect: QRectF) -> None:
    """What a group is called, at the top right of its box. It has a ground of its own: a line may
    come in there."""
    label = frame_label(frame)
    label, of = fitted("small", label, rect.width() - 44)
    painter.setFont(of)
    width = QFontMetricsF(of).horizontalAdvance(label)
    if width + 34 > rect.width():
        return
    x, y = rect.right() - 30 - width, rect.top() + 19
    metrics = QFontMetricsF(of)
    ground = QRectF(x - 3, y - metrics.capHeight() - 3, width + 22, metrics.capHeight() + 6)
    painter.fillRect(ground, ink("module_fill"))
    painter.setPen(ink("text_secondary"))
    painter.drawText(QPointF(x, y), label)
    painter.setPen(pen(ink("text_secondary"), 1.5))
    tip = QPointF(rect.right() - 18, y - 2)
    painter.drawPolyline(QPolygonF([tip + QPointF(-4, -4), tip, tip + QPointF(4, -4)]))
