"""What the person looks at: shared by all views, so that they need not know each other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gradstep.gui.whereabouts import Whereabouts


class Cursor(QObject):
    """The selected value and the line under the pointer."""

    selected = Signal(str)
    """A value's ref: ``w``, ``model.fc1.weight``, ``#12:0``; ``""`` for nothing."""
    again = Signal(str)
    """What is selected already was chosen once more."""
    lineHovered = Signal(str, int)
    """File and line (from 1); line 0 when the pointer has left."""
    lineSelected = Signal(str, int)
    """File and line (from 1)."""
    lineAsked = Signal(str, int, int)
    """What the operations at a line made is wanted: file, line, and 1 for the next of several or
    -1 for the one before."""
    told = Signal(str)
    """A sentence about what was selected; ``""`` when it no longer holds."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ref = ""
        self.whereabouts = Whereabouts()

    def select(self, ref: str) -> None:
        """Select the value called ``ref``; ``""`` selects nothing. Tells only of changes."""
        if ref != self.ref:
            self.ref = ref
            self.selected.emit(ref)
        elif ref:
            self.again.emit(ref)

    def hover_line(self, file: str, line: int) -> None:
        self.lineHovered.emit(file, line)

    def select_line(self, file: str, line: int) -> None:
        self.lineSelected.emit(file, line)

    def ask_line(self, file: str, line: int, way: int = 1) -> None:
        """Select a line, and what an operation at it made: the first, and each further time the
        next (``way`` 1) or the one before (-1)."""
        self.lineSelected.emit(file, line)
        self.lineAsked.emit(file, line, way)
