"""What the person looks at: shared by all views, so that they need not know each other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Cursor(QObject):
    """The selected value and the line under the pointer."""

    selected = Signal(str)
    """A value's ref: ``w``, ``model.fc1.weight``, ``#12:0``; ``""`` for nothing."""
    lineHovered = Signal(str, int)
    """File and line (from 1); line 0 when the pointer has left."""
    lineSelected = Signal(str, int)
    """File and line (from 1)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.ref = ""

    def select(self, ref: str) -> None:
        """Select the value called ``ref``; ``""`` selects nothing. Tells only of changes."""
        if ref != self.ref:
            self.ref = ref
            self.selected.emit(ref)

    def hover_line(self, file: str, line: int) -> None:
        self.lineHovered.emit(file, line)

    def select_line(self, file: str, line: int) -> None:
        self.lineSelected.emit(file, line)
