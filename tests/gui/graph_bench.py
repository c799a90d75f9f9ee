"""A graph panel on a bench: fed with graphs, looked at, clicked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from gradstep.gui.cursor import Cursor
from gradstep.gui.graph.canvas import GraphCanvas
from gradstep.gui.graph.panel import GraphPanel
from gradstep.gui.graph.scene import Item, Link
from gradstep.gui.guide import Guide
from gradstep.gui.theme import PhaseColours, theme
from gradstep.phases import Phase
from gradstep.protocol.trace import Graph, Stop
from tests.gui.fake_session import FakeSession


def wait_for(condition: Callable[[], bool], patience_ms: int) -> bool:
    end = time.monotonic() + patience_ms / 1000
    while not condition() and time.monotonic() < end:
        QTest.qWait(2)
    return condition()


class Bench:
    """A panel, and the session and cursor it hangs on."""

    def __init__(self) -> None:
        self.session, self.cursor = FakeSession(), Cursor()
        self._guide = Guide(self.session, self.cursor, self.cursor)  # type: ignore[arg-type]
        self.panel = GraphPanel(self.session, self.cursor)  # type: ignore[arg-type]
        self.panel.set_motion(False)
        self.panel.resize(680, 500)
        self.panel.show()
        QTest.qWaitForWindowExposed(self.panel)

    def feed(self, made: tuple[Graph, Stop]) -> None:
        """A stop and its graph, as the session tells them."""
        graph, stop = made
        self.session.stopped.emit(stop)
        self.session.graphChanged.emit(graph)
        self.settle()

    def settle(self) -> None:
        assert wait_for(lambda: not self.panel.waiting, 10_000)
        QTest.qWait(1)

    @property
    def canvas(self) -> GraphCanvas:
        return self.panel.canvas

    def item(self, text: str) -> Item:
        return next(i for i in self.canvas.picture.scene.items.values() if i.text == text)

    def link(self, name: str) -> Link:
        scene = self.canvas.picture.scene
        return next(
            k
            for k in scene.links.values()
            if k.edge.name == name or scene.items[k.source].text == name
        )

    def at(self, text: str, dx: float = 0, dy: float = 0) -> QPoint:
        """Where an item is on the canvas; ``dx``, ``dy`` in the scene's pixels."""
        x, y = self.canvas.picture.placement.boxes[self.item(text).key]
        return QPointF(*self.canvas.view.to_canvas(x + dx, y + dy)).toPoint()

    def on_whole_pixels(self) -> None:
        """At 100 %, every point of the scene on a pixel: between two of them a thin line's colour
        would be mixed with what is beside it."""
        self.canvas.zoom_to(1.0)
        view = self.canvas.view
        self.canvas.pan(round(view.x) - view.x, round(view.y) - view.y)

    def label_at(self, name: str) -> QPoint:
        x, y = self.canvas.picture.placement.routes[self.link(name).key].label
        return QPointF(*self.canvas.view.to_canvas(x, y - 16)).toPoint()

    def click(self, at: QPoint) -> None:
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=at)

    def picture(self) -> QImage:
        return self.canvas.grab().toImage()

    def colour(self, text: str, dx: float = 0, dy: float = 0) -> QColor:
        return self.picture().pixelColor(self.at(text, dx, dy))

    def has(self, colour: QColor, centre: QPoint, reach: int) -> bool:
        """Whether ``colour`` is seen within ``reach`` pixels of ``centre``."""
        image = self.picture()
        return any(
            image.pixelColor(x, y) == colour
            for x in range(max(0, centre.x() - reach), min(image.width(), centre.x() + reach + 1))
            for y in range(max(0, centre.y() - reach), min(image.height(), centre.y() + reach + 1))
        )


def on_the_bench() -> Iterator[Bench]:
    """For a fixture."""
    theme().force("light")
    made = Bench()
    yield made
    made.panel.close()
    made.panel.deleteLater()
    theme().force(None)


def colours(phase: Phase) -> PhaseColours:
    return theme().phase(phase)
