"""A tensor of many elements: its data and its gradient as two tables."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import ElidedLabel
from gradstep.gui.segmented import Segmented
from gradstep.gui.theme import theme
from gradstep.gui.value.grid import ROW, Legend, NumberGrid
from gradstep.gui.value.heat import bound_of
from gradstep.gui.value.histogram import HistogramView
from gradstep.gui.value.slices import SlicePicker
from gradstep.gui.value.table import Elements, TensorModel, Window
from gradstep.gui.value.words import shape_word, words
from gradstep.phases import Phase
from gradstep.protocol.examination import Histogram
from gradstep.protocol.values import PREVIEW_ELEMENTS, Preview, Statistics, ValueInfo

FIELDS = ("data", "grad")
_LANES = {"data": Phase.FORWARD, "grad": Phase.BACKWARD}
_STACK_ROWS = 6
"""Tables of so few rows are shown one above the other."""
_LEAST_ROWS = 7
_BAR = 12
_BETWEEN = 12
_HEADING = 20


class FieldTable(QWidget):
    """``data`` or ``.grad``: its name, what its colours mean, its elements."""

    wanted = Signal(str, object)
    """The field and the ``Window`` that is missing."""

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self.heading = QLabel("data" if field == "data" else ".grad", self)
        self.heading.setFont(theme().font("small", weight=600))
        self.heading.setFixedHeight(_HEADING)
        self.chip = QLabel(words("changed"), self)
        self.chip.setFont(theme().font("caption"))
        self.chip.setFixedHeight(18)
        self.none = ElidedLabel("", self)
        self.none.setFont(theme().font("small"))
        self.none.setProperty("quiet", True)
        self.below = QLabel(self)
        """The same words where the heading has only half the width."""
        self.below.setFont(theme().font("small"))
        self.below.setProperty("quiet", True)
        self.below.setWordWrap(True)
        self.below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.beside = False
        """Whether it stands beside the other table."""
        self.legend = Legend(self)
        self.model = TensorModel(lambda window: self.wanted.emit(field, window), self)
        self.grid = NumberGrid(self.model, f"value_table_{field}", self)
        self.grid.setAccessibleName(self.heading.text())
        self.histogram = HistogramView(field, self)
        self.histogram.hide()
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.heading)
        top.addWidget(self.chip)
        top.addWidget(self.none, 1)
        top.addStretch(0)
        top.addWidget(self.legend)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.below)
        layout.addWidget(self.grid, 1)
        layout.addWidget(self.histogram)
        layout.addStretch(0)
        theme().changed.connect(self._dress)
        self.all_digits = False
        self._ends = (0.0, 0.0)
        self._changed: Phase | None = None
        self._past = False
        # Two tables side by side are equally wide, whatever their headings need.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._dress()

    def show_state(self, reason: str | None, changed: Phase | None, past: bool) -> None:
        """``reason``: why there are no elements, None when there are."""
        self.none.setText(reason or "")
        self.below.setText(reason or "")
        self._show_reason()
        self.grid.setVisible(reason is None)
        if reason is not None:
            self.show_histogram(None)
        self._changed, self._past = changed, past
        self.grid.set_past(past)
        self.legend.set_bound(self.grid.bound, past)
        self._dress()
        self._show_legend()

    def show_histogram(self, found: Histogram | None) -> None:
        """None hides it; so few elements need none."""
        self.histogram.show_histogram(found)
        self.histogram.setVisible(found is not None and found.finite > PREVIEW_ELEMENTS)

    def set_beside(self, beside: bool) -> None:
        """Whether only half the width is its own."""
        self.beside = beside
        self._show_reason()

    def _show_reason(self) -> None:
        known = bool(self.none.text())
        self.none.setVisible(known and not self.beside)
        self.below.setVisible(known and self.beside)

    def set_bound(self, bound: float) -> None:
        self.grid.set_bound(bound)
        self.legend.set_bound(bound, self._past)
        self._show_legend()

    def receive(self, window: Window, elements: Elements) -> None:
        self.model.receive(window, elements)
        if self.grid.bound <= 0:
            bound = _rough_bound(elements)
            self.set_bound(bound)
            self.fit(-bound, bound)

    def fit(self, low: float | None = None, high: float | None = None) -> None:
        """Choose decimals and cell width for numbers between ``low`` and ``high`` (None: as known
        before)."""
        if low is not None and high is not None:
            self._ends = (low, high)
        low, high = self._ends
        size = max(abs(low), abs(high))
        model = self.model
        whole = model.dtype.startswith(("int", "uint"))
        places = None
        if size == 0 or 1e-3 <= size < 1e5:
            places = 3 - math.floor(math.log10(size)) if size else 3
            places = min(max(places, 0), 6)
        model.set_style(None if whole else places, self.all_digits)
        if whole:
            texts = [format_number(int(x), "int64") for x in (low, high)]
        elif model.dtype == "bool":
            texts = ["False"]
        elif model.dtype.startswith("complex"):
            texts = ["−0.00012345678−0.00012345678i" if self.all_digits else "−0.0123−0.0123i"]
        elif self.all_digits:
            texts = ["−0.00012345678" if "64" not in model.dtype else "−0.00012345678901234567"]
        elif places is None:
            texts = ["−1.23·10⁻¹²"]
        else:
            texts = [f"−{size:.{places}f}"]
        metrics = QFontMetrics(theme().font("caption", code=True))
        self.grid.set_cell_width(max(map(metrics.horizontalAdvance, texts)) + 14)

    def limit_height(self, width: int) -> None:
        """As high as its rows need in this ``width``, and at least a few of them."""
        natural = self.grid.natural_size()
        bar = _BAR if natural.width() > width else 0
        high = natural.height() + bar + 2
        self.grid.setMaximumHeight(high)
        self.grid.setMinimumHeight(min(high, (_LEAST_ROWS + 1) * ROW + bar))
        words = 4 + 3 * _HEADING if self.below.isVisibleTo(self) else 0
        if self.histogram.isVisibleTo(self):
            high += self.histogram.sizeHint().height() + 4
        self.setMaximumHeight(_HEADING + 4 + (words if self.grid.isHidden() else high))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_legend()

    def _show_legend(self) -> None:
        """Where there is room beside the heading."""
        used = 0 if self.heading.isHidden() else self.heading.sizeHint().width() + 8
        used += 0 if self.chip.isHidden() else self.chip.sizeHint().width() + 8
        room = self.width() - used >= self.legend.sizeHint().width()
        scaled = self.grid.bound > 0 and self.model.dtype != "bool"
        self.legend.setVisible(room and scaled and not self.grid.isHidden())

    def _dress(self) -> None:
        colours = theme().phase(_LANES[self.field])
        ink = theme().colour("text_secondary") if self._past else colours.text
        dress(self.heading, f"color: {_css(ink)}")
        self.chip.setVisible(self._changed is not None and not self._past)
        if self._changed is not None:
            tint = theme().phase(self._changed)
            dress(
                self.chip,
                f"background: {_css(tint.tint)}; color: {_css(tint.text)};"
                f" border: 1px solid {_css(tint.solid)}; border-radius: 4px; padding: 0 3px;",
            )


class TensorView(QWidget):
    """Both tables: side by side where they fit, one above the other where they are small, else
    one at a time; above them the slice that they show."""

    wanted = Signal(str, object)
    """The field and the ``Window`` that is missing of the slice ``index``."""

    edited = Signal(str, object, str)
    """The field, the indices of an element and what a person typed there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info: ValueInfo | None = None
        self.slices = SlicePicker(self)
        self.switch = Segmented(("data", ".grad"), self)
        self.switch.setObjectName("value_field")
        self.tables = {field: FieldTable(field, self) for field in FIELDS}
        self.empty = QLabel(self)
        self.empty.setProperty("quiet", True)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._box.setSpacing(_BETWEEN)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.slices)
        layout.addWidget(self.switch)
        layout.addWidget(self.empty)
        layout.addLayout(self._box, 1)
        for table in self.tables.values():
            self._box.addWidget(table, 1)
            table.wanted.connect(self.wanted)
            table.histogram.toggled.connect(self.set_log)
            table.model.edited.connect(
                lambda place, text, field=table.field: self.edited.emit(
                    field, (*self.index, *place), text
                )
            )
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.switch.chosen.connect(lambda _: self._arrange())
        self.slices.changed.connect(self._reslice)

    @property
    def index(self) -> tuple[int, ...]:
        return self.slices.index

    def show_info(
        self,
        info: ValueInfo,
        changed: dict[str, Phase | None],
        reason: str,
        *,
        anew: bool,
        past: bool = False,
    ) -> None:
        """``changed``: by field, the phase that has just changed it. ``reason``: why there is no
        ``.grad``, if there is none. ``anew``: another value than before, not the same one at a
        later stop."""
        old, self.info = self.info, info
        shape, dtype = info.tensor.shape, info.tensor.dtype
        self.slices.set_shape(shape)
        other = anew or old is None or (old.tensor.shape, old.tensor.dtype) != (shape, dtype)
        for field, table in self.tables.items():
            if other:
                table.show_histogram(None)
                table.set_bound(0.0)
                self._set_shape(table)
            preview = info.data if field == "data" else info.grad
            self._fill(table, preview)
            missing = f"None: {reason}" if field == "grad" and not info.has_grad else None
            problem = (preview.problem or None) if preview is not None else None
            table.show_state(missing or problem, changed[field], past)
            if not other and not past:
                table.model.refresh()
        self._arrange()

    def _set_shape(self, table: FieldTable) -> None:
        assert self.info is not None
        shape = self.info.tensor.shape
        rows, columns = (shape[-2], shape[-1]) if len(shape) > 1 else (shape[0], 1)
        axes = min(len(shape), 2)
        if 0 in shape:
            rows = columns = 0
        table.model.set_shape(rows, columns, self.info.tensor.dtype, self.index, axes)
        origin = self.slices.origin
        table.model.set_origin(*(origin if axes == 2 else (origin[1], 0)))
        table.fit(0.0, 0.0)

    def _fill(self, table: FieldTable, preview: Preview | None) -> None:
        """What a preview knows needs no question."""
        assert self.info is not None
        if preview is None or not preview.elements or len(self.info.tensor.shape) > 2:
            return
        if self.info.tensor.dtype.startswith("complex"):
            return  # a preview has their absolute values
        table.model.fill(preview.elements)
        finite = [float(x) for x in preview.elements if math.isfinite(x)] or [0.0]
        table.set_bound(max(map(abs, finite)))
        table.fit(min(finite), max(finite))

    def _reslice(self) -> None:
        for table in self.tables.values():
            self._set_shape(table)
        self._arrange()

    def receive(self, field: str, window: Window, elements: Elements) -> None:
        self.tables[field].receive(window, elements)

    def show_statistics(self, field: str, found: Statistics) -> None:
        """They tell the colours' scale and the cells' width."""
        table = self.tables[field]
        before = table.grid.natural_size()
        table.set_bound(bound_of(found))
        table.fit(found.minimum, found.maximum)
        if table.grid.natural_size() != before:
            self._arrange()

    def show_histogram(self, field: str, found: Histogram) -> None:
        table = self.tables[field]
        before = table.histogram.isHidden()
        table.show_histogram(found)
        if table.histogram.isHidden() != before:
            self._arrange()

    def set_log(self, log: bool) -> None:
        for table in self.tables.values():
            table.histogram.set_log(log)

    def show_all_digits(self, on: bool) -> None:
        for table in self.tables.values():
            table.all_digits = on
            table.fit()
        self._arrange()

    # -- arranging ---------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        info = self.info
        if info is None:
            return
        nothing = 0 in info.tensor.shape
        self.empty.setVisible(nothing)
        self.empty.setText(
            words("No elements: the shape is {0}.").format(shape_word(info.tensor.shape))
        )
        data, grad = self.tables["data"], self.tables["grad"]
        size = data.grid.natural_size()
        side = 2 * max(size.width(), grad.grid.natural_size().width()) + _BETWEEN <= self.width()
        # What may have a .grad later keeps its place free beside the data.
        both = (info.has_grad or info.tensor.requires_grad) and not nothing
        one = info.has_grad and both and not side and data.model.rowCount() > _STACK_ROWS
        directions = QBoxLayout.Direction
        self._box.setDirection(directions.LeftToRight if side and both else directions.TopToBottom)
        self.switch.setVisible(one)
        shown = self.switch.index if one else None
        data.setVisible(not nothing and shown in (None, 0))
        grad.setVisible(not nothing and shown in (None, 1))
        grad.set_beside(side and both)
        for table in self.tables.values():
            table.heading.setVisible(not one)
            table.limit_height((self.width() - _BETWEEN) // 2 if side and both else self.width())
        if side and both and not info.has_grad:
            grad.setMaximumHeight(data.maximumHeight())  # the headings stand on one line
        self.setMaximumHeight(24 if nothing else max(self._column.maximumSize().height(), 24))


def dress(widget: QWidget, sheet: str) -> None:
    """Set a style sheet if it is another: Qt takes a millisecond to read the same one again."""
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)


def _rough_bound(elements: Elements) -> float:
    """Of the first elements that come, until the statistics are here."""
    sizes = [abs(x) for x in elements.reshape(-1)[:4096].tolist()]
    return float(max((x for x in sizes if x < float("inf")), default=0.0))


def _css(colour: QColor) -> str:
    return colour.name(QColor.NameFormat.HexRgb)
