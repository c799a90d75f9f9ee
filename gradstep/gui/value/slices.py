"""Which slice of a tensor with more than two axes is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QSlider, QSpinBox, QWidget

from gradstep.gui.theme import theme
from gradstep.gui.value.table import MAX_LINES
from gradstep.gui.value.words import words
from gradstep.protocol.examination import Axes

# The window's sheet frames every line edit, also the one inside a spin box. The slider beside it
# and the arrow keys do what the little buttons would.
_SHEET = """
QLineEdit, QLineEdit:focus { border: none; padding: 0; min-height: 0; background: transparent; }
QSpinBox::up-button, QSpinBox::down-button { width: 0; border: none; }
"""
_SLIDER = """
QSlider::groove { height: 4px; border-radius: 2px; background: %(border)s; }
QSlider::sub-page { height: 4px; border-radius: 2px; background: %(control_outline)s; }
QSlider::handle { width: 12px; margin: -5px 0; border-radius: 7px; background: %(panel)s;
                  border: 1px solid %(control_outline)s; }
QSlider::handle:disabled { border-color: %(border)s; }
QSlider::handle:focus { border: 2px solid %(selection_ring_and_primary_button)s; }
"""
_INKS = ("border", "control_outline", "panel", "selection_ring_and_primary_button")


class SlicePicker(QWidget):
    """A slider and a number for every axis but the last two, which the table shows."""

    changed = Signal(object)
    """The indices of the leading axes, a tuple."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_slices")
        self._shape: tuple[int, ...] = ()
        self._boxes: list[QSpinBox] = []
        self._labels: list[QLabel] = []
        self._note: QLabel | None = None
        self._starts: dict[int, QSpinBox] = {}
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(8)
        self._layout.setVerticalSpacing(4)
        self._layout.setColumnStretch(1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setStyleSheet(_SLIDER % {name: theme().colour(name).name() for name in _INKS})

    @property
    def index(self) -> tuple[int, ...]:
        """Of the leading axes."""
        return tuple(box.value() for box in self._boxes)

    @property
    def origin(self) -> tuple[int, int]:
        """Row and column with which the table begins: zero, unless an axis is too long for one."""
        row, column = (self._starts.get(axis) for axis in (-2, -1))
        return (row.value() if row else 0, column.value() if column else 0)

    def set_shape(self, shape: tuple[int, ...]) -> None:
        """Of the whole tensor. The slice stays where it was if the shape did not change."""
        if shape == self._shape:
            return
        self._shape = shape
        self._empty()
        leading = shape[:-2] if 0 not in shape else ()
        for axis, size in enumerate(leading):
            self._add(axis, size)
        if leading:
            text = words("The table shows axis {0} (down) and axis {1} (across).")
            note = self._note = QLabel(text.format(len(shape) - 2, len(shape) - 1), self)
            note.setFont(theme().font("caption"))
            note.setProperty("faint", True)
            note.setWordWrap(True)
            self._layout.addWidget(note, len(leading), 0, 1, 4)
        for axis in (-2, -1)[-len(shape) :]:
            if shape[axis] > MAX_LINES:
                self._add_start(axis, len(shape) + axis, shape[axis])
        self.setVisible(bool(self._boxes or self._starts))

    def set_names(self, axes: Axes) -> None:
        """What the axes are called, where something says so."""
        names = [name or words("axis {0}").format(i) for i, name in enumerate(axes.names)]
        if len(names) != len(self._shape):
            return
        for label, box, name in zip(self._labels, self._boxes, names, strict=False):
            label.setText(name)
            label.setToolTip(words("as {0} has it").format(axes.told_by) if axes.told_by else "")
            box.setAccessibleName(words("Index on {0}").format(name))
        if self._note is not None and any(axes.names):
            text = words("The table shows {0} (down) and {1} (across).")
            self._note.setText(text.format(*names[-2:]))

    def _empty(self) -> None:
        self._boxes.clear()
        self._labels.clear()
        self._note = None
        self._starts.clear()
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _add(self, axis: int, size: int) -> None:
        label, of = self._words(words("axis {0}").format(axis), size)
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(0, size - 1)
        slider.setPageStep(max(1, size // 10))
        box = self._box(size - 1)
        box.setObjectName(f"value_axis_{axis}")
        for control in (slider, box):
            control.setAccessibleName(words("Index on axis {0}, size {1}").format(axis, size))
            control.setEnabled(size > 1)
        slider.valueChanged.connect(box.setValue)
        box.valueChanged.connect(slider.setValue)
        self._place(axis, label, slider, box, of)
        self._boxes.append(box)
        self._labels.append(label)

    def _add_start(self, axis: int, number: int, size: int) -> None:
        """An axis too long for one table is shown from a chosen index on."""
        label, of = self._words(words("axis {0} from").format(number), size)
        box = self._box(size - 1)
        box.setSingleStep(MAX_LINES)
        box.setAccessibleName(words("First index shown of axis {0}").format(number))
        box.setKeyboardTracking(False)
        box.setObjectName(f"value_axis_{number}_from")
        self._place(self._layout.rowCount(), label, None, box, of)
        self._starts[axis] = box

    def _words(self, name: str, size: int) -> tuple[QLabel, QLabel]:
        label, of = QLabel(name, self), QLabel(words("of {0}").format(size), self)
        for each in (label, of):
            each.setFont(theme().font("small"))
            each.setProperty("quiet", True)
        return label, of

    def _box(self, last: int) -> QSpinBox:
        box = QSpinBox(self)
        box.setRange(0, last)
        box.setFont(theme().font("small", code=True))
        box.setStyleSheet(_SHEET)
        box.lineEdit().setTextMargins(0, 0, 5, 0)
        box.setAlignment(Qt.AlignmentFlag.AlignRight)
        box.setFixedWidth(34 + 8 * len(str(last)))
        box.valueChanged.connect(lambda _: self.changed.emit(self.index))
        return box

    def _place(
        self, row: int, label: QLabel, slider: QSlider | None, box: QSpinBox, of: QLabel
    ) -> None:
        label.setBuddy(box)
        for column, widget in enumerate((label, slider, box, of)):
            if widget is not None:
                self._layout.addWidget(widget, row, column)
