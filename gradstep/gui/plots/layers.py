"""One mark per layer in order of depth: gradient flow, update ratio, dead units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.plots.axes import Axes, area_in
from gradstep.gui.plots.picture import LEGEND, Key, Picture, Table, legend, mark, say
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.gauges import Gauges

FAR_APART = 1000.0
"""So much smaller at the input than at the output, a gradient vanishes; larger, it explodes."""
GUIDE = 1e-3
"""Update-to-weight ratio that is often about right (A. Karpathy, "A Recipe for Training Neural
Networks", and CS231n's notes: "somewhere around 1e-3")."""
TOO_LARGE, TOO_SMALL = 1e-1, 1e-6


@dataclass(frozen=True)
class Layer:
    """``name`` of a parameter or module; ``ref`` selects its value. Numbers by kind of mark."""

    name: str
    ref: str
    marks: dict[str, float | None]


class LayersPicture(Picture):
    """Base: a log axis of numbers, one column per layer."""

    phase = Phase.BACKWARD
    log = True

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(name, title, parent)
        self.layers: list[Layer] = []
        self.iteration = 0
        self.refresh()

    # -- of a subclass

    def layers_of(self, gauges: Gauges) -> list[Layer]:
        raise NotImplementedError

    def keys(self) -> list[Key]:
        raise NotImplementedError

    # --

    def show_gauges(self, gauges: Gauges) -> None:
        self.layers, self.iteration = self.layers_of(gauges), gauges.iteration
        self.refresh()

    def clear(self) -> None:
        self.layers, self.iteration = [], 0
        self.refresh()

    def select(self, ref: str) -> None:
        """Somebody selected a value: is it one of these?"""
        found = [i for i, layer in enumerate(self.layers) if layer.ref == ref]
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
        kinds = list(self.layers[0].marks) if self.layers else []
        rows = [(la.name, *(la.marks.get(k) for k in kinds)) for la in self.layers]
        return ("layer", *kinds), list(rows)

    def words(self, i: int) -> str:
        layer = self.layers[i]
        names = {key: text for key, text in self.mark_names()}
        lines = [layer.name]
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

    def layers_of(self, gauges: Gauges) -> list[Layer]:
        before = {p.name: p.added for p in gauges.previous}
        found = []
        for p in gauges.parameters:
            ring = before.get(p.name) if p.added is None else None
            marks = {"grad": p.grad, "added": p.added, "previous": ring}
            found.append(Layer(p.name, p.ref, marks))
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
        return translate("Plots", "Gradient norms appear here when backward has run.")

    def subtitle(self) -> str:
        if self.empty():
            return translate("Plots", "norm by layer, log scale")
        norms = [(la.name, la.marks["added"]) for la in self.layers if "bias" not in la.name]
        return verdict([(n, y) for n, y in norms if y is not None]) or translate(
            "Plots", "norm by layer, log scale"
        )


def verdict(norms: Sequence[tuple[str, float]]) -> str:
    """Whether gradients vanish or explode on their way to the input: the first layers compared with
    the last. Empty where too few are known."""
    broken = next((name for name, y in norms if not math.isfinite(y)), "")
    if broken:
        return translate("Plots", "Not finite at {0}").format(broken)
    zero = next((name for name, y in norms if y == 0), "")
    if zero:
        return translate("Plots", "{0} gets no gradient: 0").format(zero)
    if len(norms) < 2:
        return ""
    third = max(len(norms) // 3, 1)
    first = min(norms[:third], key=lambda n: n[1])
    last = max(norms[-third:], key=lambda n: n[1])
    steep = max(norms[:third], key=lambda n: n[1])
    if first[1] * FAR_APART < last[1]:
        times = format_number(float(f"{last[1] / first[1]:.2g}"), "float64", 3)
        return translate("Plots", "Vanishing: {0} gets 1/{1} of {2}").format(
            first[0], times, last[0]
        )
    if steep[1] > FAR_APART * last[1]:
        times = format_number(float(f"{steep[1] / last[1]:.2g}"), "float64", 3)
        return translate("Plots", "Exploding: {0} gets {1} times {2}").format(
            steep[0], times, last[0]
        )
    return ""


class UpdateRatio(LayersPicture):
    """How far an update moves each parameter, relative to its size."""

    phase = Phase.UPDATE

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("update_ratio", translate("Plots", "Update ratio"), parent)

    def layers_of(self, gauges: Gauges) -> list[Layer]:
        before = {p.name: p.ratio for p in gauges.previous}
        found = []
        for p in gauges.parameters:
            ring = before.get(p.name) if p.ratio is None else None
            found.append(Layer(p.name, p.ref, {"ratio": p.ratio, "previous": ring}))
        return found

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
        return translate("Plots", "‖Δw‖ / ‖w‖ by layer, about 10⁻³ is usual")


class DeadUnits(LayersPicture):
    """The part of each activation's units that are zero."""

    phase = Phase.FORWARD
    log = False

    def __init__(self, parent: QWidget | None = None) -> None:
        self._lately = 0
        super().__init__("dead_units", translate("Plots", "Dead units"), parent)

    def layers_of(self, gauges: Gauges) -> list[Layer]:
        self._lately = max((a.lately for a in gauges.activations), default=0)
        return [
            Layer(a.name, "", {"now": a.dead / a.units, "lately": a.dead_lately / a.units})
            for a in gauges.activations
            if a.units
        ]

    def heights(self) -> tuple[float, float]:
        return 0.0, 1.0

    def mark_names(self) -> tuple[tuple[str, str], ...]:
        lately = translate("Plots", "in each of the last {0} iterations").format(self._lately)
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
        if worst is None or not share:
            return translate("Plots", "zero for the whole batch, by layer")
        return translate("Plots", "{0} of {1} never fire").format(f"{share:.0%}", worst.name)


def draw_names(painter: QPainter, axes: Axes, names: list[str], chosen: int | None) -> None:
    """Below the columns: whole names where there is room, else what tells blocks apart."""
    look = theme()
    font = look.font("caption", code=True)
    bold = look.font("caption", code=True, weight=600)
    metrics = QFontMetrics(font)
    column = axes.area.width() / max(len(names), 1)
    fits = all(metrics.horizontalAdvance(name) + 8 <= column for name in names)
    groups = [(name, i, i) for i, name in enumerate(names)] if fits else _blocks(names)
    right = -math.inf
    for label, first, last in groups:
        marked = chosen is not None and first <= chosen <= last
        width = metrics.horizontalAdvance(label)
        middle = axes.x_at((first + last) / 2)
        if middle - width / 2 < right + 6 and not marked:
            continue
        painter.setFont(bold if marked else font)
        painter.setPen(look.colour("text" if marked else "text_secondary"))
        left = min(max(middle - width / 2, 2), axes.area.right() + 14 - width)
        if left < right + 4:
            painter.fillRect(
                QRectF(left - 4, axes.area.bottom() + 5, width + 8, 18), look.colour("panel")
            )
        painter.drawText(QPointF(left, axes.area.bottom() + 18), label)
        right = left + width


def _blocks(names: list[str]) -> list[tuple[str, int, int]]:
    """Label, first and last column of what stands together: a numbered block, else the first part
    of the path."""
    found: list[tuple[str, int, int]] = []
    keys: list[str] = []
    for i, name in enumerate(names):
        parts = name.split(".")
        number = next((k for k, part in enumerate(parts) if part.isdigit()), 0)
        key = ".".join(parts[: number + 1])
        if keys and keys[-1] == key:
            label, first, _ = found[-1]
            found[-1] = (label, first, i)
        else:
            keys.append(key)
            found.append((parts[number], i, i))
    return found
