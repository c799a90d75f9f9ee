"""The losses of a run, as they come in: one line for each that the program has a name for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.plots.smoothing import Smoothing
from gradstep.protocol.trace import Losses

Numbers = NDArray[np.float64]


@dataclass
class Line:
    """``x``: iterations or epochs. ``smooth`` is ``y`` where nothing is smoothed. ``counts``: of
    how many losses each number is the mean; None where each is one."""

    name: str
    x: Numbers
    y: Numbers
    smooth: Numbers
    counts: NDArray[np.int64] | None = None

    def nearest(self, x: float) -> int:
        """Index of the number nearest to ``x``. The line must not be empty."""
        after = min(int(np.searchsorted(self.x, x)), len(self.x) - 1)
        before = max(after - 1, 0)
        return before if x - self.x[before] < self.x[after] - x else after


class LossSeries:
    """Iterations, losses and their sources in arrays that grow by doubling."""

    dtype = "float32"
    """Losses travel as Python floats; almost all were float32, and such are shown as that."""

    def __init__(self) -> None:
        self.by_epoch, self.factor = False, 0.0
        self.clear()

    def clear(self) -> None:
        self._x, self._y = np.empty(64), np.empty(64)
        self._of = np.zeros(64, np.int16)
        self._base = self._count = 0
        self.label = ""
        self.names: tuple[str, ...] = ()
        self.epochs: list[int] = []
        """Indices, counted from the program's first loss, at which an epoch begins."""
        self._lines: list[Line] | None = None
        self._smoothed: dict[int, tuple[Smoothing, Numbers]] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def in_epochs(self) -> bool:
        """Whether it is shown by epoch: asked for, and possible."""
        return self.by_epoch and bool(self.epochs)

    def apply(self, losses: Losses) -> None:
        """Put ``losses`` at their place; what stood from their first index on is replaced."""
        if not self._base <= losses.first <= self._base + self._count:
            self.clear()
            self._base = losses.first
        at, more = losses.first - self._base, len(losses.values)
        if at < self._count:
            self._smoothed.clear()
        self._reserve(at + more)
        self._x[at : at + more] = losses.iterations
        self._y[at : at + more] = losses.values
        self._of[at : at + more] = losses.sources or 0
        self._count = at + more
        self.names = losses.names or self.names
        self.epochs = [e for e in self.epochs if e < losses.first] + list(losses.epochs)
        self._lines = None
        if more:
            self.label = losses.labels[-1] if len(losses.labels) == more else ""
            self.dtype = "float32" if _is_float32(self._y[at : at + more]) else "float64"

    def has(self, losses: Losses) -> bool:
        """Whether ``losses`` says nothing new."""
        return not losses.values and losses.first == self._base + self._count

    def arrays(self) -> tuple[Numbers, Numbers]:
        """Iterations, losses. Views: valid until the next ``apply``."""
        return self._x[: self._count], self._y[: self._count]

    # ------------------------------------------------------------------ as it is shown

    def show(self, *, by_epoch: bool, factor: float) -> None:
        """How ``lines`` are made. ``factor`` of the smoothing; 0 for none."""
        if factor != self.factor:
            self._smoothed.clear()
        self.by_epoch, self.factor, self._lines = by_epoch, factor, None

    def lines(self) -> list[Line]:
        """One for each source, in the order in which they first came."""
        if self._lines is None:
            of = self._of[: self._count]
            if not len(of) or of.min() == of.max():
                sources = [int(of[0])] if len(of) else []
                self._lines = [self._line(source, None) for source in sources]
                return self._lines
            found, first = np.unique(of, return_index=True)
            sources = [int(found[i]) for i in np.argsort(first)]
            self._lines = [self._line(source, np.flatnonzero(of == source)) for source in sources]
        return self._lines

    def _line(self, source: int, chosen: NDArray[np.intp] | None) -> Line:
        """``chosen``: where its losses stand among all; None for all of them."""
        name = self.names[source] if source < len(self.names) else ""
        part = slice(self._count) if chosen is None else chosen
        x, y = self._x[part], self._y[part]
        if not self.in_epochs:
            return Line(name, x, y, self._smooth(source, y))
        at = np.arange(self._count) if chosen is None else chosen
        epochs = np.searchsorted(self.epochs, at + self._base, "right")
        counts = np.bincount(epochs)
        sums = np.bincount(epochs, y)
        there = np.flatnonzero(counts)
        means = sums[there] / counts[there]
        smooth = Smoothing(self.factor).go_on(means) if self.factor else means
        return Line(name, there.astype(np.float64), means, smooth, counts[there])

    def _smooth(self, source: int, y: Numbers) -> Numbers:
        """What was smoothed before is not smoothed anew."""
        if not self.factor:
            return y
        smoothing, done = self._smoothed.get(source) or (Smoothing(self.factor), np.empty(0))
        done = np.concatenate((done, smoothing.go_on(y[len(done) :])))
        self._smoothed[source] = (smoothing, done)
        return done

    def _reserve(self, count: int) -> None:
        if count > len(self._x):
            size = max(count, 2 * len(self._x))
            x, y, of = np.empty(size), np.empty(size), np.zeros(size, np.int16)
            x[: self._count], y[: self._count] = self.arrays()
            of[: self._count] = self._of[: self._count]
            self._x, self._y, self._of = x, y, of


def _is_float32(values: Numbers) -> bool:
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32).astype(np.float64)
    return bool(np.array_equal(narrow, values, equal_nan=True))
