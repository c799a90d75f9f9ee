"""Where rows stand: to the right of the line of their sum, in the height above it. The value forks
off the line into the row, and comes back below it. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradstep.gui.graph.layout.placement import Box, Placement, Rect, Route
from gradstep.gui.graph.rows import ENTRY, EXIT, Row
from gradstep.gui.graph.scene import Scene
from gradstep.gui.graph.sizes import LANE, item_size, label_size

ASIDE = 30.0  # from the line to a row
ABOVE = 10.0  # over a row
TURN = 26.0  # right of a row, for the way back
CLEAR = 12.0  # between a row and the numbers on the way back


@dataclass(frozen=True)
class Lead:
    """Room for a row beside the line that leads to a box: ``width`` from that line, ``row`` its
    height, ``back`` from its lower end to the way back, ``below`` what is needed under that."""

    width: float
    row: float
    back: float
    below: float

    def before(self, box: Box) -> Box:
        """``box`` with that room."""
        core = box.core or box.length
        start = max(ABOVE + self.row + self.back - core / 2, 1.0)
        return replace(
            box,
            length=start + core / 2 + max(core / 2, self.below),
            after=max(box.after, self.width),
            core=core,
            lead=start,
        )


def lead(row: Row, scene: Scene, placed: Placement) -> Lead:
    """The room that ``row`` needs, ``placed`` by itself."""
    leave = scene.links[row.leave]
    size = label_size(leave, scene.items[leave.source])
    bounds = placed.bounds
    width = ASIDE + bounds.width + TURN + LANE
    return Lead(width, bounds.height, size.above + LANE / 2 + CLEAR, size.below + LANE)


def with_rows(
    spine: Placement,
    scene: Scene,
    rows: Sequence[Row],
    placed: Sequence[Placement],
    leads: dict[str, Lead],
) -> Placement:
    """``spine`` with every row beside the line of its sum."""
    boxes, extents = dict(spine.boxes), dict(spine.extents)
    routes, groups = dict(spine.routes), dict(spine.groups)
    aside: set[str] = set()
    for row, inner in zip(rows, placed, strict=True):
        x, y = boxes[row.join]
        bounds = inner.bounds
        dx = x + ASIDE - bounds.left
        dy = y - leads[row.join].back - bounds.bottom
        for key, (a, b) in inner.boxes.items():
            if key not in (ENTRY, EXIT):
                boxes[key] = a + dx, b + dy
                extents[key] = inner.extents[key].moved(dx, dy)
        groups.update((key, rect.moved(dx, dy)) for key, rect in inner.groups.items())
        for key, route in inner.routes.items():
            routes[key] = route.moved(dx, dy)
        for key in row.entries:
            routes[key] = replace(routes[key], start=(x, routes[key].start[1]), fork=True)
        routes[row.leave] = _back(row, scene, routes[row.leave], (x, y), bounds.right + dx)
        aside |= {*row.members, *inner.routes}
        extents[row.join] = _shape(scene, row.join, x, y)
    return replace(
        spine,
        boxes=boxes,
        extents=extents,
        routes=routes,
        groups=groups,
        rows=frozenset(aside),
    )


def _back(row: Row, scene: Scene, route: Route, join: tuple[float, float], right: float) -> Route:
    """From the end of a row, below it, to its sum."""
    leave = scene.links[row.leave]
    size = label_size(leave, scene.items[leave.source])
    half = item_size(scene.items[row.join]).width / 2
    x, y = join
    turn = right + TURN / 2
    label = (x + half + CLEAR + max(size.value, size.grad) / 2, y)
    corners = ((turn, route.end[1]), (turn, y))
    return replace(route, end=join, enter=join, label=label, corners=corners)


def _shape(scene: Scene, key: str, x: float, y: float) -> Rect:
    size = item_size(scene.items[key])
    return Rect(x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)
