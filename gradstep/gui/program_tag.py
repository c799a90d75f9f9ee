"""Which program is open, at the right of the menu row: its name, its kind, its Python."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gradstep.gui.session import Session
from gradstep.gui.theme import theme
from gradstep.protocol.trace import Loaded

GAP = 8
MENU_PADDING = 8
"""Of the menu bar itself, at its right end."""


class ProgramTag(QWidget):
    """``linear.py [script] Python 3.11 · torch 2.13``"""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("program")
        self._name = self._kind = self._versions = ""
        session.programOpened.connect(self._open)
        session.loaded.connect(self._name_kind)
        theme().changed.connect(self.update)

    def text(self) -> str:
        return "  ".join(part for part in (self._name, self._kind, self._versions) if part)

    def _open(self, path: str) -> None:
        # A module is called by its dotted name, a file by its own.
        self._name = Path(path).name
        self._kind = self._versions = ""
        self._tell()

    def _name_kind(self, loaded: Loaded) -> None:
        kinds = {
            "experiment": self.tr("experiment"),
            "script": self.tr("script"),
            "attached": self.tr("attached"),
        }
        self._kind = kinds.get(loaded.kind, loaded.kind)
        self._versions = f"Python {_short(loaded.python)} · torch {_short(loaded.torch)}"
        self.setToolTip(
            f"{loaded.file}\nPython {loaded.python}\ntorch {loaded.torch}\n{loaded.title}".strip()
        )
        self._tell()

    def _tell(self) -> None:
        self.setAccessibleName(self.text())
        self.resize(self.sizeHint())
        self.updateGeometry()
        # The menu bar lays its corner out anew only when it is told that it has changed.
        parent = self.parentWidget()
        if parent is not None:
            parent.updateGeometry()
            parent.adjustSize()
        self.update()

    def sizeHint(self) -> QSize:
        look = theme()
        name = QFontMetrics(look.font("body", weight=600)).horizontalAdvance(self._name)
        small = QFontMetrics(look.font("small"))
        width = name + look.size("space", "panel_padding") - MENU_PADDING + 2
        if self._kind:
            width += GAP + small.horizontalAdvance(self._kind) + 12
        if self._versions:
            width += GAP + QFontMetrics(look.font("body")).horizontalAdvance(self._versions)
        return QSize(width, look.size("window", "menu"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        x = 0.0
        middle = Qt.AlignmentFlag.AlignVCenter

        def write(text: str, width: float) -> None:
            painter.drawText(QRectF(x, 0, width + 4, self.height()), middle, text)

        painter.setFont(look.font("body", weight=600))
        painter.setPen(look.colour("text"))
        width = float(painter.fontMetrics().horizontalAdvance(self._name))
        write(self._name, width)
        x += width + GAP
        if self._kind:
            painter.setFont(look.font("small"))
            width = painter.fontMetrics().horizontalAdvance(self._kind) + 12
            box = QRectF(x + 0.5, self.height() / 2 - 9.5, width, 19)
            painter.setPen(QPen(look.colour("border_strong"), 1))
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(look.colour("text_secondary"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._kind)
            x += width + GAP + 1
        painter.setFont(look.font("body"))
        painter.setPen(look.colour("text_secondary"))
        write(self._versions, painter.fontMetrics().horizontalAdvance(self._versions))


def _short(version: str) -> str:
    """``3.11.8`` as ``3.11``, ``2.13.0+cpu`` as ``2.13``."""
    return ".".join(version.split("+")[0].split(".")[:2])
