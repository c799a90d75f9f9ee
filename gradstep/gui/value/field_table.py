"""One field of a tensor: its numbers or its picture, and how they are distributed."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import ElidedLabel
from gradstep.gui.theme import theme
from gradstep.gui.value.grid import ROW, Legend, NumberGrid
from gradstep.gui.value.histogram import HistogramView
from gradstep.gui.value.picture import Mode, Picture
from gradstep.gui.value.table import Elements, TensorModel, Window
from gradstep.gui.value.words import words
from gradstep.phases import Phase
from gradstep.protocol.examination import Histogram
from gradstep.protocol.values import PREVIEW_ELEMENTS

_LANES = {"data": Phase.FORWARD, "grad": Phase.BACKWARD}
_LEAST_ROWS = 7
_BAR = 12
_HEADING = 20


class FieldTable(QWidget):
    """``data`` or ``.grad``: its name, what its colours mean, its elements."""

    wanted = Signal(str, object)
    """The field and the ``Window`` that is missing."""

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self._lane = _LANES[field]
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
        self.model = TensorModel(lambda window: self.wanted.emit(self.field, window), self)
        self.grid = NumberGrid(self.model, f"value_table_{field}", self)
        self.grid.setAccessibleName(self.heading.text())
        self.histogram = HistogramView(field, self)
        self.histogram.hide()
        self.picture = Picture(field, self)
        self.picture.hide()
        self.mode = Mode.TABLE
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
        layout.addWidget(self.picture)
        layout.addWidget(self.histogram)
        layout.addStretch(0)
        theme().changed.connect(self._dress)
        self.all_digits = False
        self.there = True
        """Whether there are elements to show."""
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
        self.there = reason is None
        self.set_mode(self.mode)
        if reason is not None:
            self.show_histogram(None)
        self._changed, self._past = changed, past
        self.grid.set_past(past)
        self.legend.set_bound(self.grid.bound, past)
        self._dress()
        self._show_legend()

    def set_mode(self, mode: Mode) -> None:
        """The numbers or a picture, where there is anything to see."""
        self.mode = mode
        self.grid.setVisible(self.there and mode is Mode.TABLE)
        self.picture.setVisible(self.there and mode is not Mode.TABLE)

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
            bound = rough_bound(elements)
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
        if not self.picture.isHidden():
            high = self.picture.height_for(width)
            self.picture.setFixedHeight(high)
            if self.histogram.isVisibleTo(self):
                high += self.histogram.sizeHint().height() + 4
            self.setMaximumHeight(_HEADING + 4 + high)
            return
        natural = self.grid.natural_size()
        bar = _BAR if natural.width() > width else 0
        high = natural.height() + bar + 2
        self.grid.setMaximumHeight(high)
        self.grid.setMinimumHeight(min(high, (_LEAST_ROWS + 1) * ROW + bar))
        words = 0
        if self.below.isVisibleTo(self):
            self.below.setFixedHeight(self.below.heightForWidth(width))
            words = self.below.height() + 4
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
        seen = not self.grid.isHidden() or self.mode is Mode.HEAT
        self.legend.setVisible(room and scaled and seen and self.there)

    def _dress(self) -> None:
        colours = theme().phase(self._lane)
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


class ChangeTable(FieldTable):
    """How far ``data`` or ``.grad`` has moved since an earlier stop: on the same colours, which
    have a side for either sign."""

    def __init__(self, of: str, parent: QWidget | None = None) -> None:
        super().__init__(of, parent)
        self.of = of
        self.setObjectName(f"value_change_{of}")
        self.grid.setObjectName(f"value_table_change_{of}")
        self.picture.setObjectName(f"value_picture_change_{of}")
        name = words("Change of {0}").format(self.heading.text())
        self.grid.setAccessibleName(name)
        self.heading.setText("Δ " + self.heading.text())
        self.heading.setAccessibleName(name)
        self.hide()

    def compare(self, field: str, problem: str) -> None:
        """``field`` is what the engine calls the difference; ``problem`` why there is none."""
        self.field = field
        self.show_state(problem or None, None, False)

    def set_mode(self, mode: Mode) -> None:
        """A difference is no image."""
        super().set_mode(Mode.HEAT if mode is Mode.IMAGE else mode)

    def show_histogram(self, found: Histogram | None) -> None:
        """It has none."""


def dress(widget: QWidget, sheet: str) -> None:
    """Set a style sheet if it is another: Qt takes a millisecond to read the same one again."""
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)


def rough_bound(elements: Elements) -> float:
    """Of the first elements that come, until the statistics are here."""
    sizes = [abs(x) for x in elements.reshape(-1)[:4096].tolist()]
    return float(max((x for x in sizes if x < float("inf")), default=0.0))


def _css(colour: QColor) -> str:
    return colour.name(QColor.NameFormat.HexRgb)
