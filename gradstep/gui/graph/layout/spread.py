"""Order within layers and coordinates across the flow, from nothing.

Sweeps move every variable to where its neighbours want it, in an order found on the way, keeping
layers apart by weighted isotonic regression (pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.layers import Floats, Ints, Layers
from gradstep.gui.graph.layout.problem import Problem
from gradstep.gui.graph.layout.push import pushed
from gradstep.gui.graph.layout.untangle import untangled

WEIGHT_SPINE = 1000.0
SWEEPS_WORK = 100_000
"""Entries times sweeps: large graphs get fewer sweeps, at least four."""

STILL = 0.5
"""Sweeps end when nothing moves further than this any more."""


def spread(problem: Problem, check: Check = no_check, may_fail: bool = False) -> list[float]:
    """A coordinate across the flow for every variable. ``check``: see ``arrange``. ``may_fail``:
    raise ``Contradiction`` rather than untangle lines that cross too often to be in order."""
    entries = sum(map(len, problem.layers)) or 1
    sweeps = int(np.clip(SWEEPS_WORK / entries, 6, 24))
    y = _start(problem)
    pulls = Pulls(problem)
    spine = _spine(problem)
    held = np.zeros(problem.variables, bool)
    held[list(spine)] = True
    y[held] = 0.0
    for variable in spine:
        problem.weights[variable] += WEIGHT_SPINE
    layers = Layers(problem)

    def swept(y: Floats, order: Ints | None = None) -> Floats:
        for _ in range(sweeps):
            # Half of the way: neighbours that move towards each other at once must not change
            # places.
            wanted = pulls.wanted(y, 0.5)
            wanted[held] = y[held]
            before, y = y, _separated(layers, wanted, order, check)
            y[held] = 0.0
            if np.abs(y - before).max(initial=0.0) < STILL:
                break
        return y

    y = swept(y)
    # First, whether there is a way at all: untangling is dear.
    found = pushed(layers, y, spine, check=check)
    other = untangled(layers, y, spine, check, may_fail)
    if (other == y).all():
        return found
    order = layers.order(other)
    return pushed(layers, swept(other, order), spine, order, check)


class Pulls:
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
            step = wire.side or float(
                place - (len(into) - 1) / 2 if main is None else np.sign(wire.port - main)
            )
            for other in (problem.variable_of_lane[w], problem.variable_of_box[problem.ends[w][0]]):
                if not seen[other]:
                    seen[other] = True
                    y[other] = y[variable] + step
    return y


def _separated(layers: Layers, wanted: Floats, order: Ints | None, check: Check) -> Floats:
    """Each layer in ``order`` (None: that of ``wanted``) without overlap, as near to ``wanted`` as
    the weights say. A variable in several layers goes where the layer that moves it most wants
    it."""
    order = layers.order(wanted) if order is None else order
    rooms = layers.rooms(order)
    variable = layers.variable[order]
    values = wanted[variable]
    layer = layers.layer[order]
    tight = (np.diff(values) < rooms) & (layer[1:] == layer[:-1])
    weights = np.array(layers.problem.weights)[variable] + 1e-6
    # Layers are small: lists are quicker than arrays.
    whose, heavy, free, apart = variable.tolist(), weights.tolist(), values.tolist(), rooms.tolist()
    bounds = layers.bounds.tolist()
    moved = [0.0] * len(wanted)
    for number in np.unique(layer[1:][tight]).tolist():
        check()
        begin, end = bounds[number], bounds[number + 1]
        offsets = [0.0, *accumulate(apart[begin : end - 1])]
        near = [v - o for v, o in zip(free[begin:end], offsets, strict=True)]
        found = isotonic(near, heavy[begin:end])
        for i, was, now in zip(whose[begin:end], near, found, strict=True):
            move = now - was
            if abs(move) > abs(moved[i]):
                moved[i] = move
    separated: Floats = wanted + np.array(moved)
    return separated


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
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
    """Variables of the main line: from the last box back along main wires. Of those that run side
    by side, the one nearer to the end: only one can be the line."""
    found: dict[int, None] = {}
    if not problem.boxes:
        return set()
    i = max(range(len(problem.boxes)), key=lambda i: (problem.ranks[i], -i))
    for _ in problem.boxes:
        found.setdefault(problem.variable_of_box[i])
        main = [w for w in problem.into[i] if problem.wires[w].main] or problem.into[i][:1]
        if not main or (
            problem.boxes[problem.ends[main[0]][0]].leaf
            and len(problem.into[i]) == 2
            and not problem.wires[main[0]].main
        ):
            break
        found.setdefault(problem.variable_of_lane[main[0]])
        i = problem.ends[main[0]][0]
    layers: dict[int, list[int]] = {variable: [] for variable in found}
    for number, layer in enumerate(problem.layers):
        for entry in layer:
            if entry.variable in layers:
                layers[entry.variable].append(number)
    taken: set[int] = set()
    spine: set[int] = set()
    for variable in found:
        if taken.isdisjoint(layers[variable]):
            spine.add(variable)
            taken.update(layers[variable])
    return spine
