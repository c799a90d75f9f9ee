"""A scene with its places at one moment, and the lines and texts that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass, field

import numpy as np
from PySide6.QtCore import QRectF

from gradstep.gui.graph.curves import Lanes, lanes, ports
from gradstep.gui.graph.layout.placement import Placement, Rect
from gradstep.gui.graph.marks import Mark, marks
from gradstep.gui.graph.moment import Index, Moment
from gradstep.gui.graph.paint.strokes import Stroke, stroke_along
from gradstep.gui.graph.scene import Frame, Item, Link, Scene
from gradstep.gui.graph.sizes import item_size, shows_elements
from gradstep.gui.graph.texts import Label, label
from gradstep.protocol.trace import Edge


class Geometry:
    """What follows from a placement alone, worked out once, or when first asked for. It holds for
    every scene of the same structure."""

    def __init__(self, scene: Scene, placement: Placement) -> None:
        self.placement = placement
        self.ports = ports(scene, placement)
        self.items = [key for key in scene.items if key in placement.boxes]
        self.links = [key for key in scene.links if key in placement.routes]
        self.item_rects = _rects([placement.extents[key] for key in self.items])
        self.link_rects = np.array([_route_rect(placement, key) for key in self.links], float)
        self.link_rects = self.link_rects.reshape(-1, 4)
        self.frames = [key for key in scene.frames if key in placement.groups]
        self.frame_rects = _rects([placement.groups[key] for key in self.frames])
        self.shapes: dict[str, QRectF] = {}
        self.item_rows = {key: row for row, key in enumerate(self.items)}
        self.link_rows = {key: row for row, key in enumerate(self.links)}
        self.outputs: dict[str, list[str]] = {}
        self.inputs: dict[str, list[str]] = {}
        for link in scene.links.values():
            self.outputs.setdefault(link.source, []).append(link.key)
            self.inputs.setdefault(link.target, []).append(link.key)
        self.lanes: dict[str, Lanes] = {}
        self.strokes: dict[tuple[str, str, float, float, float], Stroke | None] = {}


@dataclass
class Picture:
    """A scene with its places, and what has been worked out of them. ``wave``: how far along its
    link the change of this stop has come, 0 to 1; ``chip``: how visible it is."""

    scene: Scene = field(default_factory=Scene)
    placement: Placement = field(default_factory=Placement)
    now: Moment = field(default_factory=Moment)
    last: InitVar[Picture | None] = None
    """The picture before: what it has worked out is used again where the places are the same."""
    selected: str = ""
    wave: float = 1.0
    chip: float = 1.0
    found: frozenset[str] | None = None
    """Items and frames that were searched for; all else is faint. None: nothing is searched."""
    touched: InitVar[tuple[list[str], list[str]] | None] = None
    """The items and links that differ from the last picture's, if that is known."""
    index: Index = field(default_factory=lambda: Index(Scene()))

    def __post_init__(
        self, last: Picture | None, touched: tuple[list[str], list[str]] | None
    ) -> None:
        self._labels: dict[str, tuple[Edge, bool, Label]] = {}
        same = last is not None and last.placement is self.placement
        self.geometry: Geometry = (
            last.geometry if last is not None and same else Geometry(self.scene, self.placement)
        )
        if last is not None and same:
            self._labels = last._labels
        self.touched_items: list[str] = []
        self.touched_links: list[str] = []
        if last is not None and touched is not None:
            self._take_over(last, *touched)
        else:
            self.items = [self.scene.items[key] for key in self.geometry.items]
            self.links = [self.scene.links[key] for key in self.geometry.links]
            self.tensors = any(not shows_elements(link.edge.tensor) for link in self.links)
            self.marks = frozenset(self._marks(self.items))
            if last is not None and same:
                self._compare(last)
        self.leaves = self._leaves()

    def _take_over(self, last: Picture, items: list[str], links: list[str]) -> None:
        """The last picture's lists with a few others in them."""
        self.items, self.links, self.tensors = last.items.copy(), last.links.copy(), last.tensors
        self.touched_items, self.touched_links = items, links
        for key in items:
            self.items[self.geometry.item_rows[key]] = self.scene.items[key]
        self.marks = last.marks | set(self._marks([self.scene.items[key] for key in items]))
        for key in links:
            self.links[self.geometry.link_rows[key]] = self.scene.links[key]

    def _marks(self, items: Sequence[Item]) -> Iterator[Mark]:
        for item in items:
            yield from marks(item, self.inputs(item.key))

    def _leaves(self) -> list[str]:
        """The leaves that the last step changed."""
        leaves = self.now.leaves
        if not leaves:
            return []
        return [i.key for i in self.items if i.node is not None and i.node.id in leaves]

    def _compare(self, last: Picture) -> None:
        """What a step touched since the ``last`` picture, by identity: what it does not touch is
        the very same node or edge."""
        self.touched_items = [
            item.key
            for item, before in zip(self.items, last.items, strict=True)
            if item.node is not before.node
            or item.expected != before.expected
            or item.members != before.members
        ]
        self.touched_links = [
            link.key
            for link, before in zip(self.links, last.links, strict=True)
            if link.edge is not before.edge or link.expected != before.expected
        ]

    @property
    def empty(self) -> bool:
        return not self.items

    def lanes(self, link: Link) -> Lanes:
        """The lines of ``link``."""
        found = self.geometry.lanes.get(link.key)
        if found is None:
            found = lanes(link, self.scene, self.placement, self.geometry.ports)
            self.geometry.lanes[link.key] = found
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
        strokes = self.geometry.strokes
        if share >= 1.0 and key in strokes:
            return strokes[key]
        lines = self.lanes(link)
        if which == "value":
            found = stroke_along(lines.value, width, arrow, at_source, at_target, share)
        else:
            found = stroke_along(lines.grad, width, arrow, at_target, at_source, share)
        if share >= 1.0:
            strokes[key] = found
        return found

    def arrived(self, key: str) -> float | None:
        """The gradient that came to item ``key`` over all its ways, if it is a scalar's."""
        total = 0.0
        links = self.outputs(key)
        for link in links:
            grad = link.edge.grad
            if grad is None or grad.elements is None or len(grad.elements) != 1:
                return None
            total += float(grad.elements[0])
        return total if links else None

    def outputs(self, key: str) -> list[Link]:
        """The links that leave an item."""
        return [self.scene.links[link] for link in self.geometry.outputs.get(key, [])]

    def inputs(self, key: str) -> list[Link]:
        """The links that enter an item."""
        return [self.scene.links[link] for link in self.geometry.inputs.get(key, [])]

    def link_rect(self, key: str) -> Rect | None:
        """What a link with its numbers may cover."""
        row = self.geometry.link_rows.get(key)
        if row is None:
            return None
        return Rect(*(float(v) for v in self.geometry.link_rects[row]))

    def rect(self, item: Item) -> QRectF:
        """The shape of ``item``, without tray and caption."""
        found = self.geometry.shapes.get(item.key)
        if found is None:
            x, y = self.placement.boxes[item.key]
            size = item_size(item)
            found = QRectF(x - size.width / 2, y - size.height / 2, size.width, size.height)
            self.geometry.shapes[item.key] = found
        return found

    def visible_frames(self, *views: QRectF) -> list[tuple[Frame, QRectF]]:
        """Frames that may show in ``views``, outer ones first, and where they are."""
        found = []
        for row in _hits(self.geometry.frame_rects, views):
            key = self.geometry.frames[row]
            rect = self.placement.groups[key]
            box = QRectF(rect.left, rect.top, rect.width, rect.height)
            found.append((self.scene.frames[key], box))
        return found

    def visible(self, *views: QRectF) -> tuple[list[Item], list[Link]]:
        """Items and links that may show in ``views``."""
        items = _hits(self.geometry.item_rects, views)
        links = _hits(self.geometry.link_rects, views)
        return [self.items[i] for i in items], [self.links[i] for i in links]


def _rects(rects: list[Rect]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    found = np.array([[r.left, r.top, r.right, r.bottom] for r in rects], float).reshape(-1, 4)
    found += (-12, -12, 12, 12)  # rings
    return found


def _route_rect(placement: Placement, key: str) -> list[float]:
    points = placement.routes[key].points()
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return [min(xs) - 100, min(ys) - 90, max(xs) + 100, max(ys) + 75]


def _hits(
    rects: np.ndarray[tuple[int, int], np.dtype[np.float64]], views: Sequence[QRectF]
) -> list[int]:
    if not len(rects):
        return []
    inside = np.zeros(len(rects), bool)
    for view in views:
        inside |= (
            (rects[:, 0] < view.right())
            & (rects[:, 2] > view.left())
            & (rects[:, 1] < view.bottom())
            & (rects[:, 3] > view.top())
        )
    return [int(i) for i in np.nonzero(inside)[0]]
