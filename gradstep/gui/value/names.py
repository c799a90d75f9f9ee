"""The named values that are alive, to choose from."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui.numbers import format_preview
from gradstep.gui.theme import theme
from gradstep.gui.value.words import is_single, kind_word, shape_word, words
from gradstep.phases import Phase
from gradstep.protocol.values import ValueInfo, ValueKind

ROW = 28
FILTER_FROM = 9
"""Lists of so many values can be searched."""
_ROOT = QModelIndex()
_INFO = Qt.ItemDataRole.UserRole


class NamesModel(QAbstractListModel):
    """One row per value, in the engine's order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values: tuple[ValueInfo, ...] = ()

    def set_values(self, values: tuple[ValueInfo, ...]) -> None:
        """Rows stay (and with them scroll and selection) as long as the names do."""
        same = [v.ref for v in values] == [v.ref for v in self.values]
        if same:
            self.values = values
            if values:
                self.dataChanged.emit(self.index(0), self.index(len(values) - 1))
            return
        self.beginResetModel()
        self.values = values
        self.endResetModel()

    def refs(self) -> set[str]:
        return {info.ref for info in self.values}

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.values)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if not index.isValid():
            return None
        info = self.values[index.row()]
        if role == _INFO:
            return info
        if role == Qt.ItemDataRole.DisplayRole:
            return info.name
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            parts = (info.name, kind_word(info.kind), shape_word(info.tensor.shape), text_of(info))
            return ", ".join(part for part in parts if part)
        return None


def text_of(info: ValueInfo) -> str:
    """The number of a single one; of more nothing: their shape says more."""
    if not is_single(info.tensor):
        return ""
    return format_preview(info.data, info.tensor.dtype, "data")


class NamesList(QWidget):
    """The list, and above it a field to search when it is long."""

    chosen = Signal(str)
    """A value's ref."""
    pinned = Signal(str)
    """The name of a value that is to be watched, or no longer."""

    def __init__(self, model: NamesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(model)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(words("Search names"))
        self.search.setAccessibleName(words("Search names"))
        self.search.setClearButtonEnabled(True)
        self.list = QListView(self)
        self.list.setObjectName("value_names")
        self.list.setAccessibleName(words("Named values"))
        self.list.setModel(self._shown)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        self.search.textChanged.connect(self._shown.setFilterFixedString)
        self.search.returnPressed.connect(self._choose_first)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.installEventFilter(self)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        for changed in (model.modelReset, model.rowsInserted):
            changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.search.setVisible(self.model.rowCount() >= FILTER_FROM or bool(self.search.text()))

    def _choose(self, index: QModelIndex) -> None:
        info = index.data(_INFO)
        if info is not None:
            self.chosen.emit(info.ref)

    def _pin(self, index: QModelIndex) -> None:
        info = index.data(_INFO)
        if info is not None:
            self.pinned.emit(info.name)

    def _open_menu(self, at: QPoint) -> None:
        index = self.list.indexAt(at)
        if index.isValid():
            menu = QMenu(self)
            menu.setObjectName("value_names_menu")
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(words("Show {0}").format(index.data()), lambda: self._choose(index))
            text = words("Watch this value, or no longer")
            menu.addAction(text, lambda: self._pin(index))
            menu.popup(self.list.viewport().mapToGlobal(at))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """W pins the value in the list, not the one that the panel has shown before."""
        row = self.list.currentIndex()
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_W or event.modifiers():
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.ShortcutOverride and row.isValid():
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and row.isValid():
            self._pin(row)
            return True
        return super().eventFilter(watched, event)

    def _choose_first(self) -> None:
        self._choose(self._shown.index(0, 0))

    def natural_height(self) -> int:
        """Of all rows, and the field."""
        field = self.search.sizeHint().height() + 8 if self.search.isVisibleTo(self) else 0
        return field + self.model.rowCount() * ROW


class NamesPopup(QFrame):
    """The list below a button, closed by a choice or Escape."""

    def __init__(self, model: NamesModel, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.names = NamesList(model, self)
        self.setObjectName("value_names_popup")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.names)
        self.names.chosen.connect(self.close)

    def open_at(self, corner: QPoint, width: int) -> None:
        """Below ``corner``, the right upper one, on the screen."""
        self.names.search.clear()
        height = min(self.names.natural_height(), 14 * ROW) + 18
        self.setGeometry(QRect(corner.x() - width, corner.y(), width, max(height, ROW + 18)))
        self.show()
        field = self.names.search
        (field if field.isVisible() else self.names.list).setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setPen(look.colour("border_strong"))
        painter.setBrush(look.colour("panel"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)


class EmptyPage(QWidget):
    """While nothing is chosen: a sentence, and what can be."""

    def __init__(self, model: NamesModel, parent: QWidget) -> None:
        super().__init__(parent)
        padding = theme().size("space", "panel_padding")
        self.sentence = QLabel(self)
        self.sentence.setWordWrap(True)
        self.sentence.setProperty("quiet", True)
        self.names = NamesList(model, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(padding, 12, padding, padding)
        layout.setSpacing(8)
        layout.addWidget(self.sentence)
        layout.addWidget(self.names, 1)


class _Row(QStyledItemDelegate):
    """The name in the program's font; at the right the number, or shape and dtype."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, ROW)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        info: ValueInfo = index.data(_INFO)
        look = theme()
        rect = QRectF(option.rect)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            selected = state & QStyle.StateFlag.State_Selected
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("selected_background" if selected else "hover"))
            painter.drawRoundedRect(rect, 4, 4)
        if info.kind is ValueKind.PARAMETER:  # the graph's sign for one
            bar = QRectF(rect.left() + 3, rect.top() + 7, 3, ROW - 14)
            painter.fillRect(bar, look.colour("text"))
        number = text_of(info)
        right = number or f"{shape_word(info.tensor.shape)} · {info.tensor.dtype}"
        font = look.font("small", code=bool(number), weight=500 if number else 400)
        box = rect.adjusted(12, 0, -8, 0)
        painter.setFont(font)
        ink = look.phase(Phase.FORWARD).text if number else look.colour("text_secondary")
        painter.setPen(ink)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box, int(flags), right)
        name_font = look.font("small", code=True)
        room = int(box.width() - QFontMetrics(font).horizontalAdvance(right) - 12)
        name = QFontMetrics(name_font).elidedText(info.name, Qt.TextElideMode.ElideMiddle, room)
        painter.setFont(name_font)
        painter.setPen(look.colour("text"))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.restore()
