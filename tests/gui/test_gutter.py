"""Beside the source: breakpoints, warnings, the menu of a line, the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.cursor import Cursor
from gradstep.gui.panels.code_view import CodeView
from gradstep.gui.panels.gutter import BREAK_AT, NUMBERS_RIGHT, Arrow, Mark
from gradstep.gui.panels.rows import Rows
from gradstep.gui.panels.source import SourcePanel
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn, BreakpointState
from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Place, Reason
from tests.gui.fakes import LOADED, Scripted

# ---------------------------------------------------------------------- rows


@given(st.integers(0, 30), st.sets(st.integers(-3, 35)))
def test_rows_are_lines_with_notes_above_them(lines: int, noted: set[int]) -> None:
    expected: list[tuple[int, bool]] = []
    for line in range(1, lines + 1):
        if line in noted:
            expected.append((line, True))
        expected.append((line, False))
    rows = Rows(lines, noted)
    assert len(rows) == len(expected)
    assert [(rows.line_at(row), rows.is_note(row)) for row in range(len(rows))] == expected
    for line in range(1, lines + 1):
        assert rows.row_of(line) == expected.index((line, False))
    assert rows.line_at(-1) == rows.line_at(len(rows)) == 0


# ---------------------------------------------------------------------- the panel


@pytest.fixture
def scripted(qtbot: QtBot) -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.session.close()


@pytest.fixture
def keeper(scripted: Scripted) -> Breakpoints:
    return Breakpoints(scripted.session, scripted.session)


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = tmp_path / "a.py"
    path.write_text("".join(f"{'    ' * (i % 3)}x{i} = {i}\n" for i in range(1, 61)))
    return str(path)


@pytest.fixture
def panel(qtbot: QtBot, scripted: Scripted, keeper: Breakpoints, path: str) -> SourcePanel:
    panel = SourcePanel(scripted.session, Cursor(scripted.session), keeper)
    qtbot.addWidget(panel)
    panel.resize(360, 400)
    panel.show()
    panel.activateWindow()
    qtbot.waitExposed(panel)
    scripted.session.open(path)
    scripted.program.tell(LOADED)
    scripted.stand(qtbot, Reason.START, place=Place(path, 2))
    qtbot.waitUntil(lambda: bool(panel.view.marks))
    return panel


def click(qtbot: QtBot, view: CodeView, line: int, x: int) -> None:
    at = QPoint(x, view.rect_of(line).center().y())
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)


def colours(view: CodeView, line: int, left: float, right: float) -> set[str]:
    image, row = view.viewport().grab().toImage(), view.rect_of(line)
    box = QRectF(left, row.top(), right - left, row.height()).toRect()
    return {
        QColor(image.pixel(x, y)).name()
        for x in range(box.left(), box.right() + 1)
        for y in range(box.top(), box.bottom() + 1)
    }


def test_a_click_beside_the_number_toggles_and_one_on_the_code_selects(
    qtbot: QtBot, panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    view = panel.view
    click(qtbot, view, 5, int(BREAK_AT))
    assert [(b.file, b.line) for b in keeper.list] == [(path, 5)]
    assert view.selected == 0
    click(qtbot, view, 5, 10)
    assert len(keeper.list) == 0
    click(qtbot, view, 7, 120)
    assert view.selected == 7
    assert len(keeper.list) == 0


def test_the_mark_is_ink_and_hollow_when_disabled(
    qtbot: QtBot, panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    view, ink = panel.view, theme().colour("selection_ring_and_primary_button").name()
    middle = BREAK_AT - 1, BREAK_AT + 1
    assert colours(view, 5, *middle) == {theme().colour("panel").name()}
    made = keeper.toggle_line(path, 5)
    assert made is not None
    assert colours(view, 5, *middle) >= {ink}
    keeper.change(made.id, enabled=False)
    row = view.rect_of(5)
    image = view.viewport().grab().toImage()
    inside = QColor(image.pixel(int(BREAK_AT), row.center().y()))
    assert inside.name() == theme().colour("panel").name()
    keeper.change(made.id, enabled=True, condition="x")
    # The strokes of the condition are cut out of the disc.
    assert theme().colour("panel").name() in colours(view, 5, BREAK_AT - 2, BREAK_AT + 2)


def test_what_cannot_stop_is_amber_and_what_was_hit_has_a_ring(
    panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    made = keeper.toggle_line(path, 5)
    assert made is not None
    view = panel.view
    ring = BREAK_AT - 7, BREAK_AT - 5
    panel_colour = {theme().colour("panel").name()}
    assert colours(view, 5, *ring) == panel_colour
    keeper.hit = (made.id,)
    keeper.changed.emit()
    assert colours(view, 5, *ring) != panel_colour
    # It does not run into the number.
    assert colours(view, 5, NUMBERS_RIGHT, NUMBERS_RIGHT + 1) == panel_colour
    keeper.hit = ()
    keeper.list.take_states([BreakpointState(made.id, problem="no")])
    keeper.changed.emit()
    ink = theme().colour("selection_ring_and_primary_button").name()
    assert ink not in colours(view, 5, BREAK_AT - 5, BREAK_AT + 5)
    assert view.breakpoints[5].broken


def test_a_breakpoint_that_moved_is_marked_where_it_sits(
    panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    made = keeper.toggle_line(path, 5)
    assert made is not None
    keeper.list.take_states([BreakpointState(made.id, line=8)])
    keeper.changed.emit()
    assert list(panel.view.breakpoints) == [8]


def test_marks_of_another_file_are_not_shown(panel: SourcePanel, keeper: Breakpoints) -> None:
    keeper.toggle_line("/elsewhere/a.py", 5)
    keeper.add(BreakOn.PHASE)
    assert panel.view.breakpoints == {}


def test_the_keyboard_walks_the_lines(qtbot: QtBot, panel: SourcePanel, path: str) -> None:
    view = panel.view
    view.setFocus(Qt.FocusReason.TabFocusReason)
    assert panel.place == Place(path, 2)  # the one that is marked
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.selected == 2
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert panel.place == Place(path, 3)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert view.selected == 60
    assert view.viewport().rect().contains(view.rect_of(60))
    qtbot.keyClick(view, Qt.Key.Key_PageUp)
    assert 30 < view.selected < 55
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.selected == 1
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.selected == 1


def test_the_selected_line_is_told(
    qtbot: QtBot, panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    view = panel.view
    assert view.accessibleName() == "Source of a.py"
    click(qtbot, view, 5, 120)
    assert view.accessibleDescription() == "line 2: x2 = 2; line 5: x5 = 5"
    keeper.toggle_line(path, 5)
    assert view.accessibleDescription() == "line 2: x2 = 2; line 5: x5 = 5, Stops here."
    assert view.tip_at(QPoint(20, view.rect_of(5).center().y())) == "Stops here."
    assert "Click" in view.tip_at(QPoint(20, view.rect_of(6).center().y()))


# ---------------------------------------------------------------------- the menu


def menu_of(qtbot: QtBot, view: CodeView, line: int, *, key: bool = False) -> QMenu:
    at = QPoint(120, view.rect_of(line).center().y())
    Reasons = QContextMenuEvent.Reason
    reason = Reasons.Keyboard if key else Reasons.Mouse
    event = QContextMenuEvent(reason, at, view.viewport().mapToGlobal(at))
    QApplication.sendEvent(view.viewport(), event)
    panel = view.parent().parent()
    menu = panel.findChild(QMenu, "line_menu")
    assert menu is not None
    return menu


def take(qtbot: QtBot, menu: QMenu, name: str) -> None:
    action = menu.findChild(QAction, name)
    assert action is not None, name
    action.trigger()
    menu.close()
    qtbot.wait(1)  # it deletes itself


def test_a_line_has_a_menu(
    qtbot: QtBot, panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    view = panel.view
    with qtbot.waitSignal(panel.runRequested) as run:
        take(qtbot, menu_of(qtbot, view, 5), "line_run")
    assert run.args == [path, 5]
    assert view.selected == 5
    take(qtbot, menu_of(qtbot, view, 5, key=True), "line_toggle")
    assert [b.line for b in keeper.list] == [5]
    take(qtbot, menu_of(qtbot, view, 5), "line_enable")
    (made,) = keeper.list
    assert not made.enabled
    with qtbot.waitSignal(panel.conditionRequested) as edited:
        take(qtbot, menu_of(qtbot, view, 5), "line_condition")
    assert edited.args == [made.id]
    take(qtbot, menu_of(qtbot, view, 5), "line_toggle")
    assert len(keeper.list) == 0
    with qtbot.waitSignal(panel.conditionRequested) as edited:
        take(qtbot, menu_of(qtbot, view, 6), "line_condition")
    assert [(b.id, b.line) for b in keeper.list] == [(edited.args[0], 6)]


# ---------------------------------------------------------------------- warnings


def find(qtbot: QtBot, scripted: Scripted, place: Place | None, title: str) -> None:
    with qtbot.waitSignal(scripted.session.found):
        scripted.program.tell(Finding("kind", title, place=place))


def test_a_finding_stands_above_its_line(
    qtbot: QtBot, scripted: Scripted, panel: SourcePanel, keeper: Breakpoints, path: str
) -> None:
    view = panel.view
    before = view.rect_of(5)
    find(qtbot, scripted, Place(path, 5), "Gradients were never zeroed")
    assert view.notes == {5: "Gradients were never zeroed"}
    assert view.rect_of(5) == before.translated(0, before.height())
    assert view.rect_of(4).bottom() + before.height() == view.rect_of(5).top() - 1
    image = view.viewport().grab().toImage()
    note = QColor(image.pixel(340, before.center().y())).name()
    assert note == theme().colour("warning_tint").name()
    # A click on it selects its line; beside it there is no number to click.
    at = QPoint(10, before.center().y())
    assert view.line_at(at) == 5
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert len(keeper.list) == 0
    assert view.selected == 5
    assert view.tip_at(at) == "Gradients were never zeroed"
    assert view.accessibleDescription().endswith("Gradients were never zeroed")
    find(qtbot, scripted, Place(path, 5), "The loss keeps its graph")
    find(qtbot, scripted, None, "Nowhere")
    find(qtbot, scripted, Place("/elsewhere.py", 5), "Elsewhere")
    assert view.notes == {5: "Gradients were never zeroed · The loss keeps its graph"}
    scripted.session.restart()
    assert view.notes == {}


def test_what_is_read_stays_in_place_when_a_note_comes_above(
    qtbot: QtBot, scripted: Scripted, panel: SourcePanel, path: str
) -> None:
    view = panel.view
    view.scroll_to(40)
    before = view.rect_of(40)
    find(qtbot, scripted, Place(path, 3), "Above")
    assert view.rect_of(40) == before


def test_a_mark_that_was_seen_is_seen_in_a_lower_panel(
    qtbot: QtBot, scripted: Scripted, panel: SourcePanel
) -> None:
    view = panel.view
    view.show_marks((Mark(16, Arrow.SOLID, Phase.FORWARD),))
    panel.resize(360, 160)
    qtbot.waitUntil(lambda: view.viewport().rect().contains(view.rect_of(16)))
