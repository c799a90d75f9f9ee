"""Says that a number was changed by hand, what it was, and lets it be taken back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gradstep.gui.numbers import MINUS, format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.words import words
from gradstep.protocol.examination import BESIDE, Edited


class EditedRow(QWidget):
    """Of the value that is shown, until the next iteration. Also tells why an edit was refused."""

    undone = Signal(object)
    """The ``Edited`` that is to be taken back."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_edited")
        self._edits: list[tuple[int, Edited]] = []
        self._ref, self._iteration, self._dtype = "", 0, "float32"
        self.text, self.note, self.problem = QLabel(self), QLabel(self), QLabel(self)
        for label in (self.text, self.note, self.problem):
            label.setFont(theme().font("small"))
            label.setWordWrap(True)
        self.text.setFont(theme().font("small", weight=600))
        self.note.setProperty("quiet", True)
        self.undo = QPushButton(self)
        self.undo.setObjectName("value_undo")
        self.undo.setText(words("Undo"))
        self.undo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.undo.clicked.connect(self._ask_back)
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        row.addWidget(self.undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.note)
        layout.addWidget(self.problem)
        self._refresh()

    def add(self, edited: Edited, iteration: int) -> None:
        self._edits.append((iteration, edited))
        self._refresh()

    def take_back(self) -> None:
        """The last edit of the shown value holds no longer."""
        mine = self._mine()
        if mine:
            self._edits.remove(mine[-1])
        self._refresh()

    def clear(self) -> None:
        """Another program, or the same from its beginning."""
        self._edits.clear()
        self.tell("")

    def show_of(self, ref: str, iteration: int, dtype: str) -> None:
        """Of the value called ``ref``, whose elements are of ``dtype``."""
        self._dtype = dtype
        if (ref, iteration) != (self._ref, self._iteration):
            self._ref, self._iteration = ref, iteration
            self.problem.setText("")
        self._edits = [edit for edit in self._edits if edit[0] >= iteration]
        self._refresh()

    def tell(self, problem: str) -> None:
        """Why an edit was refused; ``""`` for none."""
        self.problem.setText(problem)
        self._refresh()

    def _mine(self) -> list[tuple[int, Edited]]:
        own = self._ref + BESIDE
        return [e for e in self._edits if e[1].ref == self._ref or e[1].ref.startswith(own)]

    def _refresh(self) -> None:
        mine = self._mine()
        last = mine[-1][1] if mine else None
        self.text.setVisible(last is not None)
        self.undo.setVisible(last is not None)
        if last is not None:
            self.text.setText(words("edited: {0} was {1}").format(_what(last), self._old(last)))
        note = last.note if last is not None else ""
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.problem.setStyleSheet(f"color: {theme().colour('error').name()}")
        self.problem.setVisible(bool(self.problem.text()))
        self.setVisible(last is not None or bool(self.problem.text()))

    def _old(self, edited: Edited) -> str:
        """As the table writes it; the engine's text has the digits of a float64."""
        try:
            number = float(edited.old)
        except ValueError:
            return edited.old  # True, a complex number
        if BESIDE in edited.ref or not self._dtype.startswith(("float", "bfloat")):
            return edited.old.replace("-", MINUS)
        return format_number(number, self._dtype, None)

    def _ask_back(self) -> None:
        mine = self._mine()
        if mine:
            self.undone.emit(mine[-1][1])


def _what(edited: Edited) -> str:
    """``w.grad[0, 2]``; of an option its name."""
    owner, _, option = edited.ref.rpartition(BESIDE)
    name = option if owner else edited.ref if not edited.ref.startswith("#") else "it"
    grad = ".grad" if edited.field == "grad" else ""
    place = f"[{', '.join(map(str, edited.index))}]" if edited.index else ""
    return f"{name}{grad}{place}"
