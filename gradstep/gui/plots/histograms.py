"""Histograms over the iterations: a raster, magnitudes upwards and downwards from zero."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QWidget

from gradstep.gui.plot_axes import Axes
from gradstep.gui.plot_picture import Picture, Table, say
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.gauges import BINS, LOWEST, GaugeHistory


class Histograms(Picture):
    """Of one layer. One column per iteration, darker where more elements lie."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.history = GaugeHistory("")
        self.activation = False
        super().__init__("histograms", translate("Plots", "Histograms"), parent)
        self.refresh()

    def show_history(self, history: GaugeHistory, *, activation: bool) -> None:
        self.history, self.activation = history, activation
        self.refresh()

    def clear(self) -> None:
        self.show_history(GaugeHistory(""), activation=False)

    def empty(self) -> str:
        if self.history.counts:
            return ""
        return translate("Plots", "Histograms appear here when backward runs in view.")

    def subtitle(self) -> str:
        if self.empty():
            return translate("Plots", "gradients by iteration")
        kind = translate("Plots", "returned by {0}") if self.activation else "{0}.grad"
        return kind.format(self.history.name)

    def count(self) -> int:
        return len(self.history.counts)

    def rows(self) -> tuple[int, int]:
        """First and last bin with anything in it, the same distance from zero if both signs are."""
        total = np.array(self.history.counts).sum(axis=0)
        used = np.flatnonzero(total)
        first, last = (int(used[0]), int(used[-1])) if len(used) else (BINS, BINS)
        return min(first, BINS), max(last, BINS)

    def axes(self, size: QSizeF) -> Axes:
        first, last = self.rows() if self.count() else (BINS - 12, BINS + 12)
        left = 16 + QFontMetrics(theme().font("caption", code=True)).horizontalAdvance("−10⁻¹⁰") + 8
        area = QRectF(left, 16, max(size.width() - left - 16, 1), max(size.height() - 44, 1))
        iterations = self.history.counted or (1,)
        low, high = float(iterations[0]), float(iterations[-1])
        return Axes(area, (low, max(high, low + 5)), (first, last + 1))

    def spot(self, i: int, size: QSizeF) -> QPointF:
        axes = self.axes(size)
        counts = np.array(self.history.counts[i])
        return axes.at(self.history.counted[i], int(counts.argmax()) + 0.5)

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        axes = self.axes(size)
        if self.empty():
            self._draw_scale(painter, axes)
            say(painter, axes.area, self.empty())
            return
        iterations = self.history.counted
        for i, at in enumerate(iterations):
            after = iterations[i + 1] if i + 1 < len(iterations) else at + 1
            left, right = axes.x_at(at), min(axes.x_at(after), axes.area.right() + 8)
            self._draw_column(painter, axes, i, left, right)
        self._draw_scale(painter, axes)

    def _draw_column(
        self, painter: QPainter, axes: Axes, i: int, left: float, right: float
    ) -> None:
        first, last = self.rows()
        counts = np.array(self.history.counts[i][first : last + 1], dtype=float)
        strength = np.sqrt(counts / max(counts.max(), 1.0))
        ground = theme().colour("panel")
        ink = theme().phase(Phase.FORWARD if self.activation else Phase.BACKWARD).text
        image = QImage(1, len(counts), QImage.Format.Format_RGB32)
        for row, part in enumerate(strength[::-1]):
            image.setPixelColor(0, row, _between(ground, ink, float(part)))
        column = QRectF(left, axes.area.top(), max(right - left, 1.0) + 0.5, axes.area.height())
        painter.drawImage(column, image)

    def _draw_scale(self, painter: QPainter, axes: Axes) -> None:
        look = theme()
        painter.setFont(look.font("caption", code=True))
        painter.setPen(look.colour("text_secondary"))
        last_y = math.inf
        for position, text in sorted(_ticks(), key=lambda tick: tick[0]):
            if not axes.y[0] <= position <= axes.y[1]:
                continue
            y = axes.y_at(position)
            if last_y - y < 18:
                continue
            last_y = y
            box = QRectF(0, y - 10, axes.area.left() - 8, 20)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, int(flags), text)
            grid = QColor(look.colour("border_strong"))
            grid.setAlphaF(0.5)
            painter.fillRect(QRectF(axes.area.left() - 4, round(y), 4, 1), grid)
        metrics = QFontMetrics(painter.font())
        for x in axes.positions(metrics):
            box = QRectF(axes.x_at(x) - 60, axes.area.bottom() + 4, 120, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(int(x)))

    def words(self, i: int) -> str:
        counts = self.history.counts[i]
        total = max(sum(counts), 1)
        negative, zero = sum(counts[:BINS]), counts[BINS]
        most = max(range(len(counts)), key=counts.__getitem__)
        lines = [
            translate("Plots", "iteration {0}").format(self.history.counted[i]),
            translate("Plots", "{0} negative, {1} zero, {2} positive").format(
                negative, zero, total - negative - zero
            ),
            translate("Plots", "most: {0} in {1}").format(counts[most], bin_name(most)),
        ]
        return "\n".join(lines)

    def table(self) -> Table:
        head = ("iteration", *(bin_name(k) for k in range(2 * BINS + 1)))
        rows = zip(self.history.counted, self.history.counts, strict=True)
        return head, [(iteration, *counts) for iteration, counts in rows]


def bin_name(k: int) -> str:
    """``4^-3..4^-2`` for the magnitudes of a bin, with a sign; ``0``."""
    if k == BINS:
        return "0"
    place = LOWEST + (k - BINS - 1 if k > BINS else BINS - 1 - k)
    sign = "-" if k < BINS else ""
    return f"{sign}4^{place}..{sign}4^{place + 1}"


def _ticks() -> list[tuple[float, str]]:
    """Positions in bins of powers of ten on both sides, and of zero."""
    found = [(BINS + 0.5, "0")]
    superscript = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    for power in range(-12, 7, 2):
        place = power * math.log(10, 4) - LOWEST
        text = "1" if power == 0 else f"10{str(power).translate(superscript)}"
        found += [(BINS + 1 + place, text), (BINS - place, f"−{text}")]
    return found


def _between(ground: QColor, ink: QColor, part: float) -> QColor:
    def mixed(g: float, i: float) -> float:
        return g + (i - g) * part

    return QColor.fromRgbF(
        mixed(ground.redF(), ink.redF()),
        mixed(ground.greenF(), ink.greenF()),
        mixed(ground.blueF(), ink.blueF()),
    )
