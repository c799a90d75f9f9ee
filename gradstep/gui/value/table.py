"""Two axes of a tensor as a table whose elements are fetched where they are looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from gradstep.gui.numbers import MINUS, format_fixed, format_number, is_special
from gradstep.protocol.values import Number

Index = QModelIndex | QPersistentModelIndex
Elements = NDArray[Any]

TILE = 2048
"""Elements of a tile, about."""
MAX_TILES = 256
MAX_LINES = 1_000_000
"""Rows (or columns) that a table has at most: a header keeps a record of each. Longer axes are
shown in parts (``Window.first_row``)."""
DIGITS = 3
_ROOT = QModelIndex()


@dataclass(frozen=True)
class Window:
    """A rectangle of the two axes, ends excluded."""

    first_row: int
    end_row: int
    first_column: int
    end_column: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.end_row - self.first_row, self.end_column - self.first_column


class TensorModel(QAbstractTableModel):
    """``ask(window)`` is called with what is missing of the part in view; its elements come back
    through ``receive``. What was shown stays until newer elements replace it."""

    edited = Signal(object, str)
    """The indices of an element on the axes shown, and what a person typed there."""

    def __init__(self, ask: Callable[[Window], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self.dtype, self.axes = "float32", 2
        self.prefix: tuple[int, ...] = ()
        self.places: int | None = None
        """Decimals of every element; None for a few significant digits."""
        self.all_digits = False
        self.editable = False
        self.fractional = False
        """Whether an element with decimals has been seen."""
        self._rows = self._columns = 0
        self._origin = (0, 0)
        self._generation = 0
        self._tiles: OrderedDict[tuple[int, int], tuple[int, Elements]] = OrderedDict()
        self._tile = (1, 1)
        self._view: Window | None = None

    def set_shape(
        self, rows: int, columns: int, dtype: str, prefix: tuple[int, ...] = (), axes: int = 2
    ) -> None:
        """Another tensor, or another slice (``prefix`` fixes the leading axes): nothing is known
        of it. One axis (``axes``) is a column."""
        self.beginResetModel()
        self._rows, self._columns = min(rows, MAX_LINES), min(columns, MAX_LINES)
        self._origin = (0, 0)
        self.dtype, self.prefix, self.axes = dtype, prefix, axes
        wide = max(1, min(columns, 32))
        self._tile = (max(1, TILE // wide), wide)
        self._tiles.clear()
        self.fractional = False
        self._view = None
        self._generation += 1
        self.endResetModel()

    def set_origin(self, row: int, column: int) -> None:
        """Where a table of an axis longer than ``MAX_LINES`` begins."""
        if (row, column) != self._origin:
            self.beginResetModel()
            self._origin = (row, column)
            self._tiles.clear()
            self.endResetModel()

    def set_style(self, places: int | None, all_digits: bool) -> None:
        """How elements are written. ``all_digits`` goes before ``places``."""
        if (places, all_digits) != (self.places, self.all_digits):
            self.places, self.all_digits = places, all_digits
            self._tell(0, 0, self._rows, self._columns)

    def text(self, x: complex) -> str:
        """An element as the table writes it."""
        if isinstance(x, complex) and not self.all_digits:
            text = format_number(x, self.dtype, DIGITS)
        elif self.all_digits:
            text = format_number(x, self.dtype, None)
        elif self.places is not None:
            text = format_fixed(x, self.dtype, self.places)
        else:
            text = format_number(x, self.dtype, DIGITS)
        return f"✕ {text}" if is_special(x) else text

    def decimals_missing(self, text: str) -> int:
        """How many characters ``text`` has less than the longest after the decimal point, so that
        points can stand below each other."""
        if not self.fractional or self.all_digits or self.places is None or "·" in text:
            return 0
        if not text[-1:].isdigit():
            return 0
        _, point, decimals = text.partition(".")
        return self.places - len(decimals) + (0 if point or not self.places else 1)

    def fill(self, elements: tuple[Number, ...]) -> None:
        """All elements in row-major order, known without asking (a preview)."""
        if len(elements) == self._rows * self._columns and elements:
            array = np.array(elements).reshape(self._rows, self._columns)
            self._store(Window(0, self._rows, 0, self._columns), array)

    # -- tiles -------------------------------------------------------------------------------

    def refresh(self) -> None:
        """The elements may have changed: ask again for the part in view."""
        self._generation += 1
        if self._view is not None:
            self.look_at(self._view)

    def look_at(self, view: Window) -> None:
        """``view`` is what can be seen (rows and columns of the table)."""
        self._view = view
        missing = [key for key in self._keys(view) if not self._is_fresh(key)]
        if missing:
            high, wide = self._tile
            top, left = self._origin
            rows, columns = [k[0] for k in missing], [k[1] for k in missing]
            window = Window(
                top + min(rows) * high,
                top + min((max(rows) + 1) * high, self._rows),
                left + min(columns) * wide,
                left + min((max(columns) + 1) * wide, self._columns),
            )
            self._ask(window)

    def receive(self, window: Window, elements: Elements) -> None:
        """The elements of a window that was asked for; a window of another shape is ignored."""
        top, left = self._origin
        inside = Window(
            window.first_row - top,
            window.end_row - top,
            window.first_column - left,
            window.end_column - left,
        )
        fits = inside.first_row >= 0 and inside.end_row <= self._rows
        fits = fits and inside.first_column >= 0 and inside.end_column <= self._columns
        if fits and elements.shape == inside.shape:
            self._store(inside, elements)

    def _store(self, window: Window, elements: Elements) -> None:
        if not self.fractional and elements.dtype.kind == "f":
            finite = elements[np.isfinite(elements)]
            self.fractional = bool((finite != np.floor(finite)).any())
        high, wide = self._tile
        for row, column in self._keys(window):
            top, left = row * high - window.first_row, column * wide - window.first_column
            part = elements[top : top + high, left : left + wide]
            self._tiles[row, column] = (self._generation, part)
            self._tiles.move_to_end((row, column))
        while len(self._tiles) > MAX_TILES:
            self._tiles.popitem(last=False)
        self._tell(window.first_row, window.first_column, window.end_row, window.end_column)

    def _keys(self, window: Window) -> Iterator[tuple[int, int]]:
        high, wide = self._tile
        for row in range(window.first_row // high, -(-window.end_row // high)):
            for column in range(window.first_column // wide, -(-window.end_column // wide)):
                yield row, column

    def _is_fresh(self, key: tuple[int, int]) -> bool:
        return key in self._tiles and self._tiles[key][0] == self._generation

    def _tell(self, row: int, column: int, end_row: int, end_column: int) -> None:
        if end_row > row and end_column > column:
            self.dataChanged.emit(self.index(row, column), self.index(end_row - 1, end_column - 1))

    # -- what a view asks --------------------------------------------------------------------

    def element(self, row: int, column: int) -> Any:
        """A Python number; None where it has not come yet."""
        high, wide = self._tile
        tile = self._tiles.get((row // high, column // wide))
        return None if tile is None else tile[1][row % high, column % wide].item()

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else self._rows

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else self._columns

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        x = self.element(index.row(), index.column())
        if role == Qt.ItemDataRole.EditRole and x is not None:
            return format_number(x, self.dtype, None).replace(MINUS, "-")
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if x is None:
            return "" if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.ToolTipRole:
            place = (index.row() + self._origin[0], index.column() + self._origin[1])
            numbers = ", ".join(map(str, (*self.prefix, *place[: self.axes])))
            return f"[{numbers}]  {format_number(x, self.dtype, None)}"
        return self.text(x)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        known = self.element(index.row(), index.column()) is not None
        return plain | Qt.ItemFlag.ItemIsEditable if self.editable and known else plain

    def place(self, index: Index) -> tuple[int, ...]:
        """The indices of an element on the axes shown."""
        place = (index.row() + self._origin[0], index.column() + self._origin[1])
        return place[: self.axes]

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tells what was typed; the element changes when the program has it."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        text = str(value).strip()
        if text != self.data(index, Qt.ItemDataRole.EditRole):
            self.edited.emit(self.place(index), text)
        return True

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        horizontal = orientation == Qt.Orientation.Horizontal
        return str(section + self._origin[1 if horizontal else 0])
