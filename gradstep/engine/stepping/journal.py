"""What happened, in order: phases with their operations, and losses. Bounded in any run."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gradstep.phases import Phase
from gradstep.protocol.trace import Losses, Place, Timeline, TimelineCell, TimelinePhase

STRETCHES = 20_000
CELLS = 400
ALL_CELLS = 100_000
LOSSES = 1_000_000


@dataclass(slots=True, eq=False)
class _Stretch:
    phase: Phase
    iteration: int
    title: str
    outer: Phase | None = None
    count: int = 0
    complete: bool = False
    sent_back: bool = False  # of a forward: a backward started from what it made
    cells: list[TimelineCell] = field(default_factory=list)


def _is_aside(stretch: _Stretch, waiting: set[int]) -> bool:
    """Whether it is a forward that leads nowhere."""
    if stretch.phase is not Phase.FORWARD or stretch.sent_back:
        return False
    return not any(cell.node in waiting for cell in stretch.cells)


class Journal:
    """The last ``STRETCHES`` stretches of a phase, the last ``LOSSES`` losses. The last
    ``ALL_CELLS`` operations have a cell each, ``CELLS`` at most in one stretch; of older ones only
    their number is known.

    ``driven``: each forward was asked for. Else one that led to no backward was for a log or a
    plot: it is taken out when its iteration is complete."""

    def __init__(self, *, driven: bool = False) -> None:
        self._stretches: deque[_Stretch] = deque()
        self._driven = driven
        self._first = 0
        self._changed: int | None = None
        self._cells = 0
        self._with_cells: deque[_Stretch] = deque()
        self.new_losses: tuple[list[int], list[float]] = ([], [])
        """Iterations and values, appended to in this order; ``settle`` moves them to the others."""
        self._settling = threading.RLock()
        self._iterations = array("q")
        self._losses = array("d")
        self._samples: dict[int, int] = {}
        """Of an experiment: which sample a loss belongs to, by the loss's number."""
        self._first_loss = 0

    def open(
        self, phase: Phase, iteration: int, title: str = "", outer: Phase | None = None
    ) -> None:
        """``outer``: the phase around this one."""
        self.close()
        self._stretches.append(_Stretch(phase, iteration, title, outer))
        if len(self._stretches) > STRETCHES:
            oldest = self._stretches.popleft()
            self._first += 1
            if self._with_cells and self._with_cells[0] is oldest:
                self._with_cells.popleft()
                self._cells -= len(oldest.cells)

    def skip_to(self, first: int) -> None:
        """Number what comes from ``first`` on: a run before this one has told of the others."""
        self._first = max(self._first, first - len(self._stretches))

    def close(self) -> None:
        if self._stretches:
            self._stretches[-1].complete = True

    def sent_back(self, nodes: set[int] | None) -> None:
        """Backward begins. ``nodes`` lead to where it starts; None where that is not known."""
        for stretch in self._last_iteration():
            if stretch.phase is Phase.FORWARD and not stretch.sent_back:
                known = nodes is not None and bool(stretch.cells)
                stretch.sent_back = not known or any(c.node in (nodes or ()) for c in stretch.cells)

    def tidy(self, waiting: Callable[[], set[int]]) -> None:
        """The iteration is complete: take out the forwards that were no part of the training. Those
        that made one of the ``waiting`` nodes may still be sent back."""
        whole = list(self._last_iteration())
        if self._driven or all(s.sent_back or s.phase is not Phase.FORWARD for s in whole):
            return
        nodes = waiting()
        kept = [s for s in reversed(whole) if not _is_aside(s, nodes)]
        first = len(self._stretches) - len(whole)
        for old, now in zip(reversed(whole), [*kept, None], strict=False):
            if old is not now:
                break
            first += 1
        else:
            return
        for stretch in whole:
            self._stretches.pop()
            if stretch.cells and all(stretch is not s for s in kept):
                self._with_cells.remove(stretch)
                self._cells -= len(stretch.cells)
        self._stretches.extend(kept)
        first += self._first
        self._changed = first if self._changed is None else min(first, self._changed)

    def operation(self, name: str, node: int | None, place: Place | None) -> None:
        """One operation of the open stretch was executed."""
        if not self._stretches:
            return
        stretch = self._stretches[-1]
        stretch.count += 1
        if len(stretch.cells) < CELLS:
            line, file = (place.line, place.file) if place is not None else (None, "")
            if not stretch.cells:
                self._with_cells.append(stretch)
            stretch.cells.append(TimelineCell(name, node, line, file))
            self._cells += 1
            while self._cells > ALL_CELLS:
                oldest = self._with_cells.popleft()
                self._cells -= len(oldest.cells)
                oldest.cells.clear()

    def prune(self, nodes: set[int]) -> int | None:
        """Forward cells of operations that turned out not to lead to the loss are dropped; how
        many are left, if any could be told apart."""
        for stretch in reversed(self._stretches):
            if stretch.phase is not Phase.FORWARD:
                continue
            if stretch.sent_back or len(stretch.cells) < stretch.count:
                return None
            kept = [c for c in stretch.cells if c.node is None or c.node in nodes]
            self._cells -= len(stretch.cells) - len(kept)
            stretch.cells[:] = kept
            stretch.count = len(kept)
            return stretch.count
        return None

    def loss(self, iteration: int, value: float, sample: int | None = None) -> None:
        """``sample`` counts from 1; None when it is not known."""
        iterations, values = self.new_losses
        iterations.append(iteration)
        values.append(value)
        if sample:
            self.settle()
            self._samples[len(self._losses) - 1 + self._first_loss] = sample

    def settle(self) -> None:
        """To be called now and then while the program runs, from any thread: small loops append to
        lists of few losses, which is soon done."""
        with self._settling:
            iterations, values = self.new_losses
            count = len(values)
            self._iterations.extend(iterations[:count])
            self._losses.extend(values[:count])
            del iterations[:count], values[:count]
            over = len(self._losses) - LOSSES
            if over > 0:
                over += LOSSES // 2
                del self._iterations[:over], self._losses[:over]
                self._first_loss += over
                self._samples = {i: n for i, n in self._samples.items() if i >= self._first_loss}

    def timeline(self, since: int) -> Timeline:
        """From ``since`` on, or from an earlier stretch that has been taken out since the last
        question."""
        if self._changed is not None:
            since, self._changed = min(since, self._changed), None
        skip = max(0, since - self._first)
        stretches = list(self._stretches)[skip:]
        first = self._first + skip
        return Timeline(
            first,
            tuple(
                TimelinePhase(
                    s.phase,
                    s.iteration,
                    first + i,
                    s.count,
                    s.complete,
                    tuple(s.cells),
                    s.title,
                    s.outer,
                )
                for i, s in enumerate(stretches)
            ),
        )

    def _last_iteration(self) -> Iterator[_Stretch]:
        """Its stretches, the last first."""
        for stretch in reversed(self._stretches):
            if stretch.iteration != self._stretches[-1].iteration:
                return
            yield stretch

    def losses(self, since: int) -> Losses:
        with self._settling:
            self.settle()
            skip = max(0, since - self._first_loss)
            first = self._first_loss + skip
            iterations, values = tuple(self._iterations[skip:]), tuple(self._losses[skip:])
            samples = [self._samples.get(first + i, 0) for i in range(len(values))]
            labels = tuple(f"sample {n}" if n else "" for n in samples) if any(samples) else ()
        return Losses(first, iterations, values, labels)
