"""How the elements are distributed: bars on a line with its ends."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.words import words
from gradstep.phases import Phase
from gradstep.protocol.examination import Histogram

_BARS, _LABELS = 40, 16
_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Space: 0}
BINS = 48


def heights(found: Histogram, log: bool) -> list[float]:
    """From 0 to 1, in proportion to the counts, or to the logarithm of one more."""
    sizes = [math.log1p(n) if log else float(n) for n in found.counts]
    top = max(sizes, default=0.0)
    return [size / top if top else 0.0 for size in sizes]


class HistogramView(QWidget):
    """The pointer, or Left and Right, tell a bin; a click, or Space, switches between counts and
    their logarithm."""

    toggled = Signal(bool)

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"value_histogram_{field}")
        self.found: Histogram | None = None
        self.log = False
        self._read: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._lane = Phase.FORWARD if field == "data" else Phase.BACKWARD
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_histogram(self, found: Histogram | None) -> None:
        self.found = found
        self._read = None
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
            ink = look.phase(self._lane).solid if i != self._read else look.colour("text")
            painter.fillRect(box.adjusted(0, 0, -gap, 0), ink)
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
        if self.hasFocus():
            painter.setPen(QPen(look.colour("selection_ring_and_primary_button"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

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
        QToolTip.showText(event.globalPosition().toPoint(), self._words(i), self)

    def _words(self, i: int) -> str:
        assert self.found is not None
        step = (self.found.high - self.found.low) / len(self.found.counts)
        ends = (_end(self.found.low + i * step), _end(self.found.low + (i + 1) * step))
        return words("{0} elements from {1} to {2}").format(self.found.counts[i], *ends)

    def event(self, event: QEvent) -> bool:
        # What the bars take must not also be somebody's shortcut.
        asked = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride
        if asked and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def _takes(self, event: QEvent) -> bool:
        return isinstance(event, QKeyEvent) and event.key() in _KEYS and not event.modifiers()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.found is None or not self._takes(event):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Space:
            self.toggled.emit(not self.log)
        else:
            last, way = len(self.found.counts) - 1, _KEYS[Qt.Key(event.key())]
            now = (0 if way > 0 else last) if self._read is None else self._read + way
            self._read = min(max(now, 0), last)
            self.setAccessibleDescription(self._words(self._read))
            corner = self._bin(self._read).topRight().toPoint()
            QToolTip.showText(self.mapToGlobal(corner), self._words(self._read), self)
            self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._read = None
        super().focusOutEvent(event)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.toggled.emit(not self.log)


def _end(x: float) -> str:
    return format_number(float(f"{x:.3g}"), "float64", 3)
