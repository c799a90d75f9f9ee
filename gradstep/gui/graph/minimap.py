"""All of a large graph in a corner, with a frame around what is seen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from gradstep.gui.graph.free_corner import corners, free_corner
from gradstep.gui.graph.layout.placement import Rect
from gradstep.gui.graph.paint.far import blocks
from gradstep.gui.graph.paint.pens import ink, pen, stroke
from gradstep.gui.graph.scene import Item
from gradstep.gui.graph.view import GraphView
from gradstep.gui.theme import theme

WIDE, HIGH = QSize(220, 96), QSize(96, 240)
"""At most, for graphs that are wider than high, or higher than wide."""
THIN = 28
"""A graph so long that it would be thinner is drawn as wide as this."""
MARGIN, PAD = 12, 6
LEAST = 2.0
"""Pixels of a block, and of the frame."""
AT_A_TIME = 400
REST_MS = 200
"""While steps follow each other, it is drawn again no more often than this."""
STILL_MS = 250
"""A view that has not moved for so long is being read."""


class Minimap(QWidget):
    """Follows a canvas, in a corner where it hides nothing that is read. Where there is none, it is
    there only while the person moves the view. A click or a drag moves the canvas's view."""

    def __init__(self, canvas: GraphView) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setObjectName("graph_minimap")
        self.setAccessibleName(self.tr("Overview of the graph"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._canvas = canvas
        self.wanted = True
        self._pixmap: QPixmap | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(REST_MS)
        self._again.timeout.connect(self._draw_some)
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(STILL_MS)
        self._still.timeout.connect(self._make_way)
        self._placement = canvas.picture.placement
        self._waiting: dict[str, None] = {}
        self._next: tuple[str, ...] = ()
        self._shown: tuple[float, ...] = ()
        self._corner = 0
        theme().changed.connect(self._redraw)
        canvas.viewMoved.connect(self.follow)
        self.hide()

    def set_wanted(self, on: bool) -> None:
        """Whether it is there when the graph is larger than the view."""
        self.wanted = on
        self.follow()

    def picture_changed(self) -> None:
        """Draw what a step touched, or everything anew, a part at a time."""
        picture = self._canvas.picture
        if picture.placement is not self._placement:
            self._placement = picture.placement
            self._redraw()
        else:
            self._waiting.update(dict.fromkeys((*picture.touched_items, *self._next)))
            self._waiting.update(dict.fromkeys(picture.now.next))
            self._next = tuple(picture.now.next)
            if self._waiting and not self._again.isActive() and not self.isHidden():
                self._again.start()
        self.follow()
        self._still.start()  # numbers may have come to where it is

    def follow(self) -> None:
        """Show where the canvas is; nothing if all of the graph is seen."""
        canvas = self._canvas
        bounds = canvas.picture.placement.bounds
        large = bool(canvas.picture.items) and not canvas.view.seen(
            bounds, canvas.width(), canvas.height(), -1
        )
        roomy = canvas.width() > 2.5 * WIDE.width() and canvas.height() > 1.5 * HIGH.height()
        if not (large and roomy and self.wanted):
            self._still.stop()
            self._shown = ()
            self.hide()
            return
        size, view = self._size(bounds), canvas.view
        if size != self.size():
            self.resize(size)
            self._redraw()
        seen = view.scale, view.x, view.y, canvas.width(), canvas.height()
        if seen == self._shown:
            return
        opened, self._shown = not self._shown, seen
        self.update()
        if opened:
            self._make_way()
            return
        if canvas.own_view and not canvas.movement.panning:
            self._appear(self._places()[self._corner])
        self._still.start()

    def _places(self) -> list[QRect]:
        return corners(self._canvas.size(), self.size(), MARGIN)

    def _make_way(self) -> None:
        """The view stands still: hide nothing that is read in it."""
        if not self._shown or (self.isVisible() and self.underMouse()):
            return
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:  # it is still being moved
            self._still.start()
            return
        canvas, places = self._canvas, self._places()
        place = free_corner(canvas.picture, canvas.view, places)
        if place is None:
            self.hide()
            return
        self._corner = places.index(place)
        self._appear(place)

    def _appear(self, place: QRect) -> None:
        self.move(place.topLeft())
        if self.isHidden():
            self.show()
            self._redraw()

    def _size(self, bounds: Rect) -> QSize:
        most = WIDE if bounds.width >= bounds.height else HIGH
        inner = QSize(most.width() - 2 * PAD, most.height() - 2 * PAD)
        scale = min(
            inner.width() / max(bounds.width, 1.0), inner.height() / max(bounds.height, 1.0)
        )
        width = max(round(bounds.width * scale), THIN)
        height = max(round(bounds.height * scale), THIN)
        return QSize(width + 2 * PAD, height + 2 * PAD)

    def _redraw(self) -> None:
        """Everything, beginning with an empty sheet."""
        self._pixmap = None
        self._waiting = dict.fromkeys(item.key for item in self._canvas.picture.items)
        if self._waiting:
            self._again.start(0)
        self.update()

    def _draw_some(self) -> None:
        """No longer at a time than a frame lasts."""
        if self.isHidden():
            return
        if self._pixmap is None:
            self._pixmap = self._sheet()
        scene = self._canvas.picture.scene
        keys = list(self._waiting)[:AT_A_TIME]
        for key in keys:
            del self._waiting[key]
        self._draw([scene.items[key] for key in keys if key in scene.items], self._pixmap)
        if self._waiting:
            self._again.start(0)
        self.update()

    def _factors(self) -> tuple[float, float]:
        bounds = self._canvas.picture.placement.bounds
        return (
            (self.width() - 2 * PAD) / max(bounds.width, 1.0),
            (self.height() - 2 * PAD) / max(bounds.height, 1.0),
        )

    def view_rect(self) -> QRectF:
        """The frame around what the canvas shows, in this widget's pixels."""
        canvas, bounds = self._canvas, self._canvas.picture.placement.bounds
        left, top = canvas.view.to_scene(0, 0)
        right, bottom = canvas.view.to_scene(canvas.width(), canvas.height())
        a, b = self._factors()
        rect = QRectF(
            PAD + (left - bounds.left) * a,
            PAD + (top - bounds.top) * b,
            (right - left) * a,
            (bottom - top) * b,
        )
        rect = rect.intersected(QRectF(self.rect()).adjusted(2, 2, -2, -2))
        more = max(0.0, 2 * LEAST - rect.height()) / 2
        return rect.adjusted(0, -more, 0, more)

    # ------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._pixmap is None:
            self._pixmap = self._sheet()
        painter.drawPixmap(0, 0, self._pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(ink("selection_ring_and_primary_button"), stroke("selection")))
        inside = QColor(ink("selection_ring_and_primary_button"))
        inside.setAlphaF(0.08)
        painter.setBrush(inside)
        painter.drawRoundedRect(self.view_rect(), 2, 2)

    def _sheet(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(pixmap)
        painter.setPen(pen(ink("border"), 1.0))
        painter.setBrush(ink("panel"))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
        return pixmap

    def _draw(self, items: Sequence[Item], pixmap: QPixmap) -> None:
        picture, bounds = self._canvas.picture, self._canvas.picture.placement.bounds
        a, b = self._factors()
        painter = QPainter(pixmap)
        painter.setPen(Qt.PenStyle.NoPen)
        for colour, rects in blocks(picture, items, 0.0):
            painter.setBrush(colour)
            painter.drawRects(
                [
                    QRectF(
                        PAD + (r.x() - bounds.left) * a,
                        PAD + (r.y() - bounds.top) * b,
                        max(r.width() * a, LEAST),
                        max(r.height() * b, LEAST / 2),
                    )
                    for r in rects
                ]
            )
        painter.end()

    # ------------------------------------------------------------------ pointer

    def leaveEvent(self, event: QEvent) -> None:
        self._still.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def _go_to(self, at: QPointF) -> None:
        bounds = self._canvas.picture.placement.bounds
        a, b = self._factors()
        x = bounds.left + (at.x() - PAD) / a
        y = bounds.top + (at.y() - PAD) / b
        self._canvas.look_at(x, y)
