"""What is painted over the curves of the loss: points, crosses for what has no height, numbers, the
legend and the read-out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF

from gradstep.gui.numbers import format_number
from gradstep.gui.plot_axes import Axes
from gradstep.gui.plots.losses import Line, LossSeries
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase

_APART = 12
"""Points closer than this many pixels are not marked one by one."""
LEGEND = 22
"""Height of the legend above the data."""
_PENS = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)


def colour_of(i: int) -> QColor:
    """Of line ``i``; lines differ in their strokes and marks, too."""
    look = theme()
    inks = (look.phase(Phase.FORWARD).text, look.colour("text"), look.colour("text_secondary"))
    return QColor(inks[i % len(inks)])  # the caller may change it


def stroke_of(i: int) -> Qt.PenStyle:
    return _PENS[i % len(_PENS)]


def power(y: float) -> float:
    return math.log10(y) if y > 0 else math.nan


@dataclass(frozen=True)
class Marks:
    """Of ``lines`` of ``series``, on ``axes`` within ``size``. ``over``: no more comes, so that the
    last epoch is whole."""

    series: LossSeries
    axes: Axes
    size: QSizeF
    over: bool = False

    @property
    def lines(self) -> list[Line]:
        return self.series.lines()

    @property
    def has_legend(self) -> bool:
        return len(self.lines) > 1 or self.series.factor > 0

    def draw(self, painter: QPainter, spot: tuple[int, int] | None) -> None:
        for i in reversed(range(len(self.lines))):
            self._line(painter, i)
        for i, line in enumerate(self.lines):
            self._broken(painter, i, line)
        if self.has_legend:
            self._legend(painter)
        if spot is not None:
            self._read(painter, *spot)

    # ------------------------------------------------------------------ points

    def _line(self, painter: QPainter, i: int) -> None:
        line, axes = self.lines[i], self.axes
        first = int(np.searchsorted(line.x, axes.x[0]))
        last = int(np.searchsorted(line.x, axes.x[1], "right"))
        ink, panel, end = colour_of(i), theme().colour("panel"), len(line.x) - 1
        if (last - first) * _APART <= axes.area.width() and not self.series.factor:
            for k in range(first, min(last, end)):
                self.point(painter, i, k, 3.5, ink, panel)
        if end >= 0:
            so_far = line.counts is not None and not self.over
            self.point(painter, i, end, 5.0, ink, panel if so_far else ink)
            if not self.has_legend:
                self._label(painter, i, end)

    def at(self, i: int, k: int) -> QPointF | None:
        """Where the number stands; None where it has no height."""
        line = self.lines[i]
        y = float(line.smooth[k])
        height = power(y) if self.axes.log else y
        return self.axes.at(float(line.x[k]), height) if math.isfinite(height) else None

    def point(
        self, painter: QPainter, i: int, k: int, radius: float, line: QColor, fill: QColor
    ) -> None:
        at = self.at(i, k)
        if at is not None and self.axes.area.adjusted(-8, -8, 8, 8).contains(at):
            painter.setPen(QPen(line, 2))
            painter.setBrush(fill)
            shape(painter, i, at, radius)

    def number(self, y: float) -> str:
        return format_number(float(y), self.series.dtype)

    # ------------------------------------------------------------------ the last number

    def label_texts(self, i: int, k: int) -> tuple[str, str]:
        line = self.lines[i]
        words = self.series.label if k == len(line.x) - 1 else ""
        if line.counts is not None:
            words = self._epoch_words(line, k)
        return self.number(line.smooth[k]), words

    def _epoch_words(self, line: Line, k: int) -> str:
        assert line.counts is not None
        if k == len(line.x) - 1 and not self.over:
            return translate("Plots", "so far, mean of {0}").format(int(line.counts[k]))
        return translate("Plots", "mean of {0}").format(int(line.counts[k]))

    def label_width(self) -> float:
        """Room that the last number needs to the right of its point."""
        if self.has_legend or not self.lines:
            return 0.0
        number, words = self.label_texts(0, len(self.lines[0].x) - 1)
        width = QFontMetrics(number_font()).horizontalAdvance(number)
        if words:
            width += 8 + QFontMetrics(theme().font("small")).horizontalAdvance(words)
        return float(width)

    def _label(self, painter: QPainter, i: int, k: int) -> None:
        """The number beside the point; the words too where there is room for them."""
        at = self.at(i, k)
        if at is None or not self.axes.area.adjusted(-1, -1, 1, 1).contains(at):
            return
        number, words = self.label_texts(i, k)
        metrics = QFontMetrics(number_font())
        width = metrics.horizontalAdvance(number)
        left, middle = at.x() + 12, at.y() + metrics.capHeight() / 2
        if left + width > self.size.width() - 4:
            left, middle = at.x() - width, at.y() - 12
        ground = theme().colour("panel")
        painter.fillRect(QRectF(left - 3, middle - 12, width + 6, 16), ground)
        painter.setFont(number_font())
        painter.setPen(colour_of(i))
        painter.drawText(QPointF(left, middle), number)
        font, words_left = theme().font("small"), left + width + 8
        wide = QFontMetrics(font).horizontalAdvance(words)
        if words and words_left + wide < self.size.width():
            painter.fillRect(QRectF(words_left - 5, middle - 12, wide + 8, 16), ground)
            painter.setFont(font)
            painter.setPen(theme().colour("text_secondary"))
            painter.drawText(QPointF(words_left, middle), words)

    # ------------------------------------------------------------------ what has no height

    def _broken(self, painter: QPainter, i: int, line: Line) -> None:
        """NaN and Inf have no height: a magenta cross at the bottom, where a run of them begins
        with the word. One line along the bottom says how far the run goes."""
        axes, bad = self.axes, ~np.isfinite(line.y)
        if not bad.any():
            return
        edges = np.flatnonzero(np.diff(np.concatenate(([0], bad.astype(np.int8), [0]))))
        starts, ends = edges[::2], edges[1::2] - 1
        seen = (line.x[ends] >= axes.x[0]) & (line.x[starts] <= axes.x[1])
        y = axes.area.bottom() - 7
        right = -math.inf
        for start, end in zip(starts[seen], ends[seen], strict=True):
            left = axes.x_at(max(float(line.x[start]), axes.x[0]))
            if left < right:
                continue  # many at one place are one mark
            until = axes.x_at(min(float(line.x[end]), axes.x[1]))
            right = self._cross(painter, QPointF(left, y), until, self.number(line.y[start]), i)

    def _cross(self, painter: QPainter, at: QPointF, until: float, word: str, i: int) -> float:
        error, area = theme().colour("error"), self.axes.area
        painter.setPen(QPen(error, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), at.y() - 8))
        painter.setPen(QPen(error, 2, c=Qt.PenCapStyle.RoundCap))
        if until > at.x() + 4:
            painter.drawLine(QPointF(at.x(), at.y() + 6), QPointF(until, at.y() + 6))
        for end in (at,) if until < at.x() + 12 else (at, QPointF(until, at.y())):
            painter.drawLine(end + QPointF(-4, -4), end + QPointF(4, 4))
            painter.drawLine(end + QPointF(-4, 4), end + QPointF(4, -4))
        name = self.lines[i].name
        text = f"{name}: {word}" if name and len(self.lines) > 1 else word
        metrics = QFontMetrics(number_font())
        width = metrics.horizontalAdvance(text)
        left = at.x() + 10 if at.x() + 10 + width < self.size.width() else at.x() - 10 - width
        base = at.y() + metrics.capHeight() / 2 - (6 if until > at.x() + 12 else 0)
        ground = QRectF(
            left - 2, base - metrics.capHeight() - 3, width + 4, metrics.capHeight() + 6
        )
        painter.fillRect(ground, theme().colour("panel"))
        painter.setFont(number_font())
        painter.drawText(QPointF(left, base), text)
        return max(at.x() + 10 + width, at.x() + 12)

    # ------------------------------------------------------------------ legend

    def _legend(self, painter: QPainter) -> None:
        """Above the data: stroke, mark, name and latest number; what finds no room is left out."""
        look, left = theme(), self.axes.area.left()
        room = self.size.width() - 12
        font, code = look.font("caption"), look.font("caption", code=True)
        for i, line in enumerate(self.lines):
            name = line.name or translate("Plots", "loss")
            number = self.number(line.smooth[-1]) if len(line.smooth) else ""
            width = QFontMetrics(code).horizontalAdvance(name)
            wide = QFontMetrics(code).horizontalAdvance(number)
            if left + 34 + width > room:
                return
            middle = 13.0
            painter.setPen(QPen(colour_of(i), 2, stroke_of(i)))
            painter.drawLine(QPointF(left, middle), QPointF(left + 26, middle))
            painter.setPen(QPen(colour_of(i), 2))
            painter.setBrush(look.colour("panel"))
            shape(painter, i, QPointF(left + 13, middle), 3.5)
            painter.setFont(code)
            painter.setPen(look.colour("text"))
            base = middle + QFontMetrics(code).capHeight() / 2
            painter.drawText(QPointF(left + 34, base), name)
            left += 34 + width
            if left + 8 + wide < room:
                painter.setPen(look.colour("text_secondary"))
                painter.drawText(QPointF(left + 8, base), number)
                left += 8 + wide
            left += 20
        if self.series.factor:
            text = translate("Plots", "smoothed by {0}; faint: as it was").format(
                self.series.factor
            )
            if left + QFontMetrics(font).horizontalAdvance(text) < room:
                painter.setFont(font)
                painter.setPen(look.colour("text_secondary"))
                painter.drawText(QPointF(left, 13 + QFontMetrics(font).capHeight() / 2), text)

    # ------------------------------------------------------------------ read-out

    def words(self, i: int, k: int) -> str:
        """What a number is, in full: ``12: loss_d 0.51``."""
        line = self.lines[i]
        at, number = int(line.x[k]), self.number(line.y[k])
        if line.name and len(self.lines) > 1:
            number = f"{line.name} {number}"
        text = f"{at}: {number}"
        if line.counts is not None:
            text = translate("Plots", "epoch {0}: {1}").format(at, number)
            text += f" ({self._epoch_words(line, k)})"
        if self.series.factor:
            smooth = translate("Plots", "smoothed {0}").format(self.number(line.smooth[k]))
            text += f" · {smooth}"
        return text

    def _read(self, painter: QPainter, i: int, k: int) -> None:
        """A crosshair at the number, and what it is on a ground of its own."""
        look, area = theme(), self.axes.area
        x = self.axes.x_at(float(self.lines[i].x[k]))
        at = self.at(i, k)
        painter.setPen(QPen(look.colour("text_secondary"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if at is not None:
            painter.drawLine(QPointF(area.left(), at.y()), QPointF(area.right(), at.y()))
            self.point(painter, i, k, 4.5, colour_of(i), colour_of(i))
        text, font = self.words(i, k), look.font("caption", code=True, weight=500)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        left = x + 10 if x + 10 + width < self.size.width() else x - 10 - width
        left = min(max(left, 2.0), max(self.size.width() - width - 2, 2.0))
        y = at.y() if at is not None else area.bottom() - 20
        top = min(max(y - 28, area.top() - 14), self.size.height() - 24.0)
        box = QRectF(round(left) + 0.5, round(top) + 0.5, width, 20)
        painter.setPen(look.colour("border_strong"))
        painter.setBrush(look.colour("raised"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(font)
        painter.setPen(look.colour("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def shape(painter: QPainter, i: int, at: QPointF, radius: float) -> None:
    """Circle, square, triangle or diamond of line ``i``, all of about the same weight."""
    kind = i % 4
    if kind == 0:
        painter.drawEllipse(at, radius, radius)
    elif kind == 1:
        side = 1.8 * radius
        painter.drawRect(QRectF(at.x() - side / 2, at.y() - side / 2, side, side))
    else:
        r = 1.25 * radius
        corners = [(0.0, -r), (r, r * 0.8), (-r, r * 0.8)] if kind == 2 else [
            (0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)
        ]  # fmt: skip
        painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in corners]))


def number_font() -> QFont:
    return theme().font("small", code=True, weight=500)
