"""The breakpoints of one program and how they fare. No Qt."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState
from gradstep.protocol.fields import FieldError, decode, encode

PATTERNED = frozenset({BreakOn.OPERATION, BreakOn.MODULE, BreakOn.NODE})
"""What is named by a pattern."""


class BreakpointList:
    """In the order in which they were made. An id is never used twice while a program is open, so
    that a late answer cannot be taken for that of a newer breakpoint."""

    def __init__(self) -> None:
        self._items: dict[int, Breakpoint] = {}
        self._states: dict[int, BreakpointState] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(tuple(self._items.values()))

    def __contains__(self, id: object) -> bool:
        return id in self._items

    def __getitem__(self, id: int) -> Breakpoint:
        """Raises ``KeyError``."""
        return self._items[id]

    # ------------------------------------------------------------------ change

    def add(self, on: BreakOn, **fields: Any) -> Breakpoint:
        """A new breakpoint; ``fields`` as of ``Breakpoint``."""
        made = Breakpoint(self._next, on, **fields)
        self._next += 1
        self._items[made.id] = made
        return made

    def remove(self, id: int) -> None:
        """Raises ``KeyError``."""
        del self._items[id]
        self._states.pop(id, None)

    def change(self, id: int, **fields: Any) -> Breakpoint:
        """Another condition, pattern, ... for ``id``. What the engine said of it holds no longer,
        except its hits. Raises ``KeyError``."""
        old = self._items[id]
        new = self._items[id] = replace(old, **fields)
        if new != old and id in self._states:
            self._states[id] = BreakpointState(id, self._states[id].hits, self._states[id].line)
        return new

    def toggle_line(self, file: str, line: int) -> Breakpoint | None:
        """Take away the breakpoints of a line, or make one, which is returned."""
        here = self.of_line(file, line)
        for breakpoint in here:
            self.remove(breakpoint.id)
        return None if here else self.add(BreakOn.LINE, file=file, line=line)

    def clear(self) -> None:
        self._items.clear()
        self._states.clear()

    # ------------------------------------------------------------------ look

    def line_of(self, breakpoint: Breakpoint) -> int:
        """Where it sits: a line without code moves down to one with code. 0 for all but lines."""
        return self.state(breakpoint.id).line or breakpoint.line

    def of_file(self, file: str) -> list[Breakpoint]:
        return [b for b in self if b.on is BreakOn.LINE and same_file(b.file, file)]

    def of_line(self, file: str, line: int) -> list[Breakpoint]:
        """Those that sit on a line of ``file``."""
        return [b for b in self.of_file(file) if self.line_of(b) == line]

    def state(self, id: int) -> BreakpointState:
        """What the engine said of ``id`` last; no hits and no problem before it has."""
        return self._states.get(id) or BreakpointState(id)

    # ------------------------------------------------------------------ from the engine

    def take_states(self, states: Iterable[BreakpointState]) -> bool:
        """Keep what the engine says, of those that are still there; whether anything is new."""
        news = {s.id: s for s in states if s.id in self._items and self.state(s.id) != s}
        self._states.update(news)
        return bool(news)

    def take_problem(self, problem: str) -> None:
        """None of them can stop the program, because of ``problem``."""
        self.take_states([replace(self.state(b.id), problem=problem) for b in self])

    def forget_states(self) -> None:
        """Another run: nothing was hit yet."""
        self._states.clear()

    # ------------------------------------------------------------------ between launches

    def dump(self) -> str:
        """As JSON text, without hits."""
        return json.dumps(encode(tuple(self)))

    def load(self, text: str) -> None:
        """Replace all by those of ``dump``; by none when ``text`` is no such thing."""
        self.clear()
        try:
            kept = decode(tuple[Breakpoint, ...], json.loads(text or "[]"))
        except (ValueError, FieldError):
            return  # written by another version, or by hand: not worth a message
        for breakpoint in kept:
            id = self._next
            self._next += 1
            self._items[id] = replace(breakpoint, id=id)


def same_file(one: str, other: str) -> bool:
    """Whether two paths are spelled alike (on Windows: but for capitals and slashes)."""
    return os.path.normcase(one) == os.path.normcase(other)
