"""Windows for tests: real ones, on sessions that start real programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from gradstep.gui.app import make_application
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow


def _end_at_once(window: MainWindow) -> None:
    """The time to end by itself would add up. qtbot closes windows before fixtures end."""
    if window.session.state is not State.ENDED:
        window.session.stop_program()


@pytest.fixture
def make_window(qtbot: QtBot) -> Iterator[Callable[[], MainWindow]]:
    make_application()
    made: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow(Session())
        made.append(window)
        qtbot.addWidget(window, before_close_func=_end_at_once)
        window.resize(1440, 900)
        window.show()
        qtbot.waitExposed(window)
        window.activateWindow()
        return window

    yield make
    for window in made:
        window.close()
    theme().force(None)


@pytest.fixture
def window(make_window: Callable[[], MainWindow]) -> MainWindow:
    return make_window()
