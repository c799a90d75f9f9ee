"""The loss landscape: a curve over one axis, contours over two."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.plot_axes import Axes, area_in, multiples, nice_step, range_of
from gradstep.gui.plot_picture import LEGEND, Key, Picture, Table, legend, mark, say
from gradstep.gui.plots.contours import Grid, levels_of, segments
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.rerun import AxisFound, Landscape, LandscapePart

TRAIL = 500
"""Places that are remembered at most."""


class LandscapePicture(Picture):
    """Grows row by row, as the parts arrive."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.landscape: Landscape | None = None
        self.losses: Grid = np.full((1, 1), np.nan)
        self.target: float | None = None
        self.problem = ""
        self.trail: list[tuple[float, float]] = []
        super().__init__("landscape", translate("Plots", "Loss landscape"), parent)
        self.refresh()

    def clear(self, problem: str = "") -> None:
        self.landscape, self.problem, self.target = None, problem, None
        self.trail.clear()
        self.refresh()

    def fail(self, problem: str) -> None:
        """It cannot be computed here, and why."""
        self.landscape, self.problem = None, problem
        self.refresh()

    def begin(self, landscape: Landscape) -> None:
        """Rows will follow. ``trail``: where the centre has been, for axes that are values."""
        names = tuple(axis.name for axis in landscape.axes)
        before = tuple(a.name for a in self.landscape.axes) if self.landscape else names
        if names != before:
            self.trail.clear()
        self.landscape, self.problem, self.target = landscape, "", None
        rows = len(landscape.axes[1].values) if len(landscape.axes) > 1 else 1
        self.losses = np.full((rows, len(landscape.axes[0].values)), np.nan)
        if len(landscape.axes) > 1:
            here = (landscape.axes[0].centre, landscape.axes[1].centre)
            if not self.trail or self.trail[-1] != here:
                self.trail = [*self.trail[-TRAIL:], here]
        self.refresh()

    def add(self, part: LandscapePart) -> None:
        """More losses, if they belong to what is shown."""
        if self.landscape is None or part.ticket != self.landscape.ticket:
            return
        flat = self.losses.reshape(-1)
        flat[part.first : part.first + len(part.losses)] = part.losses
        if part.problem and part.problem != "stopped":
            self.problem = part.problem
        self.refresh()

    def aim(self, target: float | None) -> None:
        """Where the next update takes the one axis."""
        self.target = target
        self.refresh()

    # ------------------------------------------------------------------ what there is

    @property
    def flat(self) -> bool:
        """Over two axes."""
        return self.landscape is not None and len(self.landscape.axes) == 2

    def empty(self) -> str:
        if self.problem:
            return self.problem
        if self.landscape is None:
            return translate("Plots", "The loss landscape appears here when forward has run.")
        return ""

    def subtitle(self) -> str:
        if self.landscape is None:
            return translate("Plots", "loss over parameters")
        names = " × ".join(axis.name for axis in self.landscape.axes)
        missing = int(np.isnan(self.losses).sum())
        if missing and not self.problem and missing < self.losses.size:
            done = 1 - missing / self.losses.size
            return translate("Plots", "loss over {0}, {1} computed").format(names, f"{done:.0%}")
        return translate("Plots", "loss over {0}").format(names)

    def count(self) -> int:
        if self.landscape is None or self.problem:
            return 0
        return len(self.landscape.axes[0].values)

    def _row(self) -> int:
        """The row through the present place."""
        if not self.flat or self.landscape is None:
            return 0
        up = self.landscape.axes[1]
        return int(np.abs(np.array(up.values) - up.centre).argmin())

    def spot(self, i: int, size: QSizeF) -> QPointF:
        assert self.landscape is not None
        axes = self.axes(size)
        x = self.landscape.axes[0].values[i]
        if self.flat:
            return axes.at(x, self.landscape.axes[1].values[self._row()])
        y = float(self.losses[0, i])
        return axes.at(x, min(max(y, axes.y[0]), axes.y[1]) if math.isfinite(y) else axes.y[0])

    def words(self, i: int) -> str:
        assert self.landscape is not None
        across = self.landscape.axes[0]
        lines = [f"{across.name} {format_number(across.values[i], 'float64')}"]
        if self.flat:
            up = self.landscape.axes[1]
            lines.append(f"{up.name} {format_number(up.values[self._row()], 'float64')}")
        loss = format_number(float(self.losses[self._row(), i]), "float64")
        lines.append(translate("Plots", "loss {0}").format(loss))
        return "\n".join(lines)

    def table(self) -> Table:
        if self.landscape is None:
            return ("loss",), []
        axes = self.landscape.axes
        if len(axes) == 1:
            rows = zip(axes[0].values, self.losses[0].tolist(), strict=True)
            return (axes[0].name, "loss"), list(rows)
        table = [
            (x, y, float(self.losses[row, column]))
            for row, y in enumerate(axes[1].values)
            for column, x in enumerate(axes[0].values)
        ]
        return (axes[0].name, axes[1].name, "loss"), list(table)

    # ------------------------------------------------------------------ painting

    def axes(self, size: QSizeF) -> Axes:
        if self.landscape is None:
            area = area_in(size.width(), size.height(), (0, 1), False, LEGEND)
            return Axes(area, (-1, 1), (0, 1))
        across = self.landscape.axes[0].values
        if self.flat:
            up = self.landscape.axes[1].values
            y = (up[0], up[-1])
        else:
            y = self._heights()
        area = area_in(size.width(), size.height(), y, False, LEGEND if self.flat else 0)
        return Axes(area, (across[0], across[-1]), y)

    def _heights(self) -> tuple[float, float]:
        assert self.landscape is not None
        finite = self.losses[np.isfinite(self.losses)]
        loss = self.landscape.loss if math.isfinite(self.landscape.loss) else 0.0
        low = min(float(finite.min()) if len(finite) else loss, loss)
        high = max(float(finite.max()) if len(finite) else loss, loss)
        # What rises far above the present loss is cut, so that the place itself is seen.
        high = min(high, low + 2.2 * (loss - low)) if loss > low + 0.1 * (high - low) else high
        return range_of(low, high)

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        axes = self.axes(size)
        if self.empty() or self.landscape is None:
            axes.draw_heights(painter)
            say(painter, axes.area, self.empty())
        elif self.flat:
            self._draw_plane(painter, axes)
            self._draw_across(painter, axes, self.landscape.axes[0])
            loss = format_number(self.landscape.loss, "float32")
            words = translate("Plots", "here, loss {0}").format(loss)
            keys = [Key("dot", words, theme().colour("text"))]
            if len(self.trail) > 1:
                where = translate("Plots", "where it has been")
                keys.insert(0, Key("ring", where, theme().phase(Phase.UPDATE).text))
            legend(painter, keys, size, axes.area.left())
        else:
            axes.draw_heights(painter)
            self._draw_across(painter, axes, self.landscape.axes[0])
            self._draw_curve(painter, axes)
            self._draw_legend(painter, axes)

    def _draw_across(self, painter: QPainter, axes: Axes, axis: AxisFound) -> None:
        """Numbers and the name below."""
        look = theme()
        painter.setFont(look.font("caption", code=True))
        painter.setPen(look.colour("text_secondary"))
        step = nice_step(axes.x[1] - axes.x[0], axes.area.width() / 56)
        name_width = QFontMetrics(painter.font()).horizontalAdvance(axis.name) + 24
        for x in multiples(*axes.x, step):
            at = axes.x_at(x)
            if at < axes.area.right() - name_width:
                text = format_number(float(f"{x:.6g}"), "float64", 4)
                box = QRectF(at - 40, axes.area.bottom() + 4, 80, 20)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(look.colour("text"))
        box = QRectF(axes.area.left(), axes.area.bottom() + 4, axes.area.width() + 8, 20)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags), axis.name)

    def _draw_curve(self, painter: QPainter, axes: Axes) -> None:
        assert self.landscape is not None
        across, loss = self.landscape.axes[0], self.landscape.loss
        painter.save()
        painter.setClipRect(axes.area.adjusted(-1, -2, 1, 1))
        path, drawing = QPainterPath(), False
        for x, y in zip(across.values, self.losses[0].tolist(), strict=True):
            if not math.isfinite(y):
                drawing = False
                continue
            at = axes.at(x, y)
            path.lineTo(at) if drawing else path.moveTo(at)
            drawing = True
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().phase(Phase.FORWARD).text, 2))
        painter.drawPath(path)
        here = axes.at(across.centre, loss)
        if across.slope is not None:
            painter.setPen(QPen(theme().phase(Phase.BACKWARD).text, 2))
            painter.drawLine(_tangent(axes, across.centre, loss, across.slope))
        painter.restore()
        painter.setPen(QPen(theme().colour("text_tertiary"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(here, QPointF(here.x(), axes.area.bottom()))
        if self.target is not None:
            self._draw_arrow(painter, axes, across.centre, self.target)
        painter.setPen(QPen(theme().colour("panel"), 1.5))
        painter.setBrush(theme().colour("text"))
        painter.drawEllipse(here, 5.5, 5.5)

    def _draw_arrow(self, painter: QPainter, axes: Axes, start: float, end: float) -> None:
        """Along the axis, to where the update goes; cut where that lies outside."""
        green = theme().phase(Phase.UPDATE).text
        y = axes.area.bottom()
        left = axes.x_at(start)
        right = min(max(axes.x_at(end), axes.area.left()), axes.area.right())
        sign = 1 if right >= left else -1
        painter.setPen(QPen(green, 3, c=Qt.PenCapStyle.FlatCap))
        if abs(right - left) > 7:
            painter.drawLine(QPointF(left, y), QPointF(right - 6 * sign, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(green)
        base = right - 8 * sign
        painter.drawPolygon([QPointF(right, y), QPointF(base, y - 5), QPointF(base, y + 5)])

    def curve_keys(self) -> list[Key]:
        """What the marks of a curve stand for, in words with their numbers."""
        assert self.landscape is not None
        across = self.landscape.axes[0]
        place = translate("Plots", "{0} = {1}, loss {2}").format(
            across.name,
            format_number(across.centre, "float32"),
            format_number(self.landscape.loss, "float32"),
        )
        keys = [Key("dot", place, theme().colour("text"))]
        if across.slope is not None:
            slope = format_number(across.slope, "float32")
            words = translate("Plots", "slope {0}, the gradient").format(slope)
            keys.append(Key("slope", words, theme().phase(Phase.BACKWARD).text))
        if self.target is not None:
            words = translate("Plots", "update would go to {0}").format(
                format_number(self.target, "float32")
            )
            keys.append(Key("arrow", words, theme().phase(Phase.UPDATE).text))
        return keys

    def _draw_legend(self, painter: QPainter, axes: Axes) -> None:
        """In whichever upper corner the curve leaves free, on a ground of its own."""
        look, keys = theme(), self.curve_keys()
        font = look.font("small")
        metrics = QFontMetrics(font)
        width = max(metrics.horizontalAdvance(key.words) for key in keys) + 34
        height = 20 * len(keys) + 4
        corners = [
            QRectF(axes.area.right() - width, axes.area.top() - 6, width, height),
            QRectF(axes.area.left() + 8, axes.area.top() - 6, width, height),
        ]
        box = min(corners, key=lambda corner: self._covered(axes, corner))
        ground = QColor(look.colour("panel"))
        ground.setAlphaF(0.88)
        painter.fillRect(box, ground)
        painter.setFont(font)
        for i, key in enumerate(keys):
            y = box.top() + 12 + 20 * i
            mark(painter, key.mark, QPointF(box.left() + 14, y), key.colour)
            painter.setPen(look.colour("text"))
            row = QRectF(box.left() + 28, y - 10, width, 20)
            painter.drawText(row, int(Qt.AlignmentFlag.AlignVCenter), key.words)

    def _covered(self, axes: Axes, box: QRectF) -> int:
        assert self.landscape is not None
        across = self.landscape.axes[0]
        places = [*zip(across.values, self.losses[0].tolist(), strict=True)]
        places.append((across.centre, self.landscape.loss))
        return sum(box.contains(axes.at(x, y)) for x, y in places if math.isfinite(y))

    def _draw_plane(self, painter: QPainter, axes: Axes) -> None:
        grid = self.losses
        levels = levels_of(grid)
        area = axes.area
        painter.drawImage(area, _shades(grid))
        rows, columns = grid.shape
        painter.setBrush(Qt.BrushStyle.NoBrush)
        line = QColor(theme().phase(Phase.FORWARD).text)
        line.setAlphaF(0.75)
        painter.setPen(QPen(line, 1))

        def at(x: float, y: float) -> QPointF:
            return QPointF(
                area.left() + x / (columns - 1) * area.width(),
                area.bottom() - y / (rows - 1) * area.height(),
            )

        for level in levels:
            pieces = segments(grid, level)
            painter.drawLines([QLineF(at(x0, y0), at(x1, y1)) for x0, y0, x1, y1 in pieces])
        self._draw_up(painter, axes)
        painter.save()
        painter.setClipRect(area.adjusted(-6, -6, 6, 6))
        green = theme().phase(Phase.UPDATE).text
        places = [axes.at(*place) for place in self.trail]
        painter.setPen(QPen(green, 2))
        painter.drawPolyline(places)
        for place in places[:-1]:
            mark(painter, "ring", place, green)
        assert self.landscape is not None
        here = axes.at(self.landscape.axes[0].centre, self.landscape.axes[1].centre)
        painter.setPen(QPen(theme().colour("panel"), 1.5))
        painter.setBrush(theme().colour("text"))
        painter.drawEllipse(here, 5.5, 5.5)
        painter.restore()

    def _draw_up(self, painter: QPainter, axes: Axes) -> None:
        """Numbers of the second axis, and its name at the top."""
        assert self.landscape is not None
        look = theme()
        painter.setFont(look.font("caption", code=True))
        painter.setPen(look.colour("text_secondary"))
        heights, _ = axes.heights()
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for y in heights:
            text = format_number(float(f"{y:.6g}"), "float64", 3)
            painter.drawText(QRectF(0, axes.y_at(y) - 10, axes.area.left() - 8, 20), flags, text)
        painter.setPen(look.colour("text"))
        name = self.landscape.axes[1].name
        painter.drawText(QRectF(16, 5, axes.area.width() / 2, 20), 0, name)


def _tangent(axes: Axes, x: float, y: float, slope: float) -> QLineF:
    """Through a place, as long on the screen whatever its slope."""
    here = axes.at(x, y)
    there = axes.at(x + 1, y + slope)
    line = QLineF(here, there)
    if line.length() == 0:
        return line
    reach = axes.area.width() * 0.16 / line.length()
    by = QPointF(line.dx() * reach, line.dy() * reach)
    return QLineF(here - by, here + by)


def _shades(grid: Grid) -> QImage:
    """A pixel per point, the higher the stronger; nothing where there is no number yet."""
    finite = grid[np.isfinite(grid)]
    image = QImage(grid.shape[1], grid.shape[0], QImage.Format.Format_ARGB32)
    image.fill(0)
    if not len(finite):
        return image
    ranks = np.sort(finite)
    tint = QColor(theme().phase(Phase.FORWARD).text)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            y = grid[row, column]
            if np.isfinite(y):
                part = float(np.searchsorted(ranks, y)) / len(ranks)
                tint.setAlphaF(0.02 + 0.33 * part)
                image.setPixelColor(column, grid.shape[0] - 1 - row, tint)
    return image.scaled(
        grid.shape[1] * 8,
        grid.shape[0] * 8,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
