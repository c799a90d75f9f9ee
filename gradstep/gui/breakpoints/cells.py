"""How one cell of the table of breakpoints is painted and edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gradstep.gui import icons
from gradstep.gui.breakpoints.table import BreakpointTable, Column
from gradstep.gui.theme import theme
from gradstep.protocol.breakpoints import BreakOn

if TYPE_CHECKING:
    from gradstep.gui.breakpoints.list_view import BreakpointView

ROW, PROBLEM = 29, 19
CHECK = QRect(16, 7, 14, 14)
"""The box that enables, within its row."""
PROBLEM_LEFT = 40
LEFT = 40
"""Where words begin."""
INSET = 8
"""Of the words of the other columns."""
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
Index = QModelIndex | QPersistentModelIndex


class Cells(QStyledItemDelegate):
    """Rows are one line high, two where there is a problem, which the view itself writes."""

    def __init__(self, view: BreakpointView) -> None:
        super().__init__(view)
        self._view = view

    @property
    def table(self) -> BreakpointTable:
        return self._view.table

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        problem = self.table.state_at(index.row()).problem
        return QSize(40, ROW + (PROBLEM if problem else 0))

    # ------------------------------------------------------------------ painting

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        box = QRect(option.rect)
        box.setHeight(ROW - 1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = index.row()
        ink = "text" if self.table.at(row).enabled else "text_tertiary"
        if index.column() == Column.WHAT:
            self._paint_check(painter, box, row)
            self._paint_what(painter, box, row, ink)
        elif index.column() == Column.CONDITION:
            self._paint_condition(painter, box, index, ink)
        elif index.column() == Column.REMOVE:
            self._paint_remove(painter, box, index)
        else:
            painter.setFont(theme().font("code", code=True))
            painter.setPen(theme().colour(ink))
            painter.drawText(box.adjusted(INSET, 0, -8, 0), _MIDDLE, str(index.data() or ""))
        painter.restore()

    def _paint_check(self, painter: QPainter, box: QRect, row: int) -> None:
        look, on = theme(), self.table.at(row).enabled
        square = QRectF(CHECK.translated(box.topLeft())).adjusted(0.5, 0.5, -0.5, -0.5)
        ink = look.colour("selection_ring_and_primary_button")
        painter.setPen(QPen(ink if on else look.colour("control_outline"), 1))
        painter.setBrush(ink if on else look.colour("panel"))
        painter.drawRoundedRect(square, 3, 3)
        if on:
            inner = square.adjusted(1, 1, -1, -1)
            icons.paint(painter, "check", inner, look.colour("text_on_selection"))

    def _paint_what(self, painter: QPainter, box: QRect, row: int, ink: str) -> None:
        look, hit = theme(), self.table.is_hit(row)
        kind, name, text = self.table.words_at(row)
        code = self.table.at(row).on is not BreakOn.PHASE
        weight = 600 if hit else 400
        x, right = box.left() + LEFT, box.right() - 8
        quiet = "text_secondary" if ink == "text" else ink
        for words, font, colour, gap in (
            (kind, look.font("body"), quiet, 6),
            (name, look.font("code" if code else "body", code=code, weight=weight), ink, 12),
            (text, look.font("code", code=True), quiet, 0),
        ):
            painter.setFont(font)
            painter.setPen(look.colour(colour))
            room = right - x
            if not words or room < 12:
                continue
            metrics = painter.fontMetrics()
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(x, box.top(), room + 4, box.height()), _MIDDLE, shown)
            x += metrics.horizontalAdvance(shown) + gap

    def _paint_condition(self, painter: QPainter, box: QRect, index: Index, ink: str) -> None:
        look, view = theme(), self._view
        condition = self.table.at(index.row()).condition
        if view.hovered == index:
            painter.setPen(QPen(look.colour("control_outline"), 1))
            painter.setBrush(look.colour("panel"))
            field = QRectF(box).adjusted(0.5, 2.5, -8.5, -2.5)
            painter.drawRoundedRect(field, 4, 4)
        near = view.hovered.row() == index.row() or view.currentIndex().row() == index.row()
        words, inner = condition, box.adjusted(INSET, 0, -16, 0)
        if condition:
            painter.setFont(look.font("code", code=True))
            painter.setPen(look.colour(ink))
        else:
            words = self.tr("always") if near else ""
            painter.setFont(look.font("small"))
            painter.setPen(look.colour("text_tertiary"))
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, _MIDDLE, shown)

    def _paint_remove(self, painter: QPainter, box: QRect, index: Index) -> None:
        look, view = theme(), self._view
        over = view.hovered == index
        if not over and index.row() not in (view.hovered.row(), view.currentIndex().row()):
            return
        side = QRectF(0, 0, 24, 24)
        side.moveCenter(QRectF(box).center())
        if over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("hover"))
            painter.drawRoundedRect(side, 5, 5)
        icon = side.adjusted(4, 4, -4, -4)
        icons.paint(painter, "close", icon, look.colour("text" if over else "text_secondary"))

    # ------------------------------------------------------------------ editing

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        field = QLineEdit(parent)
        field.setObjectName("breakpoint_field")
        field.setFont(theme().font("code", code=True))
        field.setText(str(index.data(Qt.ItemDataRole.EditRole)))
        field.selectAll()
        field.setStyleSheet("QLineEdit, QLineEdit:focus { min-height: 0; padding: 0 6px; }")
        header = self.table.headerData(index.column(), Qt.Orientation.Horizontal)
        field.setAccessibleName(str(header))
        if index.column() == Column.CONDITION:
            field.setPlaceholderText("w.grad.norm() > 10")
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Nothing: hits that are counted meanwhile must not undo what is being typed."""

    def setModelData(self, editor: QWidget, model: QObject, index: Index) -> None:
        if isinstance(editor, QLineEdit) and isinstance(model, BreakpointTable):
            model.setData(index, editor.text())

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        box = QRect(option.rect)
        box.setHeight(ROW - 1)
        left = LEFT + 60 if index.column() == Column.WHAT else 0
        editor.setGeometry(box.adjusted(left, 1, -8, -1))
