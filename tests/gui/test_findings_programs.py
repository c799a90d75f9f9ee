"""The phase watch and the way to a NaN, in the window and with real programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gradstep.gui.message_bar import Kind
from gradstep.gui.panels.gutter import Arrow
from gradstep.gui.states import State
from gradstep.gui.window import MainWindow
from gradstep.protocol.trace import Reason
from tests.gui.test_stepping_programs import PROGRAM, line_of, press
from tests.gui.windows import WAIT, opened, until, written

NAN = """\
import torch

w = torch.tensor([1.0, 0.0], requires_grad=True)
root = w.sqrt()  # @root
loss = root.sum()
loss.backward()  # @backward
"""


def test_what_the_phase_watch_finds_is_told_once(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    opened(qtbot, window, written(tmp_path, PROGRAM))
    qtbot.keyClick(window, Qt.Key.Key_F5)
    until(qtbot, window, State.ENDED)
    log = window.workspace.log
    qtbot.waitUntil(lambda: len(log.entries) == 1, timeout=WAIT)
    line = line_of(PROGRAM, "backward")
    assert log.entries[0].button.text() == f"Show line {line}"
    assert window.message.text().startswith("Gradients were never zeroed\n")
    qtbot.waitUntil(lambda: list(window.workspace.source.view.notes) == [line])


def test_a_nan_is_led_back_to_its_operation(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    """The slope of the square root at 0 is Inf."""
    opened(qtbot, window, written(tmp_path, NAN))
    control = Qt.KeyboardModifier.ControlModifier
    assert press(qtbot, window, Qt.Key.Key_F5, control) is Reason.NAN
    bar = window.message
    assert bar.notice is not None and bar.notice.nonfinite is not None
    assert bar.notice.kind is Kind.ERROR
    assert bar.notice.nonfinite.operation == "SqrtBackward0"
    root = line_of(NAN, "root")
    assert bar.line.text() == f"Show line {root}"
    view = window.workspace.source.view
    qtbot.waitUntil(lambda: [(m.line, m.arrow) for m in view.marks][:1] == [(root, Arrow.CROSS)])
    bar.unfold.click()
    assert bar.nan.steps[-1].link.operation == "SqrtBackward0"
