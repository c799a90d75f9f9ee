"""What all painted plots share: a read-out under pointer and arrow keys, words, export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from gradstep.gui.theme import theme

Cell = str | float | int | None
Table = tuple[tuple[str, ...], list[tuple[Cell, ...]]]
LEGEND = 16
"""Height that a legend takes above the data."""
_NEAR = 40
"""Pixels from which the pointer still finds a point."""


@dataclass(frozen=True)
class Key:
    """An entry of a legend: a mark (``bar``, ``dot``, ``ring``, ``slope``, ``arrow``) and words."""

    mark: str
    words: str
    colour: QColor
    code: bool = False


class Picture(QWidget):
    """A plot that is painted from its data at any size. Subclasses say what there is to read."""

    activated = Signal(int)
    """The person clicked a point, or pressed Return on it."""
    changed = Signal()
    """The data, and with it words and table, are others now."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.title = title
        self.hovered: int | None = None
        self.chosen: int | None = None
        theme().changed.connect(self.update)

    # ------------------------------------------------------------------ of a subclass

    def empty(self) -> str:
        """What is awaited, where there is nothing to show; else empty."""
        raise NotImplementedError

    def subtitle(self) -> str:
        """What the data says, in a few words."""
        raise NotImplementedError

    def draw(self, painter: QPainter, size: QSizeF) -> None:
        """The plot without anybody pointing at it."""
        raise NotImplementedError

    def count(self) -> int:
        """Points that can be read."""
        raise NotImplementedError

    def spot(self, i: int, size: QSizeF) -> QPointF:
        """Where point ``i`` is."""
        raise NotImplementedError

    def words(self, i: int) -> str:
        """Point ``i`` with its exact numbers."""
        raise NotImplementedError

    def table(self) -> Table:
        """Heading and rows of all numbers."""
        raise NotImplementedError

    # ------------------------------------------------------------------ reading

    def refresh(self) -> None:
        """The data has changed."""
        count = self.count()
        self.hovered = self.hovered if self.hovered is not None and self.hovered < count else None
        self._describe()
        self.update()
        self.changed.emit()

    def read(self, i: int | None) -> None:
        """Show the numbers of point ``i``."""
        if i != self.hovered:
            self.hovered = i
            self._describe()
            self.update()

    def nearest(self, at: QPointF) -> int | None:
        """The point that the pointer means."""
        size = QSizeF(self.size())
        best: tuple[float, int] | None = None
        for i in range(self.count()):
            spot = self.spot(i, size)
            distance = abs(spot.x() - at.x()) + abs(spot.y() - at.y()) / 1000
            if best is None or distance < best[0]:
                best = (distance, i)
        return best[1] if best is not None and best[0] <= _NEAR else None

    def _describe(self) -> None:
        words = [self.empty() or self.subtitle()]
        if self.hovered is not None:
            words.append(self.words(self.hovered))
        elif self.count() <= 40:
            words += [self.words(i) for i in range(self.count())]
        self.setAccessibleDescription(". ".join(w for w in words if w))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.read(self.nearest(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        found = self.nearest(event.position())
        if event.button() is Qt.MouseButton.LeftButton and found is not None:
            self.activated.emit(found)

    def leaveEvent(self, event: QEvent) -> None:
        self.read(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last, now = self.count() - 1, self.hovered
        moves = {
            Qt.Key.Key_Left: last if now is None else max(now - 1, 0),
            Qt.Key.Key_Right: 0 if now is None else min(now + 1, last),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        key = Qt.Key(event.key())
        if last >= 0 and key in moves and not event.modifiers():
            self.read(moves[key])
        elif now is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated.emit(now)
        elif now is not None and key == Qt.Key.Key_Escape:
            self.read(None)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Arrow keys that the plot takes must not also be somebody's shortcut.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            mine = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)
            if self.count() and not event.modifiers() and event.key() in mine:
                event.accept()
                return True
        return super().event(event)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, size = QPainter(self), QSizeF(self.size())
        self.paint(painter, size)
        if self.hovered is not None and self.hovered < self.count():
            readout(painter, self.spot(self.hovered, size), self.words(self.hovered), size)
        if self.hasFocus():
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 4, 4)

    def paint(self, painter: QPainter, size: QSizeF) -> None:
        """The whole plot, on whatever is painted on."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(QPointF(), size), theme().colour("panel"))
        self.draw(painter, size)


def readout(painter: QPainter, at: QPointF, text: str, size: QSizeF) -> None:
    """Lines of text beside a point, on a ground of their own, inside the plot."""
    look = theme()
    font = look.font("caption", code=True, weight=500)
    metrics = QFontMetrics(font)
    lines = text.split("\n")
    width = max(metrics.horizontalAdvance(line) for line in lines) + 14
    height = 16 * len(lines) + 6
    left = at.x() + 12 if at.x() + 12 + width < size.width() else at.x() - 12 - width
    left = min(max(left, 2.0), max(size.width() - width - 2, 2.0))
    top = min(max(at.y() - height / 2, 2.0), max(size.height() - height - 2, 2.0))
    painter.setPen(QPen(look.colour("text"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(at, 6, 6)
    box = QRectF(round(left) + 0.5, round(top) + 0.5, width, height)
    painter.setPen(look.colour("border_strong"))
    painter.setBrush(look.colour("raised"))
    painter.drawRoundedRect(box, 4, 4)
    painter.setFont(font)
    painter.setPen(look.colour("text"))
    for i, line in enumerate(lines):
        row = QRectF(box.left() + 7, box.top() + 3 + 16 * i, width, 16)
        painter.drawText(row, int(Qt.AlignmentFlag.AlignVCenter), line)


def legend(painter: QPainter, keys: Sequence[Key], size: QSizeF, left: float) -> None:
    """At the top right, above the data; entries that find no room at the left are left out."""
    look = theme()
    right = size.width() - 16
    for key in reversed(keys):
        font = look.font("caption", code=key.code)
        width = QFontMetrics(font).horizontalAdvance(key.words)
        start = right - width
        if start - 20 < left - 30:
            return
        painter.setFont(font)
        painter.setPen(look.colour("text_secondary"))
        row = QRectF(start, 6, width + 2, 18)
        painter.drawText(row, int(Qt.AlignmentFlag.AlignVCenter), key.words)
        mark(painter, key.mark, QPointF(start - 11, 15), key.colour)
        right = start - 34


def mark(painter: QPainter, kind: str, at: QPointF, colour: QColor) -> None:
    """The marks that points and legends are made of; they differ in shape, not in colour alone."""
    painter.setPen(QPen(colour, 2, c=Qt.PenCapStyle.FlatCap))
    painter.setBrush(colour if kind == "dot" else Qt.BrushStyle.NoBrush)
    if kind == "bar":
        painter.setPen(QPen(colour, 3, c=Qt.PenCapStyle.FlatCap))
        painter.drawLine(QPointF(at.x() - 6, at.y()), QPointF(at.x() + 6, at.y()))
    elif kind == "slope":
        painter.drawLine(QPointF(at.x() - 6, at.y() - 4), QPointF(at.x() + 6, at.y() + 4))
    elif kind == "arrow":
        painter.drawLine(QPointF(at.x() - 6, at.y()), QPointF(at.x() + 3, at.y()))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        tip = QPointF(at.x() + 7, at.y())
        painter.drawPolygon(
            [tip, QPointF(tip.x() - 6, tip.y() - 4.5), QPointF(tip.x() - 6, tip.y() + 4.5)]
        )
    else:
        painter.drawEllipse(at, 3.5, 3.5)


def say(painter: QPainter, area: QRectF, sentence: str) -> None:
    """In the middle of an empty plot."""
    look = theme()
    painter.setFont(look.font("small"))
    flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
    needed = painter.boundingRect(area.toRect(), flags, sentence)
    painter.fillRect(QRectF(needed).adjusted(-8, -4, 8, 4), look.colour("panel"))
    painter.setPen(look.colour("text_secondary"))
    painter.drawText(area, flags, sentence)
