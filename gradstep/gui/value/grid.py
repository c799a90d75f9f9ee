"""A table of numbers on heat colours, its legend, and the heading of one field."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QFontMetrics,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gradstep.gui.numbers import format_number, is_special
from gradstep.gui.theme import theme
from gradstep.gui.value.heat import STEPS, heat
from gradstep.gui.value.table import Index, TensorModel, Window

ROW = 22
_PADDING = 6
_NARROWEST = 52


class NumberGrid(QTableView):
    """Tells the model what is in view, and paints its elements on ``bound``'s heat colours."""

    def __init__(self, model: TensorModel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bound = 0.0
        self.past = False
        self.tensor = model
        self.setObjectName(name)
        self.setModel(model)
        self.setItemDelegate(_Cells(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        # Arrow keys move between elements; Tab leads on, or the keyboard would be caught here.
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self._dress_headers()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            bar.valueChanged.connect(self._look_soon)
        model.modelReset.connect(self._reset)
        theme().changed.connect(self._dress_headers)

    def _dress_headers(self) -> None:
        font = theme().font("caption", code=True)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setFont(font)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setHighlightSections(False)
            header.setSectionsClickable(False)
        self.horizontalHeader().setDefaultAlignment(_RIGHT)
        self.verticalHeader().setDefaultAlignment(_RIGHT)
        self.horizontalHeader().setFixedHeight(ROW - 2)
        self.verticalHeader().setDefaultSectionSize(ROW)

    def set_cell_width(self, width: int) -> None:
        self.horizontalHeader().setMinimumSectionSize(1)
        self.horizontalHeader().setDefaultSectionSize(max(width, _NARROWEST))

    def set_bound(self, bound: float) -> None:
        """The size of the number that gets the last colour."""
        if bound != self.bound:
            self.bound = bound
            self.viewport().update()

    def set_past(self, past: bool) -> None:
        if past != self.past:
            self.past = past
            self.viewport().update()

    def natural_size(self) -> QSize:
        """Of the whole table without scroll bars."""
        rows, columns = self.tensor.rowCount(), self.tensor.columnCount()
        top = self.horizontalHeader().height() if self.tensor.axes > 1 else 0
        width = self.header_width() + columns * self.horizontalHeader().defaultSectionSize()
        return QSize(width, top + rows * ROW)

    def header_width(self) -> int:
        widest = str(max(self.tensor.rowCount() - 1, 0))
        return QFontMetrics(theme().font("caption", code=True)).horizontalAdvance(widest) + 14

    def _reset(self) -> None:
        self.horizontalHeader().setVisible(self.tensor.axes > 1)
        self.verticalHeader().setFixedWidth(self.header_width())
        self._look_soon()

    # -- what is in view ---------------------------------------------------------------------

    def _look_soon(self) -> None:
        # Both bars may move in one turn of the event loop; the model is told once.
        if not self._soon.isActive():
            self._soon.start(0)

    def _look(self) -> None:
        window = self.in_view()
        if window is not None:
            self.tensor.look_at(window)

    def in_view(self) -> Window | None:
        """What can be seen; None when there is nothing or the table is hidden."""
        rows, columns = self.tensor.rowCount(), self.tensor.columnCount()
        area = self.viewport().rect()
        if not rows or not columns or not self.isVisible() or area.isEmpty():
            return None
        first_row, last_row = self.rowAt(area.top()), self.rowAt(area.bottom())
        first, last = self.columnAt(area.left()), self.columnAt(area.right())
        return Window(
            max(first_row, 0),
            (rows - 1 if last_row < 0 else last_row) + 1,
            max(first, 0),
            (columns - 1 if last < 0 else last) + 1,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus() and not self.selectionModel().hasSelection():
            painter = QPainter(self.viewport())
            width = theme().size("stroke", "selection")
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), width))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._look_soon()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look_soon()

    def copied(self) -> str:
        """The selected elements, all digits, tabs between columns."""
        chosen = self.selectionModel().selection()
        if chosen.isEmpty():
            return ""
        area = chosen.first()
        lines = []
        for row in range(area.top(), area.bottom() + 1):
            cells = (self.tensor.element(row, c) for c in range(area.left(), area.right() + 1))
            lines.append("\t".join(format_number(x, self.tensor.dtype, None) for x in cells))
        return "\n".join(lines)


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Cells(QStyledItemDelegate):
    """Paints one element: its colour, its number; NaN and Inf crossed in magenta."""

    def __init__(self, grid: NumberGrid) -> None:
        super().__init__(grid)
        self._grid = grid

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        grid, look = self._grid, theme()
        x = grid.tensor.element(index.row(), index.column())
        rect = QRect(option.rect).adjusted(0, 0, -1, -1)
        if x is None:
            painter.fillRect(rect, look.colour("sunken"))
            return
        if is_special(x):
            ground, ink = look.colour("error_tint"), look.colour("error")
        else:
            colours = heat(grid.past)
            size = abs(x) if isinstance(x, complex) else float(x)
            at = colours.index(size, grid.bound)
            ground, ink = colours.grounds[at], colours.inks[at]
        painter.fillRect(rect, ground)
        font = look.font("caption", code=True)
        painter.setFont(font)
        painter.setPen(ink)
        metrics, text = QFontMetrics(font), index.data()
        behind = grid.tensor.decimals_missing(text) * metrics.horizontalAdvance("0")
        room = rect.adjusted(2, 0, -_PADDING - behind, 0)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(_RIGHT), text)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(look.colour("selection_ring_and_primary_button"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rect.adjusted(0, 0, -1, -1))


class Legend(QWidget):
    """``−0.016 ▬ 0.016``: what the last colours stand for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bound = 0.0
        self.past = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def set_bound(self, bound: float, past: bool) -> None:
        if (bound, past) == (self.bound, self.past):
            return
        self.bound, self.past = bound, past
        low, high = self._texts()
        self.setAccessibleName(self.tr("Colours from {0} to {1}").format(low, high))
        self.updateGeometry()
        self.update()

    def _texts(self) -> tuple[str, str]:
        text = format_number(float(f"{self.bound:.2g}"), "float64", 2)
        return format_number(-float(f"{self.bound:.2g}"), "float64", 2), text

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme().font("caption", code=True))
        return QSize(sum(metrics.horizontalAdvance(t) for t in self._texts()) + 36 + 8, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.bound <= 0:
            return
        painter, look = QPainter(self), theme()
        font = look.font("caption", code=True)
        metrics = QFontMetrics(font)
        low, high = self._texts()
        painter.setFont(font)
        painter.setPen(look.colour("text_secondary"))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter), low)
        painter.drawText(self.rect(), int(_RIGHT), high)
        left = metrics.horizontalAdvance(low) + 4
        bar = QRectF(left, 3, self.width() - left - metrics.horizontalAdvance(high) - 4, 10)
        colours = QLinearGradient(bar.topLeft(), bar.topRight())
        for i in range(9):
            colours.setColorAt(i / 8, heat(self.past).grounds[i * STEPS // 4])
        painter.fillRect(bar, colours)
