"""The last pass: outward from what stands fast until every separation holds, those of frames
included. It succeeds whenever one order fits all layers (``Contradiction`` if none does)."""

from __future__ import annotations

from collections.abc import Sequence

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.layers import GAP, Floats, Ints, Layers
from gradstep.gui.graph.layout.placement import HEAD, PADDING, Flow
from gradstep.gui.graph.layout.problem import Entry, shared


class Contradiction(Exception):
    """A line that runs through several frames has a place in each, and these places contradict each
    other. ``variables``: the lines that are concerned."""

    def __init__(self, variables: frozenset[int]) -> None:
        super().__init__(sorted(variables))
        self.variables = variables


def pushed(
    layers: Layers,
    wanted: Floats,
    anchors: set[int],
    order: Ints | None = None,
    check: Check = no_check,
) -> list[float]:
    """``wanted`` moved outward from ``anchors`` until every separation holds, in an ``order`` of
    all entries (None: that of ``wanted``). Raises ``Contradiction`` if they cannot hold all
    together."""
    apart = _Separations(layers, layers.order(wanted) if order is None else order, check)
    y, sequence = apart.wishes(wanted), apart.order()
    after: list[list[tuple[int, float]]] = [[] for _ in y]
    before: list[list[tuple[int, float]]] = [[] for _ in y]
    for (a, b), room in apart.rooms.items():
        after[a].append((b, room))
        before[b].append((a, room))
    held = [i in anchors for i in range(len(y))]
    for i in sequence:
        held[i] = held[i] or any(held[a] for a, _ in before[i])
    for i in reversed(sequence):
        if not held[i] and after[i]:
            y[i] = min(y[i], min(y[b] - room for b, room in after[i]))
    for i in sequence:
        if before[i]:
            y[i] = max(y[i], max(y[a] + room for a, room in before[i]))
    return y[: layers.problem.variables]


class _Separations:
    """Least distances (``rooms``) between variables, and between them and the two borders of each
    frame. Variables come first, then the frames' beginnings, then their ends."""

    def __init__(self, layers: Layers, order: Ints, check: Check) -> None:
        problem = self._problem = layers.problem
        self._head = HEAD if problem.flow == Flow.RIGHT else 0.0
        self.rooms: dict[tuple[int, int], float] = {}
        for layer in layers.each(order):
            check()
            self._add_layer(layer)

    def _begin(self, group: int) -> int:
        return self._problem.variables + group

    def _end(self, group: int) -> int:
        return self._problem.variables + len(self._problem.groups) + group

    def _add_layer(self, layer: Sequence[Entry]) -> None:
        """From one neighbour to the next, with the borders that lie between them."""
        last, reach = -1, 0.0  # what came before, and how far it extends
        inside: tuple[int, ...] = ()
        for entry in (*layer, None):
            groups = entry.groups if entry is not None else ()
            common, gap = shared(inside, groups), GAP
            for group in reversed(inside[common:]):
                self._apart(last, self._end(group), reach + PADDING)
                last, reach = self._end(group), 0.0
            for group in groups[common:]:
                self._apart(last, self._begin(group), reach + gap)
                last, reach, gap = self._begin(group), 0.0, PADDING + self._head
            if entry is not None:
                self._apart(last, entry.variable, reach + gap + entry.before)
                last, reach, inside = entry.variable, entry.after, groups

    def _apart(self, a: int, b: int, room: float) -> None:
        if a >= 0:
            self.rooms[a, b] = max(self.rooms.get((a, b), 0.0), room)

    def wishes(self, wanted: Floats) -> list[float]:
        """Where variables want to be, and where that puts the borders."""
        groups = len(self._problem.groups)
        low, high = [0.0] * groups, [0.0] * groups
        seen = [False] * groups
        for layer in self._problem.layers:
            for entry in layer:
                value = float(wanted[entry.variable])
                for g in entry.groups:
                    low[g] = min(low[g] if seen[g] else value, value - entry.before)
                    high[g] = max(high[g] if seen[g] else value, value + entry.after)
                    seen[g] = True
        return [
            *(float(v) for v in wanted),
            *(value - PADDING - self._head for value in low),
            *(value + PADDING for value in high),
        ]

    def order(self) -> list[int]:
        """An order that all distances agree with. Raises ``Contradiction``."""
        size = self._problem.variables + 2 * len(self._problem.groups)
        after: list[list[int]] = [[] for _ in range(size)]
        waiting = [0] * size
        for a, b in self.rooms:
            after[a].append(b)
            waiting[b] += 1
        order = [i for i in range(size) if not waiting[i]]
        for i in order:
            for j in after[i]:
                waiting[j] -= 1
                if not waiting[j]:
                    order.append(j)
        if len(order) < size:
            left = set(range(size)) - set(order)
            raise Contradiction(_circles(left, after, self._problem.variables))
        return order


def _circles(left: set[int], after: list[list[int]], variables: int) -> frozenset[int]:
    """Variables that lie on circles, of what is ``left``."""
    while True:
        ends = {i for i in left if not any(j in left for j in after[i])}
        if not ends:
            return frozenset(i for i in left if i < variables)
        left -= ends
