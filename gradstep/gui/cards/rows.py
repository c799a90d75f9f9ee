"""Lines of a card: something on the left, its number on the right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.cards import typeset
from gradstep.gui.theme import theme
from gradstep.phases import Phase

_ROW, _BELOW, _PIXELS = 22, 16, 14


@dataclass(frozen=True)
class Row:
    """``left`` is a formula; ``below`` stands under it, smaller, in plain numbers. ``lane`` colours
    the number, ``strong`` makes it the sum of those above."""

    left: str
    right: str
    below: str = ""
    lane: Phase | None = None
    strong: bool = False
    quiet: bool = False


class Rows(QWidget):
    """As many rows as there are; numbers end at the right edge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        self.rows = rows
        self.setAccessibleName(
            "; ".join(f"{typeset.plain(r.left)} {r.below} {r.right}".strip() for r in rows)
        )
        self.setVisible(bool(rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, round(sum(self._height(row) for row in self.rows)))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    @staticmethod
    def _height(row: Row) -> float:
        box = typeset.measure(typeset.parse(row.left), _PIXELS)
        return max(_ROW, box.above + box.below + 4) + (_BELOW if row.below else 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        y = 0.0
        for row in self.rows:
            height = self._height(row)
            self._paint(painter, row, QRectF(0, y, self.width(), height))
            y += height

    def _paint(self, painter: QPainter, row: Row, box: QRectF) -> None:
        look = theme()
        if row.strong:
            painter.setPen(QPen(look.colour("border_strong"), 1))
            painter.drawLine(box.topLeft(), box.topRight())
        number = look.font("small", code=True, weight=600 if row.strong else 500)
        painter.setFont(number)
        wide = QFontMetricsF(number).horizontalAdvance(row.right)
        line = box.adjusted(0, 0, 0, -(_BELOW if row.below else 0))
        painter.setPen(look.phase(row.lane).text if row.lane else look.colour("text"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(line, int(flags), row.right)
        self._paint_formula(painter, row, line, line.width() - wide - 12)
        if row.below:
            font = look.font("caption", code=True)
            painter.setFont(font)
            painter.setPen(look.colour("text_secondary"))
            under = QRectF(box.x() + 12, line.bottom(), box.width() - 12, _BELOW)
            text = QFontMetricsF(font).elidedText(
                row.below, Qt.TextElideMode.ElideRight, under.width()
            )
            painter.drawText(under, Qt.AlignmentFlag.AlignVCenter, text)

    @staticmethod
    def _paint_formula(painter: QPainter, row: Row, line: QRectF, room: float) -> None:
        pieces, pixels = typeset.parse(row.left), _PIXELS
        while pixels > 11 and typeset.measure(pieces, pixels).width > room:
            pixels -= 1
        size = typeset.measure(pieces, pixels)
        painter.setPen(theme().colour("text_secondary" if row.quiet else "text"))
        painter.save()
        painter.setClipRect(QRectF(line.x(), line.y(), room, line.height()))
        y = line.y() + (line.height() - size.above - size.below) / 2 + size.above
        typeset.draw(painter, pieces, QPointF(line.x(), y), pixels)
        painter.restore()
