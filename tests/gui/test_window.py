"""The whole window on real programs: keys, buttons, places, errors, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QAction, QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.app import make_application
from gradstep.gui.message_bar import Kind
from gradstep.gui.progress import Standing
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow
from gradstep.phases import Phase
from gradstep.protocol.trace import Reason

WAIT = 30_000
Open = Callable[[str], MainWindow]


@pytest.fixture
def make_window(qtbot: QtBot) -> Iterator[Callable[[], MainWindow]]:
    make_application()
    made: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow(Session())
        made.append(window)
        qtbot.addWidget(window)
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


@pytest.fixture
def lesson(qtbot: QtBot, window: MainWindow) -> MainWindow:
    return opened(qtbot, window, str(resource("lessons", "linear.py")))


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


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, *, times: int = 1) -> None:
    """Press a key and wait for the stop, ``times`` times."""
    for _ in range(times):
        with qtbot.waitSignal(window.session.stopped, timeout=WAIT):
            qtbot.keyClick(window, key)


def action(window: MainWindow, id: str) -> QAction:
    found = window.findChild(QAction, id)
    assert isinstance(found, QAction)
    return found


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
    verbs = [*phases, "step", "iteration", "run", "pause", "stop", "restart"]
    for name in (*verbs, "open"):
        assert window.findChild(QAction, name) is not None, name
    for name in verbs:
        button = window.findChild(QAbstractButton, f"button_{name}")
        assert button is not None, name
        assert button.accessibleName(), name
        assert button.toolTip(), name
    for name in ("source", "graph", "value", "timeline", "loss", "console", "device", "status"):
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
    # What auto-repeat sends while the program is still busy with the last step is lost.
    for _ in range(50):
        qtbot.keyPress(lesson, Qt.Key.Key_F10)
        qtbot.wait(2)
    qtbot.keyRelease(lesson, Qt.Key.Key_F10)
    until(qtbot, lesson, State.STOPPED)
    seen = len(stops)
    assert seen > 3
    qtbot.wait(300)
    assert len(stops) == seen


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


# ---------------------------------------------------------------------- opening


def drop(window: MainWindow, *paths: str) -> bool:
    """Drag files over the window and let go; whether they were taken."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
    window.dragEnterEvent(enter)
    if enter.isAccepted():
        window.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    return enter.isAccepted()


def test_a_dropped_file_is_opened(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = written(tmp_path, "print('hello')\n")
    assert not drop(window, path, path)
    assert drop(window, path)
    until(qtbot, window, State.STOPPED)
    assert window.session.path == path
    assert window.windowTitle().startswith("program.py")


def entries(window: MainWindow, name: str) -> list[QAction]:
    menu = window.findChild(QMenu, name)
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    return menu.actions()


def test_lessons_are_in_the_menu_by_what_they_teach(qtbot: QtBot, window: MainWindow) -> None:
    found = {entry.objectName(): entry for entry in entries(window, "menu_lessons")}
    names = sorted(path.stem for path in resource("lessons").glob("*.py"))
    assert sorted(found) == [f"lesson_{name}" for name in names]
    assert found["lesson_product"].text().startswith("A first graph")
    found["lesson_product"].trigger()
    until(qtbot, window, State.STOPPED)
    assert window.session.path.endswith("product.py")


def test_recent_files_are_remembered_newest_first(
    qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path: Path
) -> None:
    first = make_window()
    paths = []
    for name in ("a.py", "b.py", "a.py"):
        path = tmp_path / name
        path.write_text("")
        paths.append(str(path))
        first.open_file(str(path))
    first.open_file(str(resource("lessons", "linear.py")))
    first.close()
    second = make_window()
    second.findChild(QMenu, "menu_file").aboutToShow.emit()
    assert [entry.toolTip() for entry in entries(second, "menu_recent")] == paths[2:0:-1]


# ---------------------------------------------------------------------- room and memory


@pytest.mark.parametrize(
    ("width", "tabs"),
    [
        (1440, ["Console", "Keys"]),
        (1150, ["Console", "Keys", "Loss"]),
        (1050, ["Source", "Console", "Keys", "Loss"]),
    ],
)
def test_panels_become_tabs_when_it_is_narrow(
    qtbot: QtBot, window: MainWindow, width: int, tabs: list[str]
) -> None:
    window.resize(width, 700)
    names = window.workspace.tabs
    qtbot.waitUntil(lambda: [names.tabText(i) for i in range(names.count())] == tabs)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: names.count() == 2)
    sizes = window.workspace.top
    assert [sizes.widget(i).objectName() for i in range(3)] == ["source", "graph", "value"]
    assert all(sizes.widget(i).isVisible() for i in range(3))


@pytest.mark.parametrize("width", [1024, 1200, 1440])
def test_the_toolbar_fits_and_the_phases_keep_their_words(
    qtbot: QtBot, window: MainWindow, width: int
) -> None:
    window.resize(width, 700)
    qtbot.waitUntil(lambda: window.width() == width)
    toolbar = window.toolbar
    least = theme().size("control", "phase_button")[0]
    qtbot.waitUntil(lambda: all(button.width() >= least for button in toolbar.phases))
    assert toolbar.device.geometry().right() <= width
    shown = [*toolbar.phases, toolbar.step, *toolbar.words, *toolbar.signs]
    for left, right in pairwise(shown):
        assert left.geometry().right() <= right.geometry().left() + 1
    assert toolbar.step.compact is (width == 1024)


def test_the_window_remembers_its_layout(make_window: Callable[[], MainWindow]) -> None:
    first = make_window()
    first.resize(1300, 800)
    first.workspace.top.setSizes([300, 600, 398])
    sizes = first.workspace.top.sizes()
    first.close()
    second = make_window()
    second.resize(1300, 800)
    assert second.workspace.top.sizes() == sizes


def test_appearance_and_speed_are_remembered(make_window: Callable[[], MainWindow]) -> None:
    first = make_window()
    action(first, "appearance_dark").trigger()
    assert theme().dark
    assert action(first, "appearance_dark").isChecked()
    first.toolbar.speed.setCurrentIndex(2)
    first.toolbar.speed.activated.emit(2)
    first.close()
    theme().force(None)
    assert not theme().dark
    second = make_window()
    assert theme().dark
    assert second.session.speed == 4
    assert second.toolbar.speed.currentText() == "4 per s"
    assert QSettings().value("appearance") == "dark"


def test_light_and_dark_change_while_the_window_is_open(window: MainWindow) -> None:
    def background() -> str:
        return QColor(window.grab().toImage().pixel(700, 60)).name()

    theme().force("light")
    assert background() == theme().colour("window").name() == "#f1f3f5"
    theme().force("dark")
    assert background() == theme().colour("window").name() == "#131519"
