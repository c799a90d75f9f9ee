"""The table of actions: nothing twice, every word and key in its place, enabled when it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.actions import ACTIONS, ActionSet, Context, Menu, tip_of, validate
from gradstep.gui.states import State
from gradstep.phases import PHASES
from gradstep.protocol.trace import Goal

TABLE = {action.id: action for action in ACTIONS}
ADVANCING = {
    *("forward", "backward", "update", "zero_grad", "step", "into", "over", "out"),
    *("iteration", "epoch", "run", "run_to_nan"),
}


class Recorder:
    """A host that writes down what it was told to do."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.session = self

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.told.append((name, *arguments))


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def actions(qtbot: QtBot, host: Recorder) -> Iterator[ActionSet]:
    parent = QObject()
    yield ActionSet(host, parent)  # type: ignore[arg-type]
    parent.deleteLater()


def test_the_table_is_valid() -> None:
    validate(ACTIONS)


def test_an_id_used_twice_is_rejected() -> None:
    again = replace(TABLE["keys"], keys=())
    with pytest.raises(ValueError, match="two actions are called 'keys'"):
        validate((*ACTIONS, again))


@pytest.mark.parametrize("key", ["F10", "f", "Shift+ctrl+F5"])
def test_a_key_used_twice_is_rejected_however_it_is_written(key: str) -> None:
    thief = replace(TABLE["about"], id="thief", keys=(key,))
    with pytest.raises(ValueError, match="belongs to"):
        validate((*ACTIONS, thief))


def test_all_names_that_automation_relies_on_are_there() -> None:
    assert ADVANCING | {"pause", "stop", "restart", "open"} <= set(TABLE)


def test_phases_come_from_their_table() -> None:
    for info in PHASES:
        action = TABLE[info.phase.value]
        assert (action.text, action.keys, action.icon) == (info.title, (info.key,), info.icon)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_complete(action: Any) -> None:
    assert action.text
    for key in action.keys:
        assert not QKeySequence(key).isEmpty(), key
    if action.icon:
        assert resource("icons", f"{action.icon}.svg").is_file()


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        (State.EMPTY, set()),
        (State.STARTING, {"stop", "restart"}),
        (State.STOPPED, ADVANCING | {"stop", "restart"}),
        (State.RUNNING, {"pause", "stop", "restart"}),
        (State.ENDED, {"stop", "restart"}),
        (State.LOST, {"restart"}),
    ],
)
def test_what_can_be_done_in_each_state(state: State, enabled: set[str]) -> None:
    governed = ADVANCING | {"pause", "stop", "restart"}
    assert {id for id in governed if TABLE[id].enabled_when(Context(state))} == enabled
    assert TABLE["open"].enabled_when(Context(state))


@pytest.mark.parametrize("state", list(State))
def test_what_needs_a_line_needs_one(state: State) -> None:
    here, nowhere = Context(state, line=True), Context(state)
    assert TABLE["run_to_cursor"].enabled_when(here) is (state is State.STOPPED)
    assert not TABLE["run_to_cursor"].enabled_when(nowhere)
    # A breakpoint may be set whatever the program does.
    assert TABLE["toggle_breakpoint"].enabled_when(here)
    assert not TABLE["toggle_breakpoint"].enabled_when(nowhere)


@pytest.mark.parametrize("id", ["run_to_cursor", "toggle_breakpoint"])
def test_what_the_window_does_itself(id: str, actions: ActionSet, host: Recorder) -> None:
    actions.refresh(Context(State.STOPPED, line=True))
    actions[id].trigger()
    assert host.told == [(id,)]


def test_while_it_plays_it_can_be_paused_and_not_run_again() -> None:
    playing = Context(State.STOPPED, playing=True)
    assert TABLE["pause"].enabled_when(playing)
    assert not TABLE["run"].enabled_when(playing)
    assert TABLE["step"].enabled_when(playing)


@pytest.mark.parametrize("id", sorted(ADVANCING))
def test_advancing_actions_advance_to_their_goal(
    id: str, actions: ActionSet, host: Recorder
) -> None:
    actions.refresh(Context(State.STOPPED))
    actions[id].trigger()
    assert host.told == [("advance", Goal("nan" if id == "run_to_nan" else id))]


def test_a_disabled_action_does_nothing(actions: ActionSet, host: Recorder) -> None:
    actions.refresh(Context(State.LOST))
    actions["step"].trigger()
    assert host.told == []


def test_actions_carry_what_the_table_says(actions: ActionSet) -> None:
    for id, action in TABLE.items():
        made = actions[id]
        assert made.objectName() == id
        assert [key.toString() for key in made.shortcuts()] == [
            QKeySequence(key).toString() for key in action.keys
        ]
        assert made.autoRepeat() is action.repeats
        assert made.isCheckable() is (action.checked_when is not None)
        if action.keys:
            assert tip_of(action) in made.toolTip()
            assert made.shortcut().toString(QKeySequence.SequenceFormat.NativeText) in tip_of(
                action
            )


def test_a_choice_shows_its_state(actions: ActionSet) -> None:
    actions.refresh(Context(appearance="dark"))
    chosen = [id for id, action in actions.actions.items() if action.isChecked()]
    assert chosen == ["appearance_dark"]


def test_menus_hold_every_action_once_in_sections_that_grow(actions: ActionSet) -> None:
    listed = [
        (menu, section, action.objectName())
        for menu in Menu
        for section, action in actions.in_menu(menu)
    ]
    assert sorted(id for _, _, id in listed) == sorted(TABLE)
    for menu in Menu:
        sections = [section for of, section, _ in listed if of is menu]
        assert sections == sorted(sections)
