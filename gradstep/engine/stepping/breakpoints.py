"""Breakpoints: which of them are hit by what is about to happen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import FrameType
from typing import Any

from gradstep.engine.capture.callers import Callers
from gradstep.engine.stepping.codelines import line_with_code
from gradstep.engine.stepping.conditions import Condition
from gradstep.engine.stepping.tracker import Tracker
from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState
from gradstep.protocol.trace import Group, Level

Ids = tuple[int, ...]


@dataclass
class Active:
    """A breakpoint in this run. ``key``: its file without links, and the line where it sits."""

    breakpoint: Breakpoint
    condition: Condition | None = None
    key: tuple[str, int] = ("", 0)
    hits: int = 0
    problem: str = ""
    broken: bool = False
    """It can never stop; ``problem`` says why."""

    @property
    def pattern(self) -> str:
        return self.breakpoint.pattern

    @property
    def state(self) -> BreakpointState:
        return BreakpointState(self.breakpoint.id, self.hits, self.key[1], self.problem)


class Breakpoints:
    """Set from the link's thread, asked in the program's. Every list is replaced as a whole."""

    def __init__(self, tracker: Tracker, callers: Callers, *, driven: bool) -> None:
        self._tracker, self._callers, self._driven = tracker, callers, driven
        self.lookup: Callable[[str, FrameType | None], Any] = _unknown
        """What the program means by a name at a frame; raises ``KeyError``."""
        self._all: tuple[Active, ...] = ()
        self._sort()

    def set(self, breakpoints: Iterable[Breakpoint]) -> tuple[BreakpointState, ...]:
        """These and no others. One that was there before keeps its count."""
        before = {_what(active.breakpoint): active for active in self._all}
        found = []
        for breakpoint in breakpoints:
            active = before.get(_what(breakpoint))
            if active is None:
                active = _prepare(breakpoint)
            active.breakpoint = breakpoint
            found.append(active)
        self._all = tuple(found)
        self._sort()
        return self.states()

    def states(self) -> tuple[BreakpointState, ...]:
        return tuple(active.state for active in self._all)

    def _sort(self) -> None:
        usable = [a for a in self._all if a.breakpoint.enabled and not a.broken]

        def on(what: BreakOn) -> tuple[Active, ...]:
            return tuple(a for a in usable if a.breakpoint.on is what)

        self.operations, self.nodes = on(BreakOn.OPERATION), on(BreakOn.NODE)
        self.modules, self.phases = on(BreakOn.MODULE), on(BreakOn.PHASE)
        self.iterations, lines = on(BreakOn.ITERATION), on(BreakOn.LINE)
        keys = {a.key for a in lines}
        self.lines = {key: tuple(a for a in lines if a.key == key) for key in keys}
        self.records = bool(self.operations or self.nodes or self.modules)
        """Whether the graph is wanted at a hit."""
        self.between = bool(self.phases or self.iterations)
        """Whether one may be hit where a phase begins."""

    def level(self) -> Level:
        """What must be captured for them to be hit."""
        if self.nodes:
            return Level.OPERATION
        return Level.PHASE if self.records or self._iteration_is_near() else Level.RUN

    def _iteration_is_near(self) -> bool:
        """At run level a script's iterations are not seen to begin: the level is raised for it."""
        near = self._tracker.iteration + 1
        return not self._driven and any(a.breakpoint.iteration == near for a in self.iterations)

    # ------------------------------------------------------------------ in the program's thread

    def at_line(self, key: tuple[str, int], frame: FrameType) -> Ids:
        return self._hit(self.lines.get(key, ()), frame)

    def at_operation(self, name: str, phase: Phase | None, frame: FrameType | None) -> Ids:
        found = self._named(self.operations, name, lambda: self._callers.groups(frame), frame)
        return self._hit(found, frame, phase=phase) if found else ()

    def at_node(self, name: str, groups: Sequence[Group], grads: Any, frame: Any) -> Ids:
        """``grads``: the gradients that arrive at the node, one for each result."""
        found = self._named(self.nodes, name, lambda: groups, frame)
        if not found:
            return ()
        grad = grads[0] if len(grads) == 1 else tuple(grads)
        return self._hit(found, frame, {"grad": grad}, phase=Phase.BACKWARD)

    def at_module(self, group: Group, frame: FrameType | None) -> Ids:
        root = self._callers.root_name(frame)
        found = [a for a in self.modules if _is_module(a.pattern, group, root)]
        return self._hit(found, frame) if found else ()

    def at_phase(self, phase: Phase, frame: FrameType | None) -> Ids:
        """``phase`` ended."""
        found = [a for a in self.phases if a.breakpoint.phase in (None, phase)]
        return self._hit(found, frame, phase=phase) if found else ()

    def at_iteration(self, iteration: int, frame: FrameType | None) -> Ids:
        """``iteration`` begins."""
        found = [a for a in self.iterations if a.breakpoint.iteration == iteration]
        return self._hit(found, frame, iteration=iteration) if found else ()

    def _named(
        self,
        actives: Iterable[Active],
        name: str,
        groups: Callable[[], Sequence[Group]],
        frame: FrameType | None,
    ) -> list[Active]:
        """``log``, or ``path:log`` for those within a module."""
        found = []
        for active in actives:
            where, _, what = active.pattern.rpartition(":")
            if not fnmatchcase(name, what):
                continue
            root = self._callers.root_name(frame) if where else ""
            if not where or any(_is_module(where, group, root) for group in groups()):
                found.append(active)
        return found

    def _hit(
        self,
        actives: Iterable[Active],
        frame: FrameType | None,
        arriving: dict[str, Any] | None = None,
        *,
        iteration: int | None = None,
        phase: Phase | None = None,
    ) -> Ids:
        """Those that stop here: condition true, and not among the first that are ignored."""
        extra = {
            "grad": None,
            "iteration": self._tracker.iteration if iteration is None else iteration,
            "phase": phase or self._tracker.phase,
        }
        ids = []
        for active in actives:
            if active.condition is not None and not self._holds(active, frame, extra, arriving):
                continue
            active.hits += 1
            if active.hits > active.breakpoint.ignore:
                ids.append(active.breakpoint.id)
        return tuple(ids)

    def _holds(
        self,
        active: Active,
        frame: FrameType | None,
        extra: dict[str, Any],
        arriving: dict[str, Any] | None,
    ) -> bool:
        assert active.condition is not None
        try:
            holds = active.condition.holds(
                lambda name: self.lookup(name, frame), extra, arriving or {}
            )
        except Exception as error:  # the user's expression may raise anything; it stops nothing
            active.problem = f"The condition raised {type(error).__name__}: {error}"
            return False
        active.problem = ""
        return holds


def _prepare(breakpoint: Breakpoint) -> Active:
    active = Active(breakpoint)
    try:
        if breakpoint.condition.strip():
            active.condition = Condition(breakpoint.condition)
        if breakpoint.on is BreakOn.LINE:
            _place(active)
        elif breakpoint.on in _NAMED and not breakpoint.pattern:
            active.problem = f"A breakpoint on {_NAMED[breakpoint.on]} needs a name."
    except (SyntaxError, ValueError) as error:
        active.problem = f"The condition is no Python expression: {error}"
    active.broken = bool(active.problem)
    return active


_NAMED = {
    BreakOn.OPERATION: "an operation",
    BreakOn.MODULE: "a module",
    BreakOn.NODE: "a node of backward",
}


def _place(active: Active) -> None:
    wanted = active.breakpoint
    try:
        line = line_with_code(wanted.file, wanted.line)
    except OSError as error:
        active.problem = f"{wanted.file} cannot be read: {error.strerror}."
    except (SyntaxError, ValueError) as error:
        active.problem = f"{wanted.file} cannot be compiled: {error}"
    else:
        if line is None:
            active.problem = "There is no code on this line or below it."
        else:
            active.key = (os.path.realpath(wanted.file), line)


def _what(breakpoint: Breakpoint) -> Breakpoint:
    """What makes it the same as before, however it was switched."""
    return replace(breakpoint, enabled=True, ignore=0)


def _is_module(pattern: str, group: Group, root: str) -> bool:
    """Whether the pattern means this module: its class, or its path, with or without the name that
    the program gives to the whole model (``root``). A user's function goes by its name."""
    if fnmatchcase(group.label, pattern) or (group.type and fnmatchcase(group.type, pattern)):
        return True
    if not root or group.kind != "module":
        return False
    whole = group.label == group.type  # it is the model itself
    return fnmatchcase(root if whole else f"{root}.{group.label}", pattern)


def _unknown(name: str, frame: FrameType | None) -> Any:
    raise KeyError(name)
