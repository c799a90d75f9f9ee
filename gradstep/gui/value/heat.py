"""Numbers as colours of the data scale, and the ink that can be read on each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

from gradstep.gui.theme import theme
from gradstep.protocol.values import Statistics

STEPS = 128
"""Colours on either side of zero."""
CONTRAST = 4.5


@dataclass(frozen=True)
class Heat:
    """Grounds and inks from ``-bound`` to ``bound``; index ``STEPS`` is zero."""

    grounds: tuple[QColor, ...]
    inks: tuple[QColor, ...]

    def index(self, x: float, bound: float) -> int:
        """Beyond the bound the last colour stays."""
        if bound <= 0:
            return STEPS
        return STEPS + round(max(-1.0, min(1.0, x / bound)) * STEPS)


def heat(past: bool = False) -> Heat:
    """Of the theme of the moment; ``past`` is drained of colour."""
    return _heat(tuple(c.rgb() for c in theme().data_scale), theme().colour("text").rgb(), past)


@lru_cache(maxsize=8)
def _heat(scale: tuple[int, ...], text: int, past: bool) -> Heat:
    stops = [QColor.fromRgb(rgb) for rgb in scale]
    if past:
        stops = [_grey(colour) for colour in stops]
    grounds = tuple(_between(stops, i / (2 * STEPS)) for i in range(2 * STEPS + 1))
    return Heat(grounds, tuple(readable_on(g, QColor.fromRgb(text)) for g in grounds))


def _between(stops: list[QColor], at: float) -> QColor:
    place = at * (len(stops) - 1)
    i = min(int(place), len(stops) - 2)
    part, a, b = place - i, stops[i], stops[i + 1]
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * part,
        a.greenF() + (b.greenF() - a.greenF()) * part,
        a.blueF() + (b.blueF() - a.blueF()) * part,
    )


def _grey(colour: QColor) -> QColor:
    level = round(0.299 * colour.red() + 0.587 * colour.green() + 0.114 * colour.blue())
    return QColor(level, level, level)


def readable_on(ground: QColor, ink: QColor) -> QColor:
    """``ink`` where its contrast is enough, else black or white (one of which always is)."""
    if contrast(ground, ink) >= CONTRAST:
        return ink
    white, black = QColor(255, 255, 255), QColor(0, 0, 0)
    return white if contrast(ground, white) >= contrast(ground, black) else black


def contrast(a: QColor, b: QColor) -> float:
    """The ratio of WCAG 2 (relative luminance, 1 to 21)."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def bound_of(statistics: Statistics) -> float:
    """The size that gets the last colour: the largest, but at most four times the root mean
    square, so that one outlier does not turn all others white."""
    low, high = statistics.minimum, statistics.maximum
    if low is None or high is None or not statistics.finite:
        return 0.0
    largest = max(abs(low), abs(high))
    if statistics.norm is None:
        return largest
    return min(largest, 4 * statistics.norm / math.sqrt(statistics.finite))
