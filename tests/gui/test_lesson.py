"""The lesson tab on the real lesson: it follows, fills in the program's numbers and judges."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.lesson import LessonPanel
from gradstep.gui.numbers import format_number
from gradstep.gui.window import MainWindow
from tests.gui.windows import WAIT, action, opened, written


@pytest.fixture
def lesson(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window.workspace.lesson.language.chosen.emit(0)
    return opened(qtbot, window, str(resource("lessons", "linear.py")))


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key) -> None:
    with qtbot.waitSignal(window.session.stopped, timeout=WAIT):
        qtbot.keyClick(window, key)


def predict(qtbot: QtBot, panel: LessonPanel, text: str) -> None:
    panel.question.field.setFocus()
    panel.question.field.clear()
    qtbot.keyClicks(panel.question.field, text)
    qtbot.keyClick(panel.question.field, Qt.Key.Key_Return)
    panel.question.field.clearFocus()


def told(panel: LessonPanel, words: str) -> bool:
    return words in panel.text.text()


def gradient(w: float, x: float, y: float) -> float:
    """∂(w·x − y)²/∂w, by plain PyTorch."""
    leaf = torch.tensor(w, requires_grad=True)
    ((leaf * x - y) ** 2).backward()
    assert leaf.grad is not None
    return leaf.grad.item()


def test_the_text_follows_with_the_numbers_of_the_program(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    assert lesson.workspace.tabs.currentWidget() is panel
    assert panel.place.text() == "1 of 8"
    press(qtbot, lesson, Qt.Key.Key_F)
    press(qtbot, lesson, Qt.Key.Key_B)
    first = gradient(1.0, 1.0, 2.0)
    qtbot.waitUntil(lambda: told(panel, f"{format_number(first)}</span> in w.grad"))
    assert panel.place.text() == "3 of 8"
    press(qtbot, lesson, Qt.Key.Key_U)
    w = torch.tensor(1.0).sub(first, alpha=0.01).item()
    qtbot.waitUntil(lambda: told(panel, "w is <span") and told(panel, format_number(w)))


def test_a_step_within_a_phase_is_still_before_its_end(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    press(qtbot, lesson, Qt.Key.Key_F)
    press(qtbot, lesson, Qt.Key.Key_F10)
    assert panel.place.text() == "2 of 8"
    assert panel.question.isVisible()


def test_predictions_are_judged_by_what_the_program_computes(
    qtbot: QtBot, lesson: MainWindow
) -> None:
    panel = lesson.workspace.lesson
    predict(qtbot, panel, "1")
    press(qtbot, lesson, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: "✓ Right: loss is 1" in panel.verdict.text())
    predict(qtbot, panel, "2")
    press(qtbot, lesson, Qt.Key.Key_B)
    wrong = f"✗ w.grad is {format_number(gradient(1.0, 1.0, 2.0))}"
    qtbot.waitUntil(lambda: wrong in panel.verdict.text())
    assert not panel.question.field.text()


def test_what_is_no_number_is_said_and_not_kept(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    predict(qtbot, panel, "one")
    assert panel.question.note.text() == "Not a number."
    assert not panel.course.predictions


def test_hints_come_one_by_one(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    assert panel.hints.isHidden()
    qtbot.mouseClick(panel.question.hint, Qt.MouseButton.LeftButton)
    assert "1 · 1 = 1" in panel.hints.text() and "squares" not in panel.hints.text()
    qtbot.mouseClick(panel.question.hint, Qt.MouseButton.LeftButton)
    assert "squares" in panel.hints.text()
    assert not panel.question.hint.isEnabled()


def test_a_moment_that_is_passed_over_is_not_judged_by_later_numbers(
    qtbot: QtBot, lesson: MainWindow
) -> None:
    panel = lesson.workspace.lesson
    press(qtbot, lesson, Qt.Key.Key_F)
    predict(qtbot, panel, "-2")
    press(qtbot, lesson, Qt.Key.Key_I)  # w.grad is 0 when it stops
    qtbot.waitUntil(lambda: "has gone past it" in panel.verdict.text())
    assert panel.place.text() == "5 of 8"


def test_steps_can_be_turned_back_to_but_not_ahead(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    press(qtbot, lesson, Qt.Key.Key_F)
    qtbot.mouseClick(panel.back, Qt.MouseButton.LeftButton)
    assert panel.place.text() == "1 of 8"
    qtbot.mouseClick(panel.on, Qt.MouseButton.LeftButton)
    assert panel.place.text() == "2 of 8"
    assert not panel.on.isEnabled()


def test_the_language_changes_at_once_and_is_remembered(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    chinese = panel.language._group.button(1)
    qtbot.mouseClick(chinese, Qt.MouseButton.LeftButton)
    assert panel.title.text() == "一个权重，四个阶段"
    assert QSettings().value("language") == "zh"


def test_a_restart_begins_the_lesson_again(qtbot: QtBot, lesson: MainWindow) -> None:
    panel = lesson.workspace.lesson
    press(qtbot, lesson, Qt.Key.Key_I)
    with qtbot.waitSignal(lesson.session.stopped, timeout=WAIT):
        action(lesson, "restart").trigger()
    assert panel.place.text() == "1 of 8"
    assert int(str(QSettings().value("lessons/linear"))) == 4, "how far one came is remembered"


def test_only_lessons_have_the_tab(qtbot: QtBot, lesson: MainWindow, tmp_path) -> None:
    tabs, panel = lesson.workspace.tabs, lesson.workspace.lesson
    program = written(tmp_path, "print(1)\n")
    opened(qtbot, lesson, program)
    assert tabs.indexOf(panel) < 0
    Path(program).with_suffix(".toml").write_text("[training]\nepochs = 3\n")  # their own
    opened(qtbot, lesson, program)
    assert tabs.indexOf(panel) < 0
    opened(qtbot, lesson, str(resource("lessons", "linear.py")))
    assert tabs.currentWidget() is panel
