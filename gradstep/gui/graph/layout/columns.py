"""Coordinates along the flow, frames and routes: from ranks and lines to a ``Placement``."""

from __future__ import annotations

from collections.abc import Sequence

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.placement import (
    HEAD,
    PADDING,
    PADDING_ALONG,
    Flow,
    Placement,
    Rect,
    Route,
)
from gradstep.gui.graph.layout.problem import Problem

TURN = 40.0  # room along the flow for a curve into a box
LEAVE = 26.0  # room for a curve out of one
CLEAR = 10.0  # between a box and the flat run of a straight wire
CLEAR_LEAF = 16.0  # the ring of a chosen leaf, and the sign of a long number
OUTSIDE = 6.0  # between a frame and a label beside it
LABEL_CLEAR = 28.0  # beside a frame's label, where wires enter from above
STRAIGHT = 1.0  # wires nearer than this to the line are drawn straight


class _Columns:
    """Where layers begin and end along the flow. All by structure and not by coordinates across:
    columns must not move when a line does."""

    def __init__(
        self, problem: Problem, across: Sequence[float], previous: Placement | None
    ) -> None:
        self.problem, self.across = problem, across
        count = len(problem.layers) // 2
        self.size = [0.0] * count
        for i, box in enumerate(problem.boxes):
            rank = problem.ranks[i]
            self.size[rank] = max(self.size[rank], box.length)
        self._pads()
        beginnings: dict[int, float] = {}
        for i, rank in enumerate(problem.ranks):
            beginnings[rank] = max(beginnings.get(rank, 0.0), self._beginning(i))
        self.lead = [0.0] * count
        self.gap = [2 * CLEAR] * count
        for w in range(len(problem.wires)):
            rank = problem.ranks[problem.ends[w][0]]
            self.lead[rank] = max(self.lead[rank], self._lead(w))
        for w in range(len(problem.wires)):
            self._make_room(w)
        for i, rank in enumerate(problem.ranks):
            # Frames that end here, and those that begin in the next layer, stand side by side.
            if rank + 1 < count:
                ending, beginning = self._ending(i), beginnings.get(rank + 1, 0.0)
                self.gap[rank] = max(self.gap[rank], ending + beginning)
        if previous is not None:
            # What stands there already does not move back when a frame becomes narrower.
            for rank, (size, gap) in enumerate(previous.columns[:count]):
                self.size[rank] = max(self.size[rank], size)
                self.gap[rank] = max(self.gap[rank], gap)
        self.start = [0.0] * count
        at = 0.0
        for rank in range(count):
            self.start[rank] = at
            at += self.size[rank] + self.gap[rank]

    def _lead(self, w: int) -> float:
        """Room between the source's layer and the flat run."""
        a, _ = self.problem.ends[w]
        bends = self.problem.variable_of_lane[w] != self.problem.variable_of_box[a]
        room = LEAVE if bends or len(self.problem.out[a]) > 1 else CLEAR
        if self.problem.boxes[a].leaf and len(self.problem.out[a]) == 1:
            return CLEAR_LEAF
        return max(room, self._ending(a))

    def _make_room(self, w: int) -> None:
        problem = self.problem
        wire, (a, b) = problem.wires[w], problem.ends[w]
        first, last = problem.ranks[a], problem.ranks[b] - 1
        straight = problem.variable_of_lane[w] == problem.variable_of_box[b]
        tail = max(CLEAR if straight else TURN, self._beginning(b))
        lead = self._lead(w) if len(problem.out[a]) == 1 else self.lead[first]
        room = lead + wire.length + (tail if first == last else CLEAR)
        self.gap[first] = max(self.gap[first], room)
        self.gap[last] = max(self.gap[last], CLEAR + tail)

    def _pads(self) -> None:
        problem = self.problem
        self.pad_start = [PADDING_ALONG] * len(problem.groups)
        self.pad_end = [PADDING_ALONG] * len(problem.groups)
        if problem.flow == Flow.DOWN:
            self.pad_start = [PADDING_ALONG + HEAD] * len(problem.groups)
        else:
            self._widen()

    def _beginning(self, i: int) -> float:
        """Room that the frames which begin at box ``i`` need before it."""
        low = 2 * self.problem.ranks[i]
        pads = [self.pad_start[g] for g in self.problem.paths[i] if self.problem.span[g][0] == low]
        return sum(pads) + OUTSIDE if pads else 0.0

    def _ending(self, i: int) -> float:
        rank = self.problem.ranks[i]
        high = 2 * rank
        pads = [self.pad_end[g] for g in self.problem.paths[i] if self.problem.span[g][1] == high]
        slack = self.size[rank] - self.problem.boxes[i].length
        return sum(pads) + OUTSIDE - slack if pads else 0.0

    def _widen(self) -> None:
        """A frame around a single column must still be as wide as its label."""
        problem = self.problem
        inside: dict[int, float] = {}
        for i, path in enumerate(problem.paths):
            for g in path:
                inside[g] = max(inside.get(g, 0.0), problem.boxes[i].length)
        for g, length in inside.items():
            low, high = problem.span[g]
            missing = problem.groups[g].label + LABEL_CLEAR - length - 2 * PADDING_ALONG
            if low == high and missing > 0:
                self.pad_start[g] += missing / 2
                self.pad_end[g] += missing / 2

    def box(self, i: int) -> tuple[float, float]:
        """Where box ``i`` begins and ends along the flow. Leaves stand at the end of their layer,
        next to what they feed; operations at its beginning, where wires arrive."""
        box, rank = self.problem.boxes[i], self.problem.ranks[i]
        room = self.size[rank] - box.length
        begin = self.start[rank] + (room if box.leaf else 0.0)
        return begin, begin + box.length

    def core(self, i: int) -> tuple[float, float]:
        """Where the shape in box ``i`` begins and ends."""
        begin, end = self.box(i)
        box = self.problem.boxes[i]
        core = box.core or box.length
        if box.lead:
            return begin + box.lead, begin + box.lead + core
        if box.leaf:
            return end - core, end
        return (begin + end - core) / 2, (begin + end + core) / 2

    def lane(self, w: int) -> tuple[float, float]:
        """Where wire ``w``, if it bends, becomes flat and where it stops being flat."""
        a, b = self.problem.ends[w]
        left, right = self.problem.ranks[a], self.problem.ranks[b]
        lead = self.lead[left] if len(self.problem.out[a]) > 1 else self._lead(w)
        end = self.start[right] - max(TURN, self._beginning(b) if right - left > 1 else 0.0)
        return self.start[left] + self.size[left] + lead, end

    def label(self, w: int, leaves: bool, arrives: bool) -> float:
        """The middle of the room for the numbers: between boxes, or between frames around them."""
        a, b = self.problem.ends[w]
        left = self.problem.ranks[a]
        low, high = self.lane(w)
        if leaves:
            ends = self._ending(a)
            low = self.start[left] + self.size[left] + ends if ends else self.core(a)[1]
        if self.problem.ranks[b] - left > 1:
            high = low + self.problem.wires[w].length + 2 * CLEAR
        elif arrives:
            begins = self._beginning(b)
            row = self.problem.boxes[b].lead
            high = self.start[left + 1] - begins if begins or row else self.core(b)[0]
        return (low + high) / 2


def finish(
    problem: Problem,
    across: Sequence[float],
    previous: Placement | None = None,
    check: Check = no_check,
) -> Placement:
    """Put everything together, in x and y. Layers of ``previous`` stay where they are."""
    columns = _Columns(problem, across, previous)
    turn = problem.flow == Flow.DOWN
    boxes: dict[str, tuple[float, float]] = {}
    extents: dict[str, Rect] = {}
    for i, box in enumerate(problem.boxes):
        check()
        begin, end = columns.box(i)
        y = across[problem.variable_of_box[i]]
        middle = sum(columns.core(i)) / 2
        boxes[box.key] = (y, middle) if turn else (middle, y)
        extents[box.key] = _rect(begin, y - box.before, end, y + box.after, turn)
    routes = {wire.key: _route(columns, w, turn) for w, wire in enumerate(problem.wires)}
    frames = _frame_rects(columns, across, turn)
    return Placement(
        flow=problem.flow,
        boxes=boxes,
        extents=extents,
        routes=routes,
        groups=frames,
        bounds=_bounds(problem, columns, across, [*extents.values(), *frames.values()], turn),
        columns=tuple(zip(columns.size, columns.gap, strict=True)),
        ranks={box.key: problem.ranks[i] for i, box in enumerate(problem.boxes)},
        across={box.key: across[problem.variable_of_box[i]] for i, box in enumerate(problem.boxes)},
        lanes={
            wire.key: across[problem.variable_of_lane[w]] for w, wire in enumerate(problem.wires)
        },
    )


def _rect(begin: float, low: float, end: float, high: float, turn: bool) -> Rect:
    return Rect(low, begin, high, end) if turn else Rect(begin, low, end, high)


def _route(columns: _Columns, w: int, turn: bool) -> Route:
    problem, across = columns.problem, columns.across
    a, b = problem.ends[w]
    y = across[problem.variable_of_lane[w]]
    from_y, to_y = across[problem.variable_of_box[a]], across[problem.variable_of_box[b]]
    (_, left), (right, _) = columns.core(a), columns.core(b)
    column_end = columns.start[problem.ranks[a]] + columns.size[problem.ranks[a]]
    flat, flat_end = columns.lane(w)
    leaves, arrives = abs(from_y - y) < STRAIGHT, abs(to_y - y) < STRAIGHT

    def at(along: float, over: float) -> tuple[float, float]:
        return (over, along) if turn else (along, over)

    return Route(
        start=at(sum(columns.core(a)) / 2, from_y),
        leave=at(left if leaves else column_end, from_y),
        flat_start=at(left if leaves else flat, y),
        flat_end=at(right if arrives else flat_end, y),
        enter=at(columns.box(b)[0], to_y),
        end=at(sum(columns.core(b)) / 2, to_y),
        label=at(columns.label(w, leaves, arrives), y),
    )


def _frame_rects(columns: _Columns, across: Sequence[float], turn: bool) -> dict[str, Rect]:
    """Frames from the innermost out: around their boxes, lanes and inner frames."""
    problem = columns.problem
    rects: dict[int, list[float]] = {}
    head = 0.0 if turn else HEAD

    def cover(path: Sequence[int], begin: float, end: float, low: float, high: float) -> None:
        for group in reversed(path):
            begin, end = begin - columns.pad_start[group], end + columns.pad_end[group]
            low, high = low - PADDING - head, high + PADDING
            rect = rects.setdefault(group, [begin, low, end, high])
            rect[:] = [
                min(rect[0], begin),
                min(rect[1], low),
                max(rect[2], end),
                max(rect[3], high),
            ]

    for i, box in enumerate(problem.boxes):
        begin, end = columns.box(i)
        y = across[problem.variable_of_box[i]]
        cover(problem.paths[i], begin, end, y - box.before, y + problem.after[i])
    for w, wire in enumerate(problem.wires):
        y = across[problem.variable_of_lane[w]]
        path = problem.label_paths[w]
        for depth, group in enumerate(path):
            outer = len(path) - depth
            rect = rects[group]
            rect[1] = min(rect[1], y - wire.before - outer * (PADDING + head))
            rect[3] = max(rect[3], y + wire.after + outer * PADDING)
    return {
        problem.groups[group].key: _rect(r[0], r[1], r[2], r[3], turn)
        for group, r in sorted(rects.items())
    }


def _bounds(
    problem: Problem, columns: _Columns, across: Sequence[float], rects: list[Rect], turn: bool
) -> Rect:
    if not rects:
        return Rect(0, 0, 0, 0)
    low = [
        across[problem.variable_of_lane[w]] - wire.before for w, wire in enumerate(problem.wires)
    ]
    high = [
        across[problem.variable_of_lane[w]] + wire.after for w, wire in enumerate(problem.wires)
    ]
    left, top = min(r.left for r in rects), min(r.top for r in rects)
    right, bottom = max(r.right for r in rects), max(r.bottom for r in rects)
    if low and turn:
        left, right = min(left, *low), max(right, *high)
    elif low:
        top, bottom = min(top, *low), max(bottom, *high)
    return Rect(left, top, right, bottom)
