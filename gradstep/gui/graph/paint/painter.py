"""Paints a picture onto any ``QPainter``: a widget, an image, a printer.

Three levels of detail by how large an operation is on the screen: *near* with every number,
*middle* with signs and names, *far* as blocks coloured by state.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from gradstep.gui.graph.layout.placement import Rect
from gradstep.gui.graph.paint.far import paint_far
from gradstep.gui.graph.paint.items import paint_frame, paint_frame_label, paint_item, paint_ring
from gradstep.gui.graph.paint.links import paint_label, paint_lanes, paint_link_ring
from gradstep.gui.graph.paint.pens import written_at
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.sizes import DIAMETER, tokens
from gradstep.gui.graph.viewport import LEGIBLE

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
        return
    with written_at(scale):
        _paint_closely(painter, picture, views, scale, near=level == Detail.NEAR)


def _paint_closely(
    painter: QPainter, picture: Picture, views: Sequence[QRectF], scale: float, *, near: bool
) -> None:
    items, links = picture.visible(*views)
    frames = [
        (frame, _qrect(picture.placement.groups[frame.key]))
        for frame in picture.scene.frames.values()
        if frame.key in picture.placement.groups
    ]
    frames = [(frame, box) for frame, box in frames if any(map(box.intersects, views))]
    for _, box in frames:
        paint_frame(painter, box, scale)
    for link in links:
        paint_lanes(painter, picture, link)
    for frame, box in frames:
        paint_frame_label(painter, frame, box)
    for item in items:
        paint_item(painter, picture, item, near, scale)
    if near:
        for link in links:
            paint_label(painter, picture, link)
    _paint_selection(painter, picture)


def _paint_selection(painter: QPainter, picture: Picture) -> None:
    item = picture.scene.items.get(picture.selected)
    if item is not None and item.key in picture.placement.boxes:
        paint_ring(painter, picture, item)
    link = picture.scene.links.get(picture.selected)
    if link is not None and link.key in picture.placement.routes:
        paint_link_ring(painter, picture, link)


def _qrect(rect: Rect) -> QRectF:
    return QRectF(rect.left, rect.top, rect.width, rect.height)
