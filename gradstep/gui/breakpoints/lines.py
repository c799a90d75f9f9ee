"""What stands in a line of a file, read beside the GUI thread."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from gradstep.gui.background import Background
from gradstep.gui.panels.code import Code, read_code


class SourceLines(QObject):
    """``text`` answers at once, with nothing while the file is still being read; ``changed`` tells
    when it has been."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._codes: dict[str, Code | None] = {}

    def text(self, file: str, line: int) -> str:
        """Line ``line`` (from 1) without the blanks around it."""
        if file not in self._codes:
            self._codes[file] = None
            self._background.do(partial(read_code, file), self._take)
        code = self._codes[file]
        return code.texts[line - 1].strip() if code and 0 < line <= len(code.texts) else ""

    def clear(self) -> None:
        """Read all files again when they are asked for: they may have been changed."""
        self._codes.clear()

    def _take(self, code: Code) -> None:
        self._codes[code.path] = code
        self.changed.emit()
