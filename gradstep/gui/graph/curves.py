"""The two lanes of a link as lines of points: value towards the target, gradient back.

Worked out along the flow and across it, and turned into x and y at the end. No Qt here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.graph.layout.placement import Flow, Placement, Route
from gradstep.gui.graph.scene import Item, Link, Role, Scene
from gradstep.gui.graph.sizes import DIAMETER, LANE, Size, item_size

Points = NDArray[np.float64]

STEPS = 20
NEAR, TOUCH = 3.0, 1.0  # between an item and an arrow's tip, or a line's beginning
STEEP, FLAT, APART = 60.0, 24.0, 15.0  # degrees at which wires enter a circle
FAR, BESIDE = 110.0, 7.0  # a wire from further away than this runs beside the column
REACH = 64.0  # a wire this far off the line enters at 45 degrees


@dataclass(frozen=True)
class Shape:
    """Of an item, centred: a circle, or a rectangle with ``half`` its extent along and across."""

    circle: bool
    half: tuple[float, float]


DOT = Shape(True, (3.0, 3.0))
"""Where a line forks off another."""
CORNER = 10.0


@dataclass(frozen=True)
class Lanes:
    """``value`` ends at the target, ``grad`` at the source; ``middle`` runs between them, from
    centre to centre. ``upright``: the run with the numbers is vertical."""

    value: Points
    grad: Points
    middle: Points
    upright: bool


def shape(item: Item, flow: Flow) -> Shape:
    """As the flow sees it: lengths along, then across."""
    size: Size = item_size(item)
    circle = item.role == Role.OPERATION and size.width == DIAMETER
    half = size.width / 2, size.height / 2
    return Shape(circle, half if flow == Flow.RIGHT else (half[1], half[0]))


@dataclass(frozen=True)
class Ports:
    """By link, where it enters its target and leaves its source: degrees from the line of the
    flow, positive towards before (above, or left)."""

    enter: dict[str, float]
    leave: dict[str, float]


def ports(scene: Scene, placement: Placement) -> Ports:
    """Wires at one item keep their order and some distance."""
    entering: dict[str, list[tuple[float, str]]] = {}
    leaving: dict[str, list[tuple[float, str]]] = {}
    for key, link in scene.links.items():
        route = placement.routes.get(key)
        if route is None or route.beside or route.corners:
            continue
        across = 1 if placement.flow_at(key) == Flow.RIGHT else 0
        above = route.end[across] - route.flat_end[across]
        entering.setdefault(link.target, []).append((above, key))
        if not route.fork:
            above = route.start[across] - route.flat_start[across]
            leaving.setdefault(link.source, []).append((above, key))
    return Ports(_all_fanned(entering), _all_fanned(leaving))


def _all_fanned(groups: dict[str, list[tuple[float, str]]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for wires in groups.values():
        found.update(_fanned([w for w in wires if w[0] >= 0], wires))
        below = _fanned([(-above, key) for above, key in wires if above < 0], wires)
        found.update((key, -angle) for key, angle in below.items())
    return found


def _fanned(
    side: Sequence[tuple[float, str]], everything: Sequence[tuple[float, str]]
) -> dict[str, float]:
    """Angles of the wires on one side, the nearest first."""
    least = FLAT if any(abs(above) < 1 for above, _ in everything) else 0.0
    found: dict[str, float] = {}
    ordered = sorted(side)
    last = -APART
    for place, (above, key) in enumerate(ordered):
        angle = 0.0
        if above >= 1:
            most = STEEP + 12 - APART * (len(ordered) - 1 - place)
            angle = max(least, last + APART, math.degrees(math.atan2(above, REACH)))
            angle = max(min(angle, most), last + 3, 0.0)
        found[key] = last = angle
    return found


def lanes(link: Link, scene: Scene, placement: Placement, found: Ports) -> Lanes:
    """The lines of ``link``."""
    route, flow = placement.routes[link.key], placement.flow_at(link.key)
    source, target = scene.items[link.source], scene.items[link.target]
    if route.beside:
        return _beside(route, shape(source, Flow.RIGHT), shape(target, Flow.RIGHT), flow)
    if route.corners:
        return _around_corners(route, shape(source, Flow.RIGHT), shape(target, Flow.RIGHT))
    if flow == Flow.DOWN:
        route = _swapped(route)
    one, other = DOT if route.fork else shape(source, flow), shape(target, flow)
    middle = _centre(
        route, one, other, found.enter.get(link.key, 0.0), found.leave.get(link.key, 0.0)
    )
    value = _trimmed(_offset(middle, LANE / 2), route, one, other, True)
    grad = _trimmed(_offset(middle, -LANE / 2), route, one, other, False)[::-1]
    if flow == Flow.DOWN:
        value, grad, middle = value[:, ::-1], grad[:, ::-1], middle[:, ::-1]
    return Lanes(value, grad, middle, flow == Flow.DOWN)


def _around_corners(route: Route, one: Shape, other: Shape) -> Lanes:
    """Out at the right, down, and back to the left. Value above and gradient below on both runs, so
    the lanes change sides at the turn."""
    found = []
    for shift in (-LANE / 2, LANE / 2, 0.0):
        (x, y), (_, low) = route.corners
        ways = [
            (route.start[0], y + shift),
            (x + shift, y + shift),
            (x + shift, low + shift),
            (route.end[0], low + shift),
        ]
        found.append(_rounded(ways))
    value, grad, middle = found
    value = _trimmed(value, route, one, other, True)
    return Lanes(value, _trimmed(grad, route, one, other, False)[::-1], middle, False)


def _rounded(ways: Sequence[tuple[float, float]]) -> Points:
    """A line through ``ways`` with its corners rounded off."""
    points = [np.array(way) for way in ways]
    parts: list[Points] = [points[0][None]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        away, on = before - corner, after - corner
        radius = min(CORNER, float(np.hypot(*away)) / 2, float(np.hypot(*on)) / 2)
        start = corner + away / max(float(np.hypot(*away)), 1e-9) * radius
        end = corner + on / max(float(np.hypot(*on)), 1e-9) * radius
        bend = 0.45
        one, other = start + (corner - start) * (1 - bend), end + (corner - end) * (1 - bend)
        parts.append(_cubic(start, one, other, end))
    parts.append(points[-1][None])
    return _without_repeats(np.concatenate(parts))


def _beside(route: Route, one: Shape, other: Shape, flow: Flow) -> Lanes:
    """Across the flow. Value left or above, gradient right or below, whichever way it runs."""
    upright = flow == Flow.RIGHT
    middle = np.array([route.start, route.end])
    aside = np.array([-LANE / 2, 0.0]) if upright else np.array([0.0, -LANE / 2])
    value = _trimmed(middle + aside, route, one, other, True)
    grad = _trimmed(middle - aside, route, one, other, False)[::-1]
    return Lanes(value, grad, middle, upright)


def _swapped(route: Route) -> Route:
    """Along and across instead of x and y."""
    changed = {
        field.name: getattr(route, field.name)[::-1]
        for field in fields(route)
        if field.name not in ("beside", "fork", "corners")
    }
    return replace(route, **changed)


def _centre(route: Route, one: Shape, other: Shape, enter: float, leave: float) -> Points:
    """The line between the lanes, from centre to centre."""
    start, out, flat, leaves, into, end = (
        np.array(p)
        for p in (
            route.start,
            route.leave,
            route.flat_start,
            route.flat_end,
            route.enter,
            route.end,
        )
    )
    parts: list[Points] = [start[None]]
    if abs(start[1] - flat[1]) < 1:
        parts.append(flat[None])
    else:
        # Ways back would all end in one point: each gets its own.
        away = np.array([0.0, -math.copysign(min(abs(leave) / 6, one.half[1] * 0.5), leave)])
        door = out + away
        bend = (flat[0] - out[0]) * 0.55
        parts.append((start + away)[None])
        parts.append(_cubic(door, _right(door, bend), _right(flat, -bend), flat))
    parts.append(leaves[None])
    if abs(end[1] - leaves[1]) < 1:
        parts.append(np.array([[end[0], leaves[1]]]))
    else:
        parts.append(_entering(leaves, into, end, other, enter))
    return _without_repeats(np.concatenate(parts))


def _entering(leaves: Points, into: Points, end: Points, other: Shape, angle: float) -> Points:
    edge = end[0] - other.half[0]
    if other.circle and edge - into[0] < 10:
        turn = math.radians(angle)
        outward = np.array([-math.cos(turn), -math.sin(turn)])
        port = end + outward * other.half[0]
        if abs(end[1] - leaves[1]) > other.half[1] + FAR:
            return np.concatenate([_along_column(leaves, into, end, port, outward), end[None]])
        distance = float(np.hypot(*(port - leaves)))
        bend = max(12.0, (port[0] - leaves[0]) * 0.72)
        # No further back than where the curve begins: labels stand there.
        reach = min(distance * 0.42, (port[0] - leaves[0]) * 0.9 / max(math.cos(turn), 0.1))
        curve = _cubic(leaves, _right(leaves, bend), port + outward * reach, port)
        return np.concatenate([curve, end[None]])
    away = -math.copysign(min(other.half[1] * 0.6, max(abs(angle) / 5, 4.0)), angle)
    door = np.array([min(into[0], edge), end[1] + away])
    bend = (door[0] - leaves[0]) * 0.55
    curve = _cubic(leaves, _right(leaves, bend), _right(door, -bend), door)
    return np.concatenate([curve, np.array([[end[0], door[1]]])])


def _along_column(
    leaves: Points, into: Points, end: Points, port: Points, outward: Points
) -> Points:
    """From far away: beside the column, past what else stands in it, and in at the last moment."""
    way = math.copysign(1.0, end[1] - leaves[1])
    turn = np.array([min(into[0] - BESIDE, end[0] - BESIDE), port[1] - way * 34.0])
    run = min(abs(turn[1] - leaves[1]) * 0.5, 80.0)
    down = _cubic(leaves, _right(leaves, turn[0] - leaves[0]), _lower(turn, -way * run), turn)
    enter = _cubic(turn, _lower(turn, way * 14.0), port + outward * 16.0, port)
    return np.concatenate([down, enter[1:]])


def _right(point: Points, by: float) -> Points:
    return np.array([point[0] + by, point[1]])


def _lower(point: Points, by: float) -> Points:
    return np.array([point[0], point[1] + by])


def _cubic(a: Points, b: Points, c: Points, d: Points) -> Points:
    t = np.linspace(0, 1, STEPS)[:, None]
    s = 1 - t
    result: Points = s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d
    return result


def _without_repeats(points: Points) -> Points:
    keep = np.ones(len(points), bool)
    keep[1:] = np.hypot(*np.diff(points, axis=0).T) > 1e-6
    return points[keep]


def _offset(points: Points, by: float) -> Points:
    """The parallel at distance ``by`` to the left of the way."""
    steps = np.diff(points, axis=0)
    steps /= np.hypot(steps[:, 0], steps[:, 1])[:, None]
    along = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return points + by * np.column_stack([along[:, 1], -along[:, 0]])


def _trimmed(points: Points, route: Route, one: Shape, other: Shape, ends: bool) -> Points:
    """Without what lies inside the two shapes. ``ends``: the arrow is at the target."""
    start, end = np.array(route.start), np.array(route.end)
    points = _cut(points[::-1], start, one, TOUCH if ends else NEAR)[::-1]
    return _cut(points, end, other, NEAR if ends else TOUCH)


def _cut(points: Points, centre: Points, around: Shape, gap: float) -> Points:
    """``points`` up to ``gap`` before a shape that the last of them is in."""
    depths = _depths(points - centre, around) - gap
    outside = np.nonzero(depths > 0)[0]
    if not len(outside) or outside[-1] == len(points) - 1:
        return points
    last = int(outside[-1])
    here, there = points[last], points[last + 1]
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        inside = _depths((here + share * (there - here) - centre)[None], around)[0] < gap
        low, high = (low, share) if inside else (share, high)
    return np.concatenate([points[: last + 1], (here + low * (there - here))[None]])


def _depths(away: Points, around: Shape) -> Points:
    """How far points are outside of a shape (negative: inside)."""
    if around.circle:
        return np.hypot(away[:, 0], away[:, 1]) - around.half[0]
    found: Points = np.max(np.abs(away) - np.array(around.half), axis=1)
    return found
