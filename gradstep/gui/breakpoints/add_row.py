"""A row of fields in which a breakpoint is described before it is made."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from gradstep.gui.breakpoints.words import condition_tip, kind_of
from gradstep.gui.icons import icon
from gradstep.gui.theme import theme
from gradstep.protocol.breakpoints import BreakOn

EXAMPLES: dict[BreakOn, str] = {
    BreakOn.OPERATION: "*.attn:softmax",
    BreakOn.MODULE: "*.attn",
    BreakOn.NODE: "SqrtBackward0",
    BreakOn.ITERATION: "500",
}


class AddRow(QWidget):
    """Hidden until asked for. Enter makes the breakpoint, Escape does not."""

    wanted = Signal(object, object)
    """What to stop on, and the fields of the ``Breakpoint``."""
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("breakpoint_add")
        self.setFixedHeight(44)
        self.on = BreakOn.OPERATION
        self._kind, self._when = QLabel(), QLabel(self.tr("when"))
        self._when.setProperty("quiet", True)
        self.name, self.condition = self._field("name"), self._field("condition")
        self.name.setAccessibleName(self.tr("Name or pattern"))
        self.condition.setAccessibleName(self.tr("Condition"))
        self.condition.setPlaceholderText(self.tr("always"))
        self.condition.setToolTip(condition_tip())
        self.button = QPushButton(self.tr("Add"))
        self.button.setObjectName("breakpoint_add_button")
        self.button.clicked.connect(self._accept)
        self.cancel = QToolButton()
        self.cancel.setIcon(icon("close"))
        self.cancel.setIconSize(QSize(16, 16))
        side = theme().size("control", "button_small")
        self.cancel.setFixedSize(side, side)
        self.cancel.setAccessibleName(self.tr("Do not add"))
        self.cancel.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 1)
        row.setSpacing(8)
        for widget, stretch in (
            (self._kind, 0),
            (self.name, 3),
            (self._when, 0),
            (self.condition, 4),
            (self.button, 0),
            (self.cancel, 0),
        ):
            row.addWidget(widget, stretch)
        self.name.textChanged.connect(lambda: self._judge())
        self.hide()

    def _field(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setObjectName(f"breakpoint_add_{name}")
        field.setFont(theme().font("code", code=True))
        field.setMinimumWidth(64)
        field.returnPressed.connect(self._accept)
        return field

    def ask(self, on: BreakOn) -> None:
        """Let the person name what to stop on."""
        self.on = on
        self._kind.setText(kind_of(on))
        self.name.clear()
        self.condition.clear()
        self.name.setPlaceholderText(EXAMPLES[on])
        self.name.setToolTip(
            ""
            if on is BreakOn.ITERATION
            else self.tr("A name, or a pattern with * and ?; module:name for one module's own")
        )
        self._judge()
        self.show()
        self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def dismiss(self) -> None:
        self.hide()
        self.closed.emit()

    def _fields(self) -> dict[str, Any] | None:
        """None while the name is none."""
        name = self.name.text().strip()
        if self.on is BreakOn.ITERATION:
            good = name.isascii() and name.isdigit() and 0 < int(name) < 10**9
            return {"iteration": int(name)} if good else None
        return {"pattern": name} if name else None

    def _judge(self) -> None:
        self.button.setEnabled(self._fields() is not None)

    def _accept(self) -> None:
        fields = self._fields()
        if fields is not None:
            self.hide()
            self.wanted.emit(self.on, {**fields, "condition": self.condition.text().strip()})

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().colour("sunken"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, theme().colour("border"))
