"""What a tensor is, and the statistics of its elements."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gradstep.gui.numbers import format_bytes, format_fixed, format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.words import kind_word, shape_word, words
from gradstep.protocol.values import Statistics, ValueInfo

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LINE = 19


def facts_of(info: ValueInfo) -> list[tuple[str, str]]:
    """Names (torch's own, where it has one) and texts, the shape first."""
    tensor = info.tensor
    return [
        ("shape", shape_word(tensor.shape)),
        ("dtype", tensor.dtype),
        ("device", tensor.device),
        ("requires_grad", str(tensor.requires_grad)),
        ("is_leaf", str(tensor.is_leaf)),
        ("layout", tensor.layout),
        (words("size"), format_bytes(tensor.bytes)),
        (words("kind"), kind_word(info.kind)),
        *([(words("in"), info.scope)] if info.scope else []),
    ]


class Facts(QWidget):
    """The facts in two columns, the shape over the full width."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_facts")
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(8)
        self._layout.setVerticalSpacing(0)
        self._layout.setColumnStretch(1, 1)
        self._layout.setColumnStretch(3, 1)
        self._shown: list[tuple[str, str]] = []
        self._labels: list[tuple[QLabel, QLabel]] = []

    def show_info(self, info: ValueInfo) -> None:
        facts = facts_of(info)
        if facts == self._shown:
            return
        self._shown = facts
        self.setAccessibleName(", ".join(f"{name} {text}" for name, text in facts))
        while len(self._labels) < len(facts):
            self._add()
        for i, (name, text) in enumerate(self._labels):
            shown = i < len(facts)
            name.setVisible(shown)
            text.setVisible(shown)
            if shown:
                name.setText(facts[i][0])
                text.setText(facts[i][1])
                text.setToolTip(facts[i][1])

    def _add(self) -> None:
        place = len(self._labels)
        name, text = QLabel(self), QLabel(self)
        for label in (name, text):
            label.setFont(theme().font("caption", code=True))
            label.setMinimumWidth(0)
            label.setFixedHeight(_LINE - 1)
            # Selectable text stands a little lower: both sides, or the lines do not agree.
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        name.setProperty("quiet", True)
        if place == 0:
            self._layout.addWidget(name, 0, 0)
            self._layout.addWidget(text, 0, 1, 1, 3)
        else:
            row, column = (place + 1) // 2, (place - 1) % 2 * 2
            self._layout.addWidget(name, row, column)
            self._layout.addWidget(text, row, column + 1)
        self._labels.append((name, text))


ROWS = ("norm", "std", "mean", "min", "max")


class StatisticsTable(QWidget):
    """norm, std, mean, min, max and the counts, of data and of .grad."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_statistics")
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setHorizontalSpacing(16)
        self._layout.setVerticalSpacing(0)
        self._layout.setColumnStretch(0, 1)
        heads = ("data", ".grad")
        self._heads = [self._label(head, 0, i + 1, right=True) for i, head in enumerate(heads)]
        names = (*ROWS, words("zero, NaN, Inf"))
        for row, name in enumerate(names):
            self._label(name, row + 1, 0, right=False).setProperty("quiet", True)
        self._cells = {
            field: [self._label("", row + 1, column, right=True) for row in range(len(names))]
            for column, field in ((1, "data"), (2, "grad"))
        }
        self._layout.setRowMinimumHeight(0, _LINE + 4)

    def set_absolute(self, absolute: bool) -> None:
        """Of complex numbers their absolute values are measured."""
        for head, text in zip(self._heads, ("data", ".grad"), strict=True):
            head.setText(f"|{text}|" if absolute else text)

    def _label(self, text: str, row: int, column: int, *, right: bool) -> QLabel:
        label = QLabel(text, self)
        label.setFont(theme().font("small", code=right and row > 0))
        label.setFixedHeight(_LINE + (4 if row == 0 else -1))
        if right:
            label.setAlignment(_RIGHT)
            if row == 0:
                label.setProperty("quiet", True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout.addWidget(label, row, column)
        return label

    def show_statistics(self, field: str, found: Statistics | None) -> None:
        """``field`` is ``data`` or ``grad``; None empties its column."""
        texts = texts_of(found) if found is not None else [""] * (len(ROWS) + 1)
        broken = found is not None and (found.nan or found.inf)
        for label, text in zip(self._cells[field], texts, strict=True):
            label.setText(text)
            if label.isHidden() == (found is not None):
                label.setVisible(found is not None)
        last = self._cells[field][-1]
        sheet = f"color: {theme().colour('error').name()}" if broken else ""
        if last.styleSheet() != sheet:
            last.setStyleSheet(sheet)
        self._heads[0 if field == "data" else 1].setVisible(found is not None)
        self.setAccessibleDescription(self._words())

    def _words(self) -> str:
        names = (*ROWS, words("zero, NaN, Inf"))
        parts = []
        for field, cells in self._cells.items():
            known = [f"{n} {c.text()}" for n, c in zip(names, cells, strict=True) if c.text()]
            if known:
                parts.append(f"{field}: " + ", ".join(known))
        return "; ".join(parts)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(0, _LINE + 2, self.width(), 1, theme().colour("border"))


def _number(x: float) -> str:
    if x == 0:
        return "0"  # the sign of a zero says nothing here
    if 1e-3 <= abs(x) < 1e5:
        return format_fixed(x, "float64", 4)
    return format_number(x, "float64", 3)


_UNKNOWN = "–"


def texts_of(found: Statistics) -> list[str]:
    """One text per row of the table."""
    numbers = (found.norm, found.std, found.mean, found.minimum, found.maximum)
    texts = [_UNKNOWN if x is None else _number(x) for x in numbers]
    counts = f"{found.zeros}, {found.nan}, {found.inf}"
    return [*texts, f"✕ {counts}" if found.nan or found.inf else counts]
