"""The tray under a parameter: what backward has added, and what the update made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.paint.links import chip
from gradstep.gui.graph.paint.pens import (
    BRIEF,
    arrow_head,
    font,
    grown,
    ink,
    pen,
    phase,
    stroke,
    text_width,
)
from gradstep.gui.graph.scene import Item
from gradstep.gui.graph.sizes import TRAY_DROP, TRAY_ROW
from gradstep.gui.graph.texts import TrayRow, tray
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint.picture import Picture

PAD = 8.0
FIRST = 4.0  # above the first row


def paint_tray(painter: QPainter, picture: Picture, item: Item, leaf: QRectF) -> None:
    """Nothing while there is neither ``.grad`` nor new data."""
    brief = grown("code") > BRIEF
    rows = tray(item, picture.now, picture.arrived(item.key), brief)
    if not rows:
        return
    rect = tray_rect(picture, item, leaf, rows)
    added = any(row.changed and row.kind in ("grad", "sum") for row in rows)
    first = _phase(rows[0])
    _drop(painter, leaf, rect, phase(first).solid)
    painter.setPen(pen(phase(first).solid if added else ink("border_strong"), stroke("hairline")))
    painter.setBrush(ink("panel"))
    painter.drawRoundedRect(rect, 4, 4)
    if added:
        last = max(i for i, row in enumerate(rows) if row.kind != "data")
        part = QRectF(rect.left(), rect.top(), rect.width(), (last + 1) * TRAY_ROW + 2 * FIRST - 1)
        chip(painter, part, phase(first), picture.chip)
    baseline = rect.top() + FIRST + 14
    for row in rows:
        if row.changed and row.kind in ("data", "zeroed"):
            bottom = rect.bottom() if row is rows[-1] else baseline + 6
            part = QRectF(rect.left(), baseline - 15, rect.width(), bottom - baseline + 15)
            chip(painter, part, phase(_phase(row)), picture.chip)
        _row(painter, row, rect, baseline)
        baseline += TRAY_ROW


def _phase(row: TrayRow) -> Phase:
    """Whose colour a row has."""
    if row.kind == "data":
        return Phase.UPDATE
    return Phase.ZERO_GRAD if row.kind == "zeroed" else Phase.BACKWARD


def tray_rect(picture: Picture, item: Item, leaf: QRectF, rows: list[TrayRow]) -> QRectF:
    """Under the leaf; above it when its operation is under it; beside it where the flow goes down
    and passes under it. Where several wires leave the leaf, out of their way."""
    width = max(leaf.width(), *(_row_width(row) for row in rows))
    height = len(rows) * TRAY_ROW + FIRST * 2 - 1
    links = [link for link in picture.outputs(item.key) if link.key in picture.placement.routes]
    route = picture.placement.routes[links[0].key] if len(links) == 1 else None
    left = leaf.left()
    if route is not None and route.beside:
        left = leaf.center().x() - width / 2
        if route.end[1] > route.start[1] + 1:
            return QRectF(left, leaf.top() - TRAY_DROP - height, width, height)
    elif picture.placement.flow_at(item.key) == Flow.DOWN:
        return QRectF(leaf.right() + TRAY_DROP, leaf.top(), width, height)
    elif len(links) > 1:
        left = leaf.right() - width
    return QRectF(left, leaf.bottom() + TRAY_DROP, width, height)


def _drop(painter: QPainter, leaf: QRectF, rect: QRectF, colour: QColor) -> None:
    """The short arrow from the parameter into its tray."""
    x = leaf.left() + 30
    if rect.top() > leaf.bottom():
        start, end = QPointF(x, leaf.bottom() + 1), QPointF(x, rect.top())
    elif rect.bottom() < leaf.top():
        start, end = QPointF(x, leaf.top() - 1), QPointF(x, rect.bottom())
    else:
        y = leaf.top() + 14
        start, end = QPointF(leaf.right() + 1, y), QPointF(rect.left(), y)
    painter.setPen(pen(colour, stroke("edge")))
    painter.drawLine(start, end)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(arrow_head(end, start, 6.0))


def _row_width(row: TrayRow) -> float:
    arrow = 22.0 + text_width(row.before, "code", True, 500) if row.before else 0.0
    title = text_width(row.title, "code", True, 400) + 10 if row.title else 0.0
    return 2 * PAD + title + arrow + text_width(row.text, "code", True, 600)


def _row(painter: QPainter, row: TrayRow, rect: QRectF, baseline: float) -> None:
    colours = phase(_phase(row))
    strong = row.changed or row.kind == "sum"
    weight = 600 if strong else 500
    right = rect.right() - PAD
    if row.title:
        painter.setPen(ink("text_secondary"))
        painter.setFont(font("code", True))
        painter.drawText(QPointF(rect.left() + PAD, baseline), row.title)
    if row.kind == "sum":
        painter.setPen(pen(colours.solid, 1.0))
        painter.drawLine(
            QPointF(rect.left() + rect.width() * 0.45, baseline - 14.5),
            QPointF(right, baseline - 14.5),
        )
    painter.setPen(colours.text)
    painter.setFont(font("code", True, weight))
    width = text_width(row.text, "code", True, weight)
    painter.drawText(QPointF(right - width, baseline), row.text)
    if row.before:
        _from(painter, row, right - width, baseline, colours.text)


def _from(painter: QPainter, row: TrayRow, right: float, baseline: float, colour: QColor) -> None:
    """``1 →`` before the new number."""
    end = QPointF(right - 5, baseline - 4)
    start = QPointF(right - 17, baseline - 4)
    painter.setPen(pen(colour, 1.5))
    painter.drawLine(start, end - QPointF(4, 0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(arrow_head(end, start, 6.0))
    painter.setPen(ink("text_secondary"))
    painter.setFont(font("code", True, 500))
    width = text_width(row.before, "code", True, 500)
    painter.drawText(QPointF(right - 22 - width, baseline), row.before)
