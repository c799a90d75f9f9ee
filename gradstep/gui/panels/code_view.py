"""What pointer and keys do on the source, and what it says to those who hear it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gradstep.gui.buttons import KEYBOARD
from gradstep.gui.panels.code import Code
from gradstep.gui.panels.code_sheet import (
    CODE_RIGHT,
    WORDS_GAP,
    CodeSheet,
)
from gradstep.gui.panels.gutter import CODE_LEFT, Mark
from gradstep.gui.theme import theme

MARGIN = CODE_LEFT - 2
"""A click left of this is on a line's number."""


class CodeView(CodeSheet):
    """A click selects a line, beside its number it toggles a breakpoint. Up, Down, Page and Home
    move the selection; Enter asks for more of what the line computed, with Shift the other way
    round. The tooltip shows whole what has no room."""

    lineAsked = Signal(int, int)
    """A line was chosen, to see what it computed; 1, or -1 for what it computed before."""
    lineHovered = Signal(int)
    """0 when the pointer has left."""
    marginClicked = Signal(int)
    menuRequested = Signal(int, QPoint)
    """A line's menu is wanted, at a point of the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Source"))

    def show_code(self, code: Code) -> None:
        super().show_code(code)
        self.setAccessibleName(self.tr("Source of {0}").format(Path(code.path).name))

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        super().show_marks(marks)
        self.tell_selection()

    def show_selected(self, line: int) -> None:
        super().show_selected(line)
        self.tell_selection()

    # ------------------------------------------------------------------ pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        line = self.line_at(at)
        if not line or event.button() is not Qt.MouseButton.LeftButton:
            return
        if at.x() < MARGIN and not self._rows.is_note(self._row_at(at)):
            self.marginClicked.emit(line)
        else:
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.lineAsked.emit(line, -1 if back else 1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The second of two quick clicks beside a number takes back what the first one did.
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        line = self.line_at(at)
        self._point(bool(line) and at.x() < MARGIN and not self._rows.is_note(self._row_at(at)))
        if line != self.hovered:
            self.lineHovered.emit(line)

    def _point(self, over_margin: bool) -> None:
        if over_margin != self.over_margin:
            self.over_margin = over_margin
            shape = Qt.CursorShape.PointingHandCursor if over_margin else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Mouse:
            line, at = self.line_at(event.pos()), event.globalPos()
        else:
            line = self.selected
            at = self.viewport().mapToGlobal(self.rect_of(line).bottomLeft() + QPoint(CODE_LEFT, 0))
        if line:
            self.menuRequested.emit(line, at)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self._point(False)
            if self.hovered:
                self.lineHovered.emit(0)
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self.viewport())
            return True
        return super().viewportEvent(event)

    def tip_at(self, at: QPoint) -> str:
        """What the tooltip says: a line, note or breakpoint that is not to be read in full."""
        line = self.line_at(at)
        if not line:
            return ""
        if self._rows.is_note(self._row_at(at)):
            return self.notes[line]
        if at.x() < MARGIN:
            found = self.breakpoints.get(line)
            return found.words if found else self.tr("Click to stop before this line")
        wide = CODE_LEFT + self._width(line) > self._right_of_code(line)
        return self.text_of(line).strip() if wide else ""

    def _right_of_code(self, line: int) -> float:
        for mark in self.marks:
            if mark.line == line and mark.words:
                edge = self._edge(QRectF(self.rect_of(line)), line)
                wide = QFontMetricsF(self._words).horizontalAdvance(self._words_of(mark, edge))
                return edge - wide - WORDS_GAP
        return float(self.viewport().width() - CODE_RIGHT)

    # ------------------------------------------------------------------ keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page = max(1, self.viewport().height() // theme().size("type", "scale", "code")[1] - 1)
        count = len(self.code.lines)
        way = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_Home: -count,
            Qt.Key.Key_End: count,
        }.get(Qt.Key(event.key()))
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected:
            back = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self.lineAsked.emit(self.selected, -1 if back else 1)
            return
        if way is None or not count or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        self.ringed = True
        here = self.selected or (self.marks[0].line if self.marks else 0)
        # The first press shows where the keyboard is; the next ones move it.
        to = here + way if self.selected or not here else here
        to = max(1, min(count, to))
        if to != self.selected:
            self.lineAsked.emit(to, 1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.ringed = event.reason() in KEYBOARD
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.ringed = False
        self.viewport().update()

    # ------------------------------------------------------------------ words

    def tell_selection(self) -> None:
        """Say the marked lines and the selected one to those who do not see them."""
        lines = [mark.line for mark in self.marks]
        text = "; ".join(map(self.description, [*lines, *({self.selected} - {0, *lines})]))
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            changed = QAccessible.Event.DescriptionChanged
            QAccessible.updateAccessibility(QAccessibleEvent(self, changed))

    def description(self, line: int) -> str:
        """A line and what is at it: ``line 10: return w * x, its backward is next``."""
        known = 1 <= line <= len(self.code.lines)
        parts = [self.text_of(line).strip() if known else ""]
        parts += [mark.words for mark in self.marks if mark.line == line]
        parts += [self.breakpoints[line].words] if line in self.breakpoints else []
        parts += [self.notes[line]] if line in self.notes else []
        where = self.tr("line {0}").format(line)
        return f"{where}: {', '.join(filter(None, parts))}"
