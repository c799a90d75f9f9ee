"""The loss curve on pyqtgraph, which is slow to import: ``loss`` imports this module when needed.

pyqtgraph scales, downsamples and moves; axes, marks and words are ours."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.plot_axes import Axes, area_in, range_of
from gradstep.gui.plots.losses import LossSeries
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase

_MARKS_APART = 12
"""Points closer than this many pixels are not marked one by one."""


class LossPlot(pg.GraphicsView):  # type: ignore[misc]
    """Shows a ``LossSeries``; call ``refresh`` when it has grown."""

    def __init__(self, series: LossSeries, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False)
        self.series = series
        self.log = False
        self.following = True
        self._hovered: int | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(translate("Plots", "Loss"))
        # The axes are part of the background and change with every range.
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setMouseTracking(True)
        self.view = pg.ViewBox(enableMenu=False)
        self.view.setMouseEnabled(x=True, y=False)
        self.view.setDefaultPadding(0)
        self.curve = pg.PlotDataItem(connect="finite", antialias=True)
        self.curve.setDownsampling(auto=True, method="peak")
        self.curve.setClipToView(True)
        self.view.addItem(self.curve)
        self.addItem(self.view)
        self.view.sigRangeChangedManually.connect(self._moved_by_hand)
        self.view.sigXRangeChanged.connect(self._fit_height)
        theme().changed.connect(self._dress)
        self._dress()

    def refresh(self) -> None:
        """The series has changed."""
        x, y = self.series.arrays()
        self.curve.setData(x, _powers(y) if self.log else y)
        self._hovered = None
        if self.following:
            self.show_all()
        else:
            self._fit_height()

    def set_log(self, log: bool) -> None:
        self.log = log
        self.refresh()

    def show_all(self) -> None:
        """From the first to the last iteration, with room for the last one's number."""
        self.following = True
        x, _ = self.series.arrays()
        if len(x):
            self._place()
            first, last = float(x[0]), float(x[-1])
            room = self._area().width()
            words = min(self._label_width() + 20, room / 2)
            span = (last - first) * room / (room - words)
            self.view.setXRange(first, first + max(span, 5.0), padding=0)
        self._fit_height()

    # -- ranges ------------------------------------------------------------------------------

    def _moved_by_hand(self) -> None:
        self.following = False

    def _fit_height(self) -> None:
        low, high = self._heights()
        self.view.setYRange(low, high, padding=0)
        self._place()
        self.viewport().update()

    def _heights(self) -> tuple[float, float]:
        """The range of what is in view."""
        x, y = self.series.arrays()
        left, right = self.view.viewRange()[0]
        first, last = np.searchsorted(x, left), np.searchsorted(x, right, "right")
        part = y[max(0, int(first) - 1) : int(last) + 1]
        part = _powers(part) if self.log else part
        part = part[np.isfinite(part)]
        if not len(part):
            return (-1.0, 0.0) if self.log else (0.0, 1.0)
        low, high = float(part.min()), float(part.max())
        if self.log:
            space = max((high - low) * 0.08, 0.1)
            return low - space, high + space
        return range_of(low, high)

    def _area(self) -> QRectF:
        low, high = self.view.viewRange()[1]
        return area_in(self.width(), self.height(), (low, high), self.log)

    def _place(self) -> None:
        area = self._area()
        if self.view.geometry() != area:
            self.view.setGeometry(area)

    def axes(self) -> Axes:
        """What is in view, where."""
        (left, right), (low, high) = self.view.viewRange()
        return Axes(self._area(), (left, right), (low, high), self.log)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        # The base class resizes before our own attributes exist.
        if event is not None and hasattr(self, "curve"):
            self.show_all() if self.following else self._fit_height()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(event.position())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._dress()
        return bool(super().viewportEvent(event))

    def _hover(self, at: QPointF | None) -> None:
        x, _ = self.series.arrays()
        found: int | None = None
        axes = self.axes()
        if at is not None and len(x) and axes.area.contains(at):
            found = self.series.nearest(axes.value_at(at.x()))
            if abs(axes.x_at(float(x[found])) - at.x()) > 24:
                found = None
        if found != self._hovered:
            self._hovered = found
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last, now = len(self.series) - 1, self._hovered
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if last < 0 or key not in steps or event.modifiers():
            super().keyPressEvent(event)
            return
        self._hovered = min(max((last if now is None else now) + steps[key], 0), last)
        x, _ = self.series.arrays()
        number = self._label_texts(self._hovered)[0]
        self.setAccessibleDescription(f"{int(x[self._hovered])}: {number}")
        self.viewport().update()

    # -- painting ----------------------------------------------------------------------------

    def _dress(self) -> None:
        self.setBackground(theme().colour("panel"))
        # pyqtgraph's pens count device pixels.
        width = theme().size("stroke", "plot_line") * self.devicePixelRatioF()
        self.curve.setPen(pg.mkPen(theme().phase(Phase.FORWARD).text, width=width))
        self.viewport().update()

    @property
    def title(self) -> str:
        return translate("Plots", "Loss")

    def table(self) -> tuple[tuple[str, ...], list[tuple[float | int, ...]]]:
        """Heading and rows of all numbers."""
        x, y = self.series.arrays()
        rows = [(int(a), b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        return ("iteration", "loss"), list(rows)

    def paint(self, painter: QPainter, size: QSizeF) -> None:
        """What is in view, on whatever is painted on; ``size`` is the plot's own."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(QPointF(), size), theme().colour("panel"))
        axes = self.axes()
        axes.draw(painter)
        x, y = self.curve.getData()
        finite = np.flatnonzero(np.isfinite(y)) if x is not None else np.empty(0, int)
        painter.save()
        painter.setClipRect(axes.area.adjusted(-2, -2, 2, 2))
        painter.setPen(QPen(theme().phase(Phase.FORWARD).text, 2))
        painter.drawPolyline([axes.at(float(x[i]), float(y[i])) for i in finite])
        painter.restore()
        self._draw_marks(painter)

    def drawBackground(self, painter: QPainter, rect: QRectF | object) -> None:
        painter.save()
        painter.resetTransform()
        painter.fillRect(self.viewport().rect(), theme().colour("panel"))
        self.axes().draw(painter)
        painter.restore()

    def drawForeground(self, painter: QPainter, rect: QRectF | object) -> None:
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_marks(painter)
        painter.restore()

    def _draw_marks(self, painter: QPainter) -> None:
        x, y = self.series.arrays()
        if not len(x):
            return
        axes = self.axes()
        first = int(np.searchsorted(x, axes.x[0]))
        last = int(np.searchsorted(x, axes.x[1], "right"))
        blue, panel = theme().phase(Phase.FORWARD).text, theme().colour("panel")
        if (last - first) * _MARKS_APART <= axes.area.width():
            for i in range(first, min(last, len(x) - 1)):
                self._circle(painter, axes, i, 3.5, blue, panel)
        broken = self.series.first_broken
        if broken is not None:
            self._cross(painter, axes, broken)
        if math.isfinite(y[-1]):
            self._circle(painter, axes, len(x) - 1, 5.0, blue, blue)
            self._label(painter, axes, len(x) - 1)
        elif broken != len(x) - 1:
            self._cross(painter, axes, len(x) - 1)
        if self._hovered is not None and self._hovered != len(x) - 1:
            self._circle(painter, axes, self._hovered, 4.5, blue, blue)
            self._readout(painter, axes, self._hovered)

    def _point(self, axes: Axes, i: int) -> QPointF | None:
        x, y = self.series.arrays()
        height = _power(float(y[i])) if self.log else float(y[i])
        return axes.at(float(x[i]), height) if math.isfinite(height) else None

    def _circle(
        self, painter: QPainter, axes: Axes, i: int, radius: float, line: QColor, fill: QColor
    ) -> None:
        at = self._point(axes, i)
        if at is not None:
            painter.setPen(QPen(line, 2))
            painter.setBrush(fill)
            painter.drawEllipse(at, radius, radius)

    def _label_texts(self, i: int) -> tuple[str, str]:
        number = format_number(float(self.series.arrays()[1][i]), self.series.dtype)
        return number, self.series.label if i == len(self.series) - 1 else ""

    def _label_width(self) -> float:
        number, words = self._label_texts(len(self.series) - 1)
        width = QFontMetrics(_number_font()).horizontalAdvance(number)
        if words:
            width += 8 + QFontMetrics(theme().font("small")).horizontalAdvance(words)
        return float(width)

    def _label(self, painter: QPainter, axes: Axes, i: int) -> None:
        """The number beside the point; the words too where there is room for them."""
        at = self._point(axes, i)
        if at is None or not axes.area.adjusted(-1, -1, 1, 1).contains(at):
            return
        number, words = self._label_texts(i)
        metrics = QFontMetrics(_number_font())
        width = metrics.horizontalAdvance(number)
        left, middle = at.x() + 12, at.y() + metrics.capHeight() / 2
        if left + width > self.width() - 4:
            left, middle = at.x() - width, at.y() - 12
        words_left = left + width + 8
        font = theme().font("small")
        ground = theme().colour("panel")
        painter.fillRect(QRectF(left - 3, middle - 12, width + 6, 16), ground)
        painter.setFont(_number_font())
        painter.setPen(theme().phase(Phase.FORWARD).text)
        painter.drawText(QPointF(left, middle), number)
        if words and words_left + QFontMetrics(font).horizontalAdvance(words) < self.width():
            wide = QFontMetrics(font).horizontalAdvance(words)
            painter.fillRect(QRectF(words_left - 5, middle - 12, wide + 8, 16), ground)
            painter.setFont(font)
            painter.setPen(theme().colour("text_secondary"))
            painter.drawText(QPointF(words_left, middle), words)

    def _readout(self, painter: QPainter, axes: Axes, i: int) -> None:
        """What the pointer is at, on a ground of its own."""
        at = self._point(axes, i)
        if at is None:
            return
        x, _ = self.series.arrays()
        text = f"{int(x[i])}: {self._label_texts(i)[0]}"
        font = theme().font("caption", code=True, weight=500)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        left = at.x() + 10 if at.x() + 10 + width < self.width() else at.x() - 10 - width
        top = min(max(at.y() - 28, 2.0), self.height() - 24.0)
        box = QRectF(round(left) + 0.5, round(top) + 0.5, width, 20)
        painter.setPen(theme().colour("border_strong"))
        painter.setBrush(theme().colour("raised"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(font)
        painter.setPen(theme().colour("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _cross(self, painter: QPainter, axes: Axes, i: int) -> None:
        """NaN and Inf have no height: a magenta cross at the top, with the word."""
        x, y = self.series.arrays()
        left, area = axes.x_at(float(x[i])), axes.area
        if not area.left() - 1 <= left <= area.right() + 1:
            return
        error = theme().colour("error")
        top = area.top() + 6
        painter.setPen(QPen(error, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(left, top + 10), QPointF(left, area.bottom()))
        painter.setPen(QPen(error, 2, c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(left - 4, top - 4), QPointF(left + 4, top + 4))
        painter.drawLine(QPointF(left - 4, top + 4), QPointF(left + 4, top - 4))
        text = format_number(float(y[i]), "float32")
        metrics = QFontMetrics(_number_font())
        right = left + 10 + metrics.horizontalAdvance(text)
        start = left + 10 if right < self.width() else left - 10 - metrics.horizontalAdvance(text)
        painter.setFont(_number_font())
        painter.drawText(QPointF(start, top + metrics.capHeight() / 2), text)


def _number_font() -> QFont:
    return theme().font("small", code=True, weight=500)


def _power(y: float) -> float:
    return math.log10(y) if y > 0 else math.nan


def _powers(y: np.ndarray) -> np.ndarray:
    """Of ten; NaN where there is none."""
    result = np.full(y.shape, np.nan)
    np.log10(y, out=result, where=y > 0)
    return result
