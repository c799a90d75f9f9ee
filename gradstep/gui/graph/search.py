"""The row in which one types what to find on the graph."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from gradstep.gui.icons import icon
from gradstep.gui.theme import theme


class SearchRow(QWidget):
    """A field, ``.*`` for regular expressions, how many there are, back, on, close. Enter goes on,
    Shift+Enter back, Escape closes."""

    changed = Signal(str, bool)
    """The text, and whether it is a regular expression."""
    stepped = Signal(int)
    """On (1) or back (-1)."""
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_search")
        self.setFixedHeight(36)
        self.field = QLineEdit()
        self.field.setObjectName("graph_search_field")
        self.field.setPlaceholderText(self.tr("Name, kind or shape"))
        self.field.setAccessibleName(self.tr("Find on the graph"))
        self.field.setClearButtonEnabled(False)
        self.field.installEventFilter(self)
        self.regular = self._button("", "graph_search_regular", self.tr("Regular expression"))
        self.regular.setText(".*")
        self.regular.setFont(theme().font("small", code=True))
        self.regular.setCheckable(True)
        self.count = QLabel()
        self.count.setObjectName("graph_search_count")
        self.count.setProperty("quiet", True)
        self.count.setMinimumWidth(72)
        self.back = self._button("chevron_up", "graph_search_back", self.tr("Previous (Shift+F3)"))
        self.on = self._button("chevron_down", "graph_search_on", self.tr("Next (F3)"))
        self.shut = self._button("close", "graph_search_close", self.tr("Close (Esc)"))
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 8, 5)
        row.setSpacing(6)
        row.addWidget(self.field, 1)
        for widget in (self.regular, self.count, self.back, self.on, self.shut):
            row.addWidget(widget)
        self.field.textChanged.connect(self._tell)
        self.regular.toggled.connect(self._tell)
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.on.clicked.connect(lambda: self.stepped.emit(1))
        self.shut.clicked.connect(self.close_)
        self.hide()

    def open(self) -> None:
        """Be there, with the keyboard in the field."""
        self.show()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()
        self._tell()

    def close_(self) -> None:
        self.hide()
        self.closed.emit()

    def tell(self, words: str, problem: bool = False) -> None:
        """How many there are, or what is wrong with the expression."""
        self.count.setText(words)
        self.count.setProperty("error", problem)
        self.count.style().unpolish(self.count)
        self.count.style().polish(self.count)
        self.field.setAccessibleDescription(words)

    def _tell(self) -> None:
        self.changed.emit(self.field.text(), self.regular.isChecked())

    def _button(self, sign: str, name: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        if sign:
            button.setIcon(icon(sign))
        side = theme().size("control", "icon_button")
        button.setFixedSize(side, side)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
                self.stepped.emit(-1 if back else 1)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.close_()
                return True
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, theme().colour("border"))
