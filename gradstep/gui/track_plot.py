"""A value over the iterations: small plots of data and, beside it, of the gradient."""

from __future__ import annotations

import itertools
import math

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, QSizeF
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import ElidedLabel
from gradstep.gui.plot_axes import Axes, area_in, range_of
from gradstep.gui.plot_picture import Picture, Table, say
from gradstep.gui.segmented import Segmented
from gradstep.gui.theme import theme
from gradstep.gui.tracks import Series, Tracks
from gradstep.phases import Phase
from gradstep.protocol.examination import MEASURES, Measures

HEIGHT = 124
_MARKS = 24
"""So few points are marked one by one."""


def words(text: str) -> str:
    return QCoreApplication.translate("Tracks", text)


class TrackPicture(Picture):
    """One curve: of ``data`` or of ``grad``."""

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        self.field = field
        self.series = Series()
        self.measure = 0
        self._points: list[tuple[int, float]] = []
        title = words("Gradient by iteration") if field == "grad" else words("Value by iteration")
        super().__init__(f"track_{field}", title, parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(160, HEIGHT)

    def show_series(self, series: Series, measure: int) -> None:
        """``measure``: which of ``MEASURES``."""
        self.series, self.measure = series, measure
        values: list[Measures | None] = series.grad if self.field == "grad" else series.data
        self._points = [
            (iteration, number)
            for iteration, measures in zip(series.iterations, values, strict=True)
            if measures is not None and (number := measures[measure]) is not None
        ]
        self.refresh()

    def empty(self) -> str:
        if self._points:
            return ""
        if self.series.problem:
            return self.series.problem
        return words("after the next backward") if self.field == "data" else words("no gradient")

    def subtitle(self) -> str:
        name = f"{self.series.name}.grad" if self.field == "grad" else self.series.name
        return name if self.series.single else f"{MEASURES[self.measure]}({name})"

    def count(self) -> int:
        return len(self._points)

    def axes(self, size: QSizeF) -> Axes:
        numbers = [y for _, y in self._points if math.isfinite(y)] or [0.0, 1.0]
        y = range_of(min(numbers), max(numbers))
        first = float(self._points[0][0]) if self._points else 1.0
        last = float(self._points[-1][0]) if self._points else 1.0
        area = area_in(size.width(), size.height(), y, False)
        return Axes(area, (first, max(last, first + 5)), y)

    def spot(self, i: int, size: QSizeF) -> QPointF:
        axes, (iteration, number) = self.axes(size), self._points[i]
        if not math.isfinite(number):
            return QPointF(axes.x_at(iteration), axes.area.top())
        return axes.at(iteration, number)

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        axes, look = self.axes(size), theme()
        if not self._points:
            say(painter, QRectF(QPointF(), size), self.empty())
            return
        axes.draw(painter)
        ink = look.phase(Phase.BACKWARD if self.field == "grad" else Phase.FORWARD).text
        spots = [axes.at(x, y) if math.isfinite(y) else None for x, y in self._points]
        painter.setPen(QPen(ink, 1.5))
        for one, other in itertools.pairwise(spots):
            if one is not None and other is not None:
                painter.drawLine(one, other)
        shown = spots if len(spots) <= _MARKS else spots[-1:]
        for i, spot in enumerate(shown):
            if spot is not None:
                painter.setBrush(ink if i == len(shown) - 1 else look.colour("panel"))
                painter.drawEllipse(spot, 2.5, 2.5)
        self._draw_broken(painter, axes)

    def _draw_broken(self, painter: QPainter, axes: Axes) -> None:
        """NaN and Inf have no height: crosses at the top."""
        painter.setPen(QPen(theme().colour("error"), 2))
        for x, y in self._points:
            if not math.isfinite(y):
                at = QPointF(axes.x_at(x), axes.area.top() + 4)
                for way in (-1, 1):
                    painter.drawLine(at + QPointF(-3, -3 * way), at + QPointF(3, 3 * way))

    def words(self, i: int) -> str:
        iteration, number = self._points[i]
        text = format_number(number, "float64", 6)
        return f"{words('iteration {0}').format(iteration)}: {text}"

    def table(self) -> Table:
        return ("iteration", self.subtitle()), list(self._points)


class TrackView(QWidget):
    """Both plots of one value, and what of it they show. Hidden while nothing is followed."""

    def __init__(self, name: str, tracks: Tracks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._tracks = tracks
        self.name = ""
        self.data, self.grad = TrackPicture("data", self), TrackPicture("grad", self)
        self.heading = QLabel(words("Over the iterations"), self)
        self.heading.setFont(theme().font("small", weight=600))
        self.awaited = ElidedLabel("", self)
        """What stands in the place of the plots."""
        self.awaited.setFont(theme().font("small"))
        self.awaited.setProperty("quiet", True)
        self.measure = Segmented((words("norm"), words("mean"), words("min"), words("max")), self)
        self.measure.setObjectName(f"{name}_measure")
        self.measure.chosen.connect(lambda _: self._show())
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.heading)
        top.addWidget(self.awaited, 1)
        top.addWidget(self.measure)
        plots = QHBoxLayout()
        plots.setSpacing(0)
        plots.addWidget(self.data, 1)
        plots.addWidget(self.grad, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addLayout(plots)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        tracks.grown.connect(self._grow)
        self.hide()

    def follow(self, name: str, *, also: tuple[str, ...] = ()) -> None:
        """Show the value or expression ``name``; ``""`` for nothing. ``also``: others of the same
        view that are to be measured."""
        self.name = name
        self._tracks.want(self.objectName(), tuple(n for n in (name, *also) if n))
        self.setVisible(bool(name))
        if name:
            self._show()

    def _grow(self, name: str) -> None:
        if name == self.name:
            self._show()

    def _show(self) -> None:
        series = self._tracks.series(self.name)
        measure = 1 if series.single else self.measure.index
        self.measure.setVisible(not series.single and bool(series.iterations))
        for picture in (self.data, self.grad):
            picture.show_series(series, measure)
            picture.setVisible(picture.count() > 0)
        self.awaited.setText("" if self.data.count() else self.data.empty())
