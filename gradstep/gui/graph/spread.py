"""Order within layers and coordinates across the flow.

Sweeps move every variable to where its neighbours want it, in an order found on the way, keeping
layers apart by weighted isotonic regression (pool adjacent violators). A last pass pushes outward
from the main line until all separations hold, those of frames included; it always succeeds,
because the order that it works in is one order for all layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.graph.placement import HEAD, PADDING, Flow, Placement
from gradstep.gui.graph.problem import Entry, Problem

GAP = 16.0
WEIGHT_SPINE = 1000.0
SWEEPS_WORK = 400_000
"""Entries times sweeps: large graphs get fewer sweeps, at least four."""

Floats = NDArray[np.float64]
Key = tuple[tuple[float, int], ...]


def spread(problem: Problem) -> list[float]:
    """A coordinate across the flow for every variable."""
    entries = sum(map(len, problem.layers)) or 1
    sweeps = int(np.clip(SWEEPS_WORK / entries, 6, 24))
    y = _start(problem)
    pulls = _Pulls(problem)
    spine = _spine(problem)
    held = np.zeros(problem.variables, bool)
    held[list(spine)] = True
    y[held] = 0.0
    for variable in spine:
        problem.weights[variable] += WEIGHT_SPINE
    for _ in range(sweeps):
        # Half of the way: neighbours that move towards each other at once must not change places.
        wanted = pulls.wanted(y, 0.5)
        wanted[held] = y[held]
        y = _separated(problem, wanted)
        y[held] = 0.0
    return _pushed(problem, y, spine)


def extend(problem: Problem, previous: Placement) -> list[float]:
    """Like ``spread``, but what ``previous`` has stays, and the rest finds room beside it."""
    known = _known(problem, previous)
    y = np.zeros(problem.variables)
    placed = np.zeros(problem.variables, bool)
    for variable, value in known.items():
        y[variable], placed[variable] = value, True
    room = _Room(problem)
    for variable in known:
        room.take(variable, y[variable])
    pulls = _Pulls(problem)
    for variable in _by_need(problem, placed):
        wish = pulls.wish(variable, y, placed)
        y[variable] = room.nearest(variable, wish)
        placed[variable] = True
        room.take(variable, y[variable])
    return _pushed(problem, y, set(known))


class _Pulls:
    """The attractions as arrays."""

    def __init__(self, problem: Problem) -> None:
        both = [*problem.pulls, *((b, a, -o, w) for a, b, o, w in problem.pulls)]
        pulls = [*both, *problem.follows]
        self.at = np.array([p[0] for p in pulls], int)
        self.by = np.array([p[1] for p in pulls], int)
        self.offset = np.array([-p[2] for p in pulls])
        self.weight = np.array([p[3] for p in pulls])
        self.total = np.bincount(self.at, self.weight, problem.variables)
        self._order = np.argsort(self.at, kind="stable")
        self._first = np.searchsorted(self.at[self._order], np.arange(problem.variables + 1))

    def wanted(self, y: Floats, rate: float) -> Floats:
        """Where the neighbours at ``y`` want every variable."""
        if not len(self.at):
            return y.copy()
        weighted = self.weight * (y[self.by] + self.offset)
        pulled = np.bincount(self.at, weighted, len(y))
        wanted = np.where(self.total > 0, pulled / np.maximum(self.total, 1e-12), y)
        return y + rate * (wanted - y)

    def wish(self, variable: int, y: Floats, placed: NDArray[np.bool_]) -> float:
        """Where those neighbours that are ``placed`` want ``variable``."""
        mine = self._order[self._first[variable] : self._first[variable + 1]]
        mine = mine[placed[self.by[mine]]]
        if not len(mine):
            return 0.0
        return float(np.average(y[self.by[mine]] + self.offset[mine], weights=self.weight[mine]))


def _start(problem: Problem) -> Floats:
    """Walk back from the ends: first guesses in the order in which wires enter their targets."""
    y = np.zeros(problem.variables)
    seen = [False] * problem.variables
    for i in sorted(range(len(problem.boxes)), key=lambda i: -problem.ranks[i]):
        variable = problem.variable_of_box[i]
        seen[variable] = True
        into = sorted(problem.into[i], key=lambda w: problem.wires[w].port)
        main = next((problem.wires[w].port for w in into if problem.wires[w].main), None)
        for place, w in enumerate(into):
            wire = problem.wires[w]
            step = wire.side or float(place - (len(into) - 1) / 2 if main is None
                                      else np.sign(wire.port - main))
            for other in (
                problem.variable_of_lane[w], problem.variable_of_box[problem.ends[w][0]]
            ):
                if not seen[other]:
                    seen[other] = True
                    y[other] = y[variable] + step
    return y


def _keys(problem: Problem, y: Floats) -> dict[tuple[int, tuple[int, ...]], Key]:
    """One order for all layers: by place within each group. A group stands where its heaviest line
    runs, which may go on outside of it."""
    heaviest: dict[int, int] = {}
    present: dict[tuple[int, tuple[int, ...]], None] = {}
    for layer in problem.layers:
        for entry in layer:
            present.setdefault((entry.variable, entry.groups))
    for variable, path in present:
        for group in path:
            other = heaviest.get(group)
            if other is None or (problem.weights[variable], -variable) > (
                problem.weights[other], -other
            ):
                heaviest[group] = variable
    places = [round(float(value), 6) for value in y]
    middle = {group: (places[variable], variable) for group, variable in heaviest.items()}
    return {
        (variable, path): (*(middle[group] for group in path), (places[variable], variable))
        for variable, path in present
    }


def _separated(problem: Problem, wanted: Floats) -> Floats:
    """Each layer in order without overlap, as near to ``wanted`` as the weights say. A variable in
    several layers goes where the layer that moves it most wants it."""
    keys = _keys(problem, wanted)
    moved = np.zeros(problem.variables)
    for layer in problem.layers:
        if len(layer) < 2:
            continue
        layer.sort(key=lambda e: keys[e.variable, e.groups])
        offsets = [0.0]
        for above, below in zip(layer, layer[1:], strict=False):
            offsets.append(offsets[-1] + above.after + _gap(above, below) + below.before)
        values = [wanted[e.variable] - o for e, o in zip(layer, offsets, strict=True)]
        weights = [problem.weights[e.variable] + 1e-6 for e in layer]
        for entry, offset, value in zip(layer, offsets, _isotonic(values, weights), strict=True):
            move = value + offset - wanted[entry.variable]
            if abs(move) > abs(moved[entry.variable]):
                moved[entry.variable] = move
    return wanted + moved


def _gap(above: Entry, below: Entry) -> float:
    """Room between two neighbours: frames that end or begin between them need their borders."""
    common = 0
    for a, b in zip(above.groups, below.groups, strict=False):
        if a != b:
            break
        common += 1
    frames = len(above.groups) + len(below.groups) - 2 * common
    return GAP + frames * PADDING + (len(below.groups) - common) * HEAD / 2


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to ``values`` in weighted least squares."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        total, count = value * weight, 1
        while blocks and blocks[-1][0] * weight > total * blocks[-1][1]:
            before = blocks.pop()
            total, weight, count = total + before[0], weight + before[1], count + before[2]
        blocks.append((total, weight, count))
    return [total / weight for total, weight, count in blocks for _ in range(count)]


def _spine(problem: Problem) -> set[int]:
    """Variables of the main line: from the last box back along main wires."""
    found: set[int] = set()
    if not problem.boxes:
        return found
    i = max(range(len(problem.boxes)), key=lambda i: (problem.ranks[i], -i))
    for _ in problem.boxes:
        found.add(problem.variable_of_box[i])
        main = [w for w in problem.into[i] if problem.wires[w].main] or problem.into[i][:1]
        if not main or (problem.boxes[problem.ends[main[0]][0]].leaf and len(problem.into[i]) == 2
                        and not problem.wires[main[0]].main):
            break
        found.add(problem.variable_of_lane[main[0]])
        i = problem.ends[main[0]][0]
    return found


def _pushed(problem: Problem, wanted: Floats, anchors: set[int]) -> list[float]:
    """``wanted`` moved outward from ``anchors`` until every separation holds."""
    y, links, order = _constraints(problem, wanted)
    after: list[list[tuple[int, float]]] = [[] for _ in y]
    before: list[list[tuple[int, float]]] = [[] for _ in y]
    for (a, b), room in links.items():
        after[a].append((b, room))
        before[b].append((a, room))
    held = [i in anchors for i in range(len(y))]
    for i in order:
        held[i] = held[i] or any(held[a] for a, _ in before[i])
    for i in reversed(order):
        if not held[i] and after[i]:
            y[i] = min(y[i], min(y[b] - room for b, room in after[i]))
    for i in order:
        if before[i]:
            y[i] = max(y[i], max(y[a] + room for a, room in before[i]))
    return y[: problem.variables]


def _constraints(
    problem: Problem, wanted: Floats
) -> tuple[list[float], dict[tuple[int, int], float], list[int]]:
    """Variables and the two borders of each frame; least distances between them; and an order
    that all distances agree with."""
    keys = _keys(problem, wanted)
    count, groups = problem.variables, len(problem.groups)
    head = HEAD if problem.flow == Flow.RIGHT else 0.0
    links: dict[tuple[int, int], float] = {}
    sort_keys: dict[int, tuple[tuple[float, int], ...]] = {}
    first: dict[int, float] = {}
    last: dict[int, float] = {}

    def apart(a: int, b: int, room: float) -> None:
        links[a, b] = max(links.get((a, b), 0.0), room)

    for layer in problem.layers:
        layer.sort(key=lambda e: keys[e.variable, e.groups])
        open_groups: tuple[int, ...] = ()
        tail, reach = -1, 0.0
        for entry in [*layer, Entry(-1, 0.0, 0.0, ())]:
            common = _common_length(open_groups, entry.groups)
            for group in reversed(open_groups[common:]):
                end = count + groups + group
                apart(tail, end, reach + PADDING)
                tail, reach = end, 0.0
                gap = GAP
            if entry.variable < 0:
                break
            gap = GAP
            for depth, group in enumerate(entry.groups[common:], common):
                start = count + group
                if tail >= 0:
                    apart(tail, start, reach + gap)
                tail, reach, gap = start, 0.0, PADDING + head
                sort_keys.setdefault(start, keys[entry.variable, entry.groups][: depth + 1])
            if tail >= 0:
                apart(tail, entry.variable, reach + gap + entry.before)
            tail, reach, open_groups = entry.variable, entry.after, entry.groups
            for group in entry.groups:
                value = wanted[entry.variable]
                first[group] = min(first.get(group, 1e18), value - entry.before)
                last[group] = max(last.get(group, -1e18), value + entry.after)
    y = [float(v) for v in wanted]
    y += [first.get(g, 0.0) - PADDING - head for g in range(groups)]
    y += [last.get(g, 0.0) + PADDING for g in range(groups)]
    return y, links, _agreed(problem, keys, sort_keys, links)


def _agreed(
    problem: Problem,
    keys: dict[tuple[int, tuple[int, ...]], Key],
    starts: dict[int, Key],
    links: dict[tuple[int, int], float],
) -> list[int]:
    """A topological order. A line that runs through several frames has several keys, which could
    contradict each other; the links that close a circle are dropped then."""
    size = problem.variables + 2 * len(problem.groups)
    while True:
        after: list[list[int]] = [[] for _ in range(size)]
        waiting = [0] * size
        for a, b in links:
            after[a].append(b)
            waiting[b] += 1
        order = [i for i in range(size) if not waiting[i]]
        for i in order:
            for j in after[i]:
                waiting[j] -= 1
                if not waiting[j]:
                    order.append(j)
        if len(order) == size:
            return order
        stuck = {i for i in range(size) if waiting[i]}
        circle = [link for link in links if link[0] in stuck and link[1] in stuck]
        del links[min(circle, key=lambda link: (links[link], link))]


def _common_length(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _known(problem: Problem, previous: Placement) -> dict[int, float]:
    """Coordinates of the variables that were placed before, by what they consist of."""
    known: dict[int, float] = {}
    for i, box in enumerate(problem.boxes):
        if box.key in previous.across:
            known.setdefault(problem.variable_of_box[i], previous.across[box.key])
    for w, wire in enumerate(problem.wires):
        if wire.key in previous.lanes:
            known.setdefault(problem.variable_of_lane[w], previous.lanes[wire.key])
    return known


def _by_need(problem: Problem, placed: NDArray[np.bool_]) -> list[int]:
    """The others: operations in the order of their layers, then what hangs on them."""
    found: dict[int, None] = {}
    boxes = sorted(range(len(problem.boxes)), key=lambda i: (problem.boxes[i].leaf,
                                                              problem.ranks[i], i))
    for i in boxes:
        found.setdefault(problem.variable_of_box[i])
    for variable in range(problem.variables):
        found.setdefault(variable)
    return [variable for variable in found if not placed[variable]]


class _Room:
    """What is occupied, layer by layer."""

    def __init__(self, problem: Problem) -> None:
        self._entries: dict[int, list[tuple[int, Entry]]] = {}
        for number, layer in enumerate(problem.layers):
            for entry in layer:
                self._entries.setdefault(entry.variable, []).append((number, entry))
        self._taken: list[list[tuple[float, float, tuple[int, ...]]]] = [
            [] for _ in problem.layers
        ]

    def take(self, variable: int, y: float) -> None:
        for number, entry in self._entries.get(variable, []):
            self._taken[number].append((y - entry.before, y + entry.after, entry.groups))

    def nearest(self, variable: int, wish: float) -> float:
        """The free place nearest to ``wish``."""
        blocked: list[tuple[float, float]] = []
        for number, entry in self._entries.get(variable, []):
            for low, high, groups in self._taken[number]:
                common = _common_length(groups, entry.groups)
                frames = len(groups) + len(entry.groups) - 2 * common
                gap = GAP + frames * PADDING
                head = HEAD if frames else 0.0
                blocked.append((low - entry.after - gap - head, high + entry.before + gap + head))
        candidates = [wish, *(edge for pair in blocked for edge in pair)]
        free = [c for c in candidates if not any(low < c < high for low, high in blocked)]
        return min(free, key=lambda c: (abs(c - wish), c)) if free else wish
