"""The loss curves on pyqtgraph, which is slow to import: ``loss`` imports this module when needed.

pyqtgraph scales, downsamples and moves; axes, marks and words are ours."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QWidget

from gradstep.gui.plot_axes import Axes, area_in, range_of
from gradstep.gui.plots.loss_marks import LEGEND, Marks, colour_of, stroke_of
from gradstep.gui.plots.losses import LossSeries, Numbers
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate

_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Escape,
)
_FAINT = 90
"""Of 255: how much of the curve behind a smoothed one is seen."""


class LossPlot(pg.GraphicsView):  # type: ignore[misc]
    """Shows a ``LossSeries``; call ``refresh`` when it has grown."""

    def __init__(self, series: LossSeries, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False)
        self.series = series
        self.log = self.over = False
        self.following = True
        self.spot: tuple[int, int] | None = None
        """What is read: the line, and which of its numbers."""
        self.curves: list[pg.PlotDataItem] = []
        self.faint: list[pg.PlotDataItem] = []
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(translate("Plots", "Loss"))
        # The axes are part of the background and change with every range.
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setMouseTracking(True)
        self.view = pg.ViewBox(enableMenu=False)
        self.view.setMouseEnabled(x=True, y=False)
        self.view.setDefaultPadding(0)
        self.addItem(self.view)
        self.view.sigRangeChangedManually.connect(self._moved_by_hand)
        self.view.sigXRangeChanged.connect(self._fit_height)
        theme().changed.connect(self._dress)
        self._dress()

    def refresh(self) -> None:
        """The series, or how it is shown, has changed."""
        lines = self.series.lines()
        while len(self.curves) < len(lines):
            self.faint.append(self._curve())
            self.curves.append(self._curve())
            self._dress()
        for i, (curve, faint) in enumerate(zip(self.curves, self.faint, strict=True)):
            line = lines[i] if i < len(lines) else None
            curve.setVisible(line is not None)
            faint.setVisible(line is not None and self.series.factor > 0)
            if line is not None:
                curve.setData(line.x, self._height(line.smooth))
                if self.series.factor:
                    faint.setData(line.x, self._height(line.y))
        spot = self.spot
        if spot is not None and (spot[0] >= len(lines) or spot[1] >= len(lines[spot[0]].x)):
            self._read(None)
        if self.following:
            self.show_all()
        else:
            self._fit_height()

    def _curve(self) -> pg.PlotDataItem:
        curve = pg.PlotDataItem(connect="finite", antialias=True)
        curve.setDownsampling(auto=True, method="peak")
        curve.setClipToView(True)
        self.view.addItem(curve)
        return curve

    def _height(self, y: Numbers) -> Numbers:
        return _powers(y) if self.log else y

    def set_log(self, log: bool) -> None:
        self.log = log
        self.refresh()

    def set_over(self, over: bool) -> None:
        """Whether no more losses come."""
        if over != self.over:
            self.over = over
            self.viewport().update()

    def show_all(self) -> None:
        """From the first to the last iteration, with room for the last one's number."""
        self.following = True
        ends = [(float(a.x[0]), float(a.x[-1])) for a in self.series.lines() if len(a.x)]
        if ends:
            self._place()
            first, last = min(a for a, _ in ends), max(b for _, b in ends)
            room = self._area().width()
            words = min(self._marks().label_width() + 20, room / 2)
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
        left, right = self.view.viewRange()[0]
        lows, highs = [], []
        for line in self.series.lines():
            first, last = np.searchsorted(line.x, left), np.searchsorted(line.x, right, "right")
            part = self._height(line.y[max(0, int(first) - 1) : int(last) + 1])
            part = part[np.isfinite(part)]
            if len(part):
                lows.append(float(part.min()))
                highs.append(float(part.max()))
        if not lows:
            return (-1.0, 0.0) if self.log else (0.0, 1.0)
        low, high = min(lows), max(highs)
        if self.log:
            space = max((high - low) * 0.08, 0.1)
            return low - space, high + space
        return range_of(low, high)

    def _area(self) -> QRectF:
        low, high = self.view.viewRange()[1]
        above = LEGEND - 8 if len(self.series.lines()) > 1 or self.series.factor else 0
        return area_in(self.width(), self.height(), (low, high), self.log, above)

    def _place(self) -> None:
        area = self._area()
        if self.view.geometry() != area:
            self.view.setGeometry(area)

    def axes(self) -> Axes:
        """What is in view, where."""
        (left, right), (low, high) = self.view.viewRange()
        return Axes(self._area(), (left, right), (low, high), self.log)

    def _marks(self) -> Marks:
        return Marks(self.series, self.axes(), QSizeF(self.size()), self.over)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        # The base class resizes before our own attributes exist.
        if event is not None and hasattr(self, "view"):
            self.show_all() if self.following else self._fit_height()

    # -- reading -----------------------------------------------------------------------------

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

    def event(self, event: QEvent) -> bool:
        # Keys that the plot takes must not also be somebody's shortcut.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            escapes = event.key() == Qt.Key.Key_Escape and self.spot is None
            if event.key() in _KEYS and not event.modifiers() and not escapes:
                event.accept()
                return True
        return bool(super().event(event))

    def _hover(self, at: QPointF | None) -> None:
        """The number nearest to the pointer, of the line that is nearest there."""
        axes, found = self.axes(), None
        if at is not None and axes.area.contains(at):
            marks, best = self._marks(), 24.0
            x = axes.value_at(at.x())
            for i, line in enumerate(self.series.lines()):
                k = line.nearest(x)
                place = marks.at(i, k) or QPointF(axes.x_at(float(line.x[k])), at.y())
                far = abs(place.x() - at.x()) + abs(place.y() - at.y()) / 1000
                if len(self.series.lines()) > 1:
                    far = abs(place.x() - at.x()) + abs(place.y() - at.y()) / 10
                if far < best:
                    best, found = far, (i, k)
        self._read(found)

    def _read(self, spot: tuple[int, int] | None) -> None:
        if spot != self.spot:
            self.spot = spot
            self.setAccessibleDescription(self._marks().words(*spot) if spot else "")
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go along a line, up and down to another."""
        lines, key = self.series.lines(), Qt.Key(event.key())
        if not lines or key not in _KEYS or event.modifiers():
            super().keyPressEvent(event)
            return
        i, k = self.spot or (0, len(lines[0].x) - 1)
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            to = (i + (1 if key == Qt.Key.Key_Down else -1)) % len(lines)
            i, k = to, lines[to].nearest(float(lines[i].x[k]))
        last = len(lines[i].x) - 1
        steps = {Qt.Key.Key_Left: k - 1, Qt.Key.Key_Right: k + 1}
        k = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}.get(key, steps.get(key, k))
        self._read(None if key == Qt.Key.Key_Escape else (i, min(max(k, 0), last)))

    # -- painting ----------------------------------------------------------------------------

    def _dress(self) -> None:
        self.setBackground(theme().colour("panel"))
        # pyqtgraph's pens count device pixels.
        width = theme().size("stroke", "plot_line") * self.devicePixelRatioF()
        for i, (curve, faint) in enumerate(zip(self.curves, self.faint, strict=True)):
            ink = colour_of(i)
            curve.setPen(pg.mkPen(ink, width=width, style=stroke_of(i)))
            ink.setAlpha(_FAINT)
            faint.setPen(pg.mkPen(ink, width=width / 2))
        self.viewport().update()

    @property
    def title(self) -> str:
        return translate("Plots", "Loss")

    def table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Heading and rows of all numbers, line by line."""
        lines, smoothed = self.series.lines(), self.series.factor > 0
        many = len(lines) > 1
        head = ["epoch" if self.series.in_epochs else "iteration", *(["name"] if many else [])]
        head += ["loss", *(["losses"] if self.series.in_epochs else [])]
        rows: list[tuple[object, ...]] = []
        for line in lines:
            columns: list[list[object]] = [[int(x) for x in line.x.tolist()]]
            columns += [[line.name] * len(line.x)] if many else []
            columns += [line.y.tolist()]
            columns += [line.counts.tolist()] if line.counts is not None else []
            columns += [line.smooth.tolist()] if smoothed else []
            rows += zip(*columns, strict=True)
        return (*head, *(["smoothed"] if smoothed else [])), rows

    def paint(self, painter: QPainter, size: QSizeF) -> None:
        """What is in view, on whatever is painted on; ``size`` is the plot's own."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(QPointF(), size), theme().colour("panel"))
        axes = self.axes()
        axes.draw(painter)
        painter.save()
        painter.setClipRect(axes.area.adjusted(-2, -2, 2, 2))
        for i, _ in enumerate(self.series.lines()):
            if self.series.factor:
                ink = colour_of(i)
                ink.setAlpha(_FAINT)
                self._trace(painter, axes, self.faint[i], QPen(ink, 1))
            self._trace(painter, axes, self.curves[i], QPen(colour_of(i), 2, stroke_of(i)))
        painter.restore()
        self._marks().draw(painter, None)

    @staticmethod
    def _trace(painter: QPainter, axes: Axes, curve: pg.PlotDataItem, pen: QPen) -> None:
        """The stretches between what has no height."""
        x, y = curve.getData()
        if x is None:
            return
        painter.setPen(pen)
        for part in np.split(np.arange(len(x)), np.flatnonzero(~np.isfinite(y))):
            part = part[np.isfinite(y[part])]
            painter.drawPolyline([axes.at(float(x[i]), float(y[i])) for i in part])

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
        self._marks().draw(painter, self.spot)
        if self.hasFocus():
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.viewport().rect()).adjusted(2, 2, -2, -2), 4, 4)
        painter.restore()


def _powers(y: Numbers) -> Numbers:
    """Of ten; NaN where there is none."""
    result = np.full(y.shape, np.nan)
    np.log10(y, out=result, where=y > 0)
    return result
