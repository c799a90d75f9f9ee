"""What the program printed."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from gradstep.gui.panel import Panel
from gradstep.gui.panels.terminal import Batch, Terminal
from gradstep.gui.session import Session
from gradstep.gui.theme import theme
from gradstep.protocol.trace import Loaded

CAPACITY = 5000
"""Lines kept."""
BEAT_MS = 30
"""Text is shown in batches this far apart: a flood cannot freeze the window."""


class ConsolePanel(Panel):
    """Output and errors in the order of their arrival, told apart by colour. Follows the end unless
    the person has scrolled up."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("console", "", parent)
        self.set_title(self.tr("Console"))
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("console_text")
        self.text.setAccessibleName(self.tr("What the program printed"))
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setMaximumBlockCount(CAPACITY)
        self.text.setFont(theme().font("code", code=True))
        self.text.setTabStopDistance(8 * self.text.fontMetrics().horizontalAdvance(" "))
        self.text.document().setDocumentMargin(theme().size("space", "panel_padding"))
        self.empty = QLabel(self.tr("What the program prints appears here."), self.text.viewport())
        self.empty.setProperty("faint", True)
        padding = theme().size("space", "panel_padding")
        self.empty.move(padding, padding)
        self.text.document().contentsChanged.connect(
            lambda: self.empty.setVisible(self.text.document().isEmpty())
        )
        self.body.addWidget(self.text, 1)
        self._terminal = Terminal(CAPACITY)
        self._shown = self._unfinished = 0  # lines
        self._beat = QTimer(self)
        self._beat.setSingleShot(True)
        self._beat.setInterval(BEAT_MS)
        self._beat.timeout.connect(self.show_arrived)
        session.outputArrived.connect(self.write)
        session.programOpened.connect(self.clear)
        session.loaded.connect(self._name)
        theme().changed.connect(self._recolour)
        self.clear()

    def write(self, stream: str, text: str) -> None:
        """Take in text; it appears with the next batch."""
        self._terminal.write(stream, text)
        if not self._beat.isActive():
            self._beat.start()

    def clear(self) -> None:
        self._terminal = Terminal(CAPACITY)
        self._shown = self._unfinished = 0
        self.text.clear()
        self.empty.setText(self.tr("What the program prints appears here."))

    def _name(self, loaded: Loaded) -> None:
        if loaded.kind == "attached":
            words = self.tr("The program runs elsewhere; what it prints stays in its own terminal.")
            self.empty.setText(words)
            self.empty.adjustSize()

    def show_arrived(self) -> None:
        """Show what has arrived since the last batch."""
        batch = self._terminal.take()
        bar = self.text.verticalScrollBar()
        at, follow = bar.value(), bar.value() >= bar.maximum() - 1
        self.text.setUpdatesEnabled(False)
        fallen = self._insert(batch)
        # Lines that fell out at the top move everything up; what is read should stay in place.
        bar.setValue(bar.maximum() if follow else max(0, at - fallen))
        self.text.setUpdatesEnabled(True)

    def _insert(self, batch: Batch) -> int:
        """Replace the unfinished lines by what became of them; how many fell out at the top."""
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for _ in range(self._unfinished):
            cursor.movePosition(
                QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor
            )
            cursor.removeSelectedText()
            cursor.deletePreviousChar()
        shown = self._shown - self._unfinished
        formats = {stream: _format(stream) for stream in ("stdout", "stderr")}
        for line in (*batch.finished, *batch.unfinished):
            if shown:
                cursor.insertBlock()
            cursor.insertText(line.text, formats[line.stream])
            shown += 1
        cursor.endEditBlock()
        self._shown, self._unfinished = min(shown, CAPACITY), len(batch.unfinished)
        return shown - self._shown

    def _recolour(self) -> None:
        """Errors stand in a colour of their own, which must change with the theme."""
        errors = _format("stderr")
        block = self.text.document().begin()
        while block.isValid():
            for fragment_format in block.textFormats():
                if fragment_format.format.boolProperty(_ERROR):
                    cursor = QTextCursor(block)
                    start = block.position() + fragment_format.start
                    cursor.setPosition(start)
                    cursor.setPosition(
                        start + fragment_format.length, QTextCursor.MoveMode.KeepAnchor
                    )
                    cursor.setCharFormat(errors)
            block = block.next()


_ERROR = QTextCharFormat.Property.UserProperty.value + 1


def _format(stream: str) -> QTextCharFormat:
    """Errors quieter than magenta: most of what goes to stderr is progress and warnings."""
    form = QTextCharFormat()
    if stream == "stderr":
        form.setForeground(theme().colour("warning_text"))
        form.setProperty(_ERROR, True)
    return form
