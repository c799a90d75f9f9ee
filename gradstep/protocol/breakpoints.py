"""Where a person wants the program to stop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.phases import Phase


class BreakOn(StrEnum):
    """What a breakpoint waits for."""

    LINE = "line"  # a line of source, before it runs
    OPERATION = "operation"  # a call as the user wrote it, before it runs
    MODULE = "module"  # the forward of a module, before it runs
    NODE = "node"  # a node of backward, before it runs
    PHASE = "phase"  # the end of a phase
    ITERATION = "iteration"  # the beginning of an iteration


@dataclass(frozen=True)
class Breakpoint:
    """``file`` and ``line`` belong to LINE, ``pattern`` (as in a shell: ``*.attn.*``, ``log``) to
    OPERATION, MODULE and NODE, ``phase`` to PHASE (None: any), ``iteration`` to ITERATION.

    ``condition`` is a Python expression in the program's own names; it stops only where that is
    true. ``ignore`` hits are passed by first."""

    id: int
    on: BreakOn
    file: str = ""
    line: int = 0
    pattern: str = ""
    phase: Phase | None = None
    iteration: int = 0
    condition: str = ""
    ignore: int = 0
    enabled: bool = True


@dataclass(frozen=True)
class BreakpointState:
    """How a breakpoint fares in this run. ``line``: where it really sits (a line without code moves
    down to the next one with code; 0 for others). ``problem``: why it cannot stop, or what its
    condition raised."""

    id: int
    hits: int = 0
    line: int = 0
    problem: str = ""
