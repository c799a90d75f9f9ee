"""Formulas as they are written by hand: italic variables, sub- and superscripts, fractions.

The text is Unicode with three marks, which may be nested: ``a_{b}`` is a subscript, ``a^{b}`` a
superscript, ``{a}/{b}`` a fraction.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.theme import theme

SMALLER, LEAST = 0.72, 9
"""Of a script to what it belongs to; and no letter is smaller than so many pixels."""
RAISED, LOWERED = 0.42, 0.2
"""How far scripts stand above and below the line, in sizes of the letters."""
_PIECE = re.compile(r"[^\W\d_]+|\d[\d.]*|\s+|.", re.UNICODE)


@dataclass(frozen=True)
class Word:
    """Letters of one kind. A lone letter is a variable, set in italic."""

    text: str

    @property
    def is_variable(self) -> bool:
        letters = [c for c in self.text if c.isalpha()]
        return len(letters) == 1 or (bool(letters) and self.text[0] in "∂′")


@dataclass(frozen=True)
class Script:
    """Above or below the line."""

    pieces: tuple[Piece, ...]
    above: bool


@dataclass(frozen=True)
class Fraction:
    above: tuple[Piece, ...]
    below: tuple[Piece, ...]


Piece = Word | Script | Fraction


def parse(text: str) -> tuple[Piece, ...]:
    """A brace without a partner is a letter like any other."""
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        if text[at] in "_^" and (end := _closing(text, at + 1)):
            pieces.append(Script(parse(text[at + 2 : end]), text[at] == "^"))
            at = end + 1
            continue
        end = _closing(text, at)
        if end:
            below = _closing(text, end + 2) if text[end + 1 : end + 2] == "/" else 0
            if below:
                pieces.append(Fraction(parse(text[at + 1 : end]), parse(text[end + 3 : below])))
                at = below + 1
                continue
            pieces += parse(text[at + 1 : end])
            at = end + 1
            continue
        found = _PIECE.match(text, at)
        assert found is not None
        pieces.append(Word(found.group()))
        at = found.end()
    return tuple(pieces)


def renamed(pieces: Sequence[Piece], names: Mapping[str, str]) -> tuple[Piece, ...]:
    """With other words in the places of some."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Word):
            found.append(Word(names.get(piece.text, piece.text)))
        elif isinstance(piece, Script):
            found.append(Script(renamed(piece.pieces, names), piece.above))
        else:
            found.append(Fraction(renamed(piece.above, names), renamed(piece.below, names)))
    return tuple(found)


def _closing(text: str, at: int) -> int:
    """Where the brace that opens at ``at`` is closed; 0 if none opens there, or it stays open."""
    if text[at : at + 1] != "{":
        return 0
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if not depth:
            return i
    return 0


@dataclass(frozen=True)
class Box:
    """What a piece takes: its width, and how far it reaches above and below the line."""

    width: float
    above: float
    below: float


@functools.lru_cache(maxsize=256)
def _font(variable: bool, pixels: int) -> tuple[QFont, QFontMetricsF]:
    font = theme().mathematics(pixels) if variable else theme().font("body")
    # The upright face is larger at the same size.
    font.setPixelSize(pixels if variable else max(LEAST, round(pixels * 0.9)))
    return font, QFontMetricsF(font)


def measure(pieces: Sequence[Piece], pixels: int) -> Box:
    """A row of pieces."""
    boxes = [_measure(piece, pixels) for piece in pieces]
    return Box(
        sum(box.width for box in boxes),
        max((box.above for box in boxes), default=0.0),
        max((box.below for box in boxes), default=0.0),
    )


def _measure(piece: Piece, pixels: int) -> Box:
    if isinstance(piece, Word):
        _, metrics = _font(piece.is_variable, pixels)
        return Box(metrics.horizontalAdvance(piece.text), metrics.ascent(), metrics.descent())
    small = max(LEAST, round(pixels * SMALLER))
    if isinstance(piece, Script):
        box = measure(piece.pieces, small)
        by = -pixels * RAISED if not piece.above else pixels * RAISED
        by = by if piece.above else -pixels * LOWERED
        return Box(box.width + 1, box.above + by, box.below - by)
    above, below = measure(piece.above, small), measure(piece.below, small)
    axis = pixels * 0.28
    return Box(
        max(above.width, below.width) + 6,
        axis + 2 + above.above + above.below,
        below.above + below.below + 2 - axis,
    )


def draw(painter: QPainter, pieces: Sequence[Piece], at: QPointF, pixels: int) -> float:
    """Draw a row whose line begins at ``at``, in the painter's pen; returns its width."""
    x = at.x()
    for piece in pieces:
        x += _draw(painter, piece, QPointF(x, at.y()), pixels)
    return x - at.x()


def _draw(painter: QPainter, piece: Piece, at: QPointF, pixels: int) -> float:
    width = _measure(piece, pixels).width
    if isinstance(piece, Word):
        painter.setFont(_font(piece.is_variable, pixels)[0])
        painter.drawText(at, piece.text)
        return width
    small = max(LEAST, round(pixels * SMALLER))
    if isinstance(piece, Script):
        by = -pixels * RAISED if piece.above else pixels * LOWERED
        draw(painter, piece.pieces, at + QPointF(0, by), small)
        return width
    above, below = measure(piece.above, small), measure(piece.below, small)
    line = at.y() - pixels * 0.28
    draw(
        painter,
        piece.above,
        QPointF(at.x() + (width - above.width) / 2, line - 2 - above.below),
        small,
    )
    draw(
        painter,
        piece.below,
        QPointF(at.x() + (width - below.width) / 2, line + 2 + below.above),
        small,
    )
    pen = painter.pen()
    painter.setPen(QPen(pen.color(), 1))
    painter.drawLine(QPointF(at.x() + 2, line), QPointF(at.x() + width - 2, line))
    painter.setPen(pen)
    return width


def plain(text: str) -> str:
    """For a screen reader and the clipboard: without braces."""
    return re.sub(r"[{}]", "", text)


def in_words(pieces: Sequence[Piece]) -> str:
    """For a screen reader."""
    said = ""
    for piece in pieces:
        if isinstance(piece, Word):
            said += piece.text
        elif isinstance(piece, Script):
            said += ("^" if piece.above else "_") + in_words(piece.pieces)
        else:
            said += f"({in_words(piece.above)}) / ({in_words(piece.below)})"
    return said


class Formula(QWidget):
    """A formula in as many lines as its width asks for, broken at blanks."""

    def __init__(self, pixels: int = 17, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self._pixels = pixels
        self._pieces: tuple[Piece, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme().changed.connect(self.update)

    def set_text(self, text: str, names: Mapping[str, str] | None = None) -> None:
        """``names`` stand in the places of some of its letters."""
        pieces = renamed(parse(text), names or {})
        if pieces == self._pieces:
            return
        self.text, self._pieces = text, pieces
        self.setAccessibleName(in_words(pieces))
        self.updateGeometry()
        self.update()

    def lines(self, width: float) -> list[list[Piece]]:
        """What stands in each line when there is room for ``width``."""
        found: list[list[Piece]] = [[]]
        for word in _words(self._pieces):
            line = found[-1]
            if line and measure([*line, *word], self._pixels).width > width:
                found.append([])
                word = word[1:] if isinstance(word[0], Word) and word[0].text.isspace() else word
            found[-1] += word
        return found

    def sizeHint(self) -> QSize:
        box = measure(self._pieces, self._pixels)
        return QSize(round(box.width) + 2, round(box.above + box.below) + 2)

    def minimumSizeHint(self) -> QSize:
        widest = max((measure(w, self._pixels).width for w in _words(self._pieces)), default=0)
        return QSize(round(widest) + 2, self.sizeHint().height())

    def heightForWidth(self, width: int) -> int:
        boxes = [measure(line, self._pixels) for line in self.lines(width)]
        return round(sum(box.above + box.below + 2 for box in boxes)) + 2

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme().colour("text"))
        y = 1.0
        for line in self.lines(self.width()):
            box = measure(line, self._pixels)
            draw(painter, line, QPointF(0.0, y + box.above), self._pixels)
            y += box.above + box.below + 2


def _words(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces between which a line may be broken: each blank begins another."""
    found: list[list[Piece]] = []
    for piece in pieces:
        blank = isinstance(piece, Word) and piece.text.isspace()
        if blank or not found:
            found.append([])
        found[-1].append(piece)
    return found
