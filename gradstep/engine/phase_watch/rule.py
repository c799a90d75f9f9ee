"""What a rule of the phase watch is told, and how it tells what it found."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from gradstep.engine.phase_watch.table import Mistake
from gradstep.engine.sites import Sites
from gradstep.protocol.trace import Place

Tell = Callable[..., None]
"""``tell(mistake, text, place, **words)``; ``words`` complete the suggestion."""


@dataclass(slots=True)
class Run:
    """A run of the backward engine that accumulates into ``.grad``."""

    outputs: Any
    retains: bool
    selective: bool
    """``backward(inputs=...)``: not every leaf is reached."""
    frame: FrameType | None
    """Of the user's code, or of a library that called backward."""


@dataclass(slots=True)
class Step:
    """A call of ``optimizer.step``. ``closure``: forward and backward happen inside."""

    optimizer: Any
    closure: bool
    frame: FrameType | None

    def parameters(self) -> list[Any]:
        """Leaves only: asking others for ``.grad`` warns."""
        groups = self.optimizer.param_groups
        return [p for group in groups for p in group["params"] if p.is_leaf]


class Rule:
    """One state machine. ``open`` is False when it has nothing more to find out: then it is told
    nothing more, and costs nothing. Handlers are called unobserved: they may read tensors, and
    must keep none."""

    open = True
    idle = False
    """It waits for an event of its own (``eval()``), and asks for no others until then."""

    def __init__(self, watch: Any) -> None:
        self.watch = watch
        self.sites: Sites = watch.sites

    def tell(self, mistake: Mistake, text: str, place: Place | None, **words: str) -> None:
        self.open = False
        self.watch.tell(mistake, text, place, **words)

    def before_backward(self, run: Run) -> None: ...
    def after_backward(self, run: Run) -> None: ...
    def before_step(self, step: Step) -> None: ...
    def after_step(self, step: Step) -> None: ...
    def finished(self) -> None:
        """The program has ended."""


Spot = tuple[CodeType, int]
"""A call site, noted cheaply and without holding the frame: code and instruction."""


def line_of(at: Spot) -> int:
    code, lasti = at
    position = next(itertools.islice(code.co_positions(), lasti // 2, None), None)
    return (position[0] if position is not None else None) or code.co_firstlineno


def where(place: Place | None) -> str:
    return f"line {place.line}" if place is not None else "this place"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: list[str], most: int = 1) -> str:
    """``fc2.weight and 3 more``; all names, if there are few."""
    if len(names) <= most + 1:
        return " and ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
