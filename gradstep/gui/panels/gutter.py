"""What stands left of the source: arrows, line numbers, breakpoints, warnings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gradstep.gui import icons
from gradstep.gui.theme import theme
from gradstep.phases import Phase

ARROW_LEFT, NUMBERS_RIGHT, CODE_LEFT = 4, 38, 52
BREAK_AT = 45.5
"""Middle of a breakpoint's mark, between the number and the code."""
RADIUS, HIT_RADIUS, RING = 4.5, 3.5, 5.75


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


@dataclass(frozen=True)
class BreakMark:
    """Of a line with a breakpoint. ``hit``: the program stands at it; ``words`` describe it."""

    enabled: bool = True
    conditional: bool = False
    broken: bool = False
    hit: bool = False
    words: str = ""


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


def paint_breakpoint(painter: QPainter, mark: BreakMark, centre: QPointF, ground: QColor) -> None:
    """A disc in ink: hollow when disabled, amber and dashed when it cannot stop, with two strokes
    when there is a condition, in a ring when the program stands at it. ``ground`` lies below."""
    ink = theme().colour("warning_icon" if mark.broken else "selection_ring_and_primary_button")
    solid = mark.enabled and not mark.broken
    pen = QPen(ink, 1.5)
    if mark.broken:
        pen.setDashPattern([1.6, 1.2])
    if not mark.enabled:
        pen.setColor(theme().colour("control_outline"))
    outer = HIT_RADIUS if mark.hit else RADIUS
    if solid:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawEllipse(centre, outer, outer)
    else:
        painter.setPen(pen)
        painter.setBrush(ground)
        painter.drawEllipse(centre, outer - 0.75, outer - 0.75)
    if mark.hit:
        painter.setPen(QPen(ink, 1.25))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, RING, RING)
    if mark.conditional:
        stroke = ground if solid else pen.color()
        half = 1.5 if mark.hit else 2.5
        for top in (-2.0, 1.0):
            painter.fillRect(QRectF(centre.x() - half, centre.y() + top, 2 * half, 1), stroke)


def paint_ghost(painter: QPainter, centre: QPointF) -> None:
    """Where a click would make a breakpoint."""
    painter.setPen(QPen(theme().colour("text_disabled"), 1.25))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, RADIUS - 0.75, RADIUS - 0.75)


def paint_ring(painter: QPainter, view: QRect, line: QRect | None) -> None:
    """Where the keyboard is: around the view, and around the line it has reached, whose own colour
    may be that of a mark."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    ink = theme().colour("selection_ring_and_primary_button")
    if line is not None:
        painter.setPen(QPen(ink, 1))
        painter.drawRect(line.adjusted(0, 0, -1, -1))
    painter.setPen(QPen(ink, theme().size("stroke", "selection")))
    painter.drawRect(view.adjusted(1, 1, -1, -1))
