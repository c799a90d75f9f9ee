"""What is to be solved across the flow: which variables there are, and in which layers they lie.

A variable is a set of boxes and lanes that run on one line. A lane is the flat run of a wire, with
its label, through all layers between two boxes. Layers alternate: boxes of rank r in layer 2r,
lanes that leave them in 2r + 1.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from gradstep.gui.graph.layout.placement import Box, Flow, GroupBox, Wire

LANE_ROOM = 10.0  # across, on each side of a lane that only passes
ROW = 88.0  # from an operation to a leaf beside it
ROW_DOWN = 100.0
WEIGHT_LEAF, WEIGHT_LANE, WEIGHT_STRAIGHT = 0.02, 1.0, 8.0


@dataclass(frozen=True)
class Entry:
    """A variable in one layer."""

    variable: int
    before: float
    after: float
    groups: tuple[int, ...]


class Problem:
    """Variables, layers and attractions. ``variable_of_box`` and ``variable_of_lane`` by index."""

    def __init__(
        self,
        boxes: Sequence[Box],
        wires: Sequence[Wire],
        groups: Sequence[GroupBox],
        ranks: Sequence[int],
        flow: Flow,
        loose: Container[int] = (),
    ) -> None:
        """``loose``: numbers of wires that run around frames instead of into them."""
        self.boxes, self.wires, self.ranks, self.flow = boxes, wires, ranks, flow
        self.groups = groups
        self._loose = loose
        self.row = ROW if flow == Flow.RIGHT else ROW_DOWN
        self.number = {box.key: i for i, box in enumerate(boxes)}
        self.group_number = {group.key: i for i, group in enumerate(groups)}
        self.paths = [
            tuple(self.group_number[key] for key in box.groups if key in self.group_number)
            for box in boxes
        ]
        self.ends = [(self.number[wire.source], self.number[wire.target]) for wire in wires]
        self._find_spans()
        self.lane_paths = [self._lane_path(w) for w in range(len(wires))]
        self.out: list[list[int]] = [[] for _ in boxes]
        self.into: list[list[int]] = [[] for _ in boxes]
        for w, (a, b) in enumerate(self.ends):
            self.out[a].append(w)
            self.into[b].append(w)
        self._merge()
        self._fill_layers()
        self._attract()

    def _merge(self) -> None:
        """Boxes are 0 … n-1 and lanes n … n+m-1; those on one line become one variable."""
        self._parent = list(range(len(self.boxes) + len(self.wires)))
        for w, (_, target) in enumerate(self.ends):
            if self.wires[w].main:
                self._join(target, w)
        for i, box in enumerate(self.boxes):
            if box.leaf:
                straight = self.out[i] if len(self.out[i]) == 1 else []
            else:
                # Of several, the longest: so a residual stream is a spine and its blocks branches.
                straight = [w for w in self.out[i] if self.wires[w].main]
                straight = straight or self.out[i][:1]
            if straight:
                far = max(straight, key=lambda w: (self.ranks[self.ends[w][1]], -w))
                self._join(i, far)
        roots = sorted({self._root(i) for i in range(len(self._parent))})
        index = {root: k for k, root in enumerate(roots)}
        found = [index[self._root(i)] for i in range(len(self._parent))]
        self.variables = len(roots)
        self.variable_of_box = found[: len(self.boxes)]
        self.variable_of_lane = found[len(self.boxes) :]

    def _find_spans(self) -> None:
        """The first and last layer of each group, by its boxes."""
        self.span: dict[int, tuple[int, int]] = {}
        for path, rank in zip(self.paths, self.ranks, strict=True):
            for group in path:
                low, high = self.span.get(group, (2 * rank, 2 * rank))
                self.span[group] = min(low, 2 * rank), max(high, 2 * rank)

    def _lane_path(self, w: int) -> list[tuple[int, ...]]:
        """The groups around a lane in each of its layers. It leaves its source's groups where they
        end and enters its target's where they begin, on its line; if it cannot, because the other
        end stands beside the group, it runs outside."""
        a, b = self.ends[w]
        one, other = self.paths[a], self.paths[b]
        first, last = 2 * self.ranks[a] + 1, 2 * self.ranks[b] - 1
        common = one[: shared(one, other)]
        out = one[len(common) :] if self._leaves_straight(w) else ()
        into = other[len(common) :] if self._enters_straight(w) else ()
        found = []
        for layer in range(first, last + 1):
            inner = tuple(g for g in out if self.span[g][1] >= layer)
            if not inner:
                inner = tuple(g for g in into if self.span[g][0] <= layer)
            found.append(common + inner)
        return found

    def _leaves_straight(self, w: int) -> bool:
        """Whether all groups that a wire leaves end before its target's layer."""
        a, b = self.ends[w]
        crossed = self.paths[a][shared(self.paths[a], self.paths[b]) :]
        if crossed and w in self._loose:
            return False
        return all(self.span[g][1] < 2 * self.ranks[b] for g in crossed)

    def _enters_straight(self, w: int) -> bool:
        a, b = self.ends[w]
        crossed = self.paths[b][shared(self.paths[a], self.paths[b]) :]
        if crossed and w in self._loose:
            return False
        return all(self.span[g][0] > 2 * self.ranks[a] for g in crossed)

    def crossing(self, variables: Container[int]) -> list[int]:
        """Wires that enter or leave a frame on the line of one of ``variables``."""
        return [
            w
            for w, (a, b) in enumerate(self.ends)
            if self.paths[a] != self.paths[b] and self.variable_of_lane[w] in variables
        ]

    def _join(self, box: int, lane: int) -> None:
        """Not where the wire has to cross a frame's side."""
        straight = self._leaves_straight if box == self.ends[lane][0] else self._enters_straight
        if straight(lane):
            one, other = self._root(box), self._root(len(self.boxes) + lane)
            self._parent[max(one, other)] = min(one, other)

    def _root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def _fill_layers(self) -> None:
        count = 2 * (max(self.ranks, default=0) + 1)
        self.layers: list[list[Entry]] = [[] for _ in range(count)]
        self.after = [self._after(i) for i in range(len(self.boxes))]
        for i, box in enumerate(self.boxes):
            entry = Entry(self.variable_of_box[i], box.before, self.after[i], self.paths[i])
            self.layers[2 * self.ranks[i]].append(entry)
        for w, (wire, (a, _)) in enumerate(zip(self.wires, self.ends, strict=True)):
            variable, first = self.variable_of_lane[w], 2 * self.ranks[a] + 1
            for place, path in enumerate(self.lane_paths[w]):
                before, after = LANE_ROOM, LANE_ROOM
                if place == 0:
                    before, after = wire.before, wire.after
                self.layers[first + place].append(Entry(variable, before, after, path))
        self.label_paths = [paths[0] for paths in self.lane_paths]
        self._fill_gaps()

    def _after(self, i: int) -> float:
        """Room after a box; a frame's label stands at its right, beside a wire from above."""
        labels = [
            self.groups[g].label for g in self.paths[i] if self.span[g][0] == 2 * self.ranks[i]
        ]
        return max([self.boxes[i].after, *(labels if self.flow == Flow.DOWN else [])])

    def _fill_gaps(self) -> None:
        """A frame needs something in every layer that it covers, to keep strangers out."""
        present = {
            (group, layer)
            for layer, entries in enumerate(self.layers)
            for entry in entries
            for group in entry.groups
        }
        self.keepers: dict[int, int] = {}
        for group in sorted(self.span, key=lambda g: -len(self._path(g))):
            low, high = self.span[group]
            for layer in range(low, high + 1):
                if (group, layer) in present:
                    continue
                path = self._path(group)
                present.update((outer, layer) for outer in path)
                if group not in self.keepers:
                    self.keepers[group] = self.variables
                    self.variables += 1
                self.layers[layer].append(Entry(self.keepers[group], 0.0, 0.0, path))

    def _path(self, group: int) -> tuple[int, ...]:
        path = [group]
        while (parent := self.groups[path[0]].parent) in self.group_number:
            path.insert(0, self.group_number[parent])
        return tuple(path)

    def _attract(self) -> None:
        """Pairs of variables that want to be on one line: (one, other, offset, weight). In
        ``follows`` only the first wants it."""
        self.pulls: list[tuple[int, int, float, float]] = []
        self.follows: list[tuple[int, int, float, float]] = []
        busy = [False] * self.variables
        for a, b in self.ends:
            if not self.boxes[a].leaf:
                busy[self.variable_of_box[b]] = True
                busy[self.variable_of_box[a]] = True
        self.weights = [0.0] * self.variables
        for i, box in enumerate(self.boxes):
            weight = WEIGHT_LEAF if box.leaf else WEIGHT_STRAIGHT
            self.weights[self.variable_of_box[i]] += weight
        for w, (wire, (a, b)) in enumerate(zip(self.wires, self.ends, strict=True)):
            lane, leaf = self.variable_of_lane[w], self.boxes[a].leaf
            source, target = self.variable_of_box[a], self.variable_of_box[b]
            weight = WEIGHT_LEAF if leaf else WEIGHT_LANE
            if wire.main and not leaf:
                weight = WEIGHT_STRAIGHT
            self.weights[lane] += weight / 2
            offset = wire.side * self.row if leaf else 0.0
            self._pull(source, lane, 0.0, weight)
            if leaf and busy[target]:
                # Leaves follow their operation; it does not lean towards them.
                self.follows.append((lane, target, -offset, weight))
            else:
                self._pull(lane, target, -offset, weight)
        for group, keeper in self.keepers.items():
            self.weights[keeper] = WEIGHT_LEAF
            for i, path in enumerate(self.paths):
                if group in path:
                    self._pull(keeper, self.variable_of_box[i], 0.0, WEIGHT_LEAF)

    def _pull(self, one: int, other: int, offset: float, weight: float) -> None:
        """``other`` wants to be at ``one`` + ``offset``."""
        if one != other:
            self.pulls.append((one, other, offset, weight))


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many of their outermost groups two paths have in common."""
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
