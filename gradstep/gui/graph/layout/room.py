"""Adding to a placement: what was placed stays, and the rest finds room beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.layers import GAP, Layers
from gradstep.gui.graph.layout.placement import HEAD, PADDING, Placement
from gradstep.gui.graph.layout.problem import Entry, Problem, shared
from gradstep.gui.graph.layout.push import pushed
from gradstep.gui.graph.layout.spread import Pulls


def extend(problem: Problem, previous: Placement, check: Check = no_check) -> list[float]:
    """Like ``spread``, but what ``previous`` has stays, and the rest finds room beside it."""
    known = _known(problem, previous)
    y = np.zeros(problem.variables)
    placed = np.zeros(problem.variables, bool)
    for variable, value in known.items():
        y[variable], placed[variable] = value, True
    room = _Room(problem)
    for variable in known:
        room.take(variable, y[variable])
    pulls = Pulls(problem)
    for variable in _by_need(problem, placed):
        check()
        wish = pulls.wish(variable, y, placed)
        y[variable] = room.nearest(variable, wish)
        placed[variable] = True
        room.take(variable, y[variable])
    return pushed(Layers(problem), y, set(known), check=check)


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
    boxes = sorted(
        range(len(problem.boxes)), key=lambda i: (problem.boxes[i].leaf, problem.ranks[i], i)
    )
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
        self._taken: list[list[tuple[float, float, tuple[int, ...]]]] = [[] for _ in problem.layers]

    def take(self, variable: int, y: float) -> None:
        for number, entry in self._entries.get(variable, []):
            self._taken[number].append((y - entry.before, y + entry.after, entry.groups))

    def nearest(self, variable: int, wish: float) -> float:
        """The free place nearest to ``wish``."""
        blocked: list[tuple[float, float]] = []
        for number, entry in self._entries.get(variable, []):
            for low, high, groups in self._taken[number]:
                common = shared(groups, entry.groups)
                frames = len(groups) + len(entry.groups) - 2 * common
                gap = GAP + frames * PADDING
                head = HEAD if frames else 0.0
                blocked.append((low - entry.after - gap - head, high + entry.before + gap + head))
        candidates = [wish, *(edge for pair in blocked for edge in pair)]
        free = [c for c in candidates if not any(low < c < high for low, high in blocked)]
        return min(free, key=lambda c: (abs(c - wish), c)) if free else wish
