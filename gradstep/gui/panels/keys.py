"""All keys: those of the table of actions, and those that work on the graph."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QWidget

from gradstep.gui.actions import ACTIONS, Menu, text_of
from gradstep.gui.buttons import paint_key_cap
from gradstep.gui.panel import Panel
from gradstep.gui.theme import theme

GAP, ROW_GAP, COLUMN_GAP = 12, 2, 24


class KeysPanel(Panel):
    """Key caps with the action's name beside them, in as many columns as there is room for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("keys_panel", "", parent)
        self.set_title(self.tr("Keys"))
        keyed = [action for action in ACTIONS if action.keys]
        keyed.sort(key=lambda action: action.menu is not Menu.RUN)
        entries = [((action.keys[0],), text_of(action).removesuffix("…")) for action in keyed]
        self.sheet = Sheet([*entries, *self._on_graph()])
        area = QScrollArea(self)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.sheet)
        area.viewport().setAutoFillBackground(False)
        self.sheet.setAutoFillBackground(False)
        self.body.addWidget(area, 1)

    def _on_graph(self) -> list[tuple[tuple[str, ...], str]]:
        """Keys that the canvas takes while it has the keyboard."""
        return [
            (("←", "→", "↑", "↓"), self.tr("Walk the graph")),
            (("Return",), self.tr("Open a module, to its line")),
            (("Backspace",), self.tr("Shut the module around")),
            (("Esc",), self.tr("Select nothing")),
            (("plus", "−"), self.tr("Zoom")),
            (("0", "Home"), self.tr("100 %, all")),
        ]


class Sheet(QWidget):
    """Entries below each other, then in the next column."""

    def __init__(self, entries: list[tuple[tuple[str, ...], str]]) -> None:
        super().__init__()
        self.entries = [(KeyCaps(keys), QLabel(words)) for keys, words in entries]
        for pair in self.entries:
            for widget in pair:
                widget.setParent(self)
        self.columns = 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The most columns that fit, one at least."""
        padding: int = theme().size("space", "panel_padding")
        count = len(self.entries)
        for columns in range(count, 0, -1):
            rows = -(-count // columns)
            groups = [self.entries[i : i + rows] for i in range(0, count, rows)]
            widths = [self._widths(group) for group in groups]
            whole = sum(map(sum, widths)) + len(groups) * (GAP + COLUMN_GAP) - COLUMN_GAP
            if whole + 2 * padding <= self.width() or columns == 1:
                break
        x, height = padding, self.entries[0][0].sizeHint().height()
        for group, (caps, words) in zip(groups, widths, strict=True):
            for row, (cap, name) in enumerate(group):
                y = 8 + row * (height + ROW_GAP)
                cap.setGeometry(x, y, cap.sizeHint().width(), height)
                name.setGeometry(x + caps + GAP, y, words, height)
            x += caps + GAP + words + COLUMN_GAP
        self.columns = len(groups)
        self.setMinimumHeight(16 + rows * (height + ROW_GAP) - ROW_GAP)

    @staticmethod
    def _widths(group: list[tuple[KeyCaps, QLabel]]) -> tuple[int, int]:
        caps = max(cap.sizeHint().width() for cap, _ in group)
        return caps, max(name.sizeHint().width() for _, name in group)


class KeyCaps(QWidget):
    """``Ctrl`` ``Shift`` ``F5``: one cap for each key of a chord, or of several keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.keys = [cap for key in keys for cap in _caps(key)]
        self.setAccessibleName(" ".join(self.keys) if len(keys) > 1 else "+".join(self.keys))

    def sizeHint(self) -> QSize:
        return QSize(sum(self._widths()) + 3 * (len(self.keys) - 1) + 1, 24)

    def _widths(self) -> list[int]:
        metrics = QFontMetrics(theme().font("caption", code=True))
        cap = theme().size("control", "key_cap")
        return [max(cap, metrics.horizontalAdvance(key) + 10) for key in self.keys]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cap = theme().size("control", "key_cap")
        x = 0.5
        for key, width in zip(self.keys, self._widths(), strict=True):
            paint_key_cap(painter, QRectF(x, (self.height() - cap) / 2, width, cap), key)
            x += width + 3


def _caps(key: str) -> list[str]:
    """What is printed on the keys of a chord; a sign stands for itself."""
    if key == "plus":
        return ["+"]
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return text.split("+") if text else [key]
