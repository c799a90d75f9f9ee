"""What stands beside a value: the optimizer's state and options, what backward has saved."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from gradstep.gui.numbers import format_number, format_shape, rms_of
from gradstep.gui.theme import theme
from gradstep.gui.translation import QT_TRANSLATE_NOOP
from gradstep.gui.value.words import words
from gradstep.protocol.examination import BESIDE, Beside, Life, OptimizerState, SavedTensor

_MAIN = ("lr", "momentum", "weight_decay", "betas", "eps", "alpha", "dampening", "nesterov")
"""Options that are told; the others are switches of the implementation."""
_LINE = 22
# Its letters stand below those of the names that open nothing; the ring has room around it.
_LINK = """
QPushButton { padding: 0; min-height: 0; border: none; border-radius: 0; background: transparent;
              text-align: left; text-decoration: underline; }
QPushButton:focus { border: 1px solid %s; padding: 0; min-height: 0; }
"""


def text_of(entry: Beside) -> str:
    """The number, or the tensor's shape and size."""
    info = entry.info
    if entry.number is not None:
        return format_number(entry.number, info.tensor.dtype if info is not None else "float64")
    if info is None:
        return entry.text
    rms = rms_of(info.data) if info.data is not None else None
    size = "" if rms is None else f"   rms {format_number(rms, 'float64', 3)}"
    return f"{format_shape(info.tensor.shape)}{size}"


_LIVES = {
    Life.FREED: QT_TRANSLATE_NOOP("Value", "freed by backward"),
    Life.CHANGED: QT_TRANSLATE_NOOP("Value", "changed in place since it was saved"),
    Life.PACKED: QT_TRANSLATE_NOOP("Value", "packed by the program's own hooks"),
}


class BesideList(QWidget):
    """A heading and rows of names and values. A tensor's name is a button that opens it; a number
    that may be edited has a field."""

    opened = Signal(str)
    edited = Signal(str, str)
    """A ref (``w @ lr``) and the text that was entered."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.heading = QLabel(self)
        self.heading.setFont(theme().font("small", weight=600))
        self.note = QLabel(self)
        self.note.setFont(theme().font("small"))
        self.note.setProperty("quiet", True)
        self.note.setWordWrap(True)
        self.problem = QLabel(self)
        self.problem.setFont(theme().font("small"))
        self.problem.setWordWrap(True)
        self._shown: tuple[object, ...] = ()
        self.rows: list[tuple[str, str]] = []
        self._body = QWidget(self)
        self._grid = QGridLayout(self._body)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self.heading, self._body, self.note, self.problem):
            layout.addWidget(widget)
        self.hide()

    def show_optimizer(self, ref: str, found: OptimizerState | None, editable: bool) -> None:
        """Hidden where no optimizer updates the value."""
        self.setVisible(found is not None)
        if found is None or self._is_shown(ref, found, editable):
            return
        kind = found.optimizer or words("plain gradient descent")
        group = words("group {0} of {1}").format(found.group + 1, found.groups)
        parts = (kind, found.name, group if found.groups > 1 else "")
        self._begin(" · ".join(p for p in parts if p), found.note)
        for entry in found.state:
            self._add(
                entry.name,
                text_of(entry),
                entry.info.ref if entry.number is None and entry.info else "",
            )
        for entry in found.options:
            if entry.name in _MAIN:
                may = editable and entry.number is not None and not isinstance(entry.number, bool)
                # As Python writes it, so that it can be typed on: 1e-08, not 1·10⁻⁸.
                text = repr(entry.number) if may else text_of(entry)
                self._add(entry.name, text, edit=f"{ref}{BESIDE}{entry.name}" if may else "")

    def show_saved(self, found: tuple[SavedTensor, ...]) -> None:
        """Hidden where nothing is saved."""
        self.setVisible(bool(found))
        if not found or self._is_shown(found):
            return
        nodes = list(dict.fromkeys(saved.node for saved in found))
        self._begin(words("saved for {0}").format(", ".join(nodes)), "")
        for saved in found:
            if saved.info is not None:
                version = words("version {0}").format(saved.version)
                text = f"{text_of(Beside(saved.name, saved.info))}   {version}"
                self._add(saved.name, text, saved.info.ref)
            else:
                self._add(saved.name, words(_LIVES.get(saved.life, "")), tip=saved.note)

    def _is_shown(self, *what: object) -> bool:
        """Then the rows stay, and with them the keyboard."""
        same, self._shown = what == self._shown, what
        if same:
            self.tell("")
        return same

    def tell(self, problem: str) -> None:
        """Why an edit was refused; ``""`` for none."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.problem.setStyleSheet(f"color: {theme().colour('error').name()}")

    def _begin(self, heading: str, note: str) -> None:
        self.heading.setText(heading)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.tell("")
        self.rows.clear()
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _add(self, name: str, text: str, opens: str = "", *, edit: str = "", tip: str = "") -> None:
        row = len(self.rows)
        self.rows.append((name, text))
        left: QWidget
        if opens:
            left = QPushButton(name, self._body)
            left.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            left.setStyleSheet(_LINK % theme().colour("selection_ring_and_primary_button").name())
            left.setToolTip(words("Show {0}").format(name))
            left.setObjectName(f"open_{name}")
            left.clicked.connect(lambda: self.opened.emit(opens))
        else:
            left = QLabel(name, self._body)
            left.setProperty("quiet", True)
        left.setFont(theme().font("small", code=True))
        right: QWidget
        if edit:
            right = _Number(text, self._body)
            right.setObjectName(f"edit_{name}")
            right.setAccessibleName(name)
            right.entered.connect(lambda entered: self.edited.emit(edit, entered))
        else:
            right = QLabel(text, self._body)
            right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            right.setFont(theme().font("small", code=True))
        right.setToolTip(tip or text)
        left.setFixedHeight(_LINE)
        self._grid.addWidget(left, row, 0, Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(right, row, 1, Qt.AlignmentFlag.AlignRight)


class _Number(QLineEdit):
    """Enter takes what was typed, Escape what was there."""

    entered = Signal(str)

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._text = text
        self.setFont(theme().font("small", code=True))
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFixedSize(96, _LINE)
        self.setStyleSheet("padding: 0 5px; min-height: 0;")
        self.setToolTip(words("Enter changes it from here on"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.text().strip() != self._text:
                self.entered.emit(self.text())
        elif event.key() == Qt.Key.Key_Escape:
            self.setText(self._text)
            self.clearFocus()
        else:
            super().keyPressEvent(event)
