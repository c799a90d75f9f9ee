"""The value panel without a mouse: Tab reaches all of it, and one sees where one is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow
from tests.gui.windows import WAIT, action, opened, written

PROGRAM = """
import torch

import gradstep

torch.manual_seed(0)
w = torch.randn(2, 3, 9, 10).requires_grad_()
optimizer = torch.optim.Adam([w], lr=0.25)

def experiment():
    return gradstep.Experiment(
        lambda x: w * x, loss=lambda p, y: (p - y).pow(2).sum(), optimizer=optimizer,
        data=[(torch.ones(1), torch.zeros(1))],
    )
"""
EXPECTED = {
    "value_choose", "value_pin", "value_table_data", "value_histogram_data", "value_since",
    "value_mode", "track_data", "track_grad", "value_track_measure", "value_axis_0",
    "value_axis_1", "edit_lr", "open_exp_avg", "value_undo",
}  # fmt: skip


def name_of(widget: QWidget) -> str:
    """Its own, or that of what it is a part of."""
    at: QWidget | None = widget
    while at is not None and (not at.objectName() or at.objectName().startswith("qt_")):
        at = at.parentWidget()
    return at.objectName() if at is not None else ""


def test_all_by_keys(qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path) -> None:
    window = opened(qtbot, make_window(), written(tmp_path, PROGRAM))
    value = window.workspace.value
    window.resize(1440, 900)
    window.cursor_.select("w")
    qtbot.waitUntil(lambda: value.content.track.name == "w", timeout=WAIT)
    action(window, "iteration").trigger()
    qtbot.waitUntil(lambda: value.content.track.data.count() == 1, timeout=WAIT)
    model = value.tensor.tables["data"].model
    updated = pytest.approx(_plain()[0, 0, 1, 0].item(), rel=1e-6)
    qtbot.waitUntil(lambda: model.element(1, 0) == updated, timeout=WAIT)
    # Edit by the keyboard alone: arrows, F2, Escape, F2, Enter.
    grid = value.tensor.tables["data"].grid
    grid.setFocus()
    grid.setCurrentIndex(model.index(0, 0))
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.currentIndex().row() == 1
    for key, text in ((Qt.Key.Key_Escape, "99"), (Qt.Key.Key_Return, "0.5")):
        qtbot.keyClick(grid, Qt.Key.Key_F2)
        field = grid.viewport().findChild(QLineEdit)
        assert isinstance(field, QLineEdit)
        field.setText(text)
        qtbot.keyClick(field, key)
        qtbot.waitUntil(lambda: not grid.viewport().findChildren(QLineEdit), timeout=WAIT)
    qtbot.waitUntil(lambda: model.element(1, 0) == 0.5, timeout=WAIT)
    qtbot.waitUntil(lambda: not value.reader._open, timeout=WAIT)
    qtbot.wait(100)  # rows that have just been made are shown
    value.choose.setFocus(Qt.FocusReason.TabFocusReason)
    met: dict[str, QWidget] = {}
    unseen = []
    for _ in range(80):
        widget = QApplication.focusWidget()
        if widget is None or not value.isAncestorOf(widget):
            break
        name = name_of(widget)
        if name in EXPECTED and name not in met:
            if not _shows_focus(widget):
                unseen.append(name)
            at = value.content.viewport().rect()
            place = widget.mapTo(value.content.viewport(), widget.rect().center())
            if value.content.isAncestorOf(widget):
                assert at.contains(place), f"{name} is out of sight"
        met[name] = widget
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    assert not EXPECTED - set(met), EXPECTED - set(met)
    assert not unseen
    histogram = value.tensor.tables["data"].histogram
    histogram.setFocus()
    qtbot.keyClick(histogram, Qt.Key.Key_Space)
    assert histogram.log
    qtbot.keyClick(histogram, Qt.Key.Key_Right)
    assert " elements from " in histogram.accessibleDescription()


def _shows_focus(widget: QWidget) -> bool:
    """Whether it looks otherwise than without the keyboard, by more than a caret."""
    window = widget.window()
    box = widget.rect().translated(widget.mapTo(window, widget.rect().topLeft()))
    around = box.adjusted(-3, -3, 3, 3)
    focused = window.grab(around).toImage()
    ring = theme().colour("selection_ring_and_primary_button").rgb()
    seen = sum(
        focused.pixel(x, y) == ring for x in range(focused.width()) for y in range(focused.height())
    )
    return seen >= 8


def _plain() -> torch.Tensor:
    torch.manual_seed(0)
    w = torch.randn(2, 3, 9, 10).requires_grad_()
    optimizer = torch.optim.Adam([w], lr=0.25)
    w.pow(2).sum().backward()
    optimizer.step()
    return w.detach()
