"""Paints a scene onto any ``QPainter``: a widget, a picture, a printer.

Three levels of detail by how large an operation is on the screen: *near* with every number,
*middle* with signs and names, *far* as blocks coloured by state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from gradstep.gui.graph.curves import Lanes, lanes, ports
from gradstep.gui.graph.moment import Moment
from gradstep.gui.graph.paint_far import paint_far
from gradstep.gui.graph.paint_items import paint_frame, paint_item, paint_ring
from gradstep.gui.graph.paint_links import paint_label, paint_lanes, paint_link_ring
from gradstep.gui.graph.placement import Placement, Rect
from gradstep.gui.graph.scene import Item, Link, Scene
from gradstep.gui.graph.sizes import DIAMETER, item_size, tokens

_DETAIL = tokens()["level_of_detail"]


class Detail(IntEnum):
    FAR = 0
    MIDDLE = 1
    NEAR = 2


def detail(scale: float) -> Detail:
    """The level of detail at ``scale`` (1 is 100 %)."""
    diameter = scale * DIAMETER
    if diameter >= _DETAIL["numbers_from_px_of_operation_diameter"]:
        return Detail.NEAR
    return Detail.MIDDLE if diameter >= _DETAIL["blocks_below"] else Detail.FAR


@dataclass
class Picture:
    """A scene with its places, and what has been worked out of them. ``wave``: how far along its
    link the change of this stop has come, 0 to 1; ``chip``: how visible it is."""

    scene: Scene = field(default_factory=Scene)
    placement: Placement = field(default_factory=Placement)
    now: Moment = field(default_factory=Moment)
    selected: str = ""
    wave: float = 1.0
    chip: float = 1.0

    def __post_init__(self) -> None:
        self._lanes: dict[str, Lanes] = {}
        self._ports = ports(self.scene, self.placement)
        placed = self.placement
        self.items = [i for key, i in self.scene.items.items() if key in placed.boxes]
        self.links = [k for key, k in self.scene.links.items() if key in placed.routes]
        self.item_rects = _rects([placed.extents[i.key] for i in self.items])
        self.link_rects = np.array([_route_rect(self, k) for k in self.links]).reshape(-1, 4)
        self._link_rows = {link.key: row for row, link in enumerate(self.links)}
        self._outputs: dict[str, list[Link]] = {}
        self._inputs: dict[str, list[Link]] = {}
        for link in self.scene.links.values():
            self._outputs.setdefault(link.source, []).append(link)
            self._inputs.setdefault(link.target, []).append(link)
        self.arrived = _arrived(self.scene)

    def lanes(self, link: Link) -> Lanes:
        """The lines of ``link``, worked out once."""
        found = self._lanes.get(link.key)
        if found is None:
            found = lanes(link, self.scene, self.placement, self._ports)
            self._lanes[link.key] = found
        return found

    def outputs(self, key: str) -> list[Link]:
        """The links that leave an item."""
        return self._outputs.get(key, [])

    def inputs(self, key: str) -> list[Link]:
        """The links that enter an item."""
        return self._inputs.get(key, [])

    def link_rect(self, key: str) -> Rect | None:
        """What a link with its numbers may cover."""
        row = self._link_rows.get(key)
        return Rect(*(float(v) for v in self.link_rects[row])) if row is not None else None

    def rect(self, item: Item) -> QRectF:
        """The shape of ``item``, without tray and caption."""
        x, y = self.placement.boxes[item.key]
        size = item_size(item)
        return QRectF(x - size.width / 2, y - size.height / 2, size.width, size.height)

    def visible(self, view: QRectF) -> tuple[list[Item], list[Link]]:
        """Items and links that may show in ``view``."""
        items = _hits(self.item_rects, view)
        links = _hits(self.link_rects, view)
        return [self.items[i] for i in items], [self.links[i] for i in links]

    def keeping(self, other: Picture) -> Picture:
        """This picture with what ``other`` has worked out, when the places are the same."""
        if other.placement is self.placement:
            self._lanes = other._lanes
        return self


def paint(painter: QPainter, picture: Picture, view: QRectF, scale: float) -> None:
    """Paint what of ``picture`` lies in ``view`` (both in the scene's coordinates)."""
    level = detail(scale)
    if level == Detail.FAR:
        paint_far(painter, picture, view, scale)
        return
    near = level == Detail.NEAR
    items, links = picture.visible(view)
    for frame in picture.scene.frames.values():
        rect = picture.placement.groups.get(frame.key)
        if rect is not None and _qrect(rect).intersects(view):
            paint_frame(painter, frame, _qrect(rect), scale)
    for link in links:
        paint_lanes(painter, picture, link, near)
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


def _arrived(scene: Scene) -> dict[str, float]:
    """By leaf, the gradient that arrived over all its ways, for scalars."""
    sums: dict[str, float] = {}
    short: set[str] = set()
    for link in scene.links.values():
        grad = link.edge.grad
        if grad is None or grad.elements is None or len(grad.elements) != 1:
            short.add(link.source)
        else:
            sums[link.source] = sums.get(link.source, 0.0) + float(grad.elements[0])
    return {key: value for key, value in sums.items() if key not in short}


def _rects(rects: list[Rect]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.array([[r.left, r.top, r.right, r.bottom] for r in rects], float).reshape(-1, 4)
    found += (-12, -12, 12, 12)  # rings
    return found


def _route_rect(picture: Picture, link: Link) -> list[float]:
    route = picture.placement.routes[link.key]
    points = (route.start, route.leave, route.flat_start, route.flat_end, route.end)
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return [min(xs) - 80, min(ys) - 70, max(xs) + 80, max(ys) + 60]


def _hits(
    rects: np.ndarray[tuple[int, int], np.dtype[np.float64]], view: QRectF
) -> list[int]:
    if not len(rects):
        return []
    inside = (
        (rects[:, 0] < view.right()) & (rects[:, 2] > view.left())
        & (rects[:, 1] < view.bottom()) & (rects[:, 3] > view.top())
    )
    return [int(i) for i in np.nonzero(inside)[0]]


def _qrect(rect: Rect) -> QRectF:
    return QRectF(rect.left, rect.top, rect.width, rect.height)
