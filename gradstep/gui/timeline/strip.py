"""The painted part of the timeline: what is visible of the model, and moving through it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gradstep.gui.theme import theme
from gradstep.gui.timeline.drawing import CELL_HEIGHT, CELL_ROW, Drawing
from gradstep.gui.timeline.model import TimelineModel
from gradstep.gui.timeline.news import Shown, news, shown
from gradstep.gui.timeline.shapes import CELL, Box, Look
from gradstep.phases import PHASE_INFO

INSET = 8  # left of the first iteration, room for half a playhead
_MARGIN = 16  # right of the last thing, and left of the first when scrolled there
_THUMB = 3


class TimelineStrip(QAbstractScrollArea):
    """Paints and scrolls; clicks and keys choose a box. The model belongs to the panel."""

    chosen = Signal(int, object)
    """Index of the iteration and the ``Box``."""

    def __init__(self, model: TimelineModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.marked_node: int | None = None
        self._places: list[tuple[int, int]] = []
        self._at: tuple[int, int] | None = None  # iteration's number, x of the box with the focus
        self._drag: int | None = None
        self._shown: Shown | None = None
        self.setObjectName("timeline_strip")
        self.setAccessibleName(self.tr("Timeline"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        theme().changed.connect(self.viewport().update)

    # -- following ---------------------------------------------------------------------------

    def refresh(self, *, follow: bool) -> None:
        """The model has changed; ``follow`` brings the playhead into view."""
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, INSET + self.model.width + _MARGIN - self.viewport().width()))
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(CELL)
        if follow and self.model.iterations:
            bar.setValue(self._offset_to_follow(bar.value()))
        self._find_marked()
        self._update_news()

    def mark(self, node: int | None) -> None:
        """Outline the operations of ``node`` in the last iteration; bring the first into view if
        none is."""
        if node == self.marked_node:
            return
        self.marked_node = node
        self._find_marked()
        left, right = self._offset, self._offset + self.viewport().width()
        if self._places and not any(left <= x and x + w <= right for x, w in self._places):
            self._show(self._places[0][0])
        self.viewport().update()

    def _find_marked(self) -> None:
        node = self.marked_node
        places = self.model.places(node) if node is not None else []
        if places != self._places:
            self._places = places
            self.viewport().update()

    def _update_news(self) -> None:
        """Paint what looks different: mostly a box or two, and the playhead."""
        before, room = self._shown, self.viewport().width()
        now = shown(self.model, self._offset, room, self.horizontalScrollBar().maximum())
        if now == before:
            return
        self._shown = now
        region = news(before, now)
        if region is None:
            self.viewport().update()
            return
        if before is not None and before.range != now.range:
            region += QRect(0, self.viewport().height() - 2 * _THUMB, room, 2 * _THUMB)
        self.viewport().update(region)

    @property
    def _offset(self) -> int:
        """The content's x at the left edge."""
        return self.horizontalScrollBar().value() - INSET

    def _offset_to_follow(self, offset: int) -> int:
        """Keep still while all of the current iteration is visible; else show the one before it
        too where there is room, and a third of the width where even the current is too wide."""
        model, room = self.model, self.viewport().width() - INSET
        last = len(model.iterations) - 1
        left, width = model.left(last), model.iterations[last].width
        head = model.playhead
        head = left if head is None else head
        if offset <= left and left + width + _MARGIN <= offset + room:
            return offset
        if width + _MARGIN > room:
            inside = offset <= head - CELL and head + 2 * CELL <= offset + room
            return offset if inside else head - room // 3
        earlier = last
        while earlier > 0 and left + width + _MARGIN - model.left(earlier - 1) <= room:
            earlier -= 1
        return model.left(earlier)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # In steps, so that dragging a window's edge does not change the form at every pixel.
        self.model.set_limit(max(8 * CELL, self.viewport().width() // 200 * 200))
        self.refresh(follow=True)

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.viewport().rect(), theme().colour("panel"))
        focus = self._at if self.hasFocus() else None
        if self.model.iterations:
            exposed = event.region()
            Drawing(painter, self.model, self._offset, exposed, self._places, focus).draw()
        else:
            painter.setFont(theme().font("small"))
            painter.setPen(theme().colour("text_tertiary"))
            rect = self.viewport().rect().adjusted(INSET, 0, 0, 0)
            text = self.sentence()
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, text)
        if self.hasFocus() and self._at is None:
            ring = theme().size("stroke", "selection")
            painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), ring))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
        thumb = self._thumb()
        if thumb is not None:
            name = "control_outline" if self._drag is not None else "border_strong"
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour(name))
            painter.drawRoundedRect(QRectF(thumb), 1.5, 1.5)

    def sentence(self) -> str:
        """What is said while there is nothing to show."""
        if self.model.stop is not None and self.model.stop.iteration > 0:
            return self.tr("These iterations ran at full speed and were not recorded.")
        return self.tr("Phases and their operations appear here as they run.")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- the thumb ---------------------------------------------------------------------------

    def _thumb(self) -> QRect | None:
        """The scroll bar: a line at the bottom edge, there only when something is out of view."""
        bar, room = self.horizontalScrollBar(), self.viewport().width()
        if bar.maximum() <= 0:
            return None
        width = max(32, room * room // (bar.maximum() + room))
        x = (room - width) * bar.value() // bar.maximum()
        return QRect(x, self.viewport().height() - _THUMB - 1, width, _THUMB)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        thumb, at = self._thumb(), event.position().toPoint()
        if thumb is not None and at.y() >= thumb.top() - 3:
            inside = thumb.left() <= at.x() <= thumb.right()
            self._drag = at.x() - thumb.left() if inside else thumb.width() // 2
            self.mouseMoveEvent(event)
            return
        found = self.box_at(at.x(), at.y())
        if found is not None:
            self._choose(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        thumb = self._thumb()
        if self._drag is None or thumb is None:
            return
        bar, free = self.horizontalScrollBar(), self.viewport().width() - thumb.width()
        x = event.position().toPoint().x() - self._drag
        bar.setValue(bar.maximum() * x // max(free, 1))
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A mouse has one wheel: both directions move along the strip.
        pixels, steps = event.pixelDelta(), event.angleDelta()
        delta = pixels.x() or pixels.y() or (steps.x() or steps.y())
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - delta)
        event.accept()

    # -- choosing ----------------------------------------------------------------------------

    def box_at(self, x: int, y: int) -> tuple[int, Box] | None:
        """The operation under a point of the viewport, with its iteration's index."""
        at = x + self.horizontalScrollBar().value() - INSET
        for index in self.model.visible(at, at + 1):
            inside = at - self.model.left(index)
            for _, box in self.model.boxes([index]):
                if box.x <= inside < box.x + CELL and CELL_ROW <= y < CELL_ROW + CELL_HEIGHT:
                    return index, box
        return None

    def _choose(self, index: int, box: Box) -> None:
        self._at = self.model.iterations[index].number, box.x
        self.setAccessibleDescription(self.describe(index, box))
        event = QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
        QAccessible.updateAccessibility(event)
        self._show(self.model.left(index) + box.x)
        self.viewport().update()
        self.chosen.emit(index, box)

    def _show(self, x: int) -> None:
        bar, room = self.horizontalScrollBar(), self.viewport().width()
        bar.setValue(min(max(bar.value(), INSET + x + CELL + _MARGIN - room), max(0, x - _MARGIN)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
            return
        self._move(step)

    def _move(self, step: int) -> None:
        """Focus the operation before or after; without one, that at the playhead."""
        model = self.model
        last = len(model.iterations) - 1
        if last < 0:
            return
        here = next((i for i in range(last, -1, -1) if self._is_at(i)), last) if self._at else last
        # The neighbours are enough: iterations in compact form have no boxes to stop at.
        boxes = model.boxes(range(max(0, here - 8), min(last, here + 8) + 1))
        if not boxes:
            return
        places = [(model.iterations[i].number, box.x) for i, box in boxes]
        if self._at in places:
            target = min(max(places.index(self._at) + step, 0), len(boxes) - 1)
        else:
            open_ = [k for k, (i, b) in enumerate(boxes) if i == last and b.look is not Look.DONE]
            target = open_[0] if open_ else len(boxes) - 1
        self._choose(*boxes[target])

    def _is_at(self, index: int) -> bool:
        return self._at is not None and self.model.iterations[index].number == self._at[0]

    def describe(self, index: int, box: Box) -> str:
        """One operation in words."""
        words = {
            Look.DONE: self.tr("done"),
            Look.NEXT: self.tr("next"),
            Look.PENDING: self.tr("not yet"),
        }
        if box.more:
            name = self.tr("{0} more operations").format(box.more)
        else:
            name = box.name or self.tr("operation")
        parts = [
            name,
            self.tr(PHASE_INFO[box.phase].title),
            self.tr("iteration {0}").format(self.model.iterations[index].number),
            words[box.look],
        ]
        if box.cell and box.cell.line:
            parts.append(self.tr("line {0}").format(box.cell.line))
        return " · ".join(parts)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.box_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self.describe(*found) if found else "", self)
            return True
        return super().viewportEvent(event)
