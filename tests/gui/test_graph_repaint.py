"""What a step repaints of the graph: exactly what a full repaint would show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QImage, QPaintEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.cursor import Cursor
from gradstep.gui.graph.panel import GraphPanel
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.trace import Goal

WAIT = 30_000


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize(("lesson", "steps"), [("linear", 25), ("two_layers", 26)])
def test_a_partial_repaint_is_the_full_picture(
    qtbot: QtBot, session: Session, lesson: str, steps: int
) -> None:
    """Every pixel, after every step of more than one iteration. Nothing is tolerated: what is cut
    by the edge of a repaint must come out as if it were not."""
    panel = GraphPanel(session, Cursor())
    qtbot.addWidget(panel)
    panel.set_motion(False)
    panel.resize(680, 540)
    panel.show()
    qtbot.waitExposed(panel)
    session.open(str(resource("lessons", f"{lesson}.py")))
    qtbot.waitUntil(lambda: session.state is State.STOPPED, timeout=WAIT)
    exposed: list[int] = []
    watch = _Exposures(panel, exposed)
    panel.canvas.installEventFilter(watch)
    partial = 0
    for step in range(steps):
        exposed.clear()
        session.advance(Goal.STEP)
        qtbot.waitUntil(lambda: session.state is not State.RUNNING, timeout=WAIT)
        qtbot.waitUntil(lambda: not panel.waiting, timeout=WAIT)
        QTest.qWait(20)
        whole = panel.canvas.width() * panel.canvas.height()
        partial += bool(exposed) and max(exposed) < whole / 2
        stepped = _seen(panel)
        panel.canvas.update()
        QTest.qWait(20)
        difference = np.nonzero((stepped != _seen(panel)).any(axis=2))
        assert not len(difference[0]), f"step {step}: {_box(difference)}"
    assert partial >= steps / 3, "most steps repaint little, or this test would see nothing"


class _Exposures(QObject):
    """Notes how many pixels each paint event is about."""

    def __init__(self, parent: QObject, areas: list[int]) -> None:
        super().__init__(parent)
        self._areas = areas

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            rects = list(cast(Iterable[QRect], event.region()))
            self._areas.append(sum(rect.width() * rect.height() for rect in rects))
        return False


def _seen(panel: GraphPanel) -> np.ndarray:
    """The pixels that are on the screen: not a new painting, as ``grab`` would make one."""
    image = panel.screen().grabWindow(panel.winId()).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8)
    return pixels.reshape(image.height(), image.width(), 4)[..., :3].copy()


def _box(difference: tuple[np.ndarray, ...]) -> str:
    rows, columns = difference
    return (
        f"{len(rows)} pixels in x {columns.min()} to {columns.max()}, "
        f"y {rows.min()} to {rows.max()}"
    )
