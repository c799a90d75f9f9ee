"""One file of source as it is painted: line numbers, marks of where the program stands, values,
breakpoints and warnings."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from gradstep.gui import icons
from gradstep.gui.panels.code import Code, Span, Style
from gradstep.gui.panels.gutter import (
    ARROW_LEFT,
    BREAK_AT,
    CODE_LEFT,
    NUMBERS_RIGHT,
    Arrow,
    BreakMark,
    Mark,
    ink_of,
    paint_arrow,
    paint_breakpoint,
    paint_ghost,
    paint_ring,
)
from gradstep.gui.panels.rows import Rows
from gradstep.gui.theme import theme
from gradstep.phases import Phase

CODE_RIGHT = 3
WORDS_RIGHT = 12
"""Space between the words of a line and the panel's edge."""
WORDS_GAP = 12
WORDS_FARTHEST, WORDS_ROOM = 560.0, 160.0
ABOVE = 8
CONTEXT = 3
"""Lines kept visible above and below a marked one."""


class CodeSheet(QAbstractScrollArea):
    """Paints only the lines that are seen. A line too long for the view ends in an ellipsis, never
    under the words beside it."""

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
        self.breakpoints: Mapping[int, BreakMark] = {}
        self.notes: Mapping[int, str] = {}
        self.hovered = self.selected = 0
        self.over_margin = self.ringed = False
        self._rows = Rows()
        self._quiet = QPixmap()
        self._quiet_key: object = None
        look = theme()
        self._row: int = look.size("type", "scale", "code")[1]
        self._fonts = {
            Style.PLAIN: look.font("code", code=True),
            Style.KEYWORD: look.font("code", code=True, weight=600),
            Style.REMARK: _italic(look.font("code", code=True)),
        }
        self._metrics = {style: QFontMetricsF(font) for style, font in self._fonts.items()}
        self._words = look.font("caption", weight=600)
        self._warnings = look.font("small")
        self._numbers = look.font("caption", code=True)
        look.changed.connect(self.viewport().update)

    # ------------------------------------------------------------------ facts

    def show_code(self, code: Code) -> None:
        self.code, self.marks, self.values = code, (), {}
        self.breakpoints, self.notes = {}, {}
        self.hovered = self.selected = 0
        self._count()
        self.verticalScrollBar().setValue(0)
        self.viewport().update()

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Replace the marks and bring them into view; if they are too far apart, the first."""
        self.marks = marks
        self._bring_marks()
        self.viewport().update()

    def _bring_marks(self) -> None:
        if not self.marks:
            return
        lines = [mark.line for mark in self.marks]
        first, last = min(lines), max(lines)
        rows = self._rows.row_of(last) - self._rows.row_of(first)
        together = (rows + 2 * CONTEXT) * self._row <= self.viewport().height()
        self.scroll_to(*((first, last) if together else (lines[0], lines[0])))

    def show_values(self, values: Mapping[int, str]) -> None:
        """What the lines last computed, by line."""
        if values != self.values:
            self.values = values
            self.viewport().update()

    def show_breakpoints(self, breakpoints: Mapping[int, BreakMark]) -> None:
        """The lines with a breakpoint."""
        if breakpoints != self.breakpoints:
            self.breakpoints = breakpoints
            self.viewport().update()

    def show_notes(self, notes: Mapping[int, str]) -> None:
        """Warnings, each in a row of its own above its line. What is read stays in place."""
        if notes == self.notes:
            return
        bar = self.verticalScrollBar()
        top = self._rows.line_at(-(-max(bar.value() - ABOVE, 0) // self._row))
        below = self.rect_of(top).top()
        self.notes = notes
        self._count()
        if bar.value():
            bar.setValue(bar.value() + self.rect_of(top).top() - below)
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
        row = self._rows.row_of(first)
        top = ABOVE + row * self._row
        size = (self._rows.row_of(max(first, last)) - row + 1) * self._row
        margin = max(0, min(CONTEXT * self._row, (height - size) // 2))
        if bar.value() <= top - margin and top + size + margin <= bar.value() + height:
            return
        wanted = top - (height - size) // 2
        # Whole lines: half a line at the upper edge looks like a mistake.
        bar.setValue(wanted - (wanted - ABOVE) % self._row if wanted > ABOVE else 0)

    def line_at(self, position: QPoint) -> int:
        """The line under a point of the viewport; 0 for none."""
        return self._rows.line_at(self._row_at(position))

    def _row_at(self, position: QPoint) -> int:
        return (position.y() + self.verticalScrollBar().value() - ABOVE) // self._row

    def rect_of(self, line: int) -> QRect:
        """Where ``line`` is in the viewport."""
        return self._rect_of_row(self._rows.row_of(line))

    def _rect_of_row(self, row: int) -> QRect:
        top = ABOVE + row * self._row - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._row)

    def text_of(self, line: int) -> str:
        return "".join(span.text for span in self.code.lines[line - 1])

    def sizeHint(self) -> QSize:
        return QSize(360, 2 * ABOVE + len(self._rows) * self._row)

    def _count(self) -> None:
        self._rows = Rows(len(self.code.lines), self.notes)
        self._measure()

    def _measure(self) -> None:
        whole = 2 * ABOVE + len(self._rows) * self._row
        bar = self.verticalScrollBar()
        hidden = max(0, whole - self.viewport().height())
        if hidden > ABOVE:
            # At the end, too, the first line is a whole one.
            hidden += (ABOVE - hidden) % self._row
        bar.setRange(0, hidden)
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()
        # What could be seen should not be lost because the panel became lower, or is shown only
        # now. One that the person has scrolled away from stays away.
        top, height = self.verticalScrollBar().value(), event.oldSize().height()
        tops = [ABOVE + self._rows.row_of(mark.line) * self._row for mark in self.marks]
        if height <= 0 or any(top <= at < top + height for at in tops):
            self._bring_marks()

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._quiet_layer())
        marks = {mark.line: mark for mark in reversed(self.marks)}
        seen = self._seen()
        for line in {*marks, *self.values, self.hovered, self.selected} - {0}:
            if line in seen:
                row = QRectF(self.rect_of(line))
                painter.fillRect(row, theme().colour("panel"))
                self._paint_line(painter, line, row, marks.get(line))
        for line in self._rows.noted:
            if line in seen:
                self._paint_note(painter, line)
        for line in {*self.breakpoints, self.hovered if self.over_margin else 0} - {0}:
            if line in seen:
                self._paint_breakpoint(painter, line, marks.get(line))
        if self.ringed:
            chosen = self.rect_of(self.selected) if self.selected else None
            paint_ring(painter, self.viewport().rect(), chosen)

    def _seen(self) -> range:
        """The lines in the viewport (of a line whose note alone is seen, the line, too)."""
        top = self.verticalScrollBar().value() - ABOVE
        last = min((top + self.viewport().height()) // self._row, len(self._rows) - 1)
        first = max(0, top // self._row)
        if last < first:
            return range(0)
        return range(self._rows.line_at(first), self._rows.line_at(last) + 1)

    def _quiet_layer(self) -> QPixmap:
        """The text alone, kept from step to step: of a stop only a few lines are news."""
        viewport = self.viewport()
        ratio = viewport.devicePixelRatio()
        at = self.verticalScrollBar().value()
        key = (self.code, self._rows, at, viewport.size(), ratio, theme().dark)
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

    def _paint_note(self, painter: QPainter, line: int) -> None:
        """A warning above its line, indented as the line is."""
        look, row = theme(), QRectF(self._rect_of_row(self._rows.row_of(line) - 1))
        painter.fillRect(row, look.colour("warning_tint"))
        box = QRectF(ARROW_LEFT - 2, row.center().y() - 7, 14, 14)
        icons.paint(painter, "warning", box, look.colour("warning_icon"))
        text = self.text_of(line)
        indent = text[: len(text) - len(text.lstrip())]
        left = CODE_LEFT + self._metrics[Style.PLAIN].horizontalAdvance(indent)
        painter.setFont(self._warnings)
        painter.setPen(look.colour("warning_text"))
        words = painter.fontMetrics().elidedText(
            self.notes[line], Qt.TextElideMode.ElideRight, int(row.right() - WORDS_RIGHT - left)
        )
        box = QRectF(left, row.top(), row.width(), row.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_breakpoint(self, painter: QPainter, line: int, mark: Mark | None) -> None:
        row = self.rect_of(line)
        centre = QPointF(BREAK_AT, row.top() + row.height() / 2)
        found = self.breakpoints.get(line)
        if found is None:
            paint_ghost(painter, centre)
        else:
            ground = self._background(line, mark) or theme().colour("panel")
            paint_breakpoint(painter, found, centre, ground)

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
            QRectF(0, row.top(), NUMBERS_RIGHT, row.height()),
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


def _words(painter: QPainter, row: QRectF, right: float, words: str) -> float:
    """Draw ``words`` so that they end at ``right``; where they begin."""
    box = QRectF(row.left(), row.top(), right - row.left(), row.height())
    align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(box, align, words)
    return right - painter.fontMetrics().horizontalAdvance(words)


def _italic(font: QFont) -> QFont:
    font.setItalic(True)
    return font
