"""How the elements are distributed: bars on a line with its ends."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.words import words
from gradstep.phases import Phase
from gradstep.protocol.examination import Histogram

_BARS, _LABELS = 40, 16
BINS = 48


def heights(found: Histogram, log: bool) -> list[float]:
    """From 0 to 1, in proportion to the counts, or to the logarithm of one more."""
    sizes = [math.log1p(n) if log else float(n) for n in found.counts]
    top = max(sizes, default=0.0)
    return [size / top if top else 0.0 for size in sizes]


class HistogramView(QWidget):
    """The pointer tells a bin; a click switches between counts and their logarithm."""

    toggled = Signal(bool)

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"value_histogram_{field}")
        self.found: Histogram | None = None
        self.log = False
        self._lane = Phase.FORWARD if field == "data" else Phase.BACKWARD
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_histogram(self, found: Histogram | None) -> None:
        self.found = found
        if found is not None:
            ends = (_end(found.low), _end(found.high))
            text = words("Histogram of {0} elements from {1} to {2}")
            self.setAccessibleName(text.format(found.finite, *ends))
        self.update()

    def set_log(self, log: bool) -> None:
        self.log = log
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _BARS + _LABELS)

    def _bin(self, i: int) -> QRectF:
        assert self.found is not None
        width = self.width() / len(self.found.counts)
        high = heights(self.found, self.log)[i] * _BARS
        if self.found.counts[i]:
            high = max(high, 1.0)  # one element is seen
        return QRectF(i * width, _BARS - high, width, high)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.found is None:
            return
        painter, look = QPainter(self), theme()
        gap = 1 if self.width() / len(self.found.counts) >= 3 else 0
        for i in range(len(self.found.counts)):
            box = self._bin(i)
            painter.fillRect(box.adjusted(0, 0, -gap, 0), look.phase(self._lane).solid)
        painter.fillRect(0, _BARS, self.width(), 1, look.colour("border"))
        font = look.font("caption", code=True)
        painter.setFont(font)
        painter.setPen(look.colour("text_secondary"))
        room = QRectF(0, _BARS + 2, self.width(), _LABELS - 2)
        low, high = _end(self.found.low), _end(self.found.high)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(room, middle | int(Qt.AlignmentFlag.AlignLeft), low)
        painter.drawText(room, middle | int(Qt.AlignmentFlag.AlignRight), high)
        self._paint_middle(painter, room, QFontMetrics(font), (low, high))

    def _paint_middle(
        self, painter: QPainter, room: QRectF, metrics: QFontMetrics, ends: tuple[str, str]
    ) -> None:
        """A zero where it lies, if there is room beside the ends; and what the heights mean."""
        assert self.found is not None
        low, high = self.found.low, self.found.high
        at = -low / (high - low) * self.width() if low < 0 < high else -1.0
        free = (
            metrics.horizontalAdvance(ends[0]) + 12,
            self.width() - metrics.horizontalAdvance(ends[1]) - 12,
        )
        if free[0] < at < free[1]:
            box = QRectF(at - 20, room.top(), 40, room.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), "0")
        if self.log:
            painter.drawText(
                QRectF(0, 0, self.width(), 14), int(Qt.AlignmentFlag.AlignRight), "log"
            )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.found is None:
            return
        count = len(self.found.counts)
        i = min(max(int(event.position().x() * count / max(self.width(), 1)), 0), count - 1)
        step = (self.found.high - self.found.low) / count
        ends = (_end(self.found.low + i * step), _end(self.found.low + (i + 1) * step))
        text = words("{0} elements from {1} to {2}").format(self.found.counts[i], *ends)
        QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.toggled.emit(not self.log)


def _end(x: float) -> str:
    return format_number(float(f"{x:.3g}"), "float64", 3)
