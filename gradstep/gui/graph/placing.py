"""From a scene to a placement: what the layout is given, and which way the graph flows.

No Qt here: this runs in a worker thread.
"""

from __future__ import annotations

from dataclasses import replace

from gradstep.gui.graph.beside_spine import Lead, lead, with_rows
from gradstep.gui.graph.layout import arrange
from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.placement import Box, Flow, GroupBox, Placement, Rect, Route, Wire
from gradstep.gui.graph.rows import EXIT, rows, scene_without, scenes_of
from gradstep.gui.graph.satellites import Satellite, satellites
from gradstep.gui.graph.scene import LEAVES, Item, Link, Role, Scene
from gradstep.gui.graph.seats import Seat, seats
from gradstep.gui.graph.sizes import (
    CODE_CHARACTER,
    DIAMETER,
    LABEL_GAP,
    LANE,
    NEAR,
    TRAY_DROP,
    Size,
    frame_label,
    is_bare,
    item_size,
    label_size,
    tray_size,
)
from gradstep.gui.graph.viewport import LEGIBLE

LABEL_MINIMUM: float = NEAR["column_gap_minimum"] - 2 * LABEL_GAP
BEFORE, AFTER = 46.0, 54.0
"""Above and below the middle of an operation: labels beside it, "next" under it. The same for all,
so that frames in a row are equally high."""
AFTER_DOWN = 60.0  # "next" at its right
RUN, RUN_DOWN = 44.0, 84.0  # from an operation to a parameter above it, or at its left
NEXT = 20.0  # more below it, for "next"
HALF_LABELS = 70.0  # a number on each side of an upright line
WORTH, LEAST = 0.9, 0.4
COLUMN = DIAMETER + 36.0
"""A layer and the gap after it are at least so long."""
FITS = LEGIBLE
"""A graph flows to the right as long as its numbers can be read in the room there is."""


def place(
    scene: Scene,
    room: tuple[float, float],
    previous: Placement | None = None,
    check: Check = no_check,
) -> Placement:
    """Places for everything in ``scene``, for a view of ``room`` pixels. ``check`` is called again
    and again; what it raises ends the work."""
    if previous is not None and previous.boxes:
        kept = place_flowing(scene, previous.flow, previous, check)
        if previous.flow == Flow.DOWN or _scale(kept, room) >= LEAST:
            return kept
    if _longest(scene) * COLUMN * LEAST > room[0]:
        return place_flowing(scene, Flow.DOWN, check=check)  # much too wide, without trying
    right = place_flowing(scene, Flow.RIGHT, check=check)
    if _scale(right, room) >= FITS:
        return right
    down = place_flowing(scene, Flow.DOWN, check=check)
    one, other = _scale(right, room), _scale(down, room)
    return right if one >= max(WORTH * other, LEAST) else down


def _longest(scene: Scene) -> int:
    """Items on the longest way through ``scene``."""
    depth = dict.fromkeys(scene.items, 1)
    for link in scene.links.values():  # in the order of their targets
        depth[link.target] = max(depth[link.target], depth[link.source] + 1)
    return max(depth.values(), default=0)


def _scale(placement: Placement, room: tuple[float, float]) -> float:
    bounds = placement.bounds
    return min(room[0] / max(bounds.width, 1), room[1] / max(bounds.height, 1))


def place_flowing(
    scene: Scene, flow: Flow, previous: Placement | None = None, check: Check = no_check
) -> Placement:
    """Places for everything in ``scene``, in the given direction."""
    parameters = sum(item.role == Role.PARAMETER for item in scene.items.values())
    found = rows(scene) if flow == Flow.DOWN else []
    if not found:
        return _placed(scene, flow, parameters, {}, previous, check)
    alone = scenes_of(found, scene)
    placed = [_placed(each, Flow.RIGHT, parameters, {}, None, check) for each in alone]
    leads = {row.join: lead(row, scene, inner) for row, inner in zip(found, placed, strict=True)}
    spine = _placed(scene_without(found, scene), flow, parameters, leads, previous, check)
    return with_rows(spine, scene, found, placed, leads)


def _placed(
    scene: Scene,
    flow: Flow,
    parameters: int,
    leads: dict[str, Lead],
    previous: Placement | None,
    check: Check,
) -> Placement:
    """Places for a scene that flows one way. ``parameters``: how many there are in all."""
    beside = satellites(scene)
    trays = _Trays(scene, parameters)
    by_target: dict[str, list[Satellite]] = {}
    for satellite in beside.values():
        by_target.setdefault(satellite.link.target, []).append(satellite)
    boxes = []
    for item in scene.items.values():
        check()
        if item.key not in beside:
            box = _box(scene, item, flow, trays, by_target.get(item.key, []))
            boxes.append(leads[item.key].before(box) if item.key in leads else box)
    seated = seats(scene, beside)
    wires = [
        _wire(scene, link, flow, seated[link.key])
        for link in scene.links.values()
        if link.source not in beside
    ]
    frames = [
        GroupBox(f.key, f.parent, CODE_CHARACTER * len(frame_label(f)) + 40)
        for f in scene.frames.values()
    ]
    return _attached(scene, arrange(boxes, wires, frames, flow, previous, check), beside, trays)


class _Trays:
    """How large trays are, and which leaves have one."""

    def __init__(self, scene: Scene, parameters: int) -> None:
        self.parameters = parameters
        self.uses: dict[str, int] = {}
        for link in scene.links.values():
            self.uses[link.source] = self.uses.get(link.source, 0) + 1

    def size(self, item: Item) -> Size:
        if item.role != Role.PARAMETER:
            return Size(0, 0)
        return tray_size(self.parameters, item_size(item))


def _box(scene: Scene, item: Item, flow: Flow, trays: _Trays, beside: list[Satellite]) -> Box:
    size, right = item_size(item), flow == Flow.RIGHT
    core = length = size.width if right else size.height
    before = after = (size.height if right else size.width) / 2
    if item.role in (Role.OPERATION, Role.MODULE):
        before = max(before, BEFORE if right else 0)
        after = max(after, AFTER if right else after + AFTER_DOWN - 22)
    if item.role == Role.PARAMETER:
        tray = trays.size(item)
        if right and trays.uses.get(item.key, 0) > 1:
            length = max(length, tray.width)
        after += TRAY_DROP + (tray.height if right else tray.width)
    for satellite in beside:
        leaf = scene.items[satellite.link.source]
        extent = _extent(leaf, satellite.side, flow, trays)
        reach = _distance(item, leaf, satellite.side, flow)
        if right:
            length = max(length, extent.width, 2 * HALF_LABELS)
            outer = max(-extent.top, extent.bottom)
        else:
            length = max(length, 2 * extent.bottom)
            outer = extent.right
        if satellite.side < 0:
            before = max(before, reach + outer)
        else:
            after = max(after, reach + outer)
    return Box(item.key, length, before, after, item.groups, item.role in LEAVES, core)


def _distance(item: Item, leaf: Item, side: int, flow: Flow) -> float:
    """From the middle of an operation to that of a parameter beside it."""
    one, other = item_size(item), item_size(leaf)
    if flow == Flow.RIGHT:
        return one.height / 2 + RUN + (NEXT if side > 0 else 0.0) + other.height / 2
    return one.width / 2 + RUN_DOWN + other.width / 2


def _extent(leaf: Item, side: int, flow: Flow, trays: _Trays) -> Rect:
    """Of a parameter with its tray, around the middle of the parameter."""
    size, tray = item_size(leaf), trays.size(leaf)
    width, height = size.width / 2, size.height / 2
    reach = height + TRAY_DROP + tray.height
    wide = max(width, tray.width / 2)
    if flow == Flow.DOWN:
        return Rect(-wide, -height, wide, reach)
    return Rect(-wide, -reach, wide, height) if side < 0 else Rect(-wide, -height, wide, reach)


def _wire(scene: Scene, link: Link, flow: Flow, seat: Seat) -> Wire:
    source = scene.items[link.source]
    size = label_size(link, source)
    if link.target == EXIT:
        length, before, after = 8.0, 8.0, 8.0  # its numbers stand on the way back
    elif is_bare(source):
        length, before, after = 16.0, 8.0, 8.0
    elif flow == Flow.RIGHT:
        length = max(size.value, size.grad, LABEL_MINIMUM)
        before, after = size.above + LANE / 2 + 6, size.below + LANE / 2 + 2
    else:
        length = max(size.above + 4, 36.0)
        before, after = size.value + LANE / 2 + 8, size.grad + LANE / 2 + 14
    return Wire(
        link.key, link.source, link.target, length, before, after, link.input, seat.main, seat.side
    )


def _attached(
    scene: Scene, placement: Placement, beside: dict[str, Satellite], trays: _Trays
) -> Placement:
    """``placement`` with the satellites at their operations."""
    boxes, extents = dict(placement.boxes), dict(placement.extents)
    routes, flow = dict(placement.routes), placement.flow
    for key, satellite in beside.items():
        target = scene.items[satellite.link.target]
        if target.key not in placement.boxes:
            continue
        leaf = scene.items[key]
        x, y = placement.boxes[target.key]
        shift = satellite.side * _distance(target, leaf, satellite.side, flow)
        a, b = (x, y + shift) if flow == Flow.RIGHT else (x + shift, y)
        size = _extent(leaf, satellite.side, flow, trays)
        boxes[key] = (a, b)
        extents[key] = Rect(a + size.left, b + size.top, a + size.right, b + size.bottom)
        half, other = item_size(leaf), item_size(target)
        if flow == Flow.RIGHT:
            seen = b - satellite.side * (half.height - other.height) / 2
            middle = (x, (seen + y) / 2 + (NEXT / 2 if satellite.side > 0 else 0.0))
        else:
            middle = ((a - satellite.side * (half.width - other.width) / 2 + x) / 2, y)
        ends = ((a, b), (a, b), (a, b), (x, y), (x, y), (x, y))
        routes[satellite.link.key] = Route(*ends, middle, beside=True)
        if target.key in extents:
            extents[target.key] = _shape_rect(target, x, y)
    return replace(placement, boxes=boxes, extents=extents, routes=routes)


def _shape_rect(item: Item, x: float, y: float) -> Rect:
    """An operation without what stands beside it."""
    size = item_size(item)
    return Rect(x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)
