"""Which calls are shown as one item: what gives an overview, and what the person wanted otherwise.
No Qt here."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradstep.gui.graph.outline import Outline, Series, outline
from gradstep.gui.graph.plan import Plan

BUDGET = 40
"""Items of an overview: as many calls are open, from the outermost in, as there is room for."""
UNIT = 12
"""An innermost module with no more operations than this is a unit, and stays shut."""


@dataclass(frozen=True)
class Wishes:
    """What the person opened and shut: keys of groups, and of series (which open by showing their
    members one by one)."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def toggled(self, key: str, shown_as_one: bool) -> Wishes:
        """``key`` is opened if it is ``shown_as_one``, else shut."""
        if shown_as_one:
            return Wishes(self.opened | {key}, self.closed - {key})
        return Wishes(self.opened - {key}, self.closed | {key})

    def open(self, keys: frozenset[str]) -> Wishes:
        return Wishes(self.opened | keys, self.closed - keys)


@dataclass(frozen=True)
class Stack:
    """A run of members of ``series`` that is shown as one item."""

    key: str
    series: Series
    members: tuple[str, ...]


@dataclass(frozen=True)
class Folding:
    """``folded``: groups shown as one. ``stacks``: by member, the stack it lies in. ``outline``
    has the stretches; None when nothing is rolled up. ``opened``: operations that show what they
    are made of, among others."""

    folded: frozenset[str] = frozenset()
    stacks: dict[str, Stack] = field(default_factory=dict)
    outline: Outline | None = None
    opened: frozenset[str] = frozenset()

    def series_of(self) -> dict[str, Series]:
        return self.outline.series_of() if self.outline is not None else {}


def overview(plan: Plan, wishes: Wishes = Wishes()) -> Folding:
    """Modules and functions from the outermost in, repeats rolled up; then what the person
    wants."""
    tree = outline(plan)
    shut = (_shut(plan, tree) | wishes.closed) - wishes.opened
    stacks: dict[str, Stack] = {}
    for found in tree.series.values():
        for series in found:
            if series.key not in wishes.opened:
                stacks.update(_stacks(series, wishes))
    stretches = (set(tree.groups) | stacks.keys()) - wishes.opened
    return Folding(frozenset(shut | stretches), stacks, tree, wishes.opened)


def everything(wishes: Wishes = Wishes()) -> Folding:
    """Every operation, except in what the person shut."""
    return Folding(wishes.closed, opened=wishes.opened)


def units(plan: Plan, tree: Outline) -> set[str]:
    """Modules that contain no others and little else."""
    found = set()
    for call, children in tree.children.items():
        inner = any(child in tree.children for child in children)
        module = call and plan.groups[call].kind == "module"
        if module and not inner and len(children) <= UNIT:
            found.add(call)
    return found


def _shut(plan: Plan, tree: Outline) -> set[str]:
    """Every call but those that are open in an overview."""
    shut = {call for call in tree.children if call}
    small, repeated = units(plan, tree), tree.series_of()
    room = BUDGET - _weight(tree, "", repeated)
    queue = [""]
    for call in queue:
        for child in tree.children[call]:
            if child not in tree.children or child in small or child in repeated:
                continue
            if tree.stretch_of.get(child):
                continue
            more = _weight(tree, child, repeated) - 1
            if more <= room:
                room -= more
                shut.discard(child)
                queue.append(child)
    return shut


def _weight(tree: Outline, call: str, repeated: dict[str, Series]) -> int:
    """Items that ``call`` shows when it is open."""
    seen: set[str] = set()
    for child in tree.children[call]:
        key = tree.stretch_of.get(child, child)
        series = repeated.get(key)
        seen.add(series.key if series is not None else key)
    return len(seen)


def _stacks(series: Series, wishes: Wishes) -> dict[str, Stack]:
    """Runs of members of which none is open."""
    found: dict[str, Stack] = {}
    run: list[str] = []
    for member in (*series.members, ""):
        if member and member not in wishes.opened:
            run.append(member)
            continue
        if len(run) > 1:
            stack = Stack(f"×{run[0]}", series, tuple(run))
            found.update(dict.fromkeys(run, stack))
        run = []
    return found
