"""What lies in the layers, as arrays, and its order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.graph.layout.placement import HEAD, PADDING
from gradstep.gui.graph.layout.problem import Entry, Problem, shared

GAP = 16.0
"""Between neighbours across the flow."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Layers:
    """All entries of a problem, layer after layer. One order holds for all layers: by place within
    each group. A group stands where its heaviest line runs, which may go on outside of it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.entries = [entry for layer in problem.layers for entry in layer]
        sizes = [len(layer) for layer in problem.layers]
        self.layer = np.repeat(np.arange(len(sizes)), sizes)
        self.bounds = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self.variable = np.array([e.variable for e in self.entries], np.int64)
        self.before = np.array([e.before for e in self.entries], float)
        self.after = np.array([e.after for e in self.entries], float)
        self._find_slots()

    def _find_slots(self) -> None:
        """A slot is a variable within certain groups."""
        slots = self.slots = dict[tuple[int, tuple[int, ...]], int]()
        paths: dict[tuple[int, ...], int] = {}
        numbers = [
            slots.setdefault((entry.variable, entry.groups), len(slots)) for entry in self.entries
        ]
        self._slot = np.array(numbers, np.int64)
        path_numbers = [paths.setdefault(path, len(paths)) for _, path in slots]
        self._paths = list(paths)
        self._path = np.array(path_numbers, np.int64)[self._slot] if slots else self._slot
        self.heaviest = _heaviest(self.problem, slots)
        depth = 1 + max((len(path) for _, path in slots), default=0)
        # By depth, the variable whose place decides; -1 below a slot's own.
        self._deciding = np.full((len(slots), depth), -1, np.int64)
        for number, (variable, path) in enumerate(slots):
            deciding = [*(self.heaviest[group] for group in path), variable]
            self._deciding[number, : len(deciding)] = deciding
        self._gaps: dict[int, float] = {}

    def deciding(self, slot: int) -> list[int]:
        """The variables by whose places ``slot`` is ordered, outermost group first."""
        return [i for i in self._deciding[slot].tolist() if i >= 0]

    def order(self, y: Floats) -> Ints:
        """Numbers of all entries, layer after layer, each in the order that ``y`` gives."""
        if not len(self.entries):
            return self._slot
        places = np.where(self._deciding >= 0, np.round(y, 6)[self._deciding], -np.inf)
        columns: list[NDArray[np.generic]] = []
        for depth in reversed(range(self._deciding.shape[1])):
            columns += [self._deciding[:, depth], places[:, depth]]
        rank = np.empty(len(self._deciding), np.int64)
        rank[np.lexsort(columns)] = np.arange(len(rank))
        return np.lexsort((rank[self._slot], self.layer))

    def rooms(self, order: Ints) -> Floats:
        """The least distance from each entry to the next one in ``order``, if that is in the same
        layer; frames that end or begin between them need their borders."""
        above, below = order[:-1], order[1:]
        codes = self._path[above] * len(self._paths) + self._path[below]
        kinds, which = np.unique(codes, return_inverse=True)
        gaps = np.array([self._gap(int(code)) for code in kinds], float)
        rooms: Floats = self.after[above] + gaps[which] + self.before[below]
        return rooms

    def _gap(self, code: int) -> float:
        found = self._gaps.get(code)
        if found is None:
            above, below = (self._paths[i] for i in divmod(code, len(self._paths)))
            found = self._gaps[code] = gap(above, below)
        return found

    def each(self, order: Ints) -> Iterator[list[Entry]]:
        """The entries of each layer, in ``order``."""
        numbers: list[int] = order.tolist()
        bounds: list[int] = self.bounds.tolist()
        for begin, end in pairwise(bounds):
            yield [self.entries[i] for i in numbers[begin:end]]


def gap(above: Sequence[int], below: Sequence[int]) -> float:
    """Room between neighbours that lie in these groups."""
    common = shared(above, below)
    frames = len(above) + len(below) - 2 * common
    return GAP + frames * PADDING + (len(below) - common) * HEAD / 2


def _heaviest(problem: Problem, slots: dict[tuple[int, tuple[int, ...]], int]) -> dict[int, int]:
    """By group, the line that says where it stands."""
    found: dict[int, int] = {}
    for variable, path in slots:
        weight = problem.weights[variable], -variable
        for group in path:
            other = found.get(group)
            if other is None or weight > (problem.weights[other], -other):
                found[group] = variable
    return found
