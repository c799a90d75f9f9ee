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

    The pattern of an OPERATION or a NODE may say within which module: ``model.fc*:linear``; a
    MODULE goes by its path, with or without the model's variable before it, or by its class.

    ``condition`` is a Python expression in the program's own names; it stops only where that is
    true. Where the program has no such name: ``iteration`` (from 1), ``phase``, ``torch``,
    ``finite(t)``, and ``sign_flip(t)``, ``cosine(t)`` (both of ``t.grad``) and ``update_ratio(t)``,
    which compare with the previous evaluation of this condition. At a NODE ``grad`` is the gradient
    that arrives, a tuple if there are several. ``ignore`` hits are passed by first."""

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
