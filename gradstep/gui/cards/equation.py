"""Numbers in a row with operators between them: upstream × local = downstream."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.cards import typeset
from gradstep.gui.theme import theme
from gradstep.phases import Phase

_GAP, _LINE, _FRACTION = 6, 16, 42


@dataclass(frozen=True)
class Term:
    """One column. ``symbol`` is a formula; ``lane``: the phase that its number belongs to.

    ``boxed``: it is what comes out; ``coming``: it is not there yet (dashed)."""

    heading: str
    number: str
    note: str = ""
    symbol: str = ""
    lane: Phase | None = None
    boxed: bool = False
    coming: bool = False


class Equation(QWidget):
    """``terms`` in columns as wide as they need; ``operators`` between them, one fewer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.terms: tuple[Term, ...] = ()
        self.operators: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_terms(self, terms: tuple[Term, ...], operators: tuple[str, ...]) -> None:
        self.terms, self.operators = terms, operators
        said = []
        for i, term in enumerate(terms):
            said.append(f"{term.heading} {term.number}")
            if i < len(operators):
                said.append(operators[i])
        self.setAccessibleName(" ".join(said))
        self.updateGeometry()
        self.update()

    @property
    def _has_symbols(self) -> bool:
        return any(term.symbol for term in self.terms)

    def sizeHint(self) -> QSize:
        height = 10 + _LINE + 26 + _LINE + (_FRACTION if self._has_symbols else 0)
        return QSize(320, height)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def _number_font(self, room: float) -> QFont:
        """The largest in which every number fits its column."""
        for role in ("term", "graph_value", "body", "small"):
            font = theme().font(role, code=True, weight=500)
            metrics = QFontMetricsF(font)
            if sum(metrics.horizontalAdvance(t.number) + 16 for t in self.terms) <= room:
                break
        return font

    def _columns(self, font: QFont) -> list[QRectF]:
        small = QFontMetricsF(theme().font("caption"))
        metrics = QFontMetricsF(font)
        wanted = []
        for term in self.terms:
            symbol = typeset.measure(typeset.parse(term.symbol), 18).width if term.symbol else 0
            texts = (small.horizontalAdvance(term.heading), small.horizontalAdvance(term.note))
            wanted.append(max(metrics.horizontalAdvance(term.number), symbol, *texts) + 16)
        between = 14.0 * len(self.operators)
        spare = self.width() - between - sum(wanted)
        if spare < 0:  # words give way before numbers: they are elided
            wanted = [
                max(w + spare / len(wanted), metrics.horizontalAdvance(t.number) + 8)
                for w, t in zip(wanted, self.terms, strict=True)
            ]
            spare = 0
        gap = spare / len(wanted) if wanted else 0.0
        found, x = [], 0.0
        for width in wanted:
            found.append(QRectF(x, 0, width + gap, self.height()))
            x += width + gap + 14
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.terms:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._number_font(self.width() - 14.0 * len(self.operators))
        columns = self._columns(font)
        for term, box in zip(self.terms, columns, strict=True):
            self._paint_term(painter, term, box, font)
        painter.setPen(theme().colour("text"))
        painter.setFont(theme().font("body"))
        for operator, box in zip(self.operators, columns, strict=False):
            where = QRectF(box.right(), self._number_top(), 14, 26)
            painter.drawText(where, Qt.AlignmentFlag.AlignCenter, operator)

    def _number_top(self) -> float:
        return 5 + _LINE + (_FRACTION if self._has_symbols else 0)

    def _paint_term(self, painter: QPainter, term: Term, box: QRectF, font: QFont) -> None:
        look = theme()
        if term.boxed:
            colours = look.phase(term.lane or Phase.BACKWARD)
            pen = QPen(colours.text, 1.5 if not term.coming else 1)
            if term.coming:
                pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.setBrush(colours.tint)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        y = 5.0
        self._text(painter, term.heading, QRectF(box.x(), y, box.width(), _LINE), "text_secondary")
        y += _LINE
        if self._has_symbols:
            self._symbol(painter, term, QRectF(box.x(), y, box.width(), _FRACTION))
            y += _FRACTION
        painter.setFont(font)
        painter.setPen(self._ink(term))
        painter.drawText(
            QRectF(box.x(), y, box.width(), 26), Qt.AlignmentFlag.AlignCenter, term.number
        )
        y += 26
        self._text(painter, term.note, QRectF(box.x(), y, box.width(), _LINE), "text_secondary")

    def _symbol(self, painter: QPainter, term: Term, box: QRectF) -> None:
        pieces = typeset.parse(term.symbol)
        pixels = 18
        size = typeset.measure(pieces, pixels)
        while size.width > box.width() - 4 and pixels > typeset.LEAST:
            pixels -= 1
            size = typeset.measure(pieces, pixels)
        painter.setPen(theme().colour("text"))
        x = box.x() + (box.width() - size.width) / 2
        y = box.y() + (box.height() - size.above - size.below) / 2 + size.above
        typeset.draw(painter, pieces, QPointF(x, y), pixels)

    @staticmethod
    def _ink(term: Term) -> QColor:
        return theme().phase(term.lane).text if term.lane else theme().colour("text")

    @staticmethod
    def _text(painter: QPainter, text: str, box: QRectF, colour: str) -> None:
        font = theme().font("caption")
        painter.setFont(font)
        painter.setPen(theme().colour(colour))
        elided = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width() - 4)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elided)
