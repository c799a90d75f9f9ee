"""The table of breakpoints on the screen: its look, its clicks, its keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from gradstep.gui import icons
from gradstep.gui.breakpoints.cells import CHECK, INSET, PROBLEM_LEFT, Cells
from gradstep.gui.breakpoints.table import BreakpointTable, Column, Index
from gradstep.gui.buttons import KEYBOARD
from gradstep.gui.theme import theme

HEAD = 24
IGNORE_WIDTH, HITS_WIDTH, REMOVE_WIDTH = 64, 56, 40
ALL_COLUMNS = 440
"""Below this width how many hits are ignored is not shown."""


class Captions(QHeaderView):
    """Small words over the columns, above what they name."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setStretchLastSection(False)
        self.setMinimumSectionSize(REMOVE_WIDTH)
        self.setFixedHeight(HEAD)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        look = theme()
        painter.fillRect(rect, look.colour("panel"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, look.colour("border"))
        left = CHECK.left() if logicalIndex == Column.WHAT else INSET
        painter.setFont(look.font("caption"))
        painter.setPen(look.colour("text_secondary"))
        words = str(self.model().headerData(logicalIndex, Qt.Orientation.Horizontal) or "")
        painter.drawText(rect.adjusted(left, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self.viewport()).fillRect(self.viewport().rect(), theme().colour("panel"))
        super().paintEvent(event)


class BreakpointView(QTreeView):
    """Space enables or disables, Delete removes, F2 edits the condition (or the cell that the
    arrow keys have reached), Enter and a double click lead to the line."""

    lineChosen = Signal(str, int)

    def __init__(self, model: BreakpointTable, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("breakpoint_list")
        self.setAccessibleName(self.tr("Breakpoints"))
        self.table, self.ringed, self.hovered = model, False, QModelIndex()
        self.setModel(model)
        self.cells = Cells(self)
        self.setItemDelegate(self.cells)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        header = Captions(self)
        self.setHeader(header)
        for column in Column:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        model.modelReset.connect(self._keep_row)
        self._row = 0
        theme().changed.connect(self.viewport().update)

    # ------------------------------------------------------------------ room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = self.viewport().width()
        ignored = width >= ALL_COLUMNS
        self.setColumnHidden(Column.IGNORE, not ignored)
        rest = width - HITS_WIDTH - REMOVE_WIDTH - (IGNORE_WIDTH if ignored else 0)
        what = rest * 52 // 100
        for column, size in (
            (Column.WHAT, what),
            (Column.CONDITION, rest - what),
            (Column.IGNORE, IGNORE_WIDTH),
            (Column.HITS, HITS_WIDTH),
            (Column.REMOVE, REMOVE_WIDTH),
        ):
            self.setColumnWidth(column, size)

    # ------------------------------------------------------------------ rows

    def choose(self, id: int) -> None:
        """Make the row of breakpoint ``id`` the current one."""
        row = self.table.row_of(id)
        if row >= 0:
            self.setCurrentIndex(self.table.index(row, Column.WHAT))

    def edit_condition(self, id: int) -> None:
        """Open the field for the condition of breakpoint ``id``."""
        self.choose(id)
        row = self.table.row_of(id)
        if row >= 0:
            index = self.table.index(row, Column.CONDITION)
            self.setCurrentIndex(index)
            self.edit(index)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self._row = current.row()

    def _keep_row(self) -> None:
        """After one was removed, its neighbour is current: Delete can be pressed again."""
        count = self.table.rowCount()
        if count:
            self.setCurrentIndex(self.table.index(min(self._row, count - 1), Column.WHAT))

    def _current_row(self) -> int:
        return self.currentIndex().row()

    def toggle(self, row: int) -> None:
        found = self.table.at(row)
        self.table.breakpoints.change(found.id, enabled=not found.enabled)

    def remove(self, row: int) -> None:
        self._row = row
        self.table.breakpoints.remove(self.table.at(row).id)

    def open(self, row: int) -> None:
        """Lead to the line of a breakpoint that has one."""
        found = self.table.at(row)
        if found.file:
            self.lineChosen.emit(found.file, self.table.breakpoints.list.line_of(found))

    # ------------------------------------------------------------------ keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = Qt.Key(event.key()), self._current_row()
        if self.state() is QAbstractItemView.State.EditingState:
            return  # Enter in the field: it is about to close
        self.ringed = True
        if row < 0 or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.ignore()
        elif key == Qt.Key.Key_Space:
            self.toggle(row)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(row)
        elif key == Qt.Key.Key_F2:
            self._edit_current()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        elif key in _MOVES:
            super().keyPressEvent(event)
        else:
            event.ignore()  # a letter is a verb of the window, not a search

    def _edit_current(self) -> None:
        index = self.currentIndex()
        if index.column() not in (Column.CONDITION, Column.IGNORE):
            index = index.siblingAtColumn(Column.CONDITION)
        self.setCurrentIndex(index)
        self.edit(index)

    def _enter(self) -> None:
        index = self.currentIndex()
        if index.column() == Column.REMOVE:
            self.remove(index.row())
        elif index.column() == Column.WHAT and self.table.at(index.row()).file:
            self.open(index.row())
        elif index.flags() & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        # A tree would scroll, or unfold, with Left and Right: here they walk along the row.
        way = {
            QAbstractItemView.CursorAction.MoveLeft: -1,
            QAbstractItemView.CursorAction.MoveRight: 1,
        }.get(action)
        here = self.currentIndex()
        if way is None or not here.isValid():
            return super().moveCursor(action, modifiers)
        column = here.column() + way
        while 0 <= column < len(Column) and (self.isColumnHidden(column) or column == Column.HITS):
            column += way
        return here.siblingAtColumn(column) if 0 <= column < len(Column) else here

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.ringed = event.reason() in KEYBOARD
        if self.ringed and not self.currentIndex().isValid():
            self.setCurrentIndex(self.table.index(0, Column.WHAT))
        self.viewport().update()

    # ------------------------------------------------------------------ pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        self.ringed = False
        if not index.isValid() or event.button() is not Qt.MouseButton.LeftButton:
            return
        self.setCurrentIndex(index)
        if index.column() == Column.WHAT and at.x() < CHECK.right() + 6:
            self.toggle(index.row())
        elif index.column() == Column.REMOVE:
            self.remove(index.row())
        elif index.column() in (Column.CONDITION, Column.IGNORE):
            self.edit(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        if index.isValid() and index.column() == Column.WHAT and at.x() > CHECK.right() + 6:
            if self.table.at(index.row()).file:
                self.open(index.row())
            else:
                self.edit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.indexAt(event.position().toPoint()))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self._hover(QModelIndex())
        return super().viewportEvent(event)

    def _hover(self, index: QModelIndex) -> None:
        if index != self.hovered:
            self.hovered = index
            self.viewport().update()

    # ------------------------------------------------------------------ painting

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look, row = theme(), index.row()
        box: QRect = option.rect
        hit, current = self.table.is_hit(row), row == self._current_row()
        if hit or (current and self.hasFocus()):
            painter.fillRect(box, look.colour("selected_background"))
        elif current or row == self.hovered.row():
            painter.fillRect(box, look.colour("sunken"))
        if hit:
            bar = QRect(box.left(), box.top(), 3, box.height())
            painter.fillRect(bar, look.colour("selection_ring_and_primary_button"))
        super().drawRow(painter, option, index)
        painter.fillRect(box.left(), box.bottom(), box.width(), 1, look.colour("plot_grid"))
        problem = self.table.state_at(row).problem
        if problem:
            self._paint_problem(painter, box, problem)
        if current and self.ringed and self.hasFocus():
            cell = QRectF(self.visualRect(self.currentIndex())).adjusted(1, 1, -1, -2)
            painter.setPen(QPen(look.colour("selection_ring_and_primary_button"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(cell, 4, 4)

    def _paint_problem(self, painter: QPainter, box: QRect, problem: str) -> None:
        look = theme()
        top = box.bottom() - 19
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = look.colour("warning_icon")
        icons.paint(painter, "warning", QRectF(PROBLEM_LEFT, top + 1, 13, 13), ink)
        painter.setFont(look.font("small"))
        painter.setPen(look.colour("warning_text"))
        room = box.adjusted(PROBLEM_LEFT + 19, 0, -16, 0)
        words = painter.fontMetrics().elidedText(problem, Qt.TextElideMode.ElideRight, room.width())
        room.setTop(top)
        room.setHeight(16)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)

    def selectionCommand(
        self, index: Index, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        return QItemSelectionModel.SelectionFlag.NoUpdate


_MOVES = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
