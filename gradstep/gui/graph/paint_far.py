"""Far away: blocks coloured by state and single lines, drawn in a few calls however many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gradstep.gui.graph.moment import Look, look
from gradstep.gui.graph.pens import ink, pen, phase
from gradstep.gui.graph.scene import Item, Role
from gradstep.gui.graph.sizes import tokens
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint import Picture

LEAST: float = tokens()["far"]["block_minimum"][0]


def paint_far(painter: QPainter, picture: Picture, view: QRectF, scale: float) -> None:
    """Everything in ``view``."""
    items, links = picture.visible(view)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    frames = []
    for frame in picture.scene.frames.values():
        rect = picture.placement.groups.get(frame.key)
        if rect is not None:
            frames.append(QRectF(rect.left, rect.top, rect.width, rect.height))
    painter.setPen(pen(ink("module_border"), 1.0 / scale))
    painter.setBrush(ink("module_fill"))
    painter.drawRects(frames)
    lines = []
    for link in links:
        route = picture.placement.routes[link.key]
        points = (route.start, route.leave, route.flat_start, route.flat_end, route.enter, route.end)
        lines += [QLineF(*a, *b) for a, b in zip(points, points[1:], strict=False) if a != b]
    thin = pen(ink("control_outline"), 1.0)
    thin.setCosmetic(True)
    painter.setPen(thin)
    painter.drawLines(lines)
    blocks: dict[str, tuple[QColor, list[QRectF]]] = {}
    for item in items:
        if item.role == Role.OPEN:
            continue
        rect = picture.rect(item)
        missing = LEAST / scale - min(rect.width(), rect.height())
        if missing > 0 and item.role not in (Role.CONSTANT, Role.DATA, Role.PARAMETER):
            rect = rect.adjusted(-missing / 2, -missing / 2, missing / 2, missing / 2)
        colour = _colour(picture, item)
        blocks.setdefault(colour.name(), (colour, []))[1].append(rect)
    painter.setPen(Qt.PenStyle.NoPen)
    for colour, rects in blocks.values():
        painter.setBrush(colour)
        painter.drawRects(rects)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


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
