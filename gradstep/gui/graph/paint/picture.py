"""A scene with its places at one moment, and the lines and texts that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRectF

from gradstep.gui.graph.curves import Lanes, lanes, ports
from gradstep.gui.graph.layout.placement import Placement, Rect
from gradstep.gui.graph.moment import Moment
from gradstep.gui.graph.paint.strokes import Stroke, stroke_along
from gradstep.gui.graph.scene import Item, Link, Scene
from gradstep.gui.graph.sizes import item_size
from gradstep.gui.graph.texts import Label, label
from gradstep.protocol.trace import Edge


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
        self._strokes: dict[tuple[str, str, float, float, float], Stroke | None] = {}
        self._labels: dict[str, tuple[Edge, bool, Label]] = {}
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

    def label(self, link: Link) -> Label:
        """What is written on ``link``."""
        found = self._labels.get(link.key)
        if found is None or found[0] is not link.edge or found[1] != link.expected:
            source = self.scene.items[link.source]
            written = label(link, source, self.placement.routes[link.key].beside)
            found = self._labels[link.key] = link.edge, link.expected, written
        return found[2]

    def stroke(
        self, link: Link, which: str, width: float, arrow: float, ring: float, share: float
    ) -> Stroke | None:
        """The value's or gradient's (``which``) lane of ``link``, clear of the next one's ring."""
        at_source = ring if link.source in self.now.next else 0.0
        at_target = ring if link.target in self.now.next else 0.0
        key = link.key, which, width, at_source, at_target
        if share >= 1.0 and key in self._strokes:
            return self._strokes[key]
        lines = self.lanes(link)
        if which == "value":
            found = stroke_along(lines.value, width, arrow, at_source, at_target, share)
        else:
            found = stroke_along(lines.grad, width, arrow, at_target, at_source, share)
        if share >= 1.0:
            self._strokes[key] = found
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
            self._lanes, self._strokes = other._lanes, other._strokes
            self._labels = other._labels
        return self


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
