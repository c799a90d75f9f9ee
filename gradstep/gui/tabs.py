"""Tabs that line up with the title rows of the panels beside them."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from gradstep.gui.theme import theme

PADDING, GAP, START = 8, 4, 8
PILL_GAP, PILL_HEIGHT, PILL_PADDING = 6, 16, 7


class Tone(StrEnum):
    """Of a count beside a tab's word."""

    QUIET = "quiet"
    WARNING = "warning"


class Tabs(QTabWidget):
    """A row of words; the chosen one is bold and underlined. A word may have a count beside it,
    and a panel tools at the right of the row."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._bar = _Bar(self)
        self._bar.setAccessibleName(self.tr("Panels below the timeline"))
        self.setTabBar(self._bar)
        self.setDocumentMode(True)
        self._tools: dict[QWidget, QWidget] = {}
        self.currentChanged.connect(self._show_tools)

    def set_count(self, page: QWidget, count: int, tone: Tone = Tone.QUIET) -> None:
        """Show ``count`` beside the word of ``page``; nothing when it is 0."""
        self._bar.counts[page] = (count, tone)
        index = self.indexOf(page)
        if index >= 0:
            word = self.tabText(index)
            self._bar.setAccessibleTabName(index, f"{word} {count}" if count else word)
            # A tab bar measures its tabs anew only when one of them is changed.
            self.setTabText(index, word)
            self._bar.remeasure()

    def set_tools(self, page: QWidget, tools: QWidget) -> None:
        """``tools`` are shown while ``page`` is."""
        self._tools[page] = tools
        tools.setParent(self)
        self._show_tools()

    def _show_tools(self) -> None:
        # Not Qt's corner widget: its height follows the style's idea of a tab.
        height: int = theme().size("window", "panel_title")
        for page, tools in self._tools.items():
            size = tools.sizeHint()
            left, top = self.width() - size.width() - 8, (height - size.height()) // 2
            tools.setGeometry(QRect(QPoint(left, top), size))
            tools.setVisible(page is self.currentWidget())
            tools.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_tools()

    def row_width(self) -> int:
        """What the row needs so that no word is cut."""
        tools = max((tool.sizeHint().width() for tool in self._tools.values()), default=-16)
        tabs = sum(self._bar.tabSizeHint(i).width() for i in range(self.count()))
        return tabs + tools + 16

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        height = self.tabBar().height()
        painter.fillRect(QRect(0, 0, self.width(), height), theme().colour("window"))
        painter.fillRect(0, height - 1, self.width(), 1, theme().colour("border"))


class _Bar(QTabBar):
    def __init__(self, tabs: Tabs) -> None:
        super().__init__(tabs)
        self._tabs = tabs
        self.counts: dict[QWidget, tuple[int, Tone]] = {}
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        theme().changed.connect(self.update)

    def _count(self, index: int) -> tuple[int, Tone]:
        page = self._tabs.widget(index)
        return self.counts.get(page, (0, Tone.QUIET)) if page else (0, Tone.QUIET)

    def remeasure(self) -> None:
        """The widths may have changed."""
        # Setting an icon size, even to what it is, is what makes a tab bar lay out again.
        size = self.iconSize()
        self.setIconSize(size + QSize(1, 0))
        self.setIconSize(size)
        self.updateGeometry()

    def tabSizeHint(self, index: int) -> QSize:
        # As wide as the bold word, so that nothing moves when another tab is chosen.
        words = QFontMetrics(theme().font(weight=600)).horizontalAdvance(self.tabText(index))
        start = START if index == 0 else 0
        count, _ = self._count(index)
        pill = PILL_GAP + _pill_width(count) if count else 0
        width = words + pill + 2 * PADDING + GAP + start
        return QSize(width, theme().size("window", "panel_title"))

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = theme()
        painter.fillRect(self.rect(), look.colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour("border"))
        under = self.tabAt(self.mapFromGlobal(self.cursor().pos())) if self.underMouse() else -1
        for i in range(self.count()):
            box = self.tabRect(i).adjusted(START if i == 0 else 0, 0, -GAP, 0)
            self._paint_tab(painter, i, box, bright=i == under)

    def _paint_tab(self, painter: QPainter, i: int, box: QRect, *, bright: bool) -> None:
        look, chosen = theme(), i == self.currentIndex()
        count, tone = self._count(i)
        pill = PILL_GAP + _pill_width(count) if count else 0
        painter.setFont(look.font(weight=600 if chosen else 400))
        painter.setPen(look.colour("text" if bright or chosen else "text_secondary"))
        words = box.adjusted(0, 0, -pill, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self.tabText(i))
        if count:
            right = box.right() + 1 - PADDING
            top = box.top() + (box.height() - PILL_HEIGHT) / 2
            shape = QRectF(right - _pill_width(count), top, _pill_width(count), PILL_HEIGHT)
            _paint_pill(painter, shape, count, tone)
        if chosen:
            ink = look.colour("text")
            painter.fillRect(box.left(), box.bottom() - 1, box.width(), 2, ink)
            if self.hasFocus():
                painter.setPen(ink)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(2, 4, -3, -6))


def _pill_width(count: int) -> int:
    digits = QFontMetrics(theme().font("caption", weight=600)).horizontalAdvance(str(count))
    return max(PILL_HEIGHT + 6, digits + 2 * PILL_PADDING)


def _paint_pill(painter: QPainter, box: QRectF, count: int, tone: Tone) -> None:
    look, warning = theme(), tone is Tone.WARNING
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.colour("warning_tint" if warning else "selected_background"))
    painter.drawRoundedRect(box, PILL_HEIGHT / 2, PILL_HEIGHT / 2)
    painter.setFont(look.font("caption", weight=600))
    painter.setPen(look.colour("warning_text" if warning else "text_secondary"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(count))
