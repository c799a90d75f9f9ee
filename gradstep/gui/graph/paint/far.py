"""Far away: blocks and single lines, drawn in a few calls however many. As on an edge, the value's
part is above and the gradient's below: what went forward is marked in its upper half, what
backward has passed in its lower one, so that colour alone tells nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gradstep.gui.graph.moment import Look, look
from gradstep.gui.graph.paint.pens import ink, pen, phase
from gradstep.gui.graph.scene import LEAVES, Item, Role
from gradstep.gui.graph.sizes import tokens
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint.picture import Picture

LEAST: float = tokens()["far"]["block_minimum"][0]
RING = 3.0
"""Pixels from a block to the ring around it."""


def paint_far(painter: QPainter, picture: Picture, views: Sequence[QRectF], scale: float) -> None:
    """Everything in ``views``."""
    items, links = picture.visible(*views)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(_thin("module_border"))
    painter.setBrush(ink("module_fill"))
    painter.drawRects([box for _, box in picture.visible_frames(*views)])
    lines = []
    for link in links:
        ways = picture.placement.routes[link.key].points()
        lines += [QLineF(*a, *b) for a, b in pairwise(ways) if a != b]
    painter.setPen(_thin("control_outline"))
    painter.drawLines(lines)
    if picture.found is not None:
        painter.setOpacity(0.3)
        _paint_blocks(painter, picture, [i for i in items if i.key not in picture.found], scale)
        painter.setOpacity(1.0)
        items = [item for item in items if item.key in picture.found]
    _paint_blocks(painter, picture, items, scale)
    _paint_next(painter, picture, scale)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _paint_blocks(painter: QPainter, picture: Picture, items: Sequence[Item], scale: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, rects in (*blocks(picture, items, scale), *_halves(picture, items, scale)):
        painter.setBrush(colour)
        painter.drawRects(rects)


def _paint_next(painter: QPainter, picture: Picture, scale: float) -> None:
    """A ring around what is next."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ring = _thin("text", 2.0)
    ring.setColor(phase(picture.now.phase or Phase.FORWARD).solid)
    painter.setPen(ring)
    gap = RING / scale
    for key in picture.now.next:
        if key in picture.placement.boxes:
            rect = _seen(picture, picture.scene.items[key], scale)
            painter.drawRect(rect.adjusted(-gap, -gap, gap, gap))


def _thin(name: str, width: float = 1.0) -> QPen:
    """So many pixels, however far away."""
    found = QPen(pen(ink(name), width))
    found.setCosmetic(True)
    return found


def blocks(
    picture: Picture, items: Sequence[Item], scale: float
) -> list[tuple[QColor, list[QRectF]]]:
    """Items by colour; at a ``scale``, operations are never smaller than can be seen."""
    found: dict[str, tuple[QColor, list[QRectF]]] = {}
    for item in items:
        if item.role == Role.OPEN:
            continue
        colour = _colour(picture, item)
        rect = _seen(picture, item, scale)
        found.setdefault(colour.name(), (colour, []))[1].append(rect)
    return list(found.values())


def _seen(picture: Picture, item: Item, scale: float) -> QRectF:
    """The block of ``item``."""
    rect = picture.rect(item)
    missing = LEAST / scale - min(rect.width(), rect.height()) if scale else 0.0
    if missing > 0 and item.role not in LEAVES:
        return rect.adjusted(-missing / 2, -missing / 2, missing / 2, missing / 2)
    return rect


def _halves(
    picture: Picture, items: Sequence[Item], scale: float
) -> list[tuple[QColor, list[QRectF]]]:
    """The solid halves of blocks."""
    above: list[QRectF] = []
    below: list[QRectF] = []
    for item in items:
        if item.role == Role.OPEN or item.role in LEAVES:
            continue
        state = look(item, picture.now)
        if state in (Look.NEXT, Look.EXPECTED):
            continue
        rect = _seen(picture, item, scale)
        half = rect.height() / 2
        if state != Look.BACKWARD:
            above.append(QRectF(rect.x(), rect.y(), rect.width(), half))
        if state in (Look.BACKWARD, Look.PARTLY):
            below.append(QRectF(rect.x(), rect.y() + half, rect.width(), half))
    forward, backward = phase(Phase.FORWARD).solid, phase(Phase.BACKWARD).solid
    return [(colour, rects) for colour, rects in ((forward, above), (backward, below)) if rects]


def _colour(picture: Picture, item: Item) -> QColor:
    if item.role == Role.PARAMETER:
        return ink("text_secondary")
    if item.role in (Role.DATA, Role.CONSTANT):
        return ink("border_strong")
    state = look(item, picture.now)
    if state == Look.NEXT:
        return phase(picture.now.phase or Phase.FORWARD).solid
    if state == Look.EXPECTED:
        return ink("border")
    return phase(Phase.BACKWARD if state == Look.BACKWARD else Phase.FORWARD).border
