"""Bars that add up, on one axis: old .grad, this backward, new .grad."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.cards.words import number
from gradstep.gui.theme import theme
from gradstep.phases import Phase

_ROW, _AXIS = 22, 18


@dataclass(frozen=True)
class Bar:
    """From ``start`` to ``end``. ``filled``: solid; ``supposed``: dashed; else outlined and tinted.
    ``also``: a second stretch behind it, outlined."""

    label: str
    start: float
    end: float
    filled: bool = False
    supposed: bool = False
    strong: bool = False
    also: tuple[float, float] | None = None


class Bars(QWidget):
    """Each bar in a row with its label and number, over a common axis that holds 0."""

    def __init__(self, lane: Phase = Phase.BACKWARD, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[Bar, ...] = ()
        self._lane = lane
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_bars(self, bars: tuple[Bar, ...]) -> None:
        self.bars = bars
        self.setAccessibleName(
            ", ".join(f"{bar.label} {number(bar.end - bar.start)}" for bar in bars)
        )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, _ROW * len(self.bars) + _AXIS + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def span(self) -> tuple[float, float, float]:
        """The axis: from, to, step; whole steps, 0 among them."""
        ends = [0.0]
        for bar in self.bars:
            ends += [bar.start, bar.end]
        low, high = min(ends), max(ends)
        if high == low:
            high = low + 1
        step = _nice((high - low) / 4)
        return math.floor(low / step) * step, math.ceil(high / step) * step, step

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.bars:
            return
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        small, code = look.font("small"), look.font("small", code=True, weight=500)
        left = max(QFontMetricsF(small).horizontalAdvance(b.label) for b in self.bars) + 12
        texts = [number(bar.end - bar.start) for bar in self.bars]
        right = max(QFontMetricsF(code).horizontalAdvance(text) for text in texts) + 10
        low, high, step = self.span()
        width = max(20.0, self.width() - left - right - 8)

        def x(value: float) -> float:
            return left + 4 + (value - low) / (high - low) * width

        self._paint_grid(painter, x, low, high, step)
        for row, (bar, text) in enumerate(zip(self.bars, texts, strict=True)):
            y = row * _ROW
            painter.setFont(look.font("small", weight=600 if bar.strong else 400))
            painter.setPen(look.colour("text"))
            line = QRectF(0, y, left, _ROW)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, bar.label)
            self._paint_bar(painter, bar, x, y)
            painter.setFont(code)
            painter.setPen(look.phase(self._lane).text)
            box = QRectF(self.width() - right, y, right, _ROW)
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(box, int(flags), text)

    def _paint_grid(
        self, painter: QPainter, x: object, low: float, high: float, step: float
    ) -> None:
        assert callable(x)
        look = theme()
        bottom = _ROW * len(self.bars)
        painter.setFont(look.font("caption", code=True))
        metrics = QFontMetricsF(painter.font())
        last = -math.inf
        for i in range(round((high - low) / step) + 1):
            value = low + i * step
            value = 0.0 if abs(value) < step / 1e6 else value
            painter.setPen(look.colour("border_strong" if value == 0 else "plot_grid"))
            painter.drawLine(round(x(value)), 0, round(x(value)), bottom)
            text = number(value, 3)
            half = metrics.horizontalAdvance(text) / 2
            if x(value) - half < last + 8:
                continue
            last = x(value) + half
            painter.setPen(look.colour("text_secondary"))
            box = QRectF(x(value) - half - 2, bottom + 2, 2 * half + 4, _AXIS - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_bar(self, painter: QPainter, bar: Bar, x: object, y: float) -> None:
        assert callable(x)
        colours = theme().phase(self._lane)

        def stretch(start: float, end: float) -> QRectF:
            a, b = sorted((x(start), x(end)))
            return QRectF(a, y + 5, max(1.0, b - a), _ROW - 10)

        pen = QPen(colours.text, 1.5)
        if bar.also is not None:
            painter.setPen(pen)
            painter.setBrush(colours.tint)
            painter.drawRect(stretch(*bar.also))
        if bar.supposed:
            pen.setDashPattern([3, 2])
        painter.setPen(pen)
        painter.setBrush(colours.solid if bar.filled else Qt.BrushStyle.NoBrush)
        if not bar.filled and not bar.supposed:
            painter.setBrush(colours.tint)
        start = bar.start if bar.also is None else bar.also[1]
        painter.drawRect(stretch(start, bar.end))


def _nice(x: float) -> float:
    """1, 2 or 5 times a power of ten, not below ``x``."""
    power = 10.0 ** math.floor(math.log10(x)) if x > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10) if m * power >= x * 0.999)
