"""The calls of an iteration as a tree, and where it repeats itself: identical layers, the steps of
a recurrent net. No Qt here.

What repeats is found by signature: the kind of a call, with the numbers in its name left out, and
all that happens in it with shapes. A stretch of ``period`` children that comes at least ``FEWEST``
times in a row is a series (a tandem repeat; the shortest period comes first, so it is primitive).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradstep.gui.graph.plan import Plan
from gradstep.gui.graph.scene import Item, Role
from gradstep.protocol.trace import Group

FEWEST = 3
LONGEST = 48
"""Children that repeat as one stretch, at most."""
CROWD = 12
"""Bare operations that repeat are rolled up when there are at least so many of them."""
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Series:
    """``members``: keys of the calls, or of the stretches, that repeat one another."""

    key: str
    members: tuple[str, ...]


@dataclass
class Outline:
    """``children``: of every call (``""``: of the program), operations and calls in the order in
    which they ran. ``series``: by the call that they happen in. ``stretch_of``: of a child that
    repeats together with others, the stretch it is in; ``groups``: what stretches are called."""

    children: dict[str, list[str]] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    series: dict[str, list[Series]] = field(default_factory=dict)
    stretch_of: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    def series_of(self) -> dict[str, Series]:
        """By member."""
        return {
            member: series
            for found in self.series.values()
            for series in found
            for member in series.members
        }

    def path(self, groups: Sequence[str], key: str) -> tuple[str, ...]:
        """``groups`` around item ``key``, with the stretches they lie in."""
        if not self.stretch_of:
            return tuple(groups)
        found: list[str] = []
        for each in (*groups, key):
            stretch = self.stretch_of.get(each)
            if stretch is not None:
                found.append(stretch)
            found.append(each)
        return tuple(found[:-1])


def outline(plan: Plan) -> Outline:
    """The tree of ``plan``'s operations with its series."""
    found = Outline({"": []})
    operations = {k: i for k, i in plan.items.items() if i.role == Role.OPERATION}
    for key in sorted(operations, key=plan.order):
        parent = ""
        for group in operations[key].groups:
            if group not in found.children:
                found.children[group] = []
                found.children[parent].append(group)
                found.parent[group] = parent
            parent = group
        found.children[parent].append(key)
    signs = _Signs(plan, found, operations)
    for call in list(found.children):
        _find_series(found, call, signs)
    return found


class _Signs:
    """Signatures as numbers: equal for what is alike."""

    def __init__(self, plan: Plan, tree: Outline, operations: dict[str, Item]) -> None:
        self._numbers: dict[object, int] = {}
        self.of: dict[str, int] = {}
        for key, item in operations.items():
            shape = item.node.tensor.shape if item.node and item.node.tensor else None
            self.of[key] = self._number((item.text, item.sign, shape))
        for call in reversed(list(tree.children)):  # inner calls come after outer ones
            if call:
                group = plan.groups[call]
                inside = tuple(self.of[child] for child in tree.children[call])
                label = _NUMBER.sub("#", group.label)
                self.of[call] = self._number((group.kind, group.type, label, inside))

    def _number(self, sign: object) -> int:
        return self._numbers.setdefault(sign, len(self._numbers))


def _find_series(tree: Outline, call: str, signs: _Signs) -> None:
    children = tree.children[call]

    def wanted(start: int, period: int, count: int) -> bool:
        stretch = children[start : start + period]
        calls = sum(child in tree.children for child in stretch)
        return calls > 0 or (period > 1 and period * count >= CROWD)

    found = []
    for start, period, count in repeats([signs.of[child] for child in children], wanted):
        if period == 1:
            members = children[start : start + count]
        else:
            members = []
            for number in range(count):
                stretch = children[start + number * period : start + (number + 1) * period]
                key = f"+{stretch[0]}"
                members.append(key)
                tree.groups[key] = Group(key, f"#{number + 1}", "repeat")
                tree.stretch_of.update(dict.fromkeys(stretch, key))
        found.append(Series(f"×{members[0]}", tuple(members)))
    if found:
        tree.series[call] = found


def repeats(
    signs: Sequence[int], wanted: Callable[[int, int, int], bool] = lambda *_: True
) -> list[tuple[int, int, int]]:
    """Tandem repeats as (start, period, count), apart from each other, in order. ``wanted`` says
    of each whether it is one that matters."""
    values = np.array(signs)
    free = np.ones(len(values), bool)
    found: list[tuple[int, int, int]] = []
    for period in range(1, min(LONGEST, len(values) // FEWEST) + 1):
        same = (values[:-period] == values[period:]) & free[:-period] & free[period:]
        for start, stop in _runs(same):
            count = (stop - start) // period + 1
            stretch = slice(start, start + count * period)
            if count >= FEWEST and free[stretch].all() and wanted(start, period, count):
                found.append((start, period, count))
                free[stretch] = False
    return sorted(found)


def _runs(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Where ``flags`` are set, as (start, stop)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
