"""Axes as all plots draw them: quiet horizontal lines, numbers in the fixed font, no frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from gradstep.gui.numbers import format_number
from gradstep.gui.theme import theme

_TOP, _RIGHT, _BOTTOM = 16, 16, 28
_LEFT = 16  # left of the labels
_LABEL_GAP = 12
"""More than the radius of a point that stands on the axis."""


@dataclass(frozen=True)
class Axes:
    """Where data lies on a widget. With ``log``, ``y`` and all heights are powers of ten."""

    area: QRectF
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False

    def at(self, x: float, y: float) -> QPointF:
        """The widget's point for a datum (``y`` already a power of ten with ``log``)."""
        return QPointF(self.x_at(x), self.y_at(y))

    def x_at(self, x: float) -> float:
        low, high = self.x
        return self.area.left() + (x - low) / (high - low) * self.area.width()

    def y_at(self, y: float) -> float:
        low, high = self.y
        return self.area.bottom() - (y - low) / (high - low) * self.area.height()

    def value_at(self, x: float) -> float:
        """The datum at the widget's ``x``."""
        low, high = self.x
        return low + (x - self.area.left()) / self.area.width() * (high - low)

    def heights(self) -> tuple[list[float], list[float]]:
        """Of the lines with a number, and of those without."""
        if self.log:
            return log_ticks(*self.y, self.area.height()), []
        step = self._step()
        with_number = multiples(*self.y, step)
        half = step / 2
        uneven = f"{step:e}".startswith("5")  # lines at 2.5 would help nobody
        if uneven or self.area.height() * half / (self.y[1] - self.y[0]) < 20:
            return with_number, []
        between = [y for y in multiples(*self.y, half) if round(y / half) % 2]
        return with_number, between

    def _step(self) -> float:
        """Between numbers; 4 becomes 5 where a line then stands near the upper end."""
        low, high = self.y
        step = nice_step(high - low, self.area.height() / 36)
        wider = step * 1.25  # 5 for 4
        top = multiples(low, high, wider)[-1:]
        reached = top > multiples(low, high, step)[-1:] and top[0] > high - wider / 4
        return wider if f"{step:e}".startswith("4") and reached else step

    def draw(self, painter: QPainter) -> None:
        """Lines and numbers, below the data."""
        self.draw_heights(painter)
        metrics = QFontMetrics(painter.font())
        for x in self.positions(metrics):
            box = QRectF(self.x_at(x) - 60, self.area.bottom() + 4, 120, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, format_number(int(x), "int64"))

    def draw_heights(self, painter: QPainter) -> None:
        """The lines and the numbers at their left."""
        look = theme()
        font = look.font("caption", code=True)
        with_number, between = self.heights()
        for y in (*with_number, *between):
            line = QRectF(self.area.left(), round(self.y_at(y)), self.area.width(), 1)
            painter.fillRect(line, look.colour("plot_grid"))
        painter.setFont(font)
        painter.setPen(look.colour("text_secondary"))
        right = self.area.left() - _LABEL_GAP
        texts = self._height_texts(with_number)
        for y, text in zip(with_number, texts, strict=True):
            box = QRectF(0, self.y_at(y) - 10, right, 20)
            painter.drawText(box, _RIGHT_MIDDLE, text)

    def positions(self, metrics: QFontMetrics) -> list[float]:
        """Whole numbers on the x axis, far enough apart to be read."""
        low, high = self.x
        widest = metrics.horizontalAdvance(format_number(int(high), "int64")) + 24
        step = max(1.0, nice_step(high - low, self.area.width() / max(widest, 48)))
        if low != int(low):
            return multiples(low, high, step)
        if step <= 2:
            return [low + x for x in multiples(0, high - low, step)]
        # Counting starts at one: 1, 50, 100.
        return [low, *(x for x in multiples(low, high, step) if x - low > step / 2)]

    def _height_texts(self, heights: list[float]) -> list[str]:
        if self.log:
            return [format_number(float(f"{10**y:.1e}"), "float64", 3) for y in heights]
        if len(heights) < 2:
            return [format_number(y, "float64", 3) for y in heights]
        step = heights[1] - heights[0]
        places = max(0, -math.floor(math.log10(step) + 1e-9))
        if places > 4 or max(map(abs, heights)) >= 1e6:
            return [format_number(float(f"{y:.9e}"), "float64", 3) for y in heights]
        texts = [format_number(round(y, places), "float64", None) for y in heights]
        return ["0" if text == "−0" else text for text in texts]


_RIGHT_MIDDLE = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def area_in(
    width: float, height: float, y: tuple[float, float], log: bool, above: float = 0
) -> QRectF:
    """The part of a widget that data gets: what the numbers at the left, and ``above`` a legend, do
    not need."""
    font = QFontMetrics(theme().font("caption", code=True))
    top = _TOP + above
    high = max(height - top - _BOTTOM, 1)
    probe = Axes(QRectF(0, top, 1, high), (0, 1), y, log)
    texts = probe._height_texts(probe.heights()[0])
    label = max((font.horizontalAdvance(text) for text in texts), default=0)
    left = max(_LEFT + label + _LABEL_GAP, 44)
    return QRectF(left, top, max(width - left - _RIGHT, 1), high)


def nice_step(span: float, count: float) -> float:
    """1, 2, 4 or 5 times a power of ten, so that ``span`` holds at most ``count`` of them."""
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 4, 5, 10) if power * m >= rough * 0.999)


def multiples(low: float, high: float, step: float) -> list[float]:
    """Of ``step``, between ``low`` and ``high``."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def log_ticks(low: float, high: float, room: float) -> list[float]:
    """Powers of ten; where there are too few, also 2 and 5 times."""
    step = max(1, math.ceil((high - low) * 24 / max(room, 1)))
    tens = [float(k) for k in range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)]
    if len(tens) > 1:
        return [t for t in tens if t % step == 0]
    finer = [
        k + math.log10(m)
        for k in range(math.floor(low), math.ceil(high) + 1)
        for m in (1, 1.5, 2, 3, 5, 7)
    ]
    return thin_out([t for t in finer if low - 1e-9 <= t <= high + 1e-9], (high - low) * 26 / room)


def thin_out(positions: list[float], apart: float) -> list[float]:
    kept: list[float] = []
    for position in positions:
        if not kept or position - kept[-1] >= apart:
            kept.append(position)
    return kept


def range_of(low: float, high: float) -> tuple[float, float]:
    """What a linear axis shows of values from ``low`` to ``high``: zero too, unless they all lie
    close together far from it; the upper end where a line with a number can stand."""
    if low == high:
        low, high = (min(low, 0.0), max(high, 0.0)) if low else (0.0, 1.0)
    if 0 < low <= 0.5 * high:
        low = 0.0
    elif 0.5 * low <= high < 0:
        high = 0.0
    space = (high - low) * 0.08
    return (low if low == 0 else low - space, high if high == 0 else high + space)
