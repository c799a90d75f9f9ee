"""What pointer and keys do on the graph, and what it says to those who hear it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from gradstep.gui.graph import hits
from gradstep.gui.graph.describe import describe_item, describe_link
from gradstep.gui.graph.paint.painter import Detail
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.refs import ref_of
from gradstep.gui.graph.scene import Role
from gradstep.gui.graph.view import GraphView

ZOOM_STEP = 1.25
DRAG = 4
"""Pixels that the pointer moves before a click becomes a drag."""
_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


class GraphCanvas(GraphView):
    """Pan by dragging or scrolling; zoom with Ctrl and the wheel, a pinch, ``+``, ``-``, ``0``
    (100 %) and Home (everything). Arrow keys walk along edges, Enter and a double click open a
    module or lead to the source line, Backspace shuts the module around what is selected, Escape
    selects nothing."""

    refSelected = Signal(str)
    """What the person chose (see ``Cursor.ref``)."""
    lineChosen = Signal(str)
    """Key of the item whose source line is wanted."""
    foldToggled = Signal(str)
    """Key of a group to fold or unfold."""
    menuRequested = Signal(str, QPoint)
    """The menu of an item or link is wanted, at a point of the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_canvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Graph"))
        self._pressed: QPointF | None = None
        self._dragging = False

    def show_picture(
        self, picture: Picture, *, fresh: bool = False, anchor: str = "", stepped: bool = True
    ) -> None:
        super().show_picture(picture, fresh=fresh, anchor=anchor, stepped=stepped)
        self._tell_selection()

    def select(self, key: str) -> None:
        """Mark item or link ``key``; ``""`` marks nothing."""
        if key != self.picture.selected:
            self.picture.selected = key
            self.update()
            self._tell_selection()

    @property
    def selected(self) -> str:
        """Key of the marked item or link."""
        return self.picture.selected

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
        frame = hits.frame_at(self.picture, at) if self.level() > Detail.FAR else None
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
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.keep_frame()
            self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        else:
            delta = event.pixelDelta()
            if delta.isNull():
                delta = event.angleDelta() / 2
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = delta.transposed()
            self.pan(delta.x(), delta.y())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Mouse:
            key, at = self._key_at(self._scene_point(QPointF(event.pos()))), event.globalPos()
            if key:
                self._choose(key)
        else:
            key, at = self.selected, self.mapToGlobal(self._middle_of(self.selected))
        if key:
            self.menuRequested.emit(key, at)

    def _middle_of(self, key: str) -> QPoint:
        """Where an item is on the canvas; the middle of the canvas for anything else."""
        item = self.picture.scene.items.get(key)
        if item is None:
            return self.rect().center()
        centre = self.picture.rect(item).center()
        return QPointF(*self.view.to_canvas(centre.x(), centre.y())).toPoint()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.keep_frame()
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
        numbers = self.level() == Detail.NEAR
        link = hits.link_at(self.picture, at, self.view.scale, numbers)
        return link.key if link is not None else ""

    def larger(self) -> None:
        self.zoom(ZOOM_STEP)

    def smaller(self) -> None:
        self.zoom(1 / ZOOM_STEP)

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
            self.larger()
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.smaller()
        elif key == Qt.Key.Key_0:
            self.zoom_to(1.0)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected:
            self._open(self.selected)
        elif key == Qt.Key.Key_Backspace and (frame := self._frame_around(self.selected)):
            self.foldToggled.emit(frame)
        elif key == Qt.Key.Key_Escape and self.selected:
            self._choose("")
        else:
            return False
        return True

    def _frame_around(self, key: str) -> str:
        """The innermost open module or function around an item, or around where a link begins."""
        scene = self.picture.scene
        link = scene.links.get(key)
        item = scene.items.get(link.source if link is not None else key)
        return item.groups[-1] if item is not None and item.groups else ""

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

    def go_to(self, key: str) -> None:
        """Select ``key`` and bring it into view."""
        self._choose(key)
        self.reveal(key)

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
        self.ringed = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        )
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.ringed = False
        self.update()
