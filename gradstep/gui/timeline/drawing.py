"""How the timeline looks: done is tinted, next is solid, not yet is outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF, QRegion

from gradstep.gui.theme import PhaseColours, theme
from gradstep.gui.timeline.model import TimelineModel
from gradstep.gui.timeline.shapes import CELL, SKIP, Box, Look, Segment
from gradstep.phases import PHASE_INFO

RULER = 10
"""Centre of the row with the iterations' numbers."""
PHASE_ROW, PHASE_HEIGHT = 24, 17
CELL_ROW, CELL_HEIGHT = 43, 20
_LETTER_HEIGHT = 20
_BOTTOM = 68
_MIDDLE = PHASE_ROW + 10.5
_EDGE = 8.0  # labels of what is partly out of view stay this far from the left edge


def words(text: str) -> str:
    return QCoreApplication.translate("Timeline", text)


@dataclass
class Drawing:
    """One painting of what is visible. ``offset`` is the content's x at the left edge; ``exposed``
    what of the strip is painted; ``marked`` the places that are outlined (see
    ``TimelineModel.places``), ``focus`` the keyboard's place (iteration, x)."""

    painter: QPainter
    model: TimelineModel
    offset: int
    exposed: QRegion
    marked: Sequence[tuple[int, int]] = ()
    focus: tuple[int, int] | None = None

    def draw(self) -> None:
        """The model must not be empty."""
        model, exposed = self.model, self.exposed.boundingRect()
        left, right = self.offset + exposed.left(), self.offset + exposed.right() + 1
        for index in model.visible(left, right + SKIP):
            self._iteration(index, model.left(index) - self.offset)
        self._ghost()
        self._mark()
        self._playhead()

    def _iteration(self, index: int, x: int) -> None:
        iteration = self.model.iterations[index]
        current = index == len(self.model.iterations) - 1
        if iteration.skipped and index:
            self._skipped(iteration.skipped, x - SKIP)
        if iteration.compact:
            self._number(iteration.number, current, x)
            for segment in self.model.segments(index):
                self._letter(segment, x)
            return
        if not self._is_exposed(x - 2, 0, iteration.width + 4, _BOTTOM):
            return
        if self._is_exposed(x, 0, iteration.width, PHASE_ROW):
            self._ruler(index, x)
        for segment in self.model.segments(index):
            if self._is_exposed(x + segment.x, PHASE_ROW, segment.width, PHASE_HEIGHT + 1):
                self._phase(segment, x)
            for box in segment.boxes:
                if not self._is_exposed(x + box.x - 1, CELL_ROW - 1, CELL, CELL_HEIGHT + 2):
                    continue
                self._box(box, x)
        if self.focus and self.focus[0] == iteration.number:
            ink = theme().colour("selection_ring_and_primary_button")
            rect = QRectF(x + self.focus[1] - 1, CELL_ROW - 1, CELL, CELL_HEIGHT + 2)
            self._outline(rect, ink, 2.0)

    def _is_exposed(self, x: int, y: int, width: int, height: int) -> bool:
        return self.exposed.intersects(QRect(x, y, width, height))

    def _skipped(self, count: int, x: int) -> None:
        """Iterations that ran without being recorded: dashed means not there."""
        ink = theme().colour("border_strong")
        pen = QPen(ink, 1)
        pen.setDashPattern([3, 3])
        self.painter.setPen(pen)
        self.painter.drawLine(QPointF(x, _MIDDLE), QPointF(x + SKIP - 20, _MIDDLE))
        font = theme().font("caption")
        text = _elided(words("{0} more").format(count), font, SKIP)
        self._text(x, RULER, text, font, "text_tertiary")

    def _number(self, number: int, current: bool, x: int) -> None:
        font = theme().font("small", code=True, weight=600 if current else 400)
        self._text(x, RULER, str(number), font, "text" if current else "text_secondary")

    def _ruler(self, index: int, x: int) -> None:
        """``Iteration 2  x = 2, y = 4``; it stays in view while any of its iteration is."""
        iteration, look = self.model.iterations[index], theme()
        start = max(x, _EDGE) if x + iteration.width > 0 else x
        strong, font = look.font("small", weight=600), look.font("small")
        text = words("Iteration {0}").format(iteration.number)
        used = QFontMetrics(strong).horizontalAdvance(text) + 14
        room = x + iteration.width - start
        if used - 14 <= room:
            self._text(start, RULER, text, strong, "text")
        if room - used > 24:
            title = _elided(iteration.title, font, room - used)
            self._text(start + used, RULER, title, font, "text_secondary")

    def _phase(self, segment: Segment, x: int) -> None:
        rect = QRectF(x + segment.x, PHASE_ROW, segment.width - 2, PHASE_HEIGHT)
        self._stretch(rect, segment)
        font = theme().font("small", weight=600)
        info, metrics = PHASE_INFO[segment.phase], QFontMetrics(font)
        # The label stays in view while any of its stretch is.
        rooms = self._beside_playhead(max(rect.x() + 6, _EDGE), rect.right() - 4)
        for text in (words(info.title), words(info.short), info.key):
            for start, end in rooms:
                if start + metrics.horizontalAdvance(text) <= end:
                    ink = _ink(segment.look, theme().phase(segment.phase))
                    self._text(start, rect.center().y(), text, font, ink)
                    return

    def _beside_playhead(self, left: float, right: float) -> list[tuple[float, float]]:
        """The free parts of a stretch: the playhead's line must not go through a word."""
        at = self.model.playhead
        if at is None or not left - 6 < at - self.offset < right + 4:
            return [(left, right)]
        line = float(at - self.offset)
        return [(left, line - 5), (max(left, line + 5), right)]

    def _letter(self, segment: Segment, x: int) -> None:
        rect = QRectF(x + segment.x, PHASE_ROW, segment.width, _LETTER_HEIGHT)
        self._stretch(rect, segment)
        self.painter.setFont(theme().font("caption", code=True))
        self.painter.setPen(_ink(segment.look, theme().phase(segment.phase)))
        key = PHASE_INFO[segment.phase].key
        self.painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, key)

    def _stretch(self, rect: QRectF, segment: Segment) -> None:
        colours = theme().phase(segment.phase)
        if segment.look is Look.DONE:
            self._fill(rect, colours.tint)
        elif segment.look is Look.NEXT:
            width = min(float(segment.reached), rect.width())
            self._fill(QRectF(rect.x(), rect.y(), width, rect.height()), colours.tint)
            self._outline(rect, colours.border)
        else:
            self._outline(rect, theme().colour("border"))

    def _box(self, box: Box, x: int) -> None:
        look, colours = theme(), theme().phase(box.phase)
        rect = QRectF(x + box.x, CELL_ROW, CELL - 2, CELL_HEIGHT)
        ink = _ink(box.look, colours)
        if box.look is Look.NEXT:
            self._fill(rect, colours.solid)
            ink = colours.on_solid
        elif box.look is Look.DONE:
            self._fill(rect, colours.tint)
        else:
            self._outline(rect, look.colour("border"))
        font = look.font("caption", code=True, weight=600 if box.look is Look.NEXT else 400)
        self.painter.setFont(font)
        self.painter.setPen(ink)
        text = _elided(box.label, font, CELL - 6)
        self.painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)

    def _mark(self) -> None:
        """What is selected: a ring around each operation, a wedge where operations have no room."""
        ink = theme().colour("selection_ring_and_primary_button")
        for x, width in self.marked:
            at = float(x - self.offset)
            if width:
                self._outline(QRectF(at, CELL_ROW, width - 2, CELL_HEIGHT), ink, 1.5)
                continue
            top = PHASE_ROW + _LETTER_HEIGHT + 2
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(ink)
            wedge = [(0.0, 0.0), (4.0, 6.0), (-4.0, 6.0)]
            self.painter.drawPolygon(QPolygonF([QPointF(at + dx, top + dy) for dx, dy in wedge]))

    def _ghost(self) -> None:
        """The next iteration, empty."""
        ghost, last = self.model.ghost, self.model.iterations[-1]
        if ghost is None or last.compact:
            return
        x, width = ghost[0] - self.offset, ghost[1] - 2
        if not self._is_exposed(x, 0, width, _BOTTOM):
            return
        text = words("Iteration {0}").format(last.number + 1)
        self._text(x, RULER, text, theme().font("small"), "text_tertiary")
        for top, height in ((PHASE_ROW, PHASE_HEIGHT), (CELL_ROW, CELL_HEIGHT)):
            self._outline(QRectF(x, top, width, height), theme().colour("border"))

    def _playhead(self) -> None:
        at = self.model.playhead
        if at is None:
            return
        x, ink = float(at - self.offset - 1), theme().colour("text")
        compact = self.model.iterations[-1].compact
        bottom = PHASE_ROW + _LETTER_HEIGHT + 8 if compact else _BOTTOM
        self.painter.fillRect(QRectF(x - 1, 19, 2, bottom - 19), ink)
        shape = [(-5, 17), (5, 17), (5, 19.5), (1, 24), (-1, 24), (-5, 19.5)]
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(ink)
        self.painter.drawPolygon(QPolygonF([QPointF(x + dx, y) for dx, y in shape]))

    # -- strokes -----------------------------------------------------------------------------

    def _text(self, x: float, middle: float, text: str, font: QFont, ink: str | QColor) -> None:
        self.painter.setFont(font)
        self.painter.setPen(theme().colour(ink) if isinstance(ink, str) else ink)
        self.painter.drawText(QPointF(x, middle + QFontMetrics(font).capHeight() / 2), text)

    def _fill(self, rect: QRectF, colour: QColor) -> None:
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(colour)
        self.painter.drawRoundedRect(rect, 2, 2)

    def _outline(self, rect: QRectF, colour: QColor, width: float = 1.0) -> None:
        self.painter.setPen(QPen(colour, width))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        half = width / 2
        self.painter.drawRoundedRect(rect.adjusted(half, half, -half, -half), 2, 2)


def _ink(state: Look, colours: PhaseColours) -> QColor:
    return theme().colour("text_tertiary") if state is Look.PENDING else colours.text


def _elided(text: str, font: QFont, room: float) -> str:
    key = text, font.key(), int(room)
    found = _known.get(key)
    if found is None:
        if len(_known) > 4096:
            _known.clear()
        metrics = QFontMetrics(font)
        found = _known[key] = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room))
    return found


_known: dict[tuple[str, str, int], str] = {}
"""The same few names stand in most boxes; cutting one costs as much as painting it."""
