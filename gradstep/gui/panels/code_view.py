"""One file of source with its line numbers, the marks of where the program stands, and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gradstep.gui import icons
from gradstep.gui.panels.code import Code, Span, Style
from gradstep.gui.theme import theme
from gradstep.phases import Phase

ARROW_LEFT, GUTTER, CODE_LEFT, CODE_RIGHT = 4, 38, 52, 3
WORDS_RIGHT = 12
"""Space between the words of a line and the panel's edge."""
WORDS_GAP = 12
WORDS_FARTHEST, WORDS_ROOM = 560.0, 160.0
ABOVE = 8
CONTEXT = 3
"""Lines kept visible above and below a marked one."""


class Arrow(StrEnum):
    SOLID = "solid"  # what is next
    HOLLOW = "hollow"  # where Python stands meanwhile
    CROSS = "cross"  # what failed


@dataclass(frozen=True)
class Mark:
    """Of a line: an arrow, words at the right, whether the row is tinted, and the columns (Python's
    own, -1 for unknown) of the expression that is meant. ``back``: the arrow points backward."""

    line: int
    arrow: Arrow
    phase: Phase | None
    words: str = ""
    tinted: bool = True
    back: bool = False
    column: int = -1
    end_column: int = -1
    few: str = ""
    """Fewer words, for where the others would cut the code short."""


class CodeView(QAbstractScrollArea):
    """Paints only the lines that are seen. A line too long for the view ends in an ellipsis, never
    under the words beside it; the tooltip shows it whole."""

    lineSelected = Signal(int)
    lineHovered = Signal(int)
    """0 when the pointer has left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.code = Code("")
        self.marks: tuple[Mark, ...] = ()
        self.values: Mapping[int, str] = {}
        self.hovered = self.selected = 0
        self.ringed = False
        """Whether the keyboard is here, and that is to be seen."""
        self._quiet = QPixmap()
        self._quiet_key: object = None
        look = theme()
        self._row = look.size("type", "scale", "code")[1]
        self._fonts = {
            Style.PLAIN: look.font("code", code=True),
            Style.KEYWORD: look.font("code", code=True, weight=600),
            Style.REMARK: _italic(look.font("code", code=True)),
        }
        self._metrics = {style: QFontMetricsF(font) for style, font in self._fonts.items()}
        self._words = look.font("caption", weight=600)
        self._numbers = look.font("caption", code=True)
        look.changed.connect(self.viewport().update)

    # ------------------------------------------------------------------ facts

    def show_code(self, code: Code) -> None:
        self.code, self.marks, self.values = code, (), {}
        self.setAccessibleName(self.tr("Source of {0}").format(Path(code.path).name))
        self.hovered = self.selected = 0
        self._measure()
        self.verticalScrollBar().setValue(0)
        self.viewport().update()

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Replace the marks and bring them into view; if they are too far apart, the first."""
        self.marks = marks
        self.setAccessibleDescription("; ".join(self._said(mark) for mark in marks))
        if marks:
            lines = [mark.line for mark in marks]
            first, last = min(lines), max(lines)
            together = (last - first + 2 * CONTEXT) * self._row <= self.viewport().height()
            self.scroll_to(*((first, last) if together else (lines[0], lines[0])))
        self.viewport().update()

    def _said(self, mark: Mark) -> str:
        """A mark for those who hear it: ``line 10: return w * x, its backward is next``."""
        known = 0 < mark.line <= len(self.code.lines)
        text = self.text_of(mark.line).strip() if known else ""
        where = self.tr("line {0}").format(mark.line)
        return f"{where}: {', '.join(part for part in (text, mark.words) if part)}"

    def show_values(self, values: Mapping[int, str]) -> None:
        """What the lines last computed, by line."""
        if values != self.values:
            self.values = values
            self.viewport().update()

    def show_hovered(self, line: int) -> None:
        if line != self.hovered:
            self.hovered = line
            self.viewport().update()

    def show_selected(self, line: int) -> None:
        self.selected = line
        if line:
            self.scroll_to(line)
        self.viewport().update()

    def scroll_to(self, first: int, last: int = 0) -> None:
        """Bring a line (or lines) into view, to the middle unless it is there already."""
        bar, height = self.verticalScrollBar(), self.viewport().height()
        top = ABOVE + (first - 1) * self._row
        size = (max(first, last) - first + 1) * self._row
        margin = max(0, min(CONTEXT * self._row, (height - size) // 2))
        if bar.value() <= top - margin and top + size + margin <= bar.value() + height:
            return
        wanted = top - (height - size) // 2
        # Whole lines: half a line at the upper edge looks like a mistake.
        bar.setValue(wanted - (wanted - ABOVE) % self._row if wanted > ABOVE else 0)

    def line_at(self, position: QPoint) -> int:
        """The line under a point of the viewport; 0 for none."""
        line = (position.y() + self.verticalScrollBar().value() - ABOVE) // self._row + 1
        return line if 1 <= line <= len(self.code.lines) else 0

    def rect_of(self, line: int) -> QRect:
        """Where ``line`` is in the viewport."""
        top = ABOVE + (line - 1) * self._row - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._row)

    def text_of(self, line: int) -> str:
        return "".join(span.text for span in self.code.lines[line - 1])

    def sizeHint(self) -> QSize:
        return QSize(360, 2 * ABOVE + len(self.code.lines) * self._row)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._quiet_layer())
        marks = {mark.line: mark for mark in reversed(self.marks)}
        for line in {*marks, *self.values, self.hovered, self.selected} - {0}:
            if line in self._seen():
                row = QRectF(self.rect_of(line))
                painter.fillRect(row, theme().colour("panel"))
                self._paint_line(painter, line, row, marks.get(line))
        if self.ringed:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            width = theme().size("stroke", "selection")
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def _seen(self) -> range:
        """The lines in the viewport."""
        top = self.verticalScrollBar().value() - ABOVE
        last = (top + self.viewport().height()) // self._row + 1
        return range(max(1, top // self._row + 1), min(len(self.code.lines), last) + 1)

    def _quiet_layer(self) -> QPixmap:
        """The text alone, kept from step to step: of a stop only a few lines are news."""
        viewport = self.viewport()
        ratio = viewport.devicePixelRatio()
        at = self.verticalScrollBar().value()
        key = (self.code, at, viewport.size(), ratio, theme().dark)
        if key != self._quiet_key:
            self._quiet_key = key
            layer = QPixmap(viewport.size() * ratio)
            layer.setDevicePixelRatio(ratio)
            layer.fill(theme().colour("panel"))
            painter = QPainter(layer)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for line in self._seen():
                self._paint_text(painter, line, QRectF(self.rect_of(line)))
            painter.end()
            self._quiet = layer
        return self._quiet

    def _paint_line(self, painter: QPainter, line: int, row: QRectF, mark: Mark | None) -> None:
        look = theme()
        background = self._background(line, mark)
        if background is not None:
            painter.fillRect(row, background)
        edge, right = self._edge(row, line), row.right() - CODE_RIGHT
        if mark is not None:
            paint_arrow(painter, mark, row)
            if mark.words:
                painter.setFont(self._words)
                painter.setPen(ink_of(mark))
                right = _words(painter, row, edge, self._words_of(mark, edge)) - WORDS_GAP
            self._paint_underline(painter, mark, row, right)
        elif line in self.values and self._fits(line, row):
            painter.setFont(self._fonts[Style.PLAIN])
            painter.setPen(look.phase(Phase.FORWARD).text)
            right = _words(painter, row, edge, self.values[line]) - WORDS_GAP
        self._paint_text(painter, line, row, right, "text" if mark else "text_tertiary")

    def _paint_text(
        self,
        painter: QPainter,
        line: int,
        row: QRectF,
        right: float | None = None,
        ink: str = "text_tertiary",
    ) -> None:
        """The line's number and its code, which ends before ``right``."""
        painter.setFont(self._numbers)
        painter.setPen(theme().colour(ink))
        painter.drawText(
            QRectF(0, row.top(), GUTTER, row.height()),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            str(line),
        )
        right = row.right() - CODE_RIGHT if right is None else right
        self._paint_code(painter, self.code.lines[line - 1], row, right)

    def _background(self, line: int, mark: Mark | None) -> QColor | None:
        look = theme()
        if mark is not None and mark.tinted:
            if mark.arrow is Arrow.CROSS:
                return look.colour("error_tint")
            return look.phase(mark.phase).tint if mark.phase else look.colour("hover")
        if line == self.selected:
            return look.colour("selected_background")
        return look.colour("sunken") if line == self.hovered else None

    def _paint_code(
        self, painter: QPainter, spans: tuple[Span, ...], row: QRectF, right: float
    ) -> None:
        x = float(CODE_LEFT)
        baseline = row.top() + (row.height() + self._metrics[Style.PLAIN].capHeight()) / 2
        for span in spans:
            metrics = self._metrics[span.style]
            width = metrics.horizontalAdvance(span.text)
            text = span.text
            if x + width > right:
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(right - x, 8))
            painter.setFont(self._fonts[span.style])
            painter.setPen(
                theme().colour("text_tertiary" if span.style is Style.REMARK else "text")
            )
            painter.drawText(QPointF(x, baseline), text)
            x += width
            if text != span.text:
                return

    def _paint_underline(self, painter: QPainter, mark: Mark, row: QRectF, right: float) -> None:
        if mark.column < 0 or mark.end_column <= mark.column:
            return
        start = self.code.column(mark.line, mark.column)
        end = self.code.column(mark.line, mark.end_column)
        text = self.text_of(mark.line)
        metrics = self._metrics[Style.PLAIN]
        left = CODE_LEFT + metrics.horizontalAdvance(text[:start])
        stop = min(CODE_LEFT + metrics.horizontalAdvance(text[:end]), right)
        if stop > left:
            painter.setPen(QPen(ink_of(mark), 1.5))
            painter.drawLine(QPointF(left, row.bottom() - 2), QPointF(stop, row.bottom() - 2))

    def _edge(self, row: QRectF, line: int) -> float:
        """Where words beside a line end: at the right, but in a wide view not far from the code
        that they belong to."""
        far = max(WORDS_FARTHEST, CODE_LEFT + self._width(line) + WORDS_ROOM)
        return min(row.right() - WORDS_RIGHT, far)

    def _words_of(self, mark: Mark, edge: float) -> str:
        wide = QFontMetricsF(self._words).horizontalAdvance(mark.words)
        cut = CODE_LEFT + self._width(mark.line) > edge - wide - WORDS_GAP
        return mark.few if cut and mark.few else mark.words

    def _fits(self, line: int, row: QRectF) -> bool:
        words = self._metrics[Style.PLAIN].horizontalAdvance(self.values[line])
        return CODE_LEFT + self._width(line) + WORDS_GAP + words < row.right() - WORDS_RIGHT

    def _width(self, line: int) -> float:
        return sum(
            self._metrics[span.style].horizontalAdvance(span.text)
            for span in self.code.lines[line - 1]
        )

    # ------------------------------------------------------------------ events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    def _measure(self) -> None:
        whole = 2 * ABOVE + len(self.code.lines) * self._row
        bar = self.verticalScrollBar()
        hidden = max(0, whole - self.viewport().height())
        if hidden > ABOVE:
            # At the end, too, the first line is a whole one.
            hidden += (ABOVE - hidden) % self._row
        bar.setRange(0, hidden)
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._row)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.ringed = event.reason() in by_key
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.ringed = False
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        line = self.line_at(event.position().toPoint())
        if line and event.button() is Qt.MouseButton.LeftButton:
            self.lineSelected.emit(line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        line = self.line_at(event.position().toPoint())
        if line != self.hovered:
            self.lineHovered.emit(line)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave and self.hovered:
            self.lineHovered.emit(0)
        if isinstance(event, QHelpEvent):
            line = self.line_at(event.pos())
            wide = line and CODE_LEFT + self._width(line) > self._right_of_code(line)
            QToolTip.showText(
                event.globalPos(), self.text_of(line).strip() if wide else "", self.viewport()
            )
            return True
        return super().viewportEvent(event)

    def _right_of_code(self, line: int) -> float:
        for mark in self.marks:
            if mark.line == line and mark.words:
                edge = self._edge(QRectF(self.rect_of(line)), line)
                words = self._words_of(mark, edge)
                wide = QFontMetricsF(self._words).horizontalAdvance(words)
                return edge - wide - WORDS_GAP
        return float(self.viewport().width() - CODE_RIGHT)


def ink_of(mark: Mark) -> QColor:
    """The colour of a mark's arrow and words."""
    if mark.arrow is Arrow.CROSS:
        return theme().colour("error")
    return theme().phase(mark.phase).text if mark.phase else theme().colour("text")


def paint_arrow(painter: QPainter, mark: Mark, row: QRectF) -> None:
    """At the left edge: solid for what is next, hollow for where Python stands."""
    middle = row.center().y()
    ink = ink_of(mark)
    if mark.arrow is Arrow.CROSS:
        icons.paint(painter, "error", QRectF(ARROW_LEFT - 1, middle - 6, 12, 12), ink)
        return
    left, right, half = ARROW_LEFT + 0.75, ARROW_LEFT + 8.75, 4.5
    tip, base = (left, right) if mark.back else (right, left)
    arrow = QPolygonF(
        [QPointF(tip, middle), QPointF(base, middle - half), QPointF(base, middle + half)]
    )
    solid = mark.arrow is Arrow.SOLID
    pen = QPen(ink, 1.5)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(ink if solid else Qt.BrushStyle.NoBrush)
    painter.drawPolygon(arrow)


def _words(painter: QPainter, row: QRectF, right: float, words: str) -> float:
    """Draw ``words`` so that they end at ``right``; where they begin."""
    box = QRectF(row.left(), row.top(), right - row.left(), row.height())
    align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(box, align, words)
    return right - painter.fontMetrics().horizontalAdvance(words)


def _italic(font: QFont) -> QFont:
    font.setItalic(True)
    return font
