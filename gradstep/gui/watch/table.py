"""The watch list as a table: what is asked, and what it is."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from gradstep.gui.numbers import format_number, format_shape
from gradstep.gui.watch.keeper import WatchList
from gradstep.protocol.examination import Watched

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
WATCHED = Qt.ItemDataRole.UserRole


def text_of(found: Watched | None) -> str:
    """``−7.84``; of tensors the shape, and how large their elements are; else what went wrong."""
    if found is None:
        return ""
    if found.problem:
        return found.problem
    info = found.info
    if info is not None and found.number is None:
        data = info.data
        rms = data.rms if data is not None else None
        if data is not None and data.elements:
            texts = [format_number(x, info.tensor.dtype, 4) for x in data.elements]
            return f"{format_shape(info.tensor.shape)}   [{', '.join(texts)}]"
        shape = f"{format_shape(info.tensor.shape)}   {info.tensor.dtype}"
        return shape if rms is None else f"{shape}   rms {format_number(rms, 'float64', 4)}"
    if found.number is not None:
        dtype = info.tensor.dtype if info is not None else "float64"
        return format_number(found.number, dtype, None)
    return found.text


class WatchTable(QAbstractTableModel):
    def __init__(self, watches: WatchList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.watches = watches
        watches.changed.connect(self._reset)
        watches.evaluated.connect(self._renew)

    def _reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _renew(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 1))

    def found(self, row: int) -> Watched | None:
        """What the engine said of the expression in this row last; that it says nothing."""
        expression = self.watches.expressions[row]
        if expression in self.watches.unanswered:
            words = self.tr("No answer: in a call that Python cannot interrupt. Wait, or Stop.")
            return Watched(expression, problem=words)
        return self.watches.results.get(expression)

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.watches.expressions)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else 2

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        plain |= Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemIsDropEnabled
        return plain if index.column() else plain | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        expression, found = self.watches.expressions[index.row()], self.found(index.row())
        if role == WATCHED:
            return found
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 1 and found is not None:
            return text_of(found)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return text_of(found) if index.column() else expression
        if role == Qt.ItemDataRole.AccessibleTextRole:
            words = text_of(found) if index.column() else expression
            if index.column() and found is not None and found.changed:
                words = self.tr("{0}, changed").format(words)
            return words
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or index.column():
            return False
        self.watches.change(index.row(), str(value))
        return True
