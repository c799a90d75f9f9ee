"""The losses of a run, as they come in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradstep.protocol.trace import Losses

Numbers = NDArray[np.float64]


class LossSeries:
    """Iterations and losses in two arrays that grow by doubling."""

    dtype = "float32"
    """Losses travel as Python floats; almost all were float32, and such are shown as that."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._x, self._y = np.empty(64), np.empty(64)
        self._base = self._count = 0
        self.label = ""
        self.first_broken: int | None = None
        """Index of the first NaN or Inf."""

    def __len__(self) -> int:
        return self._count

    def apply(self, losses: Losses) -> None:
        """Put ``losses`` at their place; what stood from their first index on is replaced."""
        if not self._base <= losses.first <= self._base + self._count:
            self.clear()
            self._base = losses.first
        at, more = losses.first - self._base, len(losses.values)
        self._reserve(at + more)
        self._x[at : at + more] = losses.iterations
        self._y[at : at + more] = losses.values
        self._count = at + more
        if self.first_broken is not None and self.first_broken >= at:
            self.first_broken = None
        if self.first_broken is None:
            broken = np.flatnonzero(~np.isfinite(self._y[at : at + more]))
            self.first_broken = at + int(broken[0]) if len(broken) else None
        if more:
            self.label = losses.labels[-1] if len(losses.labels) == more else ""
            self.dtype = "float32" if _is_float32(self._y[at : at + more]) else "float64"

    def has(self, losses: Losses) -> bool:
        """Whether ``losses`` says nothing new."""
        return not losses.values and losses.first == self._base + self._count

    def arrays(self) -> tuple[Numbers, Numbers]:
        """Iterations, losses. Views: valid until the next ``apply``."""
        return self._x[: self._count], self._y[: self._count]

    def nearest(self, iteration: float) -> int:
        """Index of the loss nearest to an iteration. The series must not be empty."""
        after = min(int(np.searchsorted(self._x[: self._count], iteration)), self._count - 1)
        before = max(after - 1, 0)
        nearer = iteration - self._x[before] < self._x[after] - iteration
        return before if nearer else after

    def _reserve(self, count: int) -> None:
        if count > len(self._x):
            size = max(count, 2 * len(self._x))
            x, y = np.empty(size), np.empty(size)
            x[: self._count], y[: self._count] = self.arrays()
            self._x, self._y = x, y


def _is_float32(values: Numbers) -> bool:
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32).astype(np.float64)
    return bool(np.array_equal(narrow, values, equal_nan=True))
