"""One number and its gradient, large, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.numbers import MINUS, format_number, is_special
from gradstep.gui.theme import theme
from gradstep.gui.value.fields import NumberField
from gradstep.gui.value.words import words
from gradstep.phases import Phase
from gradstep.protocol.values import Number

_PADDING, _CHIP = 12, 6
NONE = "None"


@dataclass(frozen=True)
class Shown:
    """What one of the two columns says. ``number`` None is the word None, or with ``unknown`` a
    dash. ``changed``: the phase whose operation has just changed it."""

    number: Number | None = None
    note: str = ""
    unknown: bool = False
    changed: Phase | None = None


class ScalarCard(QWidget):
    """``data`` in blue, ``.grad`` in vermillion; a number that has just changed in a chip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_card")
        self.data = NumberColumn("data", Phase.FORWARD, self)
        self.grad = NumberColumn(".grad", Phase.BACKWARD, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.data, 45)
        layout.addWidget(self.grad, 55)  # it has more to say
        theme().changed.connect(self.update)

    def show_values(self, data: Shown, grad: Shown, dtype: str, *, past: bool = False) -> None:
        self.data.show_value(data, dtype, past)
        self.grad.show_value(grad, dtype, past)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.colour("border"))
        painter.setBrush(look.colour("raised"))
        radius = look.size("radius", "card")
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, radius, radius)
        painter.fillRect(QRectF(self.grad.x() - 1, 1, 1, self.height() - 2), look.colour("border"))


class NumberColumn(QWidget):
    """Its name, the number, and a line that says where it comes from."""

    def __init__(self, name: str, lane: Phase, parent: QWidget) -> None:
        super().__init__(parent)
        self.heading = QLabel(name, self)
        self.number = BigNumber(lane, self)
        self.note = QLabel(self)
        self.change, self.no_change = QLabel(self), QLabel(self)
        """How far it has moved since an earlier stop, or why that is not known."""
        self.change.setFont(theme().font("small", code=True))
        self.no_change.setFont(theme().font("caption"))
        self.no_change.setWordWrap(True)
        for label in (self.change, self.no_change):
            label.hide()
        for label, role in ((self.heading, "small"), (self.note, "caption")):
            label.setFont(theme().font(role))
            label.setProperty("quiet", True)
        self.note.setWordWrap(True)
        self.note.setMinimumHeight(18)
        self.note.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_PADDING, 8, _PADDING, 8)
        layout.setSpacing(1)
        layout.addWidget(self.heading)
        layout.addWidget(self.number)
        layout.addWidget(self.change)
        layout.addWidget(self.no_change)
        layout.addWidget(self.note)
        layout.addStretch(1)

    def show_change(self, number: complex | None, dtype: str, problem: str = "") -> None:
        """``number`` is the difference from then; None where there is none, or nothing is
        compared."""
        text = format_number(number, dtype)
        if text and not text.startswith(MINUS) and number:
            text = f"+{text}"
        self.change.setText(f"Δ {text}")
        self.change.setVisible(number is not None)
        self.no_change.setText(f"Δ: {problem}")
        self.no_change.setVisible(bool(problem))

    def show_value(self, shown: Shown, dtype: str, past: bool) -> None:
        self.number.show_value(shown, dtype, past)
        self.note.setText(shown.note)
        text = self.number.exact or self.number.text_and_font()[0]
        said = [text, shown.note]
        if shown.changed is not None:
            said.append(words("just changed"))
        self.number.setAccessibleName(", ".join(part for part in said if part))


class BigNumber(QWidget):
    """A number as large as there is room for; fewer digits before smaller ones. Where it may be
    edited, F2 and a double click open a field in its place."""

    edited = Signal(str)
    """What a person typed."""

    def __init__(self, lane: Phase, parent: QWidget) -> None:
        super().__init__(parent)
        self._lane = lane
        self._shown, self._dtype, self._past = Shown(), "float32", False
        self.exact = ""
        self.editable = False
        self.field = NumberField(self)
        self.field.entered.connect(self.edited)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_value(self, shown: Shown, dtype: str, past: bool) -> None:
        if (shown, dtype, past) == (self._shown, self._dtype, self._past):
            return
        self._shown, self._dtype, self._past = shown, dtype, past
        number = shown.number
        self.exact = format_number(number, dtype, None)
        self.setToolTip(self.exact)
        self.update()

    def set_editable(self, editable: bool) -> None:
        self.editable = editable and self._shown.number is not None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self.editable else Qt.FocusPolicy.NoFocus)

    def edit(self) -> None:
        """Open the field, if it may be edited."""
        if self.editable:
            self.field.setGeometry(self.rect())
            self.field.open(self.exact.replace(MINUS, "-"))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2 and self.editable:
            self.edit()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(100, 30)

    def text_and_font(self) -> tuple[str, QFont]:
        """What fits the width."""
        look, shown = theme(), self._shown
        nothing = "–" if shown.unknown else NONE
        room = self.width() - (2 * _CHIP if shown.changed else 0)
        cross = "✕ " if is_special(shown.number) else ""
        for role, fewest in (("value", 5), ("graph_value", 3), ("body", 2)):
            font = look.font(role, code=True, weight=500)
            for digits in range(6, fewest - 1, -1):
                text = format_number(shown.number, self._dtype, digits) or nothing
                if QFontMetrics(font).horizontalAdvance(cross + text) <= room:
                    return cross + text, font
        return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room), font

    def _ink(self) -> QColor:
        look, shown = theme(), self._shown
        if shown.number is None:
            return look.colour("text_secondary")
        if is_special(shown.number):
            return look.colour("error")
        if self._past:
            return look.colour("text_secondary")
        return look.phase(shown.changed or self._lane).text

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text, font = self.text_and_font()
        metrics = QFontMetrics(font)
        left = 0.0
        changed = self._shown.changed
        if changed is not None and not self._past:
            colours, special = theme().phase(changed), is_special(self._shown.number)
            box = QRectF(0, 0, metrics.horizontalAdvance(text) + 2 * _CHIP, self.height())
            line = theme().colour("error") if special else colours.solid
            painter.setPen(QPen(line, 1.5))
            painter.setBrush(theme().colour("error_tint") if special else colours.tint)
            painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
            left = _CHIP
        painter.setFont(font)
        painter.setPen(self._ink())
        room = QRectF(left, 0, self.width() - left + 2, self.height())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
        if self.hasFocus():
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.update()
