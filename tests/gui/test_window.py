"""The whole window on real programs: keys, buttons, places, errors, memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.message_bar import Kind
from gradstep.gui.progress import Standing
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow
from gradstep.phases import Phase
from gradstep.protocol.trace import Reason
from tests.gui.windows import WAIT, action, opened, until, written


@pytest.fixture
def lesson(qtbot: QtBot, window: MainWindow) -> MainWindow:
    return opened(qtbot, window, str(resource("lessons", "linear.py")))


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, *, times: int = 1) -> None:
    """Press a key and wait for the stop, ``times`` times."""
    for _ in range(times):
        with qtbot.waitSignal(window.session.stopped, timeout=WAIT):
            qtbot.keyClick(window, key)


def value_of(qtbot: QtBot, window: MainWindow, ref: str) -> tuple[float, float | None]:
    """A scalar's data and gradient, asked of the engine."""
    found: dict[str, float | None] = {}
    values = window.session.valuesChanged
    with qtbot.waitSignal(values, timeout=WAIT) as told:
        window.session._reading.everything()
    for value in told.args[0]:
        if value.ref == ref:
            found = {
                "data": value.data.elements[0],
                "grad": value.grad.elements[0] if value.grad else None,
            }
    data = found["data"]
    assert data is not None
    return data, found["grad"]


# ---------------------------------------------------------------------- names


def test_everything_can_be_found_by_its_name(window: MainWindow) -> None:
    phases = ["forward", "backward", "update", "zero_grad"]
    verbs = [*phases, "step", "into", "over", "out"]
    verbs += ["iteration", "run", "pause", "stop", "restart"]
    apart = ("epoch", "run_to_cursor", "run_to_nan", "toggle_breakpoint")
    for name in (*verbs, "open", *apart):
        assert window.findChild(QAction, name) is not None, name
    for name in verbs:
        button = window.findChild(QAbstractButton, f"button_{name}")
        assert button is not None, name
        assert button.accessibleName(), name
        assert button.toolTip(), name
    panels = ("source", "graph", "value", "timeline", "loss", "console", "breakpoints", "log")
    for name in (*panels, "device", "status"):
        widgets = window.findChildren(QWidget, name)
        assert len(widgets) == 1, name
        assert widgets[0].accessibleName(), name


def test_before_any_program_only_opening_is_possible(window: MainWindow) -> None:
    assert window.status.text() == "No program is open"
    enabled = {id for id, a in window.actions_.actions.items() if a.isEnabled()}
    assert not enabled & {"forward", "step", "run", "pause", "stop", "restart"}
    assert "open" in enabled


# ---------------------------------------------------------------------- the four keys


def test_the_four_keys_train(qtbot: QtBot, lesson: MainWindow) -> None:
    """F, B, U, Z on y' = w·x at x = 1, y = 2, w = 1: the gradient is -2, w becomes 1.02."""
    assert lesson.tag.text().startswith("linear.py  experiment  Python")
    assert "Nothing has run yet" in lesson.status.text()
    press(qtbot, lesson, Qt.Key.Key_F)
    assert value_of(qtbot, lesson, "w")[0] == 1.0
    assert lesson.status.text().startswith("Forward ended · Iteration 1 · Next: Backward")
    press(qtbot, lesson, Qt.Key.Key_B)
    assert value_of(qtbot, lesson, "w") == (1.0, -2.0)
    press(qtbot, lesson, Qt.Key.Key_U)
    assert value_of(qtbot, lesson, "w") == (1.0199999809265137, -2.0)
    press(qtbot, lesson, Qt.Key.Key_Z)
    assert value_of(qtbot, lesson, "w") == (1.0199999809265137, 0.0)


def test_the_step_button_takes_the_colour_of_what_is_next(qtbot: QtBot, lesson: MainWindow) -> None:
    press(qtbot, lesson, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: lesson.toolbar.step.phase is Phase.BACKWARD)
    image = lesson.toolbar.step.grab().toImage()
    corner = QColor(image.pixel(6, image.height() // 2)).name()
    assert corner == theme().phase(Phase.BACKWARD).solid.name()


def test_phase_buttons_show_how_far_they_are(qtbot: QtBot, lesson: MainWindow) -> None:
    buttons = {button.info.phase: button for button in lesson.toolbar.phases}
    press(qtbot, lesson, Qt.Key.Key_F)
    press(qtbot, lesson, Qt.Key.Key_F10, times=2)
    qtbot.waitUntil(lambda: buttons[Phase.FORWARD].progress.standing is Standing.DONE)
    backward = buttons[Phase.BACKWARD].progress
    assert (backward.standing, backward.fraction) == (Standing.BEGUN, 0.5)
    assert buttons[Phase.UPDATE].progress.standing is Standing.WAITING


def test_a_held_key_steps_on_without_piling_up(qtbot: QtBot, lesson: MainWindow) -> None:
    stops: list[object] = []
    lesson.session.stopped.connect(stops.append)
    for steps in range(1, 6):
        for _ in range(4):  # the first finds the program standing; the rest come before it stops
            qtbot.keyPress(lesson, Qt.Key.Key_F10)
        until(qtbot, lesson, State.STOPPED)
        assert len(stops) == steps
    qtbot.keyRelease(lesson, Qt.Key.Key_F10)
    qtbot.wait(300)
    assert len(stops) == 5


def test_letters_typed_into_a_field_are_not_verbs(qtbot: QtBot, lesson: MainWindow) -> None:
    field = QLineEdit(lesson)
    field.setGeometry(0, 0, 100, 28)
    field.show()
    field.setFocus()
    qtbot.keyClicks(field, "fbuzi")
    assert field.text() == "fbuzi"
    assert lesson.session.stop is not None
    assert lesson.session.stop.reason is Reason.START


def test_clicking_a_button_is_the_same_as_its_key(qtbot: QtBot, lesson: MainWindow) -> None:
    button = lesson.findChild(QAbstractButton, "button_forward")
    with qtbot.waitSignal(lesson.session.stopped, timeout=WAIT):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert "Forward ended" in lesson.status.text()


def test_the_keyboard_stays_on_a_button_that_was_busy(qtbot: QtBot, lesson: MainWindow) -> None:
    button = lesson.toolbar.step
    button.setFocus(Qt.FocusReason.TabFocusReason)
    action(lesson, "step").setEnabled(False)
    assert not button.hasFocus()
    assert not any(b.hasFocus() for b in lesson.findChildren(QAbstractButton) if b is not button)
    action(lesson, "step").setEnabled(True)
    assert button.hasFocus()


# ---------------------------------------------------------------------- source and console


def test_the_next_line_is_marked_and_the_output_shown(qtbot: QtBot, window: MainWindow) -> None:
    opened(qtbot, window, str(resource("lessons", "linear_by_hand.py")))
    press(qtbot, window, Qt.Key.Key_F)
    press(qtbot, window, Qt.Key.Key_F10)
    view = window.workspace.source.view
    qtbot.waitUntil(lambda: [mark.line for mark in view.marks] == [16, 24])
    assert [mark.words for mark in view.marks] == ["its backward is next", "Python is here"]
    console = window.workspace.console.text
    qtbot.waitUntil(lambda: console.toPlainText() == "predict (before training) 4 4.0")


def test_a_program_that_raises_shows_its_line_and_its_traceback(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = written(tmp_path, "import torch\n\nx = torch.ones(2)\nx @ torch.ones(3)\n")
    opened(qtbot, window, path)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    until(qtbot, window, State.ENDED)
    notice = window.message.notice
    assert notice is not None
    assert (notice.kind, notice.title) == (Kind.ERROR, "RuntimeError")
    assert notice.place is not None
    assert notice.place.line == 4
    assert window.message.isVisible()
    assert window.message.line.text() == "Show line 4"
    qtbot.mouseClick(window.message.unfold, Qt.MouseButton.LeftButton)
    assert "x @ torch.ones(3)" in window.message.details.toPlainText()
    qtbot.waitUntil(lambda: [m.line for m in window.workspace.source.view.marks] == [4])
    assert not action(window, "step").isEnabled()
    qtbot.mouseClick(window.message.restart, Qt.MouseButton.LeftButton)
    until(qtbot, window, State.STOPPED)
    assert not window.message.isVisible()


def test_a_refusal_of_pytorch_is_said_in_words_and_it_goes_on(
    qtbot: QtBot, lesson: MainWindow
) -> None:
    press(qtbot, lesson, Qt.Key.Key_B)
    assert lesson.session.state is State.STOPPED
    notice = lesson.message.notice
    assert notice is not None
    assert notice.kind is Kind.WARNING
    assert "Forward" in notice.text
    press(qtbot, lesson, Qt.Key.Key_F)
    assert not lesson.message.isVisible()


def test_stopping_leaves_the_window_alive_and_restart_begins_again(
    qtbot: QtBot, lesson: MainWindow
) -> None:
    press(qtbot, lesson, Qt.Key.Key_F)
    action(lesson, "stop").trigger()
    until(qtbot, lesson, State.LOST)
    assert lesson.status.text().startswith("The program was stopped")
    assert lesson.message.notice is not None
    assert lesson.message.notice.kind is Kind.INFO
    assert not action(lesson, "forward").isEnabled()
    action(lesson, "restart").trigger()
    until(qtbot, lesson, State.STOPPED)
    assert lesson.session.stop is not None
    assert lesson.session.stop.reason is Reason.START


def test_a_file_that_cannot_run_gets_one_message(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.open_file(written(tmp_path, "def f(:\n"))
    until(qtbot, window, State.LOST)
    assert "line 1" in window.message.text()
    assert window.status.text() == "The program could not start"
