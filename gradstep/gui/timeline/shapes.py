"""What the timeline is made of: iterations, stretches of a phase, operations. No Qt."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from gradstep.phases import Phase
from gradstep.protocol.trace import TimelineCell, TimelinePhase

CELL, GAP = 52, 20
SKIP = 72
"""Room for the note that iterations are missing."""
LETTERS = {Phase.FORWARD: 36, Phase.BACKWARD: 60, Phase.UPDATE: 24, Phase.ZERO_GRAD: 24}
LETTER_GAP = 3
EMPTY_CELLS = {Phase.ZERO_GRAD: 1}
"""Cells' room given to a stretch of which no operation is known (2 where not named)."""


class Look(Enum):
    DONE = "done"
    NEXT = "next"
    PENDING = "pending"  # not yet


@dataclass(frozen=True)
class Box:
    """One operation, placed. ``x`` counts from the iteration's left edge."""

    x: int
    look: Look
    phase: Phase
    name: str = ""
    cell: TimelineCell | None = None
    more: int = 0

    @property
    def label(self) -> str:
        return f"+{self.more}" if self.more else short_name(self.name)


@dataclass(frozen=True)
class Segment:
    """One stretch of a phase, placed. ``reached`` is how much of ``width`` is done."""

    x: int
    width: int
    reached: int
    phase: Phase
    look: Look
    count: int
    boxes: tuple[Box, ...] = ()


@dataclass
class Iteration:
    """``skipped``: iterations before it that ran without being recorded."""

    number: int
    skipped: int = 0
    stretches: list[TimelinePhase] = field(default_factory=list)
    title: str = ""
    width: int = 0
    compact: bool = False
    known: bool = False  # some of its operations are kept
    full: int = 0  # its width with all operations
    letters: int = 0  # its width in compact form

    def add(self, stretch: TimelinePhase) -> None:
        self.stretches.append(stretch)
        self.title = self.title or stretch.title
        self.known = self.known or bool(stretch.cells)
        self.full += full_cells(stretch) * CELL
        self.letters += LETTERS[stretch.phase] + LETTER_GAP

    def replace(self, stretches: Iterable[TimelinePhase]) -> None:
        self.stretches, self.title, self.known, self.full, self.letters = [], "", False, 0, 0
        for stretch in stretches:
            self.add(stretch)


@functools.lru_cache(maxsize=4096)
def short_name(name: str) -> str:
    """What fits a cell: ``MulBackward0`` is ``mul``, ``AccumulateGrad`` is ``accum``, ``.data =``
    is ``.data``."""
    if name.endswith("AccumulateGrad"):
        return "accum"
    stem = re.sub(r"Backward\d*$", "", name.rsplit("::", 1)[-1])
    if stem == name:
        return name.split(" ", 1)[0]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()


def is_next(segment: Segment) -> bool:
    """It holds the next operation."""
    return segment.look is Look.NEXT or any(box.look is Look.NEXT for box in segment.boxes)


def full_cells(stretch: TimelinePhase) -> int:
    """How many cells wide it is with all operations."""
    hidden = stretch.count > len(stretch.cells) > 0
    return max(len(stretch.cells) + hidden, EMPTY_CELLS.get(stretch.phase, 2 - bool(stretch.cells)))


def done_segment(x: int, stretch: TimelinePhase, compact: bool) -> Segment:
    """A stretch that is over."""
    if compact:
        width = LETTERS[stretch.phase]
        return Segment(x, width, width, stretch.phase, Look.DONE, stretch.count)
    boxes = [
        Box(x + i * CELL, Look.DONE, stretch.phase, cell.name, cell)
        for i, cell in enumerate(stretch.cells)
    ]
    hidden = stretch.count - len(boxes)
    if boxes and hidden > 0:
        boxes.append(Box(x + len(boxes) * CELL, Look.DONE, stretch.phase, more=hidden))
    width = full_cells(stretch) * CELL
    return Segment(x, width, width, stretch.phase, Look.DONE, stretch.count, tuple(boxes))
