"""One mark per layer in order of depth: gradient flow, update ratio, dead units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.plot_axes import Axes, area_in
from gradstep.gui.plot_picture import LEGEND, Key, Picture, Table, legend, mark, say
from gradstep.gui.plots.columns import draw_names
from gradstep.gui.plots.grouping import Parts, Row, fitting, squares, total
from gradstep.gui.plots.verdict import verdict
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.gauges import Gauges

GUIDE = 1e-3
"""Update-to-weight ratio that is often about right (A. Karpathy, "A Recipe for Training Neural
Networks", and CS231n's notes: "somewhere around 1e-3")."""
LONG = 5
"""Iterations after which a unit that was always zero is worth a word."""
COLUMN = 14
"""Pixels that a column needs at least."""
TOO_LARGE, TOO_SMALL = 1e-1, 1e-6


@dataclass(frozen=True)
class Layer:
    """One column: its name, what it stands for, and numbers by kind of mark."""

    name: str
    row: Row
    marks: Parts

    @property
    def ref(self) -> str:
        return self.row.ref


class LayersPicture(Picture):
    """Base: a log axis of numbers, one column per layer."""

    phase = Phase.BACKWARD
    log = True

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(name, title, parent)
        self.rows: list[Row] = []
        self.layers: list[Layer] = []
        self.iteration = 0
        self._ref = ""
        self.refresh()

    # -- of a subclass

    def rows_of(self, gauges: Gauges) -> list[Row]:
        """What was read of each parameter or module."""
        raise NotImplementedError

    def marks_of(self, parts: Parts) -> Parts:
        """What is drawn of it; numbers of several rows have been put together."""
        return parts

    together = staticmethod(squares)
    """How the numbers of several rows become one."""

    def keys(self) -> list[Key]:
        raise NotImplementedError

    # --

    def show_gauges(self, gauges: Gauges) -> None:
        self.rows, self.iteration = self.rows_of(gauges), gauges.iteration
        self._fit()

    def _fit(self) -> None:
        """As many columns as there is room for."""
        columns = max(int(self.width() - 80) // COLUMN, 1)
        rows = fitting(self.rows, columns, self.together)
        self.layers = [Layer(row.name, row, self.marks_of(row.parts)) for row in rows]
        self.select(self._ref)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def clear(self) -> None:
        self.rows, self.layers, self.iteration = [], [], 0
        self.refresh()

    def select(self, ref: str) -> None:
        """Somebody selected a value: is it one of these?"""
        self._ref = ref
        name = next((row.name for row in self.rows if ref and row.ref == ref), "")
        found = [
            i
            for i, layer in enumerate(self.layers)
            if name and (name == layer.name or name.startswith(f"{layer.name}."))
        ]
        self.chosen = found[0] if found else None
        self.update()

    def count(self) -> int:
        return len(self.layers)

    def heights(self) -> tuple[float, float]:
        """The range of the axis; powers of ten on a log axis."""
        found = [
            math.log10(y)
            for layer in self.layers
            for y in layer.marks.values()
            if y is not None and y > 0 and math.isfinite(y)
        ]
        if not found:
            return -4.0, 0.0
        low, high = min(found), max(found)
        space = max((high - low) * 0.08, 0.15)
        return low - space, high + space

    def axes(self, size: QSizeF) -> Axes:
        y = self.heights()
        area = area_in(size.width(), size.height(), y, self.log, LEGEND)
        return Axes(area, (-0.5, max(len(self.layers), 1) - 0.5), y, self.log)

    def at(self, axes: Axes, i: int, kind: str) -> QPointF | None:
        """Where a mark stands; at the lower end where it is zero."""
        y = self.layers[i].marks.get(kind)
        if y is None or not math.isfinite(y):
            return None
        if self.log:
            y = math.log10(y) if y > 0 else axes.y[0]
        return axes.at(i, min(max(y, axes.y[0]), axes.y[1]))

    def spot(self, i: int, size: QSizeF) -> QPointF:
        axes = self.axes(size)
        for kind in self.layers[i].marks:
            found = self.at(axes, i, kind)
            if found is not None:
                return found
        return axes.at(i, axes.y[0])

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        axes = self.axes(size)
        axes.draw_heights(painter)
        if self.empty():
            say(painter, axes.area, self.empty())
            return
        if self.chosen is not None:
            width = axes.area.width() / len(self.layers)
            left = axes.x_at(self.chosen) - width / 2
            column = QRectF(left, axes.area.top(), width, axes.area.height())
            painter.fillRect(column, theme().colour("selected_background"))
        draw_names(painter, axes, [layer.name for layer in self.layers], self.chosen)
        self.draw_marks(painter, axes)
        legend(painter, self.keys(), size, axes.area.left())

    def draw_marks(self, painter: QPainter, axes: Axes) -> None:
        raise NotImplementedError

    def colour(self) -> QColor:
        return theme().phase(self.phase).text

    def table(self) -> Table:
        marks = [(row.name, self.marks_of(row.parts)) for row in self.rows]
        kinds = list(marks[0][1]) if marks else []
        rows = [(name, *(found[kind] for kind in kinds)) for name, found in marks]
        return ("layer", *kinds), list(rows)

    def words(self, i: int) -> str:
        layer = self.layers[i]
        names = {key: text for key, text in self.mark_names()}
        lines = [layer.name]
        if layer.row.count > 1:
            lines = [translate("Plots", "{0}, {1} together").format(layer.name, layer.row.count)]
        for kind, y in layer.marks.items():
            if y is not None:
                lines.append(f"{names[kind]} {format_number(y, 'float64')}")
        return "\n".join(lines)

    def mark_names(self) -> tuple[tuple[str, str], ...]:
        """What each kind of mark is called."""
        raise NotImplementedError


class GradientFlow(LayersPicture):
    """Norms of ``.grad``, and of what this backward added to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("gradient_flow", translate("Plots", "Gradient flow"), parent)

    def rows_of(self, gauges: Gauges) -> list[Row]:
        before = {p.name: p.added for p in gauges.previous}
        found = []
        for p in gauges.parameters:
            ring = before.get(p.name) if p.added is None else None
            found.append(Row(p.name, p.ref, {"grad": p.grad, "added": p.added, "previous": ring}))
        return found

    def mark_names(self) -> tuple[tuple[str, str], ...]:
        return (
            ("grad", translate("Plots", ".grad, accumulated")),
            ("added", translate("Plots", "this backward")),
            ("previous", translate("Plots", "previous one, until reached")),
        )

    def keys(self) -> list[Key]:
        colour, names = self.colour(), dict(self.mark_names())
        keys = [Key("bar", names["grad"], colour), Key("dot", names["added"], colour)]
        if any(layer.marks["previous"] is not None for layer in self.layers):
            keys.append(Key("ring", names["previous"], colour))
        return keys

    def draw_marks(self, painter: QPainter, axes: Axes) -> None:
        colour = self.colour()
        for i in range(len(self.layers)):
            bar = self.at(axes, i, "grad")
            dot = self.at(axes, i, "added")
            ring = self.at(axes, i, "previous")
            end = dot or ring
            if bar is not None and end is not None and abs(bar.y() - end.y()) > 5:
                painter.setPen(QPen(colour, 1))
                painter.drawLine(bar, end)
            for kind, at in (("bar", bar), ("dot", dot), ("ring", ring)):
                if at is not None:
                    mark(painter, kind, at, colour)

    def empty(self) -> str:
        if any(y is not None for layer in self.layers for y in layer.marks.values()):
            return ""
        return translate("Plots", "Gradient norms appear here when backward runs in view.")

    def subtitle(self) -> str:
        if self.empty():
            return translate("Plots", "norm by layer, log scale")
        norms = [(row.name, row.parts["added"]) for row in self.rows if "bias" not in row.name]
        return verdict([(n, y) for n, y in norms if y is not None]) or translate(
            "Plots", "norm by layer, log scale"
        )


def _part(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


class UpdateRatio(LayersPicture):
    """How far an update moves each parameter, relative to its size."""

    phase = Phase.UPDATE

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("update_ratio", translate("Plots", "Update ratio"), parent)

    def rows_of(self, gauges: Gauges) -> list[Row]:
        before = {p.name: p for p in gauges.previous}
        found = []
        for p in gauges.parameters:
            old = before.get(p.name) if p.update is None else None
            parts: Parts = {"update": p.update, "weight": p.weight if old is None else None}
            parts["before"] = old.update if old is not None else None
            parts["weight before"] = old.weight if old is not None else None
            found.append(Row(p.name, p.ref, parts))
        return found

    def marks_of(self, parts: Parts) -> Parts:
        return {
            "ratio": _part(parts["update"], parts["weight"]),
            "previous": _part(parts["before"], parts["weight before"]),
        }

    def mark_names(self) -> tuple[tuple[str, str], ...]:
        return (
            ("ratio", translate("Plots", "this update")),
            ("previous", translate("Plots", "previous one")),
        )

    def keys(self) -> list[Key]:
        colour, names = self.colour(), dict(self.mark_names())
        keys = [Key("dot", names["ratio"], colour)]
        if any(layer.marks["previous"] is not None for layer in self.layers):
            keys.append(Key("ring", names["previous"], colour))
        return keys

    def heights(self) -> tuple[float, float]:
        low, high = super().heights()
        guide = math.log10(GUIDE)
        return min(low, guide - 0.5), max(high, guide + 0.5)

    def draw_marks(self, painter: QPainter, axes: Axes) -> None:
        colour, guide = self.colour(), axes.y_at(math.log10(GUIDE))
        painter.setPen(QPen(theme().colour("text_tertiary"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(axes.area.left(), guide), QPointF(axes.area.right(), guide))
        for i in range(len(self.layers)):
            for kind, shape in (("ratio", "dot"), ("previous", "ring")):
                at = self.at(axes, i, kind)
                if at is not None:
                    painter.setPen(QPen(colour, 1))
                    painter.drawLine(QPointF(at.x(), guide), at)
                    mark(painter, shape, at, colour)

    def empty(self) -> str:
        if any(y is not None for layer in self.layers for y in layer.marks.values()):
            return ""
        return translate("Plots", "Update ratios appear here when parameters have been updated.")

    def subtitle(self) -> str:
        known = [(la.name, y) for la in self.layers for y in la.marks.values() if y is not None]
        large = max(known, key=lambda k: k[1], default=("", 0.0))
        small = min(known, key=lambda k: k[1], default=("", 1.0))
        if large[1] > TOO_LARGE:
            words = translate("Plots", "Too large at {0}: {1} of its norm in one step")
            return words.format(large[0], format_number(large[1], "float64", 2))
        if small[1] < TOO_SMALL:
            words = translate("Plots", "Too small at {0}: {1} of its norm in one step")
            return words.format(small[0], format_number(small[1], "float64", 2))
        return translate("Plots", "‖Δw‖ / ‖w‖, usually near 10⁻³")


class DeadUnits(LayersPicture):
    """The part of each activation's units that are zero."""

    phase = Phase.FORWARD
    log = False

    def __init__(self, parent: QWidget | None = None) -> None:
        self._lately = 0
        super().__init__("dead_units", translate("Plots", "Dead units"), parent)

    together = staticmethod(total)

    def rows_of(self, gauges: Gauges) -> list[Row]:
        self._lately = max((a.lately for a in gauges.activations), default=0)
        return [
            Row(a.name, "", {"units": a.units, "dead": a.dead, "long": a.dead_lately})
            for a in gauges.activations
            if a.units
        ]

    def marks_of(self, parts: Parts) -> Parts:
        units = parts["units"]
        return {"now": _part(parts["dead"], units), "lately": _part(parts["long"], units)}

    def heights(self) -> tuple[float, float]:
        return 0.0, 1.0

    def mark_names(self) -> tuple[tuple[str, str], ...]:
        lately = translate("Plots", "in the last {0}, too").format(self._lately)
        return ("now", translate("Plots", "zero for this batch")), ("lately", lately)

    def keys(self) -> list[Key]:
        names = dict(self.mark_names())
        return [
            Key("ring", names["now"], self.colour()),
            Key("bar", names["lately"], self.colour()),
        ]

    def draw_marks(self, painter: QPainter, axes: Axes) -> None:
        colour = self.colour()
        width = min(axes.area.width() / len(self.layers) * 0.5, 28)
        for i in range(len(self.layers)):
            now, lately = self.at(axes, i, "now"), self.at(axes, i, "lately")
            if now is not None and lately is not None:
                tint = theme().phase(self.phase).tint
                bottom = axes.area.bottom()
                outline = QRectF(now.x() - width / 2, now.y(), width, bottom - now.y())
                painter.setPen(QPen(colour, 1.5))
                painter.setBrush(tint)
                painter.drawRect(outline)
                inner = QRectF(lately.x() - width / 2, lately.y(), width, bottom - lately.y())
                painter.fillRect(inner, colour)

    def empty(self) -> str:
        if self.layers:
            return ""
        return translate("Plots", "Dead units appear here when a model with ReLUs has run.")

    def subtitle(self) -> str:
        worst = max(self.layers, key=lambda la: la.marks["lately"] or 0, default=None)
        share = worst.marks["lately"] if worst is not None else None
        if worst is None or not share or self._lately < LONG:
            return translate("Plots", "zero for the whole batch, by layer")
        words = translate("Plots", "{0} of {1} were zero in each of {2} iterations")
        return words.format(f"{share:.0%}", worst.name, self._lately)
