"""What of the timeline has to be painted again: a step changes a box or two of some thirty."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from PySide6.QtCore import QRect
from PySide6.QtGui import QRegion

from gradstep.gui.timeline.drawing import CELL_ROW, PHASE_ROW
from gradstep.gui.timeline.model import TimelineModel
from gradstep.gui.timeline.shapes import CELL, GAP, SKIP, Box, Segment

_HEAD = 8  # on each side of the playhead
_DEEP = 4096  # lower than any strip


@dataclass(frozen=True)
class _Row:
    """One iteration as it is drawn. ``head``: what stands above its phases."""

    left: int
    width: int
    head: tuple[object, ...]
    segments: tuple[Segment, ...]

    @property
    def outside(self) -> tuple[object, ...]:
        """All but its operations."""
        return self.left, self.width, self.head


@dataclass(frozen=True)
class Shown:
    """All that decides what a strip shows, from ``offset`` on over ``room`` pixels; ``range`` is
    what the thumb follows."""

    offset: int
    room: int
    range: int
    rows: tuple[_Row, ...]
    ghost: tuple[int, int] | None
    playhead: int | None


def shown(model: TimelineModel, offset: int, room: int, range: int) -> Shown:
    """What a strip has to show of ``model`` now."""
    visible = model.visible(offset, offset + room + SKIP) if model.iterations else ()
    rows = tuple(_row(model, index) for index in visible)
    return Shown(offset, room, range, rows, model.ghost, model.playhead)


def _row(model: TimelineModel, index: int) -> _Row:
    iteration = model.iterations[index]
    last = index == len(model.iterations) - 1
    head = (iteration.number, iteration.skipped, iteration.title, iteration.compact, last)
    return _Row(model.left(index), iteration.width, head, model.segments(index))


def news(before: Shown | None, now: Shown) -> QRegion | None:
    """Where ``now`` looks different; None when everything does."""
    if before is None or not (before.rows and now.rows):
        return None
    if (before.offset, before.room) != (now.offset, now.room):
        return None
    found = QRegion()
    for old, new in zip_longest(before.rows, now.rows):
        if old is None or new is None or old.outside != new.outside:
            return None
        found += _changed(old, new)
    heads = {head for head in (before.playhead, now.playhead) if head is not None}
    for head in heads:
        found += QRect(head - _HEAD, 0, 2 * _HEAD, _DEEP)
    if before.playhead != now.playhead:
        found += _under(heads, now)
    if before.ghost != now.ghost:
        left = min(ghost[0] for ghost in (before.ghost, now.ghost) if ghost is not None)
        found += QRect(left - GAP // 2, 0, now.offset + now.room - left + GAP, _DEEP)
    return found.translated(-now.offset, 0)


def _under(heads: set[int], now: Shown) -> QRegion:
    """The phases whose names make way for the playhead, or need not any more."""
    found = QRegion()
    for row in now.rows:
        for segment in row.segments:
            left = row.left + segment.x
            if any(left - _HEAD <= head <= left + segment.width + _HEAD for head in heads):
                found += QRect(left - 1, PHASE_ROW, segment.width + 2, CELL_ROW - PHASE_ROW)
    return found


def _changed(old: _Row, new: _Row) -> QRegion:
    """The phases and the boxes that are not what they were, of the same iteration."""
    found = QRegion()
    for one, other in zip_longest(old.segments, new.segments):
        if one == other:
            continue
        for segment in (one, other):
            if segment is not None:
                height = CELL_ROW - PHASE_ROW
                found += QRect(new.left + segment.x - 1, PHASE_ROW, segment.width + 2, height)
        boxes: tuple[Box, ...] = one.boxes if one is not None else ()
        others: tuple[Box, ...] = other.boxes if other is not None else ()
        for a, b in zip_longest(boxes, others):
            if a != b:
                for box in (a, b):
                    if box is not None:
                        found += QRect(new.left + box.x - 2, CELL_ROW - 2, CELL + 2, _DEEP)
    return found
