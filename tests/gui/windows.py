"""What tests do with a window again and again."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from gradstep.gui.states import State
from gradstep.gui.window import MainWindow

WAIT = 30_000
"""Milliseconds that torch may take to load."""


def opened(qtbot: QtBot, window: MainWindow, path: str) -> MainWindow:
    window.open_file(path)
    until(qtbot, window, State.STOPPED)
    return window


def written(folder: Path, text: str) -> str:
    path = folder / "program.py"
    path.write_text(text)
    return str(path)


def until(qtbot: QtBot, window: MainWindow, *states: State) -> None:
    qtbot.waitUntil(lambda: window.session.state in states, timeout=WAIT)


def action(window: MainWindow, id: str) -> QAction:
    found = window.findChild(QAction, id)
    assert isinstance(found, QAction)
    return found
