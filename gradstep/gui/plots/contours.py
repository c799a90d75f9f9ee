"""Lines of equal height through a grid: marching squares, no Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]
Segment = tuple[float, float, float, float]
"""x and y (in columns and rows) of one end and of the other."""


def levels_of(grid: Grid, count: int = 9) -> list[float]:
    """Heights between the lowest and the highest: even, or with even ratios over wide ranges."""
    finite = grid[np.isfinite(grid)]
    if not len(finite):
        return []
    low, high = float(finite.min()), float(finite.max())
    if not high > low:
        return []
    parts = [(k + 1) / (count + 1) for k in range(count)]
    floor = max(low, high * 1e-4)
    if low >= 0 and high > 20 * floor:
        return [float(floor * (high / floor) ** part) for part in parts]
    return [low + (high - low) * part for part in parts]


def segments(grid: Grid, level: float) -> list[Segment]:
    """Pieces of the line at ``level``; cells with a corner that is not finite have none."""
    found: list[Segment] = []
    above = grid >= level
    whole = np.isfinite(grid)
    cells = (above[:-1, :-1].astype(int) + above[:-1, 1:] + above[1:, 1:] + above[1:, :-1]) % 4
    cells[~(whole[:-1, :-1] & whole[:-1, 1:] & whole[1:, 1:] & whole[1:, :-1])] = 0
    for row, column in zip(*np.nonzero(cells), strict=True):
        found += _cell(grid, level, int(row), int(column))
    return found


def _cell(grid: Grid, level: float, row: int, column: int) -> list[Segment]:
    corners = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    crossings: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        a, b = float(grid[y0, x0]), float(grid[y1, x1])
        if (a >= level) != (b >= level):
            part = (level - a) / (b - a)
            crossings.append((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part))
    if len(crossings) == 4:
        # A saddle: the middle decides which corners belong together.
        middle = float(grid[row : row + 2, column : column + 2].mean()) >= level
        if middle == (float(grid[row, column]) >= level):
            crossings = [crossings[0], crossings[1], crossings[2], crossings[3]]
        else:
            crossings = [crossings[3], crossings[0], crossings[1], crossings[2]]
    pairs = zip(crossings[::2], crossings[1::2], strict=False)
    return [(*one, *other) for one, other in pairs]
