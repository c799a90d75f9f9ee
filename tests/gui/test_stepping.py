"""Finer steps, breakpoints and findings in the whole window, by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from gradstep.gui.app import make_application
from gradstep.gui.message_bar import Kind
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow
from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn
from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Goal, Loaded, Place, Reason
from tests.gui.fakes import Scripted
from tests.gui.windows import action

PLAIN = Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Bench:
    """A window on a scripted program of thirty lines, which stands at line 2."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        make_application()
        self.qtbot, self.scripted = qtbot, Scripted()
        self.window = MainWindow(self.scripted.session)
        qtbot.addWidget(self.window)
        self.window.resize(1440, 900)
        self.window.show()
        qtbot.waitExposed(self.window)
        self.window.activateWindow()
        self.path = str(folder / "train.py")
        Path(self.path).write_text("".join(f"x{i} = {i}\n" for i in range(1, 31)))
        self.window.open_file(self.path)
        self.scripted.program.tell(Loaded("script", self.path, "3.11", "2.13"))
        self.stand(Reason.START, 2)
        qtbot.waitUntil(lambda: bool(self.source.view.marks))

    @property
    def source(self):
        return self.window.workspace.source

    def stand(self, reason: Reason, line: int, **fields: object) -> None:
        self.scripted.stand(self.qtbot, reason, place=Place(self.path, line), **fields)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
        self.qtbot.keyClick(self.window, key, modifiers)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(qtbot, tmp_path)
    yield bench
    bench.window.close()
    theme().force(None)


@pytest.mark.parametrize(
    ("key", "modifiers", "goal"),
    [
        (Qt.Key.Key_F11, PLAIN, Goal.INTO),
        (Qt.Key.Key_F8, PLAIN, Goal.OVER),
        (Qt.Key.Key_F11, SHIFT, Goal.OUT),
        (Qt.Key.Key_E, PLAIN, Goal.EPOCH),
        (Qt.Key.Key_F5, CTRL, Goal.NAN),
    ],
)
def test_keys_go_to_their_goal(
    bench: Bench, key: Qt.Key, modifiers: Qt.KeyboardModifier, goal: Goal
) -> None:
    bench.press(key, modifiers)
    assert bench.scripted.program.goals == [goal]


def test_run_to_cursor_goes_to_the_selected_line(bench: Bench) -> None:
    bench.source.view.setFocus(Qt.FocusReason.TabFocusReason)
    for _ in range(4):
        bench.qtbot.keyClick(bench.source.view, Qt.Key.Key_Down)
    bench.press(Qt.Key.Key_F10, CTRL)
    assert bench.scripted.program.goals == [Goal.LINE]
    assert bench.scripted.program.targets == [Place(bench.path, 5)]
    # While it runs there is nothing to run to, but breakpoints may be set.
    bench.qtbot.waitUntil(lambda: not action(bench.window, "run_to_cursor").isEnabled())
    assert action(bench.window, "toggle_breakpoint").isEnabled()


def test_toggling_by_key_is_seen_in_gutter_tab_and_engine(bench: Bench) -> None:
    bench.source.view.lineAsked.emit(7, 1)
    bench.press(Qt.Key.Key_F9)
    assert list(bench.source.view.breakpoints) == [7]
    tabs = bench.window.workspace.tabs
    index = tabs.indexOf(bench.window.workspace.breakpoints)
    assert tabs.tabBar().accessibleTabName(index) == "Breakpoints 1"
    (arguments, _) = bench.scripted.program.asked("set_breakpoints")[-1]
    assert [(b.file, b.line) for b in arguments["breakpoints"]] == [(bench.path, 7)]
    bench.press(Qt.Key.Key_F9)
    assert bench.source.view.breakpoints == {}
    assert tabs.tabBar().accessibleTabName(index) == "Breakpoints"


def test_a_stop_at_a_breakpoint_says_which(bench: Bench) -> None:
    made = bench.window.breakpoints.toggle_line(bench.path, 10)
    assert made is not None
    bench.window.breakpoints.change(made.id, condition="w.grad.norm() > 10")
    bench.press(Qt.Key.Key_F5)
    bench.stand(Reason.BREAKPOINT, 20, iteration=8, phase=Phase.BACKWARD, breakpoints=(made.id,))
    words = "Stopped at a breakpoint: line 10, w.grad.norm() > 10"
    assert bench.window.status.text().startswith(words)
    assert bench.window.windowTitle() == "train.py – Stopped at a breakpoint – gradstep"
    assert bench.source.view.breakpoints[10].hit
    assert bench.window.workspace.breakpoints.table.is_hit(0)
    bench.press(Qt.Key.Key_F10)
    bench.stand(Reason.STEP, 20, iteration=8)
    assert not bench.source.view.breakpoints[10].hit
    assert bench.window.status.text().startswith("Stopped after a step")


def test_run_at_a_speed_ends_at_a_breakpoint(bench: Bench) -> None:
    bench.window.session.set_speed(30)
    bench.press(Qt.Key.Key_F5)
    assert bench.window.session.playing
    bench.stand(Reason.STEP, 3)
    assert bench.window.session.playing
    bench.stand(Reason.STEP, 4, breakpoints=(1,))
    assert not bench.window.session.playing


def test_editing_a_condition_from_the_source_opens_its_field(bench: Bench) -> None:
    made = bench.window.breakpoints.toggle_line(bench.path, 10)
    assert made is not None
    bench.source.conditionRequested.emit(made.id)
    workspace = bench.window.workspace
    assert workspace.tabs.currentWidget() is workspace.breakpoints
    field = workspace.breakpoints.findChild(QLineEdit, "breakpoint_field")
    assert field is not None
    assert field.accessibleName() == "When"
    bench.qtbot.keyClicks(field, "fbuzi")  # not verbs here
    bench.qtbot.keyClick(field, Qt.Key.Key_Return)
    bench.qtbot.waitUntil(lambda: bench.window.breakpoints.list[made.id].condition == "fbuzi")
    assert bench.scripted.program.goals == []


def test_a_breakpoint_leads_to_its_line(bench: Bench) -> None:
    bench.window.breakpoints.toggle_line(bench.path, 28)
    workspace = bench.window.workspace
    workspace.tabs.setCurrentWidget(workspace.breakpoints)
    workspace.breakpoints.view.setFocus(Qt.FocusReason.TabFocusReason)
    bench.qtbot.keyClick(workspace.breakpoints.view, Qt.Key.Key_Return)
    assert bench.source.view.selected == 28


def test_letters_are_verbs_on_the_table_too(bench: Bench) -> None:
    bench.window.breakpoints.toggle_line(bench.path, 28)
    workspace = bench.window.workspace
    workspace.tabs.setCurrentWidget(workspace.breakpoints)
    workspace.breakpoints.view.setFocus(Qt.FocusReason.TabFocusReason)
    bench.qtbot.keyClick(workspace.breakpoints.view, Qt.Key.Key_F)
    assert bench.scripted.program.goals == [Goal.FORWARD]


def test_the_graph_makes_breakpoints(bench: Bench) -> None:
    bench.window.workspace.graph.stopRequested.emit(BreakOn.NODE, "MulBackward0")
    (made,) = bench.window.breakpoints.list
    assert (made.on, made.pattern) == (BreakOn.NODE, "MulBackward0")
    workspace = bench.window.workspace
    assert workspace.tabs.currentWidget() is workspace.breakpoints


def test_a_finding_is_above_the_graph_in_the_source_and_in_the_log(bench: Bench) -> None:
    title = "Gradients were never zeroed"
    found = Finding("never_zeroed", f"{title}.", place=Place(bench.path, 9))
    with bench.qtbot.waitSignal(bench.window.session.found):
        bench.scripted.program.tell(found)
    bar, workspace = bench.window.message, bench.window.workspace
    assert bar.isVisible()
    assert (bar.text(), bar.line.text()) == (title, "Show line 9")
    warned = {b.info.phase: b.accessibleDescription() for b in bench.window.toolbar.phases}
    assert [phase for phase, words in warned.items() if words] == [Phase.ZERO_GRAD]
    assert warned[Phase.ZERO_GRAD] == title
    assert bench.source.view.notes == {9: title}
    assert workspace.tabs.tabBar().accessibleTabName(workspace.tabs.indexOf(workspace.log)) == (
        "Log 1"
    )
    bench.qtbot.mouseClick(bar.line, Qt.MouseButton.LeftButton)
    assert bench.source.view.selected == 9
    bench.window.session.restart()
    assert not any(b.warning for b in bench.window.toolbar.phases)


def test_a_nan_is_said_in_the_colour_of_errors(bench: Bench) -> None:
    bench.press(Qt.Key.Key_F5, CTRL)
    bench.stand(Reason.NAN, 12, iteration=5, message="log of 0 is -Inf.")
    assert bench.window.session.state is State.STOPPED
    notice = bench.window.message.notice
    assert notice is not None
    assert (notice.kind, notice.title) == (Kind.ERROR, "log of 0 is -Inf.")
    assert bench.window.message.line.text() == "Show line 12"
    assert bench.window.status.text().startswith("Stopped at a NaN or Inf")
    bench.press(Qt.Key.Key_F10)
    assert bench.window.message.notice is None
