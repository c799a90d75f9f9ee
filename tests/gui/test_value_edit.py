"""Editing in place, in a real window on a real experiment; copies and files; state beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from gradstep.gui.states import State
from gradstep.gui.window import MainWindow
from gradstep.protocol.trace import Graph
from tests.gui.windows import WAIT, action, opened, until, written

PROGRAM = """
import torch

import gradstep

w = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, 4.0]], requires_grad=True)
b = torch.tensor(2.0, requires_grad=True)

def experiment():
    return gradstep.Experiment(
        lambda x: w @ x + b, loss=lambda p, y: (p - y).pow(2).sum(),
        parameters={"w": w, "b": b}, optimizer=torch.optim.SGD([w, b], lr=0.1, momentum=0.9),
        data=[(torch.ones(3), torch.zeros(2))],
    )
"""


@pytest.fixture
def window(qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path: Path) -> MainWindow:
    return opened(qtbot, make_window(), written(tmp_path, PROGRAM))


def select(qtbot: QtBot, window: MainWindow, ref: str) -> None:
    window.cursor_.select(ref)
    panel = window.workspace.value
    qtbot.waitUntil(lambda: panel.title_row.text()[1] == ref, timeout=WAIT)
    qtbot.waitUntil(lambda: not panel.reader._open, timeout=WAIT)


def phases(qtbot: QtBot, window: MainWindow, *names: str) -> None:
    for name in names:
        action(window, name).trigger()
        until(qtbot, window, State.STOPPED)


def type_in(qtbot: QtBot, field: QLineEdit, text: str) -> None:
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def test_an_element_is_edited_and_taken_back(qtbot: QtBot, window: MainWindow) -> None:
    select(qtbot, window, "w")
    panel = window.workspace.value
    grid = panel.tensor.tables["data"].grid
    qtbot.waitUntil(lambda: grid.tensor.element(0, 1) is not None, timeout=WAIT)

    def edit(text: str) -> None:
        grid.setFocus()
        grid.setCurrentIndex(grid.tensor.index(0, 1))
        qtbot.keyClick(grid, Qt.Key.Key_F2)
        field = grid.viewport().findChild(QLineEdit)
        assert isinstance(field, QLineEdit)
        type_in(qtbot, field, text)

    edit("two")
    row = panel.details.edited
    qtbot.waitUntil(lambda: "no number" in row.problem.text(), timeout=WAIT)
    assert grid.tensor.element(0, 1) == -2.0 and row.text.isHidden()
    edit("7.5")
    qtbot.waitUntil(lambda: grid.tensor.element(0, 1) == 7.5, timeout=WAIT)
    assert row.text.text() == "edited: w[0, 1] was −2" and row.problem.isHidden()
    assert not row.undo.isHidden()
    phases(qtbot, window, "forward", "backward")
    w = torch.tensor([[1.0, 7.5, 3.0], [0.5, 0.25, 4.0]], requires_grad=True)
    (w @ torch.ones(3) + 2).pow(2).sum().backward()
    found = panel.tensor.tables["grad"].model
    qtbot.waitUntil(lambda: found.element(0, 0) == w.grad[0, 0].item(), timeout=WAIT)
    row.undo.click()
    qtbot.waitUntil(lambda: grid.tensor.element(0, 1) == -2.0, timeout=WAIT)
    assert row.isHidden()


def test_a_scalar_and_the_learning_rate(qtbot: QtBot, window: MainWindow) -> None:
    select(qtbot, window, "b")
    panel = window.workspace.value
    number = panel.card.data.number
    number.setFocus()
    qtbot.keyClick(number, Qt.Key.Key_F2)
    assert number.field.isVisible() and number.field.text() == "2"
    qtbot.keyClick(number.field, Qt.Key.Key_Escape)
    assert not number.field.isVisible() and number.exact == "2"
    qtbot.keyClick(number, Qt.Key.Key_F2)
    type_in(qtbot, number.field, "-1")
    qtbot.waitUntil(lambda: number.exact == "−1", timeout=WAIT)
    rate = panel.findChild(QLineEdit, "edit_lr")
    assert isinstance(rate, QLineEdit)
    type_in(qtbot, rate, "0.5")
    rows = panel.details.optimizer.rows
    qtbot.waitUntil(lambda: ("lr", "0.5") in rows, timeout=WAIT)
    assert "lr was 0.1" in panel.details.edited.text.text()
    phases(qtbot, window, "forward", "backward", "update")
    w = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, 4.0]])
    b = torch.tensor(-1.0, requires_grad=True)
    (w @ torch.ones(3) + b).pow(2).sum().backward()
    expected = (b.detach() - 0.5 * b.grad).item()
    qtbot.waitUntil(lambda: float(number.exact.replace("−", "-")) == expected, timeout=WAIT)
    # The momentum buffer is a value like any other.
    qtbot.waitUntil(lambda: any(name == "momentum_buffer" for name, _ in rows), timeout=WAIT)
    select(qtbot, window, "w")
    qtbot.waitUntil(
        lambda: bool(panel.findChild(QPushButton, "open_momentum_buffer")), timeout=WAIT
    )
    panel.findChild(QPushButton, "open_momentum_buffer").click()
    qtbot.waitUntil(lambda: panel.title_row.text()[1] == "w @ momentum_buffer", timeout=WAIT)
    model = panel.tensor.tables["data"].model
    grad = (2 * (w @ torch.ones(3) - 1)).tolist()
    qtbot.waitUntil(lambda: [model.element(r, 0) for r in range(2)] == grad, timeout=WAIT)
    # It is read anew at the next stop.
    phases(qtbot, window, "zero_grad", "forward")
    assert panel.title_row.text()[1] == "w @ momentum_buffer"


def test_copies_and_files(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    select(qtbot, window, "w")
    panel = window.workspace.value
    expected = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, 4.0]], np.float32)
    clipboard = QGuiApplication.clipboard()
    for id, prefix in (("value_copy_torch", "torch.tensor("), ("value_copy_numpy", "np.array(")):
        clipboard.clear()
        panel.findChild(QAction, id).trigger()
        qtbot.waitUntil(lambda prefix=prefix: clipboard.text().startswith(prefix), timeout=WAIT)
        again = eval(clipboard.text(), {"torch": torch, "np": np})
        assert np.asarray(again).tobytes() == expected.tobytes()
    path = tmp_path / "w.npy"
    panel.details.write(str(path), "npy")
    qtbot.waitUntil(path.exists, timeout=WAIT)
    assert np.load(path, allow_pickle=False).tobytes() == expected.tobytes()
    panel.details.write(str(tmp_path / "no" / "w.csv"), "csv")
    problem = panel.details.edited.problem
    qtbot.waitUntil(lambda: "was not written" in problem.text(), timeout=WAIT)


def test_saved_tensors_of_a_result(qtbot: QtBot, window: MainWindow) -> None:
    phases(qtbot, window, "forward")
    found: list[str] = []
    window.session.ask(
        "graph",
        Graph,
        lambda g, _: found.extend(f"#{n.id}:0" for n in g.nodes if n.name == "pow"),
        tag="test",
    )
    qtbot.waitUntil(lambda: bool(found), timeout=WAIT)
    window.cursor_.select(found[0])
    saved = window.workspace.value.details.saved
    qtbot.waitUntil(lambda: not saved.isHidden(), timeout=WAIT)
    assert saved.heading.text() == "saved for PowBackward0"
    assert saved.rows[0][0] == "self" and saved.rows[0][1].startswith("2   rms")
    phases(qtbot, window, "backward")
    qtbot.waitUntil(lambda: saved.rows[0][1] == "freed by backward", timeout=WAIT)
