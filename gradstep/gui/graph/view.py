"""The graph on the screen: which part of it is seen, and how it moves. What is drawn is decided in
``paint``; what pointer and keys do, in ``canvas``."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import cast

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from gradstep.gui.graph.layout.placement import Flow, Placement, Rect
from gradstep.gui.graph.movement import Movement
from gradstep.gui.graph.paint.painter import Detail, detail, paint
from gradstep.gui.graph.paint.pens import font, ink, pen, stroke
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.scene import Role
from gradstep.gui.graph.staying import corner, still
from gradstep.gui.graph.viewport import LEGIBLE, MARGIN, ROOMY, Viewport, fitting, opening
from gradstep.gui.theme import theme

SLOW_MS = 6.0
"""While zooming and panning, a picture that takes longer than this to paint is shown from its last
frame and painted again when the hand rests."""
REST_MS = 90
NEAR_BY = 90.0
"""What belongs to an item (caption, tray, ring) is within this of what it occupies."""
TRAY = 150.0
"""A parameter's tray is wider than its room while it shows what was and what is."""
BESIDE = 90.0
"""Numbers on the edges of an item are within this of it."""
MANY = 200
"""If a step touched more than this, everything is painted again."""
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class GraphView(QWidget):
    """Shows a ``Picture``. Until the person pans or zooms, it chooses what is seen."""

    zoomChanged = Signal(float)
    viewMoved = Signal()
    """Another part of the graph is seen, or in another size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(120, 80)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.picture = Picture()
        self.view = Viewport()
        self.follow = True
        self.sentence = ""
        """What is said while there is nothing to show."""
        self.ringed = False
        """Whether the keyboard is here, and that is to be seen."""
        self.movement = Movement(self)
        self._own_view = False
        self._left_x = self._left_y = 0.0
        self._frame: QPixmap | None = None
        self._frame_view = Viewport()
        self._paint_ms = 0.0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._settle)
        self.movement.changed.connect(self._moved)
        theme().changed.connect(self.update)

    # ------------------------------------------------------------------ what is shown

    def show_picture(
        self, picture: Picture, *, fresh: bool = False, anchor: str = "", stepped: bool = True
    ) -> None:
        """Show another picture. ``fresh``: of another program or direction, so look at it anew.
        ``anchor``: the item or group that was opened or shut, which stays where it is. ``stepped``:
        the program has gone on, or it is only shown otherwise."""
        old, self.picture = self.picture, picture
        self._frame = None
        empty = not old.items
        if not fresh and not empty and anchor and self._hold(old.placement, anchor):
            self.update()
        elif fresh or empty or not still(old.placement, picture.placement):
            self._own_view = False
            self.movement.finish()
            self._look_anew()
            self.update()
        elif old.placement is picture.placement:
            self._update_changed(old, picture)
        else:
            self._keep_in_view()
            self.update()
        if stepped and (picture.now.changed or picture.now.leaves):
            self.movement.start_change()
            picture.wave, picture.chip = self.movement.wave, self.movement.chip
        if self.follow and stepped:
            self._follow_step()

    def set_follow(self, on: bool) -> None:
        """Whether the view moves to the next operation when that is out of sight."""
        self.follow = on
        if on:
            self._follow_step()

    # ------------------------------------------------------------------ looking

    @property
    def own_view(self) -> bool:
        """Whether the person chose what is seen."""
        return self._own_view

    def fit(self) -> None:
        """Show everything, however small."""
        self._own_view = False
        self._set_view(fitting(self.picture.placement.bounds, self.width(), self.height(), 1.5))

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Larger by ``factor`` around a point of the canvas, or its middle."""
        self.movement.finish()
        at = at or QPointF(self.width() / 2, self.height() / 2)
        self._own_view = True
        self.view.zoom(factor, at.x(), at.y())
        self._view_changed()

    def zoom_to(self, scale: float) -> None:
        """1 is 100 %."""
        self.zoom(scale / self.view.scale)

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by pixels."""
        self.movement.finish()
        self._own_view = True
        if self._frame is not None:
            self._settle()
        # By whole pixels: what stays in view is moved on the screen, and not painted again.
        self._left_x, self._left_y = self._left_x + dx, self._left_y + dy
        x, y = round(self._left_x), round(self._left_y)
        self._left_x, self._left_y = self._left_x - x, self._left_y - y
        self.view.x += x
        self.view.y += y
        if self.ringed or abs(x) >= self.width() or abs(y) >= self.height():
            self.update()
        else:
            self._scroll(x, y)
        self.zoomChanged.emit(self.view.scale)
        self.viewMoved.emit()

    def _scroll(self, x: int, y: int) -> None:
        """Move the pixels. What lies on the canvas stays where it is, so that its picture must not
        move with them."""
        self.scroll(x, y, self.rect())
        for child in self.findChildren(QWidget, options=_DIRECT):
            if child.isVisible():
                self.update(child.geometry().translated(x, y))
                child.update()

    def look_at(self, x: float, y: float) -> None:
        """Bring a point of the scene into the middle."""
        self.movement.finish()
        self._own_view = True
        self.view.centre(x, y, self.width(), self.height())
        self._view_changed()

    def show_found(self, found: frozenset[str] | None) -> None:
        """Mark these items and frames and draw all others faintly; None: draw all as usual."""
        if found != self.picture.found:
            self.picture.found = found
            self._frame = None
            self.update()

    def reveal(self, key: str) -> None:
        """Move the view, if item ``key`` is not wholly in it."""
        self.movement.finish_pan()
        extent = self.picture.placement.extents.get(key)
        frame = self.picture.placement.groups.get(key)
        if extent is None and frame is not None:
            # As much of a frame as there is room for, from its beginning.
            right = min(frame.right, frame.left + self.width() / self.view.scale - 4 * MARGIN)
            bottom = min(frame.bottom, frame.top + self.height() / self.view.scale - 4 * MARGIN)
            extent = Rect(frame.left, frame.top, right, bottom)
        if extent is None:
            return
        # With the numbers beside it, as far as there is room for them.
        bounds = self.picture.placement.bounds
        wide = min(BESIDE, (self.width() / self.view.scale - extent.width) / 2 - MARGIN)
        around = Rect(
            max(extent.left - wide, min(bounds.left, extent.left)),
            extent.top,
            min(extent.right + wide, max(bounds.right, extent.right)),
            extent.bottom,
        )
        if self.view.seen(around, self.width(), self.height(), 4):
            return
        to = self.view.moved_to(around, self.width(), self.height())
        self.movement.pan(self.view, to)

    def _look_anew(self) -> None:
        placement = self.picture.placement
        if not placement.boxes:
            return
        growing = not any(i.role == Role.LOSS or i.expected for i in self.picture.items)
        self._set_view(
            opening(placement.bounds, self.width(), self.height(), self._focus_point(), growing)
        )

    def _keep_in_view(self) -> None:
        """The graph grew: nothing moves as long as all of it is still in view."""
        bounds = self.picture.placement.bounds
        if self._own_view or self.view.seen(bounds, self.width(), self.height(), MARGIN / 2):
            return
        whole = fitting(bounds, self.width(), self.height(), self.view.scale)
        shown = opening(bounds, self.width(), self.height(), self._focus_point(), False)
        if whole.scale < shown.scale - 1e-6:
            return  # larger than the view: following the step moves it
        self._set_view(whole)

    def _hold(self, before: Placement, anchor: str) -> bool:
        """Move the view with ``anchor``. Not when all of the graph is seen anyway."""
        after = self.picture.placement
        whole = fitting(after.bounds, self.width(), self.height(), ROOMY)
        one, other = corner(before, anchor), corner(after, anchor)
        if whole.scale >= LEGIBLE or before.flow != after.flow or one is None or other is None:
            return False
        self.movement.finish()
        self._own_view = True
        if after.flow == Flow.DOWN:
            self.view.y += (one[1] - other[1]) * self.view.scale
        else:
            self.view.x += (one[0] - other[0]) * self.view.scale
        return True

    def _focus_point(self) -> tuple[float, float] | None:
        for key in sorted(self.picture.now.next):
            if key in self.picture.placement.boxes:
                return self.picture.placement.boxes[key]
        return None

    def _follow_step(self) -> None:
        now = self.picture.now
        keys = sorted(now.next) or [
            self.picture.scene.links[key].target for key in sorted(now.changed)
        ]
        if keys and self.isVisible():
            self.reveal(keys[0])

    def level(self) -> Detail:
        """The level of detail that is shown."""
        return detail(self.view.scale)

    def _set_view(self, view: Viewport) -> None:
        self.movement.finish()
        self.view = view
        self._view_changed()

    def _view_changed(self) -> None:
        if self._frame is not None:
            self._rest.start()
        self.update()
        self.zoomChanged.emit(self.view.scale)
        self.viewMoved.emit()

    def _settle(self) -> None:
        self._frame = None
        self.update()

    def _moved(self) -> None:
        """A movement went on: redraw what it concerns."""
        self.picture.wave, self.picture.chip = self.movement.wave, self.movement.chip
        if self.movement.panning:
            self.view = self.movement.view
            self.update()
            self.viewMoved.emit()
        else:
            self.update(self._moving_region(self.picture))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What the person has not moved fits the new room as it fitted the old."""
        super().resizeEvent(event)
        self._frame = None
        if not self._own_view and self.picture.items:
            self.movement.finish()
            self._look_anew()

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), ink("canvas"))
        if not self.picture.items:
            self._paint_sentence(painter)
        elif self._frame is not None and self._rest.isActive():
            self._paint_frame(painter)
        else:
            self._paint_exactly(painter, event.region())
        if self.ringed:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(pen(ink("selection_ring_and_primary_button"), stroke("selection")))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_exactly(self, painter: QPainter, exposed: QRegion) -> None:
        began = time.perf_counter()
        view = self.view
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.translate(view.x, view.y)
        painter.scale(view.scale, view.scale)
        paint(painter, self.picture, [self._in_scene(rect) for rect in _rects(exposed)], view.scale)
        painter.restore()
        if exposed.boundingRect() == self.rect():
            self._paint_ms = (time.perf_counter() - began) * 1000

    def _in_scene(self, rect: QRect) -> QRectF:
        left, top = self.view.to_scene(rect.left(), rect.top())
        return QRectF(left, top, rect.width() / self.view.scale, rect.height() / self.view.scale)

    def _paint_frame(self, painter: QPainter) -> None:
        """The last exact frame, moved and scaled."""
        assert self._frame is not None
        factor = self.view.scale / self._frame_view.scale
        x = self.view.x - self._frame_view.x * factor
        y = self.view.y - self._frame_view.y * factor
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(
            QRectF(x, y, self.width() * factor, self.height() * factor),
            self._frame,
            QRectF(self._frame.rect()),
        )

    def _paint_sentence(self, painter: QPainter) -> None:
        painter.setPen(ink("text_tertiary"))
        painter.setFont(font("body"))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        painter.drawText(QRectF(self.rect()).adjusted(24, 24, -24, -24), flags, self.sentence)

    def keep_frame(self) -> None:
        """Before the view changes by hand: keep this frame, if painting is slow."""
        if self._frame is None and self._paint_ms > SLOW_MS:
            self._frame_view = Viewport(self.view.scale, self.view.x, self.view.y)
            self._frame = self.grab(self.rect())

    def _update_changed(self, old: Picture, picture: Picture) -> None:
        """Only what a step touched is painted again."""
        region = self._changed_region(old) + self._changed_region(picture)
        if len(picture.touched_items) + len(picture.touched_links) > MANY:
            self.update()
            return
        for key in picture.touched_items:
            region += self._item_rect(picture, key)
        for key in picture.touched_links:
            region += self._link_rect(picture, key)
        self.update(region)

    def _changed_region(self, picture: Picture) -> QRegion:
        region = QRegion()
        for key in picture.now.next:
            region += self._item_rect(picture, key)
            for link in (*picture.outputs(key), *picture.inputs(key)):
                region += self._link_rect(picture, link.key)
        for key in picture.now.changed:
            region += self._link_rect(picture, key)
        for key in picture.leaves:
            region += self._item_rect(picture, key)
        return region

    def _moving_region(self, picture: Picture) -> QRegion:
        """Where the change of a step moves: much less than what the step touched, and it is
        painted again and again."""
        region = QRegion()
        for key in picture.now.changed:
            region += self._link_rect(picture, key)
        for key in picture.leaves:
            region += self._item_rect(picture, key)
        return region

    def _item_rect(self, picture: Picture, key: str) -> QRect:
        extent = picture.placement.extents.get(key)
        if extent is None:
            return QRect()
        leaf = picture.scene.items[key].role == Role.PARAMETER
        return self._on_canvas(extent, TRAY if leaf else NEAR_BY)

    def _link_rect(self, picture: Picture, key: str) -> QRect:
        rect = picture.link_rect(key)
        return self._on_canvas(rect, 0.0) if rect is not None else QRect()

    def _on_canvas(self, rect: Rect, more: float) -> QRect:
        left, top = self.view.to_canvas(rect.left - more, rect.top - more)
        right, bottom = self.view.to_canvas(rect.right + more, rect.bottom + more)
        return QRectF(left, top, right - left, bottom - top).toAlignedRect()


def _rects(region: QRegion) -> list[QRect]:
    return list(cast(Iterable[QRect], region))  # Qt's own description of it leaves that out
