"""What the timeline knows: iterations of phases of operations, and where they stand. No Qt.

Only the newest stretches are kept, and operations only of the newest of those; every question
that painting asks costs as much as what is visible, not as much as what was recorded.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import replace

from gradstep.gui.timeline.shapes import (
    CELL,
    EMPTY_CELLS,
    GAP,
    LETTER_GAP,
    LETTERS,
    SKIP,
    Box,
    Iteration,
    Look,
    Segment,
    done_segment,
    full_cells,
    is_next,
)
from gradstep.phases import PHASES, Phase
from gradstep.protocol.trace import Reason, Stop, Timeline, TimelinePhase

MAX_STRETCHES = 200_000
MAX_CELLS = 200_000
_OVER = (Reason.END, Reason.LOST, Reason.EXCEPTION)


class TimelineModel:
    """Fed with increments and stops, asked for iterations by pixel."""

    def __init__(self) -> None:
        self.stop: Stop | None = None
        self.experiment = False
        self.total: int | None = None
        """Iterations that there will be, if that is known."""
        self.limit = 1320
        self.clear()

    def clear(self, base: int = 0) -> None:
        """Forget everything; the next stretch is expected to have index ``base``."""
        self._base = base  # index of the oldest stretch kept
        self._count = self._cells = 0
        self._bare = 0  # how many of the oldest iterations have lost their cells
        self.iterations: list[Iteration] = []
        self._lefts: list[int] = []
        self._last: tuple[Segment, ...] | None = None
        """What the last iteration shows, until anything changes (see ``_place_from``)."""
        self._stand()

    # -- feeding -----------------------------------------------------------------------------

    def begin(self, experiment: bool, total: int | None = None) -> None:
        """A program is loaded. An experiment's first iteration is known before it begins."""
        self.experiment, self.total, self.stop = experiment, total, None
        self.clear()

    def apply(self, timeline: Timeline) -> None:
        """Put ``timeline`` at its place; what stood from its first index on is replaced."""
        if not self._base <= timeline.first <= self._base + self._count:
            self.clear(timeline.first)
        self._drop_empty()
        while self._base + self._count > timeline.first:
            self._drop_last()
        changed = len(self.iterations) - 1
        for stretch in timeline.phases:
            self._append(stretch)
        self._stand(changed)
        if self._count > MAX_STRETCHES:
            self._forget(self._count - MAX_STRETCHES * 3 // 4)
        if self._cells > MAX_CELLS:
            self._strip(self._cells - MAX_CELLS * 3 // 4)

    def set_stop(self, stop: Stop | None) -> None:
        self.stop = stop
        self._drop_empty()
        self._stand()

    def _stand(self, changed: int | None = None) -> None:
        """End with the iteration in which the program stands, even if nothing is known of it."""
        changed = len(self.iterations) - 1 if changed is None else changed
        last = self.iterations[-1].number if self.iterations else 0
        stands_in = self.stop.iteration if self.stop is not None else 0
        if not self.iterations and self.experiment:
            stands_in = max(stands_in, 1)
        if stands_in > last and (self.iterations or self.experiment):
            skipped = stands_in - last - 1 if self.iterations else 0
            self.iterations.append(Iteration(stands_in, skipped))
        self._place_from(changed)

    def _drop_empty(self) -> None:
        if self.iterations and not self.iterations[-1].stretches:
            self.iterations.pop()

    def set_limit(self, pixels: int) -> None:
        """Iterations that are wider than this with all operations become compact."""
        if pixels != self.limit:
            self.limit = pixels
            self._place_from(0)

    def _append(self, stretch: TimelinePhase) -> None:
        last = self.iterations[-1] if self.iterations else None
        if last is None or last.number != stretch.iteration:
            skipped = stretch.iteration - last.number - 1 if last else 0
            last = Iteration(stretch.iteration, max(skipped, 0))
            self.iterations.append(last)
        last.add(stretch)
        self._count += 1
        self._cells += len(stretch.cells)

    def _drop_last(self) -> None:
        last = self.iterations[-1]
        self._cells -= len(last.stretches[-1].cells)
        self._count -= 1
        last.replace(last.stretches[:-1])
        if not last.stretches:
            self.iterations.pop()
            self._bare = min(self._bare, len(self.iterations))

    def _forget(self, count: int) -> None:
        """Drop the oldest iterations, at least ``count`` stretches, but never the last two."""
        gone = dropped = 0
        for iteration in self.iterations[:-2]:
            if gone >= count:
                break
            gone += len(iteration.stretches)
            dropped += 1
            self._cells -= sum(len(s.cells) for s in iteration.stretches)
        self._base += gone
        self._count -= gone
        self._bare = max(0, self._bare - dropped)
        del self.iterations[:dropped]
        self._place_from(0)

    def _strip(self, count: int) -> None:
        """Drop at least ``count`` operations of the oldest iterations."""
        before, start = self._cells, self._bare
        for iteration in self.iterations[start:-2]:
            if before - self._cells >= count:
                break
            self._cells -= sum(len(s.cells) for s in iteration.stretches)
            iteration.replace([replace(s, cells=()) for s in iteration.stretches])
            self._bare += 1
        self._place_from(start)

    # -- placing -----------------------------------------------------------------------------

    def _right_of(self, index: int) -> int:
        if index < 0:
            return 0
        return self._lefts[index] + self.iterations[index].width + GAP

    def _place_from(self, index: int) -> None:
        # The one before the first changed may have been the last, with predictions.
        index = max(index - 1, 0)
        del self._lefts[index:]
        self._lefts.extend([0] * (len(self.iterations) - index))
        x = self._right_of(index - 1)
        for i in range(index, len(self.iterations)):
            iteration = self.iterations[i]
            x += SKIP if iteration.skipped and i else 0
            self._lefts[i] = x
            if i == len(self.iterations) - 1:
                iteration.compact, iteration.width = self._form_of_last()
            else:
                iteration.compact = not iteration.known or iteration.full > self.limit
                iteration.width = iteration.letters if iteration.compact else iteration.full
            x += iteration.width + GAP
        self._last = None

    def _form_of_last(self) -> tuple[bool, int]:
        """The last iteration has predictions, and is shown in full before anything is known."""
        index = len(self.iterations) - 1
        last = self.iterations[index]
        if last.known or not any(s.count or s.complete for s in last.stretches):
            full = sum(s.width for s in self._segments(index, compact=False))
            if full <= self.limit:
                return False, max(full, 2 * CELL)  # room for its number
        segments = self._segments(index, compact=True)
        return True, segments[-1].x + segments[-1].width if segments else 0

    def left(self, index: int) -> int:
        """Of iteration ``index`` (0 is the oldest kept)."""
        return self._lefts[index]

    @property
    def ghost(self) -> tuple[int, int] | None:
        """Left and width of the next iteration, which has not begun; None where none is known."""
        if not self.iterations or (len(self.iterations) < 2 and not self.experiment):
            return None
        last = len(self.iterations) - 1
        if self.total is not None and self.iterations[last].number >= self.total:
            return None
        if self.stop is not None and self.stop.reason in _OVER:
            return None
        return self._right_of(last), max(self.iterations[last].width, CELL)

    @property
    def width(self) -> int:
        """Of everything, the ghost cut off after two cells."""
        if not self.iterations:
            return 0
        ghost = self.ghost
        if ghost is None:
            return self._lefts[-1] + self.iterations[-1].width
        return ghost[0] + min(ghost[1], 2 * CELL)

    def visible(self, left: int, right: int) -> range:
        """Indices of the iterations that touch ``left`` to ``right``."""
        first = max(0, bisect.bisect_right(self._lefts, left) - 1)
        return range(first, bisect.bisect_left(self._lefts, right))

    def segments(self, index: int) -> tuple[Segment, ...]:
        """The stretches of an iteration; of the last one also those that will come."""
        if index < len(self.iterations) - 1:
            return self._segments(index, self.iterations[index].compact)
        if self._last is None:  # asked for a dozen times at every stop
            self._last = self._segments(index, self.iterations[index].compact)
        return self._last

    def _segments(self, index: int, compact: bool) -> tuple[Segment, ...]:
        iteration, last = self.iterations[index], index == len(self.iterations) - 1
        result: list[Segment] = []
        x = 0
        seen: dict[Phase, int] = {}
        for k, stretch in enumerate(iteration.stretches):
            seen[stretch.phase] = seen.get(stretch.phase, 0) + 1
            current = last and k == len(iteration.stretches) - 1 and self._is_current(stretch)
            if current:
                earlier = self._earlier(index, stretch.phase, seen[stretch.phase])
                segment = self._current(x, stretch, earlier, compact)
            else:
                segment = done_segment(x, stretch, compact)
            result.append(segment)
            x += segment.width + (LETTER_GAP if compact else 0)
        if last:
            for coming in self._predicted(index):
                segment = self._coming(x, coming, compact, not any(is_next(s) for s in result))
                result.append(segment)
                x += segment.width + (LETTER_GAP if compact else 0)
        return tuple(result)

    # -- the current iteration ---------------------------------------------------------------

    def _is_current(self, stretch: TimelinePhase) -> bool:
        stop = self.stop
        return stop is not None and not stretch.complete and stop.phase == stretch.phase

    def _earlier(self, index: int, phase: Phase, nth: int) -> TimelinePhase | None:
        """The ``nth`` stretch of ``phase`` in the iteration before."""
        if index == 0:
            return None
        same = [s for s in self.iterations[index - 1].stretches if s.phase == phase]
        return same[nth - 1] if nth <= len(same) else None

    def _current(
        self, x: int, stretch: TimelinePhase, earlier: TimelinePhase | None, compact: bool
    ) -> Segment:
        stop = self.stop
        assert stop is not None
        done = max(stop.done, 0)
        total = stop.total if stop.total is not None else earlier.count if earlier else done
        has_next = stop.operation is not None and stop.operation.phase in (None, stretch.phase)
        total = max(total, done + has_next, len(stretch.cells))
        if compact:
            width = LETTERS[stretch.phase]
            reached = round(width * done / total) if total else width
            return Segment(x, width, reached, stretch.phase, Look.NEXT, total)
        boxes = []
        shown = min(total, self.limit // CELL + 1)
        for i in range(shown):
            look = Look.DONE if i < done else Look.NEXT if has_next and i == done else Look.PENDING
            cell = stretch.cells[i] if i < len(stretch.cells) else None
            name = cell.name if cell else ""
            if not name and look is Look.NEXT and stop.operation:
                name = stop.operation.name
            if not name and earlier and i < len(earlier.cells):
                name = earlier.cells[i].name
            boxes.append(Box(x + i * CELL, look, stretch.phase, name, cell))
        width = max(len(boxes), EMPTY_CELLS.get(stretch.phase, 2)) * CELL
        return Segment(
            x, width, min(done, shown) * CELL, stretch.phase, Look.NEXT, total, tuple(boxes)
        )

    def _predicted(self, index: int) -> list[TimelinePhase]:
        """Stretches of the iteration before that this one has not reached yet."""
        if self.stop is not None and self.stop.reason in _OVER:
            return []
        reached = [s.phase for s in self.iterations[index].stretches]
        plan = self._plan(index)
        at = 0
        for phase in reached:
            found = next((k for k in range(at, len(plan)) if plan[k].phase == phase), None)
            at = at if found is None else found + 1
        return list(plan[at:])

    def _plan(self, index: int) -> list[TimelinePhase]:
        """The newest iteration that was recorded to its end; without one an experiment's four."""
        for i in range(index - 1, max(index - 9, -1), -1):
            if not self.iterations[i + 1].skipped:
                return self.iterations[i].stretches
        if not self.experiment:
            return []
        return [TimelinePhase(i.phase, 0, 0, 0, False) for i in PHASES]

    def _coming(self, x: int, stretch: TimelinePhase, compact: bool, may: bool) -> Segment:
        """A predicted stretch; its first operation is marked when the stop says it is next."""
        stop = self.stop
        operation = stop.operation if stop and may else None
        marked = operation is not None and operation.phase == stretch.phase
        if compact:
            width = LETTERS[stretch.phase]
            return Segment(x, width, 0, stretch.phase, Look.PENDING, stretch.count)
        boxes = [
            Box(x + i * CELL, Look.PENDING, stretch.phase, cell.name)
            for i, cell in enumerate(stretch.cells)
        ]
        if marked and operation is not None:
            boxes[:1] = [Box(x, Look.NEXT, stretch.phase, operation.name)]
        width = max(len(boxes), full_cells(stretch)) * CELL
        return Segment(x, width, 0, stretch.phase, Look.PENDING, stretch.count, tuple(boxes))

    @property
    def playhead(self) -> int | None:
        """Where the program stands, from the left of everything; None before anything ran."""
        if not self.iterations:
            return None
        index = len(self.iterations) - 1
        x, count = 0, len(self.iterations[index].stretches)
        for segment in self.segments(index)[:count]:
            inside = segment.look is Look.NEXT
            x = segment.x + (segment.reached if inside else segment.width)
        return self._lefts[index] + x

    def places(self, node: int) -> list[tuple[int, int]]:
        """Where the last iteration has operations of ``node``: x from the left of everything, and
        width; 0 where there is no room for an operation of its own."""
        if not self.iterations:
            return []
        index = len(self.iterations) - 1
        iteration, left = self.iterations[index], self._lefts[index]
        found: list[tuple[int, int]] = []
        for stretch, segment in zip(iteration.stretches, self.segments(index), strict=False):
            numbers = [i for i, cell in enumerate(stretch.cells) if cell.node == node]
            for i in numbers:
                if iteration.compact:
                    share = (i + 0.5) / max(segment.count, 1)
                    found.append((left + segment.x + round(segment.width * share), 0))
                elif i < len(segment.boxes):
                    found.append((left + segment.boxes[i].x, CELL))
        return found

    def boxes(self, indices: Iterable[int]) -> list[tuple[int, Box]]:
        """All operations of these iterations in order, with the iteration's index."""
        return [(i, box) for i in indices for s in self.segments(i) for box in s.boxes]
