"""All keys: those of the table of actions, and those that work on the graph."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QFontMetrics, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from gradstep.gui.actions import ACTIONS, Menu, text_of
from gradstep.gui.buttons import paint_key_cap
from gradstep.gui.panel import Panel
from gradstep.gui.theme import theme

ROWS = 6
"""Entries below each other before the next column begins."""


class KeysPanel(Panel):
    """Key caps with the action's name beside them, in columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("keys_panel", "", parent)
        self.set_title(self.tr("Keys"))
        sheet = QWidget()
        grid = QGridLayout(sheet)
        padding = theme().size("space", "panel_padding")
        grid.setContentsMargins(padding, 8, padding, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        keyed = [action for action in ACTIONS if action.keys]
        keyed.sort(key=lambda action: action.menu is not Menu.RUN)
        entries = [((action.keys[0],), text_of(action).removesuffix("…")) for action in keyed]
        for i, (keys, words) in enumerate([*entries, *self._on_graph()]):
            column, row = divmod(i, ROWS)
            grid.addWidget(KeyCaps(keys), row, 2 * column)
            name = QLabel(words)
            name.setContentsMargins(0, 0, 12, 0)
            grid.addWidget(name, row, 2 * column + 1)
        columns = -(-(len(entries) + len(self._on_graph())) // ROWS)
        grid.setColumnStretch(2 * columns, 1)
        grid.setRowStretch(ROWS, 1)
        area = QScrollArea(self)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(sheet)
        area.viewport().setAutoFillBackground(False)
        sheet.setAutoFillBackground(False)
        self.body.addWidget(area, 1)

    def _on_graph(self) -> list[tuple[tuple[str, ...], str]]:
        """Keys that the canvas takes while it has the keyboard."""
        return [
            (("←", "→", "↑", "↓"), self.tr("Walk the graph")),
            (("Return",), self.tr("To its line")),
            (("Esc",), self.tr("Select nothing")),
            (("plus", "−"), self.tr("Zoom")),
            (("0", "Home"), self.tr("100 %, all")),
        ]


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
