"""The graph on the screen: looking, walking, choosing. What is drawn is decided in ``paint``."""

from __future__ import annotations

import time

from PySide6.QtCore import (
    QEvent,
    QPointF,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gradstep.gui.graph import hits
from gradstep.gui.graph.describe import describe_item, describe_link
from gradstep.gui.graph.movement import Movement
from gradstep.gui.graph.paint import Detail, Picture, detail, paint
from gradstep.gui.graph.pens import font, ink, pen, stroke
from gradstep.gui.graph.placement import Rect
from gradstep.gui.graph.refs import ref_of
from gradstep.gui.graph.scene import Role
from gradstep.gui.graph.viewport import MARGIN, Viewport, fitting, opening
from gradstep.gui.theme import theme

SLOW_MS = 14.0
"""While zooming and panning, a picture that takes longer than this to paint is shown from its last
frame and painted again when the hand rests."""
REST_MS = 90
ZOOM_STEP = 1.25
DRAG = 4
_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


class GraphCanvas(QWidget):
    """Pan by dragging or scrolling; zoom with Ctrl and the wheel, a pinch, ``+``, ``-``, ``0``
    (100 %) and Home (everything). Arrow keys walk along edges."""

    refSelected = Signal(str)
    """What the person chose (see ``Cursor.ref``)."""
    lineChosen = Signal(str)
    """Key of the item whose source line is wanted."""
    foldToggled = Signal(str)
    """Key of a group to fold or unfold."""
    zoomChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_canvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 80)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Graph"))
        self.picture = Picture()
        self.view = Viewport()
        self.follow = True
        self.sentence = ""
        self.movement = Movement(self)
        self._own_view = False
        self._pressed: QPointF | None = None
        self._dragging = False
        self._key_focus = False
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

    def show_picture(self, picture: Picture, *, fresh: bool = False) -> None:
        """Show another picture. ``fresh``: of another program or direction, so look at it anew."""
        old, self.picture = self.picture, picture
        self._frame = None
        empty = not old.items
        if fresh or empty or old.placement.flow != picture.placement.flow:
            self._own_view = False
            self.movement.finish()
            self._look_anew()
            self.update()
        elif old.placement is picture.placement:
            self._update_changed(old, picture)
        else:
            self._keep_in_view()
            self.update()
        if picture.now.changed or picture.now.leaves:
            self.movement.start_change()
        if self.follow:
            self._follow_step()
        self._tell_selection()

    def select(self, key: str) -> None:
        """Mark item or link ``key``; ``""`` marks nothing."""
        if key == self.picture.selected:
            return
        self.picture.selected = key
        self.update()
        self._tell_selection()

    @property
    def selected(self) -> str:
        """Key of the marked item or link."""
        return self.picture.selected

    def set_follow(self, on: bool) -> None:
        """Whether the view moves to the next operation when that is out of sight."""
        self.follow = on
        if on:
            self._follow_step()

    # ------------------------------------------------------------------ looking

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
        self.view.x += dx
        self.view.y += dy
        self._view_changed()

    def reveal(self, key: str) -> None:
        """Move the view, if item ``key`` is not wholly in it."""
        extent = self.picture.placement.extents.get(key)
        if extent is None:
            return
        if self.view.seen(extent, self.width(), self.height(), 4):
            return
        to = Viewport(self.view.scale, self.view.x, self.view.y)
        to.centre((extent.left + extent.right) / 2, (extent.top + extent.bottom) / 2,
                  self.width(), self.height())
        self.movement.pan(self.view, to)

    def _look_anew(self) -> None:
        placement = self.picture.placement
        if not placement.boxes:
            return
        growing = not any(
            i.role == Role.LOSS or i.expected for i in self.picture.items
        )
        self._set_view(opening(
            placement.bounds, self.width(), self.height(), self._focus_point(), growing
        ))

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

    def _set_view(self, view: Viewport) -> None:
        self.movement.finish()
        self.view = view
        self._view_changed()

    def _view_changed(self) -> None:
        if self._frame is not None:
            self._rest.start()
        self.update()
        self.zoomChanged.emit(self.view.scale)

    def _settle(self) -> None:
        self._frame = None
        self.update()

    def _moved(self) -> None:
        """A movement went on: redraw what it concerns."""
        self.picture.wave, self.picture.chip = self.movement.wave, self.movement.chip
        if self.movement.panning:
            self.view = self.movement.view
            self.update()
        else:
            self.update(self._changed_region(self.picture))

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), ink("canvas"))
        if not self.picture.items:
            self._paint_sentence(painter)
        elif self._frame is not None and self._rest.isActive():
            self._paint_frame(painter)
        else:
            self._paint_exactly(painter, event.rect())
        if self._key_focus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(pen(ink("selection_ring_and_primary_button"), stroke("selection")))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_exactly(self, painter: QPainter, exposed: QRect) -> None:
        began = time.perf_counter()
        view = self.view
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.translate(view.x, view.y)
        painter.scale(view.scale, view.scale)
        left, top = view.to_scene(exposed.left(), exposed.top())
        width, height = exposed.width() / view.scale, exposed.height() / view.scale
        paint(painter, self.picture, QRectF(left, top, width, height), view.scale)
        painter.restore()
        if exposed == self.rect():
            self._paint_ms = (time.perf_counter() - began) * 1000

    def _paint_frame(self, painter: QPainter) -> None:
        """The last exact frame, moved and scaled."""
        assert self._frame is not None
        factor = self.view.scale / self._frame_view.scale
        x = self.view.x - self._frame_view.x * factor
        y = self.view.y - self._frame_view.y * factor
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(
            QRectF(x, y, self.width() * factor, self.height() * factor),
            self._frame, QRectF(self._frame.rect()),
        )

    def _paint_sentence(self, painter: QPainter) -> None:
        painter.setPen(ink("text_tertiary"))
        painter.setFont(font("body"))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        painter.drawText(QRectF(self.rect()).adjusted(24, 24, -24, -24), flags, self.sentence)

    def _keep_frame(self) -> None:
        """Before the view changes by hand: keep this frame, if painting is slow."""
        if self._frame is None and self._paint_ms > SLOW_MS:
            self._frame_view = Viewport(self.view.scale, self.view.x, self.view.y)
            self._frame = self.grab(self.rect())

    def _update_changed(self, old: Picture, picture: Picture) -> None:
        """Only what a step touched is painted again."""
        region = self._changed_region(old).united(self._changed_region(picture))
        for key, item in picture.scene.items.items():
            if item != old.scene.items.get(key):
                region = region.united(self._item_rect(picture, key))
        for key, link in picture.scene.links.items():
            if link != old.scene.links.get(key):
                region = region.united(self._link_rect(picture, key))
        self.update(region)

    def _changed_region(self, picture: Picture) -> QRect:
        region = QRect()
        for key in picture.now.next:
            region = region.united(self._item_rect(picture, key))
            for link in (*picture.outputs(key), *picture.inputs(key)):
                region = region.united(self._link_rect(picture, link.key))
        for key in picture.now.changed:
            region = region.united(self._link_rect(picture, key))
        if picture.now.leaves:
            for item in picture.items:
                if item.node is not None and item.node.id in picture.now.leaves:
                    region = region.united(self._item_rect(picture, item.key))
        return region

    def _item_rect(self, picture: Picture, key: str) -> QRect:
        extent = picture.placement.extents.get(key)
        return self._on_canvas(extent, 90.0) if extent is not None else QRect()

    def _link_rect(self, picture: Picture, key: str) -> QRect:
        rect = picture.link_rect(key)
        return self._on_canvas(rect, 0.0) if rect is not None else QRect()

    def _on_canvas(self, rect: Rect, more: float) -> QRect:
        left, top = self.view.to_canvas(rect.left - more, rect.top - more)
        right, bottom = self.view.to_canvas(rect.right + more, rect.bottom + more)
        return QRectF(left, top, right - left, bottom - top).toAlignedRect()

    # ------------------------------------------------------------------ pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed, self._dragging = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        way = event.position() - self._pressed
        if not self._dragging and way.manhattanLength() < DRAG:
            return
        if not self._dragging:
            self._keep_frame()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._dragging = True
        self._pressed = event.position()
        self.pan(way.x(), way.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        self.unsetCursor()
        if self._dragging or pressed is None or event.button() != Qt.MouseButton.LeftButton:
            self._dragging = False
            return
        at = self._scene_point(event.position())
        frame = hits.frame_at(self.picture, at) if self._level() > Detail.FAR else None
        if frame is not None and hits.item_at(self.picture, at, self.view.scale) is None:
            self.foldToggled.emit(frame.key)
            return
        self._choose(self._key_at(at))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        key = self._key_at(self._scene_point(event.position()))
        if not key:
            self.fit()
            return
        self._open(key)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._keep_frame()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        else:
            delta = event.pixelDelta()
            if delta.isNull():
                delta = event.angleDelta() / 2
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = delta.transposed()
            self.pan(delta.x(), delta.y())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._keep_frame()
                self.zoom(1.0 + event.value(), event.position())
                return True
        elif isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)
            return True
        return super().event(event)

    def _show_tip(self, event: QHelpEvent) -> None:
        text = self.description(self._key_at(self._scene_point(QPointF(event.pos()))))
        if text:
            QToolTip.showText(event.globalPos(), text, self)
        else:
            QToolTip.hideText()
            event.ignore()

    def _scene_point(self, at: QPointF) -> QPointF:
        return QPointF(*self.view.to_scene(at.x(), at.y()))

    def _key_at(self, at: QPointF) -> str:
        item = hits.item_at(self.picture, at, self.view.scale)
        if item is not None:
            return item.key
        numbers = self._level() == Detail.NEAR
        link = hits.link_at(self.picture, at, self.view.scale, numbers)
        return link.key if link is not None else ""

    def _level(self) -> Detail:
        return detail(self.view.scale)

    # ------------------------------------------------------------------ keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        control = event.modifiers() & ~(
            Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
        )
        if control != Qt.KeyboardModifier.NoModifier or not self._press(key):
            super().keyPressEvent(event)

    def _press(self, key: Qt.Key) -> bool:
        if key in _ARROWS:
            self._walk(key)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_STEP)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.zoom(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.zoom_to(1.0)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected:
            self._open(self.selected)
        elif key == Qt.Key.Key_Escape and self.selected:
            self._choose("")
        else:
            return False
        return True

    def _walk(self, towards: Qt.Key) -> None:
        here = self.selected
        link = self.picture.scene.links.get(here)
        if link is not None:
            here = link.source
        if here not in self.picture.placement.boxes:
            keys = sorted(self.picture.now.next)
            to = keys[0] if keys else hits.ends(self.picture)[0]
        else:
            to = hits.step(self.picture, here, towards)
        if to:
            self._choose(to)
            self.reveal(to)

    def _choose(self, key: str) -> None:
        self.select(key)
        self.refSelected.emit(ref_of(key, self.picture.scene))

    def _open(self, key: str) -> None:
        """A folded module unfolds; anything else leads to its line."""
        item = self.picture.scene.items.get(key)
        if item is not None and item.role == Role.MODULE:
            self.foldToggled.emit(key)
        else:
            self._choose(key)
            self.lineChosen.emit(key)

    # ------------------------------------------------------------------ words and focus

    def description(self, key: str) -> str:
        """Item or link ``key`` in words."""
        scene, now = self.picture.scene, self.picture.now
        if key in scene.items:
            return describe_item(scene.items[key], scene, now)
        return describe_link(scene.links[key], scene) if key in scene.links else ""

    def _tell_selection(self) -> None:
        text = self.description(self.selected) or self.sentence
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            QAccessible.updateAccessibility(
                QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
            )

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._key_focus = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        )
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._key_focus = False
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self._own_view:
            self._look_anew()
