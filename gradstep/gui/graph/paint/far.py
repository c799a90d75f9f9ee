"""Far away: blocks coloured by state and single lines, drawn in a few calls however many."""

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
    painter.setPen(Qt.PenStyle.NoPen)
    if picture.found is not None:
        painter.setOpacity(0.3)
        rest = [item for item in items if item.key not in picture.found]
        for colour, rects in blocks(picture, rest, scale):
            painter.setBrush(colour)
            painter.drawRects(rects)
        painter.setOpacity(1.0)
        items = [item for item in items if item.key in picture.found]
    for colour, rects in blocks(picture, items, scale):
        painter.setBrush(colour)
        painter.drawRects(rects)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _thin(name: str) -> QPen:
    """One pixel, however far away."""
    found = QPen(pen(ink(name), 1.0))
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
        rect = picture.rect(item)
        missing = LEAST / scale - min(rect.width(), rect.height()) if scale else 0.0
        if missing > 0 and item.role not in LEAVES:
            rect = rect.adjusted(-missing / 2, -missing / 2, missing / 2, missing / 2)
        colour = _colour(picture, item)
        found.setdefault(colour.name(), (colour, []))[1].append(rect)
    return list(found.values())


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
