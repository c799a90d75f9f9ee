"""The watch list on the screen: its look and its keys."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QFontMetrics, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from gradstep.gui import icons
from gradstep.gui.numbers import is_special
from gradstep.gui.theme import theme
from gradstep.gui.watch.table import WATCHED, Index, WatchTable
from gradstep.phases import Phase
from gradstep.protocol.examination import Watched

ROW, INSET = 26, 16


class WatchView(QTreeView):
    """Enter opens a tensor, or tries again what went wrong; F2 and a double click edit, Delete
    removes, Alt+Up and Alt+Down move; a row can be dragged."""

    opened = Signal(str)
    """The ref of a tensor to be looked at."""

    def __init__(self, model: WatchTable, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("watch_list")
        self.setAccessibleName(self.tr("Watched values"))
        self.table = model
        self.setModel(model)
        self.setItemDelegate(_Cells(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.doubleClicked.connect(self._double)
        model.modelReset.connect(self._keep_row)
        self._row = 0
        theme().changed.connect(self.viewport().update)

    def choose(self, row: int) -> None:
        self.setCurrentIndex(self.table.index(row, 0))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self._row = current.row()

    def _keep_row(self) -> None:
        count = self.table.rowCount()
        if count:
            self.choose(min(self._row, count - 1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = self.viewport().width()
        self.setColumnWidth(0, width * 45 // 100)
        self.setColumnWidth(1, width - width * 45 // 100)

    # ------------------------------------------------------------------ what a person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() is QAbstractItemView.State.EditingState:
            return  # Enter in the field: it is about to close
        key, row = Qt.Key(event.key()), self.currentIndex().row()
        alone = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if row >= 0 and event.modifiers() == Qt.KeyboardModifier.AltModifier and key in _WAYS:
            self._row = max(0, min(row + _WAYS[key], self.table.rowCount() - 1))
            self.table.watches.move(row, row + _WAYS[key])
        elif row >= 0 and alone and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(row)
        elif row >= 0 and alone and key == Qt.Key.Key_F2:
            self.edit(self.table.index(row, 0))
        elif row >= 0 and alone and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open(row)
        elif alone and key in _MOVES:
            super().keyPressEvent(event)
        else:
            event.ignore()  # a letter is a verb of the window, not a search

    def remove(self, row: int) -> None:
        self.table.watches.remove(self.table.watches.expressions[row])

    def open(self, row: int) -> None:
        """Show the tensor in this row, if it is one; evaluate again what gave none."""
        found = self.table.found(row)
        if found is not None and found.info is not None:
            self.opened.emit(found.info.ref)
        elif found is not None and found.problem:
            self.table.watches.ask(again=found.expression)

    def _double(self, index: QModelIndex) -> None:
        if index.column() == 0:
            self.edit(index)
        else:
            self.open(index.row())

    def _open_menu(self, at: QPoint) -> None:
        index = self.indexAt(at)
        if not index.isValid():
            return
        row, menu = index.row(), QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        found = self.table.found(row)
        show = menu.addAction(self.tr("Show the value"), lambda: self.open(row))
        show.setEnabled(found is not None and found.info is not None)
        if found is not None and found.problem:
            menu.addAction(self.tr("Evaluate again"), lambda: self.open(row))
        menu.addAction(self.tr("Edit"), lambda: self.edit(self.table.index(row, 0)))
        menu.addAction(self.tr("Remove"), lambda: self.remove(row))
        menu.popup(self.viewport().mapToGlobal(at))

    def dropEvent(self, event: QDropEvent) -> None:
        target = self.indexAt(event.position().toPoint())
        to = target.row() if target.isValid() else self.table.rowCount() - 1
        row = self.currentIndex().row()
        event.setDropAction(Qt.DropAction.IgnoreAction)  # the list moves it; Qt takes nothing away
        event.accept()
        if row >= 0:
            self._row = to
            self.table.watches.move(row, to)


class _Cells(QStyledItemDelegate):
    """The expression in the program's font; beside it the number, in the ink of what it is."""

    def __init__(self, view: WatchView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look, box = theme(), QRect(option.rect)
        found: Watched | None = index.data(WATCHED)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            lively = state & QStyle.StateFlag.State_HasFocus or self._view.hasFocus()
            painter.fillRect(box, look.colour("selected_background" if lively else "sunken"))
        painter.fillRect(box.left(), box.bottom(), box.width(), 1, look.colour("plot_grid"))
        font = look.font("small", code=True)
        painter.setFont(font)
        if index.column() == 0:
            room = box.adjusted(INSET, 0, -8, 0)
            painter.setPen(look.colour("text"))
            self._draw(painter, room, str(index.data() or ""))
            return
        room = box.adjusted(4, 0, -12, 0)
        if found is None:
            return
        if found.problem:
            painter.setFont(look.font("small"))
            icons.paint(painter, "warning", QRectF(_square(room)), look.colour("warning_icon"))
            painter.setPen(look.colour("warning_text"))
            self._draw(painter, room.adjusted(20, 0, 0, 0), found.problem)
            return
        current = self._view.table.watches.current
        if found.changed and current:
            mark = QRect(room.left(), box.center().y() - 3, 6, 6)
            painter.setBrush(look.colour("selection_ring_and_primary_button"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(mark)
            painter.setFont(look.font("small", code=True, weight=600))
        broken = is_special(found.number)
        ink = look.colour("error") if broken else look.phase(Phase.FORWARD).text
        if found.number is None:
            ink = look.colour("text")
        painter.setPen(ink if current else look.colour("text_secondary"))
        text = str(index.data() or "")
        self._draw(painter, room.adjusted(16, 0, 0, 0), f"✕ {text}" if broken else text)

    @staticmethod
    def _draw(painter: QPainter, room: QRect, text: str) -> None:
        metrics = QFontMetrics(painter.font())
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)


def _square(room: QRect) -> QRect:
    return QRect(room.left(), room.center().y() - 6, 13, 13)


_WAYS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
_MOVES = frozenset({
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
})  # fmt: skip
