"""A tensor of many elements: its data and its gradient, as tables or as pictures."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.segmented import Segmented
from gradstep.gui.value.comparison import change_field
from gradstep.gui.value.field_table import ChangeTable, FieldTable, rough_bound
from gradstep.gui.value.heat import bound_of
from gradstep.gui.value.picture import Mode, first_mode, modes_of, step_of
from gradstep.gui.value.slices import SlicePicker
from gradstep.gui.value.table import Elements, Index, Window
from gradstep.gui.value.words import shape_word, words
from gradstep.phases import Phase
from gradstep.protocol.examination import Earlier, Histogram
from gradstep.protocol.values import Preview, Statistics, ValueInfo, ValueKind

FIELDS = ("data", "grad")
_STACK_ROWS = 6
"""Tables of so few rows are shown one above the other."""
_BETWEEN = 12


class TensorView(QWidget):
    """Both tables: side by side where they fit, one above the other where they are small, else
    one at a time; above them the slice that they show."""

    wanted = Signal(str, object)
    """The field and the ``Window`` that is missing of the slice ``index``."""

    changeWanted = Signal(str)
    """The difference whose statistics are needed, as the engine calls it."""
    pictureWanted = Signal(str)
    """The field whose slice is to be shown as a picture: ``mode`` says of what kind."""
    elementChosen = Signal(object)
    """The indices of the element that the person has gone to, in either table."""
    edited = Signal(str, object, str)
    """The field, the indices of an element and what a person typed there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.info: ValueInfo | None = None
        self.slices = SlicePicker(self)
        self.switch = Segmented(("data", ".grad"), self)
        self.switch.setObjectName("value_field")
        self.tables = {field: FieldTable(field, self) for field in FIELDS}
        self.changes = {field: ChangeTable(field, self) for field in FIELDS}
        self.compared: dict[str, Earlier] = {}
        """With what each field is compared; empty when it is not."""
        self.mode = Mode.TABLE
        self.modes = Segmented((words("Numbers"), words("Heat"), words("Image")), self)
        self.modes.setObjectName("value_mode")
        self.modes.chosen.connect(lambda i: self.set_mode(tuple(Mode)[i]))
        self.empty = QLabel(self)
        self.empty.setProperty("quiet", True)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._box.setSpacing(_BETWEEN)
        self._pairs = {field: QWidget(self) for field in FIELDS}
        """A field and its change. Widgets: a layout that is empty would still have its share."""
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.slices)
        layout.addWidget(self.modes)
        layout.addWidget(self.switch)
        layout.addWidget(self.empty)
        layout.addLayout(self._box, 1)
        for field, table in self.tables.items():
            pair = QHBoxLayout(self._pairs[field])
            pair.setContentsMargins(0, 0, 0, 0)
            pair.setSpacing(_BETWEEN)
            pair.addWidget(table, 1)
            pair.addWidget(self.changes[field], 1)
            self._pairs[field].setSizePolicy(table.sizePolicy())
            self._box.addWidget(self._pairs[field], 1)
            for each in (table, self.changes[field]):
                each.picture.shown.connect(self._arrange)
            _scroll_together(table, self.changes[field])
            self.changes[field].wanted.connect(self.wanted)
            table.wanted.connect(self.wanted)
            table.histogram.toggled.connect(self.set_log)
            table.grid.selectionModel().currentChanged.connect(
                lambda now, _, table=table: self._choose(table, now)
            )
            table.model.edited.connect(
                lambda place, text, field=table.field: self.edited.emit(
                    field, (*self.index, *place), text
                )
            )
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.switch.chosen.connect(lambda _: self._arrange())
        self.slices.changed.connect(self._reslice)

    def _choose(self, table: FieldTable, now: Index) -> None:
        if now.isValid():
            self.elementChosen.emit((*self.index, *table.model.place(now)))

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
        if other:
            for change in self.changes.values():
                change.set_bound(0.0)
                self._set_shape(change)
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
        if other:
            self._offer_modes(info)
        else:
            self._want_pictures()
        self._arrange()

    def _offer_modes(self, info: ValueInfo) -> None:
        """Those that the shape allows."""
        shape = info.tensor.shape
        offered = modes_of(shape)
        self.modes.setVisible(len(offered) > 1)
        self.modes.offer([offered.index(m) if m in offered else -1 for m in Mode])
        for table in self._all():
            table.picture.clear()
        self.set_mode(first_mode(shape, info.kind in (ValueKind.DATA, ValueKind.RESULT)))

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self.modes.choose(tuple(Mode).index(mode))
        for table in self._all():
            table.set_mode(mode)
        self._want_pictures()
        self._arrange()

    def _want_pictures(self) -> None:
        if self.mode is not Mode.TABLE and self.info is not None:
            self.pictureWanted.emit("data")
            if self.info.has_grad:
                self.pictureWanted.emit("grad")
            for change in self._compared():
                self.pictureWanted.emit(change.field)

    def show_picture(self, field: str, elements: Elements, prefix: tuple[int, ...]) -> None:
        """The slice ``prefix`` that was wanted."""
        table = self._of(field)
        if table is None or self.info is None:
            return
        shape = self.info.tensor.shape
        bound = table.grid.bound or rough_bound(elements)
        table.picture.show_elements(
            elements,
            table.mode,
            bound,
            table.model.dtype,
            step=step_of(shape),
            prefix=prefix,
        )

    def _set_shape(self, table: FieldTable) -> None:
        assert self.info is not None
        shape = self.info.tensor.shape
        rows, columns = (shape[-2], shape[-1]) if len(shape) > 1 else (shape[0], 1)
        axes = min(len(shape), 2)
        if 0 in shape:
            rows = columns = 0
        dtype = self.info.tensor.dtype
        if isinstance(table, ChangeTable) and not dtype.startswith(("float", "bfloat", "complex")):
            dtype = "int64"  # in which the engine subtracts
        table.model.set_shape(rows, columns, dtype, self.index, axes)
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
        for table in self._all():
            self._set_shape(table)
        self._want_pictures()
        self._arrange()

    def receive(self, field: str, window: Window, elements: Elements) -> None:
        table = self._of(field)
        if table is not None:
            table.receive(window, elements)

    def show_statistics(self, field: str, found: Statistics) -> None:
        """They tell the colours' scale and the cells' width."""
        table = self._of(field)
        if table is None:
            return
        before = table.grid.natural_size()
        table.set_bound(bound_of(found))
        table.fit(found.minimum, found.maximum)
        if table.grid.natural_size() != before:
            self._arrange()
        if table.mode is Mode.HEAT:
            self.pictureWanted.emit(field)

    def compare(self, found: dict[str, Earlier]) -> None:
        """Show beside each field how it has changed since then; nothing when ``found`` is empty."""
        self.compared = found
        for field, change in self.changes.items():
            if field in found:
                self._compare(change, found[field])
        self._arrange()

    def _compare(self, change: ChangeTable, earlier: Earlier) -> None:
        assert self.info is not None
        problem = earlier.problem
        if change.of == "grad" and not self.info.has_grad:
            problem = words("There is no .grad now.")
        field, before = change_field(change.of, earlier.since), change.field
        change.compare(field, problem)
        if problem:
            return
        if field != before:
            change.set_bound(0.0)
            self._set_shape(change)
        else:
            change.model.refresh()
        self.changeWanted.emit(field)
        if self.mode is not Mode.TABLE:
            self.pictureWanted.emit(field)

    def _compared(self) -> list[ChangeTable]:
        """Those that have a difference to show."""
        return [c for c in self.changes.values() if c.of in self.compared and c.there]

    def _all(self) -> list[FieldTable]:
        return [*self.tables.values(), *self.changes.values()]

    def _of(self, field: str) -> FieldTable | None:
        """The table of ``data``, ``grad`` or a difference; None for a difference from a time that
        is no longer asked for."""
        return next((table for table in self._all() if table.field == field), None)

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
        for table in self._all():
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
        pictured = self.mode is not Mode.TABLE
        compared = bool(self.compared)
        side = not compared and (
            pictured
            or 2 * max(size.width(), grad.grid.natural_size().width()) + _BETWEEN <= self.width()
        )
        # What may have a .grad later keeps its place free beside the data.
        both = (info.has_grad or info.tensor.requires_grad) and not nothing
        tall = data.model.rowCount() > _STACK_ROWS or pictured
        one = info.has_grad and both and not side and tall
        directions = QBoxLayout.Direction
        self._box.setDirection(directions.LeftToRight if side and both else directions.TopToBottom)
        self.switch.setVisible(one)
        shown = self.switch.index if one else None
        data.setVisible(not nothing and shown in (None, 0))
        grad.setVisible(not nothing and shown in (None, 1))
        grad.set_beside(compared or (side and both))
        halved = compared or (side and both)
        for field, table in self.tables.items():
            table.heading.setVisible(compared or not one)
            table.limit_height((self.width() - _BETWEEN) // 2 if halved else self.width())
            self._place_change(table, self.changes[field])
        if side and both and not info.has_grad:
            grad.setMaximumHeight(data.maximumHeight())  # the headings stand on one line
        for field, pair in self._pairs.items():
            pair.setMaximumHeight(self.tables[field].maximumHeight())
            pair.setVisible(not self.tables[field].isHidden())
        self._box.invalidate()  # a layout within another does not hear of its widgets' sizes
        self.setMaximumHeight(24 if nothing else max(self._column.maximumSize().height(), 24))

    def _place_change(self, table: FieldTable, change: ChangeTable) -> None:
        shown = bool(self.compared) and not table.isHidden()
        change.setVisible(shown)
        change.set_beside(True)
        if shown:  # their headings stand on one line
            change.limit_height((self.width() - _BETWEEN) // 2)
            high = max(table.maximumHeight(), change.maximumHeight())
            table.setMaximumHeight(high)
            change.setMaximumHeight(high)


def _scroll_together(one: FieldTable, other: FieldTable) -> None:
    """The same elements are seen in both."""
    for bar, twin in (
        (one.grid.horizontalScrollBar(), other.grid.horizontalScrollBar()),
        (one.grid.verticalScrollBar(), other.grid.verticalScrollBar()),
    ):
        bar.valueChanged.connect(twin.setValue)
        twin.valueChanged.connect(bar.setValue)
