"""An exponential moving average that does not begin at zero."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
BLOCK = 128


class Smoothing:
    """m ← β m + (1 − β) y, shown as m / (1 − βᵗ) at the t-th number: the bias correction of Kingma
    & Ba, Adam (2015), section 3. What is not finite is passed over, and stays as it is."""

    def __init__(self, factor: float) -> None:
        if not 0 <= factor < 1:
            raise ValueError(f"factor {factor}: from 0 to below 1")
        self.factor = factor
        self._average, self._count = 0.0, 0

    def go_on(self, y: Numbers) -> Numbers:
        """Smooth what comes after all that was given before."""
        result = y.copy()
        finite = np.isfinite(y)
        result[finite] = self._smooth(y[finite])
        return result

    def _smooth(self, y: Numbers) -> Numbers:
        count = len(y)
        if not count:
            return y
        size = min(BLOCK, count)
        blocks = np.zeros((-(-count // size), size))
        blocks.reshape(-1)[:count] = y
        weights, decay = _weights(self.factor, size)
        # Within its block each sum is a product with one matrix; the blocks follow one another.
        sums = blocks @ weights
        for i, row in enumerate(sums):
            row += self._average * decay
            self._average = float(row[-1] if i + 1 < len(sums) else row[(count - 1) % size])
        times = self._count + np.arange(1, count + 1, dtype=np.float64)
        self._count += count
        shown: Numbers = sums.reshape(-1)[:count] / (1 - self.factor**times)
        return shown


@lru_cache(maxsize=16)
def _weights(factor: float, size: int) -> tuple[Numbers, Numbers]:
    """``[i, j]``: how much number i counts in the average at j, and what is left of the average
    before the block."""
    i, j = np.arange(size)[:, None], np.arange(size)[None, :]
    weights = np.where(j >= i, (1 - factor) * factor ** np.maximum(j - i, 0.0), 0.0)
    return weights, factor ** np.arange(1.0, size + 1)
