"""The breakpoints as rows and columns."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.lines import SourceLines
from gradstep.gui.breakpoints.model import PATTERNED
from gradstep.gui.breakpoints.words import condition_tip, explain, what
from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Column(IntEnum):
    WHAT = 0
    CONDITION = 1
    IGNORE = 2
    HITS = 3
    REMOVE = 4


class BreakpointTable(QAbstractTableModel):
    """Edits go to ``breakpoints``, which tells of them; so does what the engine says."""

    def __init__(self, breakpoints: Breakpoints, parent: QObject) -> None:
        super().__init__(parent)
        self.breakpoints = breakpoints
        self.lines = SourceLines(self)
        self.main = ""
        """The program's own file, which needs no name."""
        self._ids: tuple[int, ...] = ()
        breakpoints.changed.connect(self.refresh)
        self.lines.changed.connect(self._repaint)
        self.refresh()

    # ------------------------------------------------------------------ rows

    def at(self, row: int) -> Breakpoint:
        return self.breakpoints.list[self._ids[row]]

    def state_at(self, row: int) -> BreakpointState:
        return self.breakpoints.list.state(self._ids[row])

    def is_hit(self, row: int) -> bool:
        """Whether the program stands at it."""
        return self._ids[row] in self.breakpoints.hit

    def row_of(self, id: int) -> int:
        """-1 when it is not there."""
        return self._ids.index(id) if id in self._ids else -1

    def words_at(self, row: int) -> tuple[str, str, str]:
        """Kind, name, and for a line what stands in it."""
        found = self.at(row)
        line = self.breakpoints.list.line_of(found)
        text = self.lines.text(found.file, line) if found.on is BreakOn.LINE else ""
        return *what(found, line, self.main), text

    def refresh(self) -> None:
        """Show the list as it is now."""
        ids = tuple(breakpoint.id for breakpoint in self.breakpoints.list)
        if ids == self._ids:
            self._repaint()
            return
        self.beginResetModel()
        self._ids = ids
        self.endResetModel()

    def _repaint(self) -> None:
        if self._ids:
            last = self.index(len(self._ids) - 1, Column.REMOVE)
            self.dataChanged.emit(self.index(0, 0), last)

    # ------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and self._is_editable(index):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def _is_editable(self, index: Index) -> bool:
        if index.column() == Column.WHAT:
            return self.at(index.row()).on in {*PATTERNED, BreakOn.ITERATION}
        return index.column() in (Column.CONDITION, Column.IGNORE)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return {
                Column.WHAT: self.tr("Stops at"),
                Column.CONDITION: self.tr("When"),
                Column.IGNORE: self.tr("Ignore"),
                Column.HITS: self.tr("Hits"),
            }.get(Column(section), "")
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return {
                Column.CONDITION: condition_tip(),
                Column.IGNORE: self.tr("How many hits are passed by first"),
            }.get(Column(section), "")
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(row, column, spoken=role == Qt.ItemDataRole.AccessibleTextRole)
        if role == Qt.ItemDataRole.EditRole:
            return self._edited(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        return None

    def _text(self, row: int, column: Column, *, spoken: bool) -> str:
        found, state = self.at(row), self.state_at(row)
        if column is Column.WHAT:
            words = " ".join(filter(None, self.words_at(row)))
            if spoken and not found.enabled:
                words = self.tr("{0}, disabled").format(words)
            return f"{words}. {state.problem}" if spoken and state.problem else words
        return {
            Column.CONDITION: found.condition or (self.tr("no condition") if spoken else ""),
            Column.IGNORE: str(found.ignore) if found.ignore or spoken else "",
            Column.HITS: str(state.hits),
            Column.REMOVE: self.tr("Remove") if spoken else "",
        }[column]

    def _edited(self, row: int, column: Column) -> str:
        found = self.at(row)
        if column is Column.WHAT:
            return what(found)[1]
        return found.condition if column is Column.CONDITION else str(found.ignore)

    def _tip(self, row: int, column: Column) -> str:
        if column is Column.REMOVE:
            return self.tr("Remove (Del)")
        if column is Column.CONDITION and not self.at(row).condition:
            return condition_tip()
        return explain(self.at(row), self.state_at(row))

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take in what was typed. A number that is none, or an empty pattern, changes nothing."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        text, found = str(value).strip(), self.at(index.row())
        fields: dict[str, Any] = {}
        if index.column() == Column.CONDITION:
            fields["condition"] = text
        elif index.column() == Column.IGNORE:
            fields["ignore"] = _number(text or "0")
        elif found.on is BreakOn.ITERATION:
            fields["iteration"] = _number(text) or None
        else:
            fields["pattern"] = text or None
        if None in fields.values():
            return False
        self.breakpoints.change(found.id, **fields)
        return True


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
