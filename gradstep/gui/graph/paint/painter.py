"""Paints a picture onto any ``QPainter``: a widget, an image, a printer.

Three levels of detail by how large an operation is on the screen: *near* with every number,
*middle* with signs and names, *far* as blocks coloured by state.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from gradstep.gui.graph.paint.far import paint_far
from gradstep.gui.graph.paint.frames import (
    paint_frame,
    paint_frame_label,
    paint_mark,
    paint_ring,
)
from gradstep.gui.graph.paint.items import paint_item
from gradstep.gui.graph.paint.links import paint_label, paint_lanes, paint_link_ring
from gradstep.gui.graph.paint.pens import written_at
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.scene import Frame, Item
from gradstep.gui.graph.sizes import DIAMETER, tokens
from gradstep.gui.graph.viewport import LEGIBLE

FAINT = 0.3
"""How visible is what was not searched for."""
_DETAIL = tokens()["level_of_detail"]


class Detail(IntEnum):
    FAR = 0
    MIDDLE = 1
    NEAR = 2


def detail(scale: float) -> Detail:
    """The level of detail at ``scale`` (1 is 100 %)."""
    if scale >= LEGIBLE:
        return Detail.NEAR
    diameter = scale * DIAMETER
    return Detail.MIDDLE if diameter >= _DETAIL["blocks_below"] else Detail.FAR


def paint(painter: QPainter, picture: Picture, views: Sequence[QRectF], scale: float) -> None:
    """Paint what of ``picture`` lies in ``views`` (both in the scene's coordinates)."""
    level = detail(scale)
    if level == Detail.FAR:
        paint_far(painter, picture, views, scale)
        _paint_selection(painter, picture)
        return
    with written_at(scale):
        _paint_closely(painter, picture, views, scale, near=level == Detail.NEAR)


def _paint_closely(
    painter: QPainter, picture: Picture, views: Sequence[QRectF], scale: float, *, near: bool
) -> None:
    items, links = picture.visible(*views)
    frames = picture.visible_frames(*views)
    for _, box in frames:
        paint_frame(painter, box)
    if picture.found is not None:
        painter.setOpacity(FAINT)
    for link in links:
        paint_lanes(painter, picture, link)
    for frame, box in frames:
        paint_frame_label(painter, frame, box)
    for item in items:
        if picture.found is None or item.key not in picture.found:
            paint_item(painter, picture, item, near, scale)
    if near:
        for link in links:
            paint_label(painter, picture, link)
    painter.setOpacity(1.0)
    if picture.found is not None:
        _paint_found(painter, picture, items, frames, near, scale)
    _paint_selection(painter, picture)


def _paint_found(
    painter: QPainter,
    picture: Picture,
    items: Sequence[Item],
    frames: Sequence[tuple[Frame, QRectF]],
    near: bool,
    scale: float,
) -> None:
    found = picture.found or frozenset()
    for item in items:
        if item.key in found:
            paint_item(painter, picture, item, near, scale)
            paint_mark(painter, picture.rect(item))
    for frame, box in frames:
        if frame.key in found:
            paint_frame_label(painter, frame, box)
            paint_mark(painter, box.adjusted(6, 6, -6, -6))


def _paint_selection(painter: QPainter, picture: Picture) -> None:
    item = picture.scene.items.get(picture.selected)
    if item is not None and item.key in picture.placement.boxes:
        paint_ring(painter, picture, item)
    link = picture.scene.links.get(picture.selected)
    if link is not None and link.key in picture.placement.routes:
        paint_link_ring(painter, picture, link)
