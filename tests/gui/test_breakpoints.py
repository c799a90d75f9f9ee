"""Breakpoints in the window: the list, what the engine is told, the table, the gutter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.model import BreakpointList
from gradstep.gui.breakpoints.panel import BreakpointsPanel
from gradstep.gui.breakpoints.table import Column
from gradstep.gui.breakpoints.words import explain, sentence, what
from gradstep.gui.cursor import Cursor
from gradstep.gui.states import State
from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState
from gradstep.protocol.trace import Goal, Reason
from tests.gui.fakes import LOADED, Scripted, opened, refuse

# ---------------------------------------------------------------------- the list


def test_a_line_is_toggled() -> None:
    found = BreakpointList()
    made = found.toggle_line("a.py", 3)
    assert made == Breakpoint(1, BreakOn.LINE, "a.py", 3)
    assert [b.line for b in found.of_file("a.py")] == [3]
    assert found.of_file("b.py") == []
    assert found.toggle_line("a.py", 3) is None
    assert len(found) == 0


def test_a_breakpoint_that_moved_down_is_toggled_where_it_sits() -> None:
    found = BreakpointList()
    made = found.add(BreakOn.LINE, file="a.py", line=3)
    found.take_states([BreakpointState(made.id, line=5)])
    assert found.of_line("a.py", 3) == []
    assert found.toggle_line("a.py", 5) is None
    assert len(found) == 0


def test_an_id_is_never_used_again() -> None:
    found = BreakpointList()
    first = found.add(BreakOn.PHASE)
    found.remove(first.id)
    assert found.add(BreakOn.PHASE).id != first.id
    found.load(found.dump())
    assert first.id not in found


def test_states_of_what_is_gone_are_not_kept() -> None:
    found = BreakpointList()
    made = found.add(BreakOn.OPERATION, pattern="log")
    assert found.take_states([BreakpointState(made.id, 2), BreakpointState(99, 7)])
    assert not found.take_states([BreakpointState(made.id, 2)])
    assert found.state(made.id).hits == 2
    assert found.state(99).hits == 0


def test_a_new_condition_makes_the_old_problem_void() -> None:
    found = BreakpointList()
    made = found.add(BreakOn.LINE, file="a.py", line=3, condition="x >")
    found.take_states([BreakpointState(made.id, 4, 5, "invalid syntax")])
    found.change(made.id, condition="x > 1")
    assert found.state(made.id) == BreakpointState(made.id, 4, 5)


texts = st.text(max_size=8)
breakpoints = st.builds(
    Breakpoint,
    id=st.integers(1, 99),
    on=st.sampled_from(BreakOn),
    file=texts,
    line=st.integers(0, 10**6),
    pattern=texts,
    phase=st.none() | st.sampled_from(Phase),
    iteration=st.integers(0, 10**6),
    condition=texts,
    ignore=st.integers(0, 99),
    enabled=st.booleans(),
)


@given(st.lists(breakpoints, max_size=5))
def test_what_is_kept_comes_back(kept: list[Breakpoint]) -> None:
    found, again = BreakpointList(), BreakpointList()
    for each in kept:
        fields = {name: getattr(each, name) for name in each.__dataclass_fields__}
        del fields["id"], fields["on"]
        found.add(each.on, **fields)
    again.load(found.dump())
    assert list(again) == list(found)


@pytest.mark.parametrize("text", ["", "nonsense", "{}", '[{"id": "one"}]', "[3]", "null"])
def test_nonsense_in_the_settings_is_no_breakpoint(text: str) -> None:
    found = BreakpointList()
    found.add(BreakOn.PHASE)
    found.load(text)
    assert len(found) == 0


# ---------------------------------------------------------------------- words

LINE = Breakpoint(1, BreakOn.LINE, "/x/net.py", 9, condition="w.grad.norm() > 10", ignore=2)


@pytest.mark.parametrize(
    ("breakpoint", "words"),
    [
        (LINE, ("line", "net.py:10")),
        (Breakpoint(1, BreakOn.LINE, "/x/main.py", 9), ("line", "10")),
        (Breakpoint(1, BreakOn.OPERATION, pattern="log"), ("operation", "log")),
        (Breakpoint(1, BreakOn.NODE, pattern="Sqrt*"), ("backward of", "Sqrt*")),
        (Breakpoint(1, BreakOn.MODULE, pattern="*.attn"), ("module", "*.attn")),
        (Breakpoint(1, BreakOn.PHASE, phase=Phase.ZERO_GRAD), ("end of", "Zero grad")),
        (Breakpoint(1, BreakOn.PHASE), ("end of", "any phase")),
        (Breakpoint(1, BreakOn.ITERATION, iteration=500), ("iteration", "500")),
    ],
)
def test_what_a_breakpoint_is_about(breakpoint: Breakpoint, words: tuple[str, str]) -> None:
    assert what(breakpoint, 10, "/x/main.py") == words


def test_a_breakpoint_in_a_sentence() -> None:
    assert sentence(LINE, 10) == "line 10, w.grad.norm() > 10"
    told = explain(LINE, BreakpointState(1, 4, 10, "w is not defined"))
    assert "when w.grad.norm() > 10" in told
    assert "from hit 3 on" in told  # two are passed by
    assert "hits so far: 4" in told
    assert told.endswith("w is not defined")
    assert "disabled" in explain(Breakpoint(1, BreakOn.LINE, enabled=False), BreakpointState(1))


# ---------------------------------------------------------------------- the engine is told


@pytest.fixture
def scripted(qtbot: QtBot) -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.session.close()


@pytest.fixture
def keeper(scripted: Scripted) -> Breakpoints:
    return Breakpoints(scripted.session, scripted.session)


def sent(scripted: Scripted) -> list[list[int]]:
    """The lines of the breakpoints of every command so far."""
    told = scripted.program.asked("set_breakpoints")
    return [[b.line for b in arguments["breakpoints"]] for arguments, _ in told]


def answer(scripted: Scripted, *states: BreakpointState, verb: str = "set_breakpoints") -> None:
    scripted.program.asked(verb)[-1][1].set_result((states, b""))


def test_the_first_stop_tells_the_engine_and_later_ones_ask_for_hits(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    scripted.session.open("a.py")
    made = keeper.toggle_line("a.py", 3)
    assert made is not None
    assert sent(scripted) == []  # nobody listens before the first stop
    scripted.program.tell(LOADED)
    scripted.stand(qtbot, Reason.START)
    assert sent(scripted) == [[3]]
    answer(scripted, BreakpointState(made.id, line=4))
    qtbot.waitUntil(lambda: keeper.list.line_of(made) == 4)
    scripted.stand(qtbot)
    assert sent(scripted) == [[3]]
    with qtbot.waitSignal(keeper.changed):
        answer(scripted, BreakpointState(made.id, 2, 4), verb="breakpoints")
    assert keeper.list.state(made.id).hits == 2


def test_without_breakpoints_the_engine_is_asked_nothing(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    scripted.stand(qtbot)
    assert sent(scripted) == []
    assert scripted.program.asked("breakpoints") == []


def test_every_change_is_told_while_the_program_runs_too(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    made = keeper.toggle_line("a.py", 3)
    assert made is not None
    answer(scripted, BreakpointState(made.id))
    scripted.session.advance(Goal.RUN)
    assert scripted.session.state is State.RUNNING
    qtbot.waitUntil(lambda: not scripted.session._latest._under_way.get("set_breakpoints"))
    keeper.change(made.id, condition="x")
    (arguments, _) = scripted.program.asked("set_breakpoints")[-1]
    assert arguments["breakpoints"] == (
        Breakpoint(made.id, BreakOn.LINE, "a.py", 3, condition="x"),
    )
    before = len(sent(scripted))
    keeper.change(made.id, condition="x")
    assert len(sent(scripted)) == before  # nothing is new


def test_what_the_engine_refuses_is_said_at_each(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    made = keeper.add(BreakOn.PHASE)
    with qtbot.waitSignal(keeper.changed):
        refuse(scripted.program.asked("set_breakpoints")[-1][1], "unknown", "Not here.")
    assert keeper.list.state(made.id).problem == "Not here."


def test_a_program_that_is_gone_is_no_problem_of_a_breakpoint(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    made = keeper.add(BreakOn.PHASE)
    refuse(scripted.program.asked("set_breakpoints")[-1][1], "gone", "It has ended.")
    scripted.stand(qtbot)
    assert keeper.list.state(made.id).problem == ""


def test_what_was_hit_is_known_until_the_program_goes_on(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    made = keeper.add(BreakOn.PHASE)
    scripted.session.advance(Goal.RUN)
    scripted.stand(qtbot, Reason.BREAKPOINT, breakpoints=(made.id, 77))
    assert keeper.hit == (made.id,)
    scripted.session.advance(Goal.STEP)
    assert keeper.hit == ()


def test_a_restart_tells_the_engine_again_and_counts_anew(
    qtbot: QtBot, scripted: Scripted, keeper: Breakpoints
) -> None:
    opened(scripted, qtbot)
    made = keeper.toggle_line("a.py", 3)
    assert made is not None
    answer(scripted, BreakpointState(made.id, 9))
    qtbot.waitUntil(lambda: keeper.list.state(made.id).hits == 9)
    scripted.session.restart()
    assert keeper.list.state(made.id).hits == 0
    scripted.stand(qtbot, Reason.START)
    assert sent(scripted) == [[3]]


def test_breakpoints_are_kept_with_their_program(qtbot: QtBot) -> None:
    def launch(path: str, *, module: bool = False) -> tuple[Scripted, Breakpoints]:
        scripted = Scripted()
        keeper = Breakpoints(scripted.session, scripted.session)
        scripted.session.open(path, module=module)
        return scripted, keeper

    first, keeper = launch("a.py")
    keeper.add(BreakOn.LINE, file=os.path.abspath("a.py"), line=3, condition="x > 1")
    first.session.open("b.py")
    assert len(keeper.list) == 0
    first.session.open(os.path.abspath("a.py"))  # the same, said otherwise
    assert [b.condition for b in keeper.list] == ["x > 1"]
    first.session.close()
    second, again = launch("a.py")
    assert [(b.line, b.condition) for b in again.list] == [(3, "x > 1")]
    second.session.close()
    third, module = launch("a.py", module=True)  # a module of that name is another program
    assert len(module.list) == 0
    third.session.close()
    fourth, last = launch("a.py")
    last.remove_all()
    fourth.session.close()
    assert not [key for key in QSettings().allKeys() if key.startswith("breakpoints/")]


# ---------------------------------------------------------------------- the table


@pytest.fixture
def panel(qtbot: QtBot, scripted: Scripted, keeper: Breakpoints, tmp_path: Path) -> Any:
    path = tmp_path / "a.py"
    path.write_text("".join(f"x{i} = {i}\n" for i in range(1, 31)))
    panel = BreakpointsPanel(scripted.session, Cursor(scripted.session), keeper)
    qtbot.addWidget(panel)
    qtbot.addWidget(panel.tools)
    panel.resize(640, 220)
    scripted.session.open(str(path))
    scripted.program.tell(LOADED)
    scripted.stand(qtbot, Reason.START)
    panel.path = str(path)
    panel.show()
    panel.activateWindow()
    qtbot.waitExposed(panel)
    return panel


def cell(panel: Any, row: int, column: Column) -> QPoint:
    return panel.view.visualRect(panel.table.index(row, column)).center()


def field(panel: Any) -> QLineEdit | None:
    return panel.view.findChild(QLineEdit, "breakpoint_field")


def test_without_breakpoints_it_says_how_to_make_one(panel: Any) -> None:
    assert panel.stack.currentWidget() is panel.empty
    assert panel.objectName() == "breakpoints"
    assert panel.accessibleName() == "Breakpoints"


def test_a_line_stands_there_with_its_source(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    with qtbot.waitSignal(panel.countChanged) as told:
        keeper.toggle_line(panel.path, 7)
    assert told.args == [1]
    assert panel.stack.currentWidget() is panel.view
    panel.table.main = panel.path
    qtbot.waitUntil(lambda: panel.table.words_at(0) == ("line", "7", "x7 = 7"))


def test_its_keys(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    for line in (3, 5, 7):
        keeper.toggle_line(panel.path, line)
    view = panel.view
    view.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert [b.enabled for b in keeper.list] == [True, False, True]
    with qtbot.waitSignal(view.lineChosen) as chosen:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert chosen.args == [panel.path, 5]
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert [b.line for b in keeper.list] == [3]  # the neighbour was current


def test_a_condition_is_edited_in_place_by_key(
    qtbot: QtBot, panel: Any, keeper: Breakpoints
) -> None:
    made = keeper.toggle_line(panel.path, 3)
    assert made is not None
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_F2)
    editor = field(panel)
    assert editor is not None
    qtbot.keyClicks(editor, "w.grad is None")
    # The engine counts meanwhile: what is being typed stays.
    keeper.list.take_states([BreakpointState(made.id, 5)])
    keeper.changed.emit()
    assert editor.text() == "w.grad is None"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: keeper.list[made.id].condition == "w.grad is None")
    qtbot.waitUntil(lambda: field(panel) is None)
    qtbot.keyClick(panel.view, Qt.Key.Key_F2)
    editor = field(panel)
    assert editor is not None
    qtbot.keyClicks(editor, "nonsense")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert keeper.list[made.id].condition == "w.grad is None"


def test_cells_are_clicked(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    made = keeper.toggle_line(panel.path, 3)
    assert made is not None
    port, left = panel.view.viewport(), Qt.MouseButton.LeftButton
    check = QPoint(22, cell(panel, 0, Column.WHAT).y())
    qtbot.mouseClick(port, left, pos=check)
    assert not keeper.list[made.id].enabled
    qtbot.mouseClick(port, left, pos=cell(panel, 0, Column.IGNORE))
    editor = field(panel)
    assert editor is not None
    qtbot.keyClicks(editor, "12")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: keeper.list[made.id].ignore == 12)
    with qtbot.waitSignal(panel.view.lineChosen):
        qtbot.mouseDClick(port, left, pos=cell(panel, 0, Column.WHAT))
    qtbot.mouseClick(port, left, pos=cell(panel, 0, Column.REMOVE))
    assert len(keeper.list) == 0


@pytest.mark.parametrize("typed", ["-1", "many", "1.5", "99999999999999"])
def test_a_number_that_is_none_changes_nothing(panel: Any, keeper: Breakpoints, typed: str) -> None:
    made = keeper.add(BreakOn.ITERATION, iteration=5, ignore=2)
    assert not panel.table.setData(panel.table.index(0, Column.IGNORE), typed)
    assert not panel.table.setData(panel.table.index(0, Column.WHAT), typed)
    assert keeper.list[made.id] == made


def test_a_problem_is_said_in_words(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    made = keeper.toggle_line(panel.path, 3)
    assert made is not None
    low = panel.view.visualRect(panel.table.index(0, 0)).height()
    keeper.list.take_states([BreakpointState(made.id, problem="NameError: no x")])
    keeper.changed.emit()
    index = panel.table.index(0, 0)
    qtbot.waitUntil(lambda: panel.view.visualRect(index).height() > low)
    assert "NameError: no x" in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_what_was_hit_is_told_apart(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    for line in (3, 5):
        keeper.toggle_line(panel.path, line)
    panel.view.clearFocus()
    two = [b.id for b in keeper.list][1]
    keeper.hit = (two,)
    keeper.changed.emit()
    assert [panel.table.is_hit(row) for row in (0, 1)] == [False, True]
    image = panel.view.viewport().grab().toImage()
    y = [cell(panel, row, Column.WHAT).y() for row in (0, 1)]
    assert image.pixel(1, y[0]) != image.pixel(1, y[1])


def entry(panel: Any, name: str) -> None:
    menu = panel.tools.menu()
    actions = menu.findChildren(type(menu.menuAction()), f"add_breakpoint_{name}")
    assert len(actions) == 1
    actions[0].trigger()


@pytest.mark.parametrize(
    ("name", "typed", "fields"),
    [
        ("operation", "log", {"pattern": "log"}),
        ("module", "*.attn.*", {"pattern": "*.attn.*"}),
        ("node", "SqrtBackward0", {"pattern": "SqrtBackward0"}),
        ("iteration", "500", {"iteration": 500}),
    ],
)
def test_one_is_added_by_typing(
    qtbot: QtBot, panel: Any, keeper: Breakpoints, name: str, typed: str, fields: dict[str, Any]
) -> None:
    entry(panel, name)
    assert panel.row.isVisible()
    assert not panel.row.button.isEnabled()
    qtbot.keyClicks(panel.row.name, typed)
    assert panel.row.button.isEnabled()
    qtbot.keyClicks(panel.row.condition, "x > 1")
    qtbot.keyClick(panel.row.condition, Qt.Key.Key_Return)
    (made,) = keeper.list
    assert made == Breakpoint(made.id, BreakOn(name), condition="x > 1", **fields)
    assert not panel.row.isVisible()


def test_adding_can_be_called_off(qtbot: QtBot, panel: Any, keeper: Breakpoints) -> None:
    entry(panel, "iteration")
    qtbot.keyClicks(panel.row.name, "0")
    qtbot.keyClick(panel.row.name, Qt.Key.Key_Return)
    assert panel.row.isVisible()  # iterations count from 1
    qtbot.keyClick(panel.row.name, Qt.Key.Key_Escape)
    assert not panel.row.isVisible()
    assert len(keeper.list) == 0


def test_phases_are_in_the_menu(panel: Any, keeper: Breakpoints) -> None:
    assert panel.tools.menu().findChild(QMenu, "menu_breakpoint_phases") is not None
    entry(panel, "backward")
    entry(panel, "any_phase")
    assert [b.phase for b in keeper.list] == [Phase.BACKWARD, None]
    entry(panel, "none")
    assert len(keeper.list) == 0
