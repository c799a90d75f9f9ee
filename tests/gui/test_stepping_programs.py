"""Breakpoints and finer steps, in the window and with real programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gradstep.gui.panels.gutter import BREAK_AT
from gradstep.gui.window import MainWindow
from gradstep.protocol.breakpoints import BreakOn
from gradstep.protocol.trace import Reason
from tests.gui.windows import WAIT, opened, written

PROGRAM = """\
import torch

w = torch.tensor(1.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.01)


def model(x):
    return w * x  # @product


for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] * 3:
    loss = (model(x) - y) ** 2
    loss.backward()  # @backward
    opt.step()  # @step
"""


def line_of(text: str, marker: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if f"@{marker}" in line)


def press(
    qtbot: QtBot,
    window: MainWindow,
    key: Qt.Key,
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> Reason:
    with qtbot.waitSignal(window.session.stopped, timeout=WAIT):
        qtbot.keyClick(window, key, modifiers)
    stop = window.session.stop
    assert stop is not None
    return stop.reason


def test_a_line_clicked_and_a_node_of_backward_stop_the_run(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = written(tmp_path, PROGRAM)
    opened(qtbot, window, path)
    view = window.workspace.source.view
    qtbot.waitUntil(lambda: bool(view.marks))
    line = line_of(PROGRAM, "step")
    at = QPoint(int(BREAK_AT), view.rect_of(line).center().y())
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert press(qtbot, window, Qt.Key.Key_F5) is Reason.BREAKPOINT
    assert window.status.text().startswith(f"Stopped at a breakpoint: line {line}")
    qtbot.waitUntil(lambda: view.breakpoints[line].hit)
    found = window.breakpoints
    (first,) = found.list
    qtbot.waitUntil(lambda: found.list.state(first.id).hits == 1, timeout=WAIT)
    # At x = 2, y = 4, w = 1.02: the gradient that arrives at the product is 2 (2.04 − 4) = −3.92.
    found.change(first.id, enabled=False)
    node = found.add(BreakOn.NODE, pattern="Mul*", condition="grad < -3")
    assert press(qtbot, window, Qt.Key.Key_F5) is Reason.BREAKPOINT
    assert found.hit == (node.id,)
    assert window.status.text().startswith(
        "Stopped at a breakpoint: backward of Mul*, grad < -3 · Iteration 2 · Backward"
    )
    product = line_of(PROGRAM, "product")
    qtbot.waitUntil(lambda: view.marks[0].line == product)
    found.change(node.id, condition="nowhere > 1")
    assert press(qtbot, window, Qt.Key.Key_F5) is Reason.END
    state = found.list.state
    qtbot.waitUntil(lambda: "nowhere" in state(node.id).problem, timeout=WAIT)


def test_into_over_out_and_the_cursor(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = written(tmp_path, PROGRAM)
    opened(qtbot, window, path)
    source = window.workspace.source
    qtbot.waitUntil(lambda: bool(source.view.marks))
    line, product = line_of(PROGRAM, "backward") - 1, line_of(PROGRAM, "product")
    source.view.lineAsked.emit(line, 1)
    control = Qt.KeyboardModifier.ControlModifier
    assert press(qtbot, window, Qt.Key.Key_F10, control) is Reason.LINE
    stop = window.session.stop
    assert stop is not None and stop.line == line
    press(qtbot, window, Qt.Key.Key_F11)
    assert window.session.stop.line == product
    press(qtbot, window, Qt.Key.Key_F11, Qt.KeyboardModifier.ShiftModifier)
    assert window.session.stop.line == line
    press(qtbot, window, Qt.Key.Key_F8)
    assert window.session.stop.line != product
