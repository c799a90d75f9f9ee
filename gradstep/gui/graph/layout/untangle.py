"""Fewer crossings: lines change places with their neighbours as long as that helps.

Between two layers a wire is straight, or bends from one line to another; it crosses what lies
between the two. Each crossing names the lines that could be elsewhere: beside the other wire's
lines, or beyond them. The best such move is made, if it leaves fewer crossings in all the layers
that it concerns (the transpose step of Gansner et al., A Technique for Drawing Directed Graphs,
1993, with moves further than to the next place).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.layers import Floats, Layers
from gradstep.gui.graph.layout.push import Contradiction

PASSES = 4
BEYOND = 24.0
"""How far beyond all others a line is moved."""
MOST = 3000
"""With more wires than this, crossings are left as they are: there would be no end to it."""

TRIES = 2000
"""So many moves are tried at most: a thicket stays one, and must not take seconds."""
TANGLED = 0.05
"""With more crossings by wire, it is the straight ways into frames that are in the way."""
TOGETHER = 6
"""So many lines at most are moved at once."""

Move = tuple[tuple[int, float], ...]
"""Variables and their new places."""
Key = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Step:
    """A wire from one layer to the next: the slots it leads from and to, and the wire's ends."""

    above: int
    below: int
    source: int
    target: int


def untangled(
    layers: Layers,
    y: Floats,
    fixed: Collection[int],
    check: Check = no_check,
    may_fail: bool = False,
) -> Floats:
    """``y`` with some variables, but none of ``fixed``, in other places. ``may_fail``: raise
    ``Contradiction`` when there is too much to do."""
    if len(layers.problem.wires) > MOST:
        return y
    tangle = _Tangle(layers, y, fixed, check)
    if may_fail and sum(tangle.counts.values()) > TANGLED * len(layers.problem.wires):
        raise Contradiction(frozenset())
    for _ in range(PASSES):
        if not tangle.improve():
            break
    found = y.copy()
    found[:] = tangle.y
    return found


class _Tangle:
    def __init__(self, layers: Layers, y: Floats, fixed: Collection[int], check: Check) -> None:
        self._check, self._tries = check, 0
        self.y: list[float] = y.tolist()
        self._fixed = fixed
        self._deciding = [layers.deciding(slot) for slot in range(len(layers.slots))]
        self._gaps = _gaps(layers)
        self._concerned: dict[int, set[int]] = {}
        for number, gap in self._gaps.items():
            for step in gap:
                for slot in (step.above, step.below):
                    for variable in self._deciding[slot]:
                        self._concerned.setdefault(variable, set()).add(number)
        self._bends: dict[int, list[int]] = {}
        for gap in self._gaps.values():
            for step in gap:
                one, other = self._deciding[step.above][-1], self._deciding[step.below][-1]
                if one != other:
                    self._bends.setdefault(one, []).append(other)
                    self._bends.setdefault(other, []).append(one)
        self.counts = {number: self._count(number) for number in self._gaps}

    def improve(self) -> bool:
        """Go through all crossings once; whether anything became better."""
        better = False
        for number in sorted(self._gaps):
            if self.counts[number] and self._improve_at(number):
                better = True
        return better

    def _improve_at(self, number: int) -> bool:
        better = False
        while self.counts[number] and self._tries < TRIES:
            best = self._best(self._moves(number, alone=True))
            best = best or self._best(self._moves(number, alone=False))
            if best is None:
                return better
            self._make(best)
            better = True
        return better

    def _best(self, moves: Iterable[Move]) -> Move | None:
        """The move that leaves fewest crossings, if it leaves fewer than there are; of several, the
        shortest."""
        best: tuple[int, float, Move] | None = None
        for move in dict.fromkeys(moves):
            gain = self._gain(move)
            offer = gain, abs(move[0][1] - self.y[move[0][0]]), move
            if gain < 0 and (best is None or offer < best):
                best = offer
        return best[2] if best is not None else None

    def _moves(self, number: int, alone: bool) -> Iterator[Move]:
        """What could be elsewhere, and where, for every crossing of a gap."""
        gap = self._gaps[number]
        slots = {slot for step in gap for slot in (step.above, step.below)}
        places = sorted({self.y[i] for slot in slots for i in self._deciding[slot]})
        for one, other in self._crossings(number):
            for mine, theirs in ((one, other), (other, one)):
                for a, far in ((mine.above, mine.below), (mine.below, mine.above)):
                    for b in (theirs.above, theirs.below):
                        for variable, place, room in self._beside(a, b, places):
                            if alone:
                                yield ((variable, place),)
                            else:
                                yield self._together(variable, place, room, far)

    def _beside(self, a: int, b: int, places: list[float]) -> Iterator[tuple[int, float, float]]:
        """What decides about slot ``a``, a place to either side of what decides about slot ``b``,
        and the room there."""
        ours, theirs = self._deciding[a], self._deciding[b]
        pairs = ((i, j) for i, j in zip(ours, theirs, strict=False) if i != j)
        mine, other = next(pairs, (-1, -1))
        if mine < 0 or mine in self._fixed:
            return
        at = places.index(self.y[other])
        before = places[at - 1] if at else places[at] - BEYOND
        after = places[at + 1] if at + 1 < len(places) else places[at] + BEYOND
        yield mine, (before + places[at]) / 2, places[at] - before
        yield mine, (after + places[at]) / 2, after - places[at]

    def _together(self, variable: int, place: float, room: float, far: int) -> Move:
        """``variable`` with what hangs on it, but for the line it leads to in slot ``far``; their
        order among each other is kept."""
        found, stop = [variable], self._deciding[far][-1]
        for one in found:
            for other in self._bends.get(one, ()):
                free = other != stop and other not in self._fixed and other not in found
                if free and len(found) < TOGETHER:
                    found.append(other)
        here = self.y[variable]
        reach = max(abs(self.y[i] - here) for i in found) or 1.0
        return tuple((i, place + (self.y[i] - here) * room / (4 * reach)) for i in found)

    def _gain(self, move: Move) -> int:
        """How many crossings more there would be."""
        self._check()
        self._tries += 1
        before = tuple((variable, self.y[variable]) for variable, _ in move)
        concerned = self._put(move)
        gain = sum(self._count(n) - self.counts[n] for n in concerned)
        self._put(before)
        return gain

    def _make(self, move: Move) -> None:
        for number in self._put(move):
            self.counts[number] = self._count(number)

    def _put(self, move: Move) -> set[int]:
        """Change places; the gaps that this concerns."""
        concerned: set[int] = set()
        for variable, place in move:
            self.y[variable] = place
            concerned |= self._concerned[variable]
        return concerned

    def _count(self, number: int) -> int:
        return sum(1 for _ in self._crossings(number))

    def _crossings(self, number: int) -> Iterator[tuple[Step, Step]]:
        gap = self._gaps[number]
        keys = {slot: self._key(slot) for step in gap for slot in (step.above, step.below)}
        for one, other in combinations(gap, 2):
            a, b = keys[one.above], keys[other.above]
            c, d = keys[one.below], keys[other.below]
            if (a < b and c > d) or (a > b and c < d):
                yield one, other

    def _key(self, slot: int) -> Key:
        return tuple((self.y[i], i) for i in self._deciding[slot])


def _gaps(layers: Layers) -> dict[int, list[Step]]:
    """By the number of the layer above: the steps of all wires, where any of them bends."""
    problem = layers.problem
    found: dict[int, list[Step]] = {}
    bent: set[int] = set()
    for w, (a, b) in enumerate(problem.ends):
        lane = problem.variable_of_lane[w]
        ways = [
            (problem.variable_of_box[a], problem.paths[a]),
            *((lane, path) for path in problem.lane_paths[w]),
            (problem.variable_of_box[b], problem.paths[b]),
        ]
        slots = [layers.slots[way] for way in ways]
        for place, (above, below) in enumerate(pairwise(slots)):
            number = 2 * problem.ranks[a] + place
            found.setdefault(number, []).append(Step(above, below, a, b))
            if above != below:
                bent.add(number)
    return {number: found[number] for number in sorted(bent)}
