"""Where on a canvas something can lie without hiding what is to be read."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, QRectF, QSize

from gradstep.gui.graph.paint.links import label_rect
from gradstep.gui.graph.paint.painter import Detail, detail
from gradstep.gui.graph.paint.pens import written_at
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.scene import Role
from gradstep.gui.graph.viewport import Viewport

HEAD = 140.0, 26.0
"""At most, of a frame's name in the frame's upper right corner."""


def corners(room: QSize, size: QSize, margin: int) -> list[QRect]:
    """The places for something of ``size``, the most usual first."""
    right, bottom = room.width() - size.width() - margin, room.height() - size.height() - margin
    places = ((right, margin), (right, bottom), (margin, margin), (margin, bottom))
    return [QRect(QPoint(x, y), size) for x, y in places]


def free_corner(picture: Picture, view: Viewport, places: list[QRect]) -> QRect | None:
    """The first of ``places`` (pixels of the canvas) under which nothing is read; None: there is
    something under each. Far away nothing is read, and it is the one over the fewest blocks."""
    if detail(view.scale) > Detail.FAR:
        return next((place for place in places if not hidden(picture, view, place)), None)
    return min(places, key=lambda place: _blocks(picture, view, place))


def hidden(picture: Picture, view: Viewport, place: QRect) -> bool:
    """Whether an item, a number or a name would be hidden under ``place``."""
    on_scene = _on_scene(view, place)
    with written_at(view.scale):
        return any(rect.intersects(on_scene) for rect in _read(picture, view.scale, on_scene))


def _read(picture: Picture, scale: float, part: QRectF) -> Iterator[QRectF]:
    """Where something is to be read, in or near ``part`` of the scene."""
    items, links = picture.visible(part)
    for item in items:
        if item.role != Role.OPEN:
            extent = picture.placement.extents[item.key]
            yield QRectF(extent.left, extent.top, extent.width, extent.height)
    if detail(scale) == Detail.NEAR:
        for link in links:
            yield label_rect(picture, link)
    for _, box in picture.visible_frames(part):
        wide = min(HEAD[0], box.width())
        yield QRectF(box.right() - wide, box.top(), wide, HEAD[1])


def _blocks(picture: Picture, view: Viewport, place: QRect) -> int:
    """How many blocks ``place`` would hide; what is next or selected counts above all."""
    items, _ = picture.visible(_on_scene(view, place))
    marked = {*picture.now.next, picture.selected}
    return len(items) + len(picture.items) * sum(item.key in marked for item in items)


def _on_scene(view: Viewport, place: QRect) -> QRectF:
    left, top = view.to_scene(place.x(), place.y())
    return QRectF(left, top, place.width() / view.scale, place.height() / view.scale)
