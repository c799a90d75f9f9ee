"""The watch list in a real window on a real program: keys, values, errors, memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QAbstractItemView, QLineEdit
from pytestqt.qtbot import QtBot

from gradstep.gui.states import State
from gradstep.gui.watch.table import text_of
from gradstep.gui.window import MainWindow
from gradstep.protocol.examination import Watched
from tests.gui.windows import WAIT, action, opened, until, written

PROGRAM = """
import torch

import gradstep

w = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)

def experiment():
    return gradstep.Experiment(
        lambda x: w * x, loss=lambda p, y: (p - y).pow(2).sum(), parameters={"w": w},
        learning_rate=0.1, data=[(torch.ones(3), torch.zeros(3))],
    )
"""


@pytest.fixture
def window(qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path) -> MainWindow:
    return opened(qtbot, make_window(), written(tmp_path, PROGRAM))


def add(qtbot: QtBot, window: MainWindow, text: str) -> None:
    panel = window.workspace.watch
    window.workspace.tabs.setCurrentWidget(panel)
    panel.field.setFocus()
    qtbot.keyClicks(panel.field, text)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)


def settle(qtbot: QtBot, window: MainWindow) -> None:
    watches = window.workspace.watches
    wanted = set(watches.expressions)
    qtbot.waitUntil(lambda: watches.current and wanted <= set(watches.results), timeout=WAIT)


def shown(window: MainWindow) -> list[tuple[str, str]]:
    table = window.workspace.watch.table
    rows = range(table.rowCount())
    return [(table.index(r, 0).data(), table.index(r, 1).data()) for r in rows]


def phase(qtbot: QtBot, window: MainWindow, name: str) -> None:
    action(window, name).trigger()
    until(qtbot, window, State.STOPPED)
    qtbot.waitUntil(lambda: window.workspace.watches.current, timeout=WAIT)


def test_keys_values_and_errors(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.workspace.watch
    assert panel.stack.currentWidget() is panel.empty
    for text in ("w.grad.norm()", "(w * 2).sum()", "w +", "w"):
        add(qtbot, window, text)
    settle(qtbot, window)
    texts = dict(shown(window))
    assert "AttributeError" in texts["w.grad.norm()"] and "No Python" in texts["w +"]
    assert texts["(w * 2).sum()"] == "4" and texts["w"] == "3   [1, −2, 3]"
    phase(qtbot, window, "forward")
    phase(qtbot, window, "backward")
    w = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
    (w * 1).pow(2).sum().backward()
    found = window.workspace.watches.results["w.grad.norm()"]
    assert found.number == float(w.grad.norm()) and not found.problem
    phase(qtbot, window, "update")
    assert window.workspace.watches.results["w"].changed is True
    assert window.workspace.watches.results["w.grad.norm()"].changed is False
    # Rows: move, remove, edit, open.
    view = panel.view
    view.setFocus()
    view.choose(2)
    qtbot.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert window.workspace.watches.expressions[1] == "w +" and view.currentIndex().row() == 1
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert "w +" not in window.workspace.watches.expressions
    view.choose(1)
    qtbot.keyClick(view, Qt.Key.Key_F2)
    field = view.viewport().findChild(QLineEdit)
    assert view.state() is QAbstractItemView.State.EditingState and isinstance(field, QLineEdit)
    field.setText("w * 3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    after = ["w.grad.norm()", "w * 3", "w"]
    qtbot.waitUntil(lambda: window.workspace.watches.expressions == after)
    settle(qtbot, window)
    view.choose(1)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    value = window.workspace.value
    qtbot.waitUntil(lambda: value.title_row.text() == ("Value", "w * 3"), timeout=WAIT)
    tables = value.tensor.tables["data"].model
    expected = (torch.tensor([1.0, -2.0, 3.0]) - 0.1 * w.grad) * 3
    qtbot.waitUntil(lambda: tables.element(0, 0) is not None, timeout=WAIT)
    assert [tables.element(i, 0) for i in range(3)] == expected.tolist()


def test_pins_are_kept_between_launches(
    qtbot: QtBot, window: MainWindow, make_window: Callable[[], MainWindow]
) -> None:
    pin = window.workspace.value.pin
    qtbot.waitUntil(lambda: window.workspace.value.watchable() == "w", timeout=WAIT)
    assert not pin.isChecked()
    qtbot.mouseClick(pin, Qt.MouseButton.LeftButton)
    assert window.workspace.watches.expressions == ["w"] and pin.isChecked()
    path = window.session.path
    window.close()
    other = opened(qtbot, make_window(), path)
    assert other.workspace.watches.expressions == ["w"]
    settle(qtbot, other)
    qtbot.waitUntil(other.workspace.value.pin.isChecked, timeout=WAIT)
    other.workspace.watches.toggle("w")
    assert not other.workspace.value.pin.isChecked()
    assert not [key for key in QSettings().allKeys() if key.startswith("watch/")]


def test_texts() -> None:
    assert text_of(None) == "" and text_of(Watched("a", 2)) == "2"
    assert text_of(Watched("a", 0.5)) == "0.5" and text_of(Watched("a", text="None")) == "None"
    assert text_of(Watched("a", problem="NameError: a")) == "NameError: a"


def test_an_endless_expression_leaves_the_window_usable(qtbot: QtBot, window: MainWindow) -> None:
    watches = window.workspace.watches
    endless = "sum(x for x in range(10**12))"
    for text in (endless, "w.sum()"):
        add(qtbot, window, text)
    settle(qtbot, window)
    found = watches.results
    assert "longer than 2 s" in found[endless].problem and found["w.sum()"].number == 2
    phase(qtbot, window, "forward")
    settle(qtbot, window)
    assert "Not tried again" in found[endless].problem and found["w.sum()"].number == 2
    view = window.workspace.watch.view
    view.choose(0)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Interrupted" in watches.results[endless].problem, timeout=WAIT)


def test_a_call_that_cannot_be_interrupted_is_told_and_can_be_left(
    qtbot: QtBot, window: MainWindow
) -> None:
    watches = window.workspace.watches
    add(qtbot, window, "w.sum()")
    settle(qtbot, window)
    add(qtbot, window, "sum(range(10**12))")  # hours, in one call of C code
    qtbot.waitUntil(lambda: bool(watches.unanswered), timeout=WAIT)
    rows = dict(shown(window))
    assert "cannot interrupt" in rows["sum(range(10**12))"] and rows["w.sum()"] == "2"
    action(window, "stop").trigger()
    until(qtbot, window, State.LOST)
    assert not watches.unanswered
