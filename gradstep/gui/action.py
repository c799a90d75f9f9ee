"""What an action is, what decides whether it can be done, and what actions act upon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gradstep.gui.states import State
from gradstep.gui.translation import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    from gradstep.gui.graph.panel import GraphPanel
    from gradstep.gui.session import Session


class Menu(StrEnum):
    FILE = "file"
    VIEW = "view"
    GRAPH = "graph"
    RUN = "run"
    HELP = "help"


MENU_TITLES: dict[Menu, str] = {
    Menu.FILE: QT_TRANSLATE_NOOP("Actions", "File"),
    Menu.VIEW: QT_TRANSLATE_NOOP("Actions", "View"),
    Menu.GRAPH: QT_TRANSLATE_NOOP("Actions", "Graph"),
    Menu.RUN: QT_TRANSLATE_NOOP("Actions", "Run"),
    Menu.HELP: QT_TRANSLATE_NOOP("Actions", "Help"),
}


@dataclass(frozen=True)
class Context:
    """All that decides whether an action can be done now."""

    state: State = State.EMPTY
    playing: bool = False
    appearance: str = ""  # "", "light" or "dark"; empty follows the system
    still: bool = False  # reduced motion
    line: bool = False  # a line of source is selected or marked
    attached: bool = False  # the program goes on without us
    graph: bool = False  # there is a picture of the graph
    overview: bool = False  # it shows modules as one each
    follow: bool = False  # its view goes to the next operation
    minimap: bool = False
    watchable: bool = False  # the selected value has a name that lasts
    watched: bool = False


class Host(Protocol):
    """What actions act upon: the window."""

    session: Session
    graph: GraphPanel

    def ask_for_program(self) -> None: ...
    def run_to_cursor(self) -> None: ...
    def toggle_breakpoint(self) -> None: ...
    def toggle_watch(self) -> None: ...
    def set_appearance(self, appearance: str) -> None: ...
    def toggle_motion(self) -> None: ...
    def show_keys(self) -> None: ...
    def show_about(self) -> None: ...
    def close(self) -> bool: ...


def always(context: Context) -> bool:
    return True


def can_advance(context: Context) -> bool:
    return context.state is State.STOPPED


def can_run_to_line(context: Context) -> bool:
    return can_advance(context) and context.line


def has_line(context: Context) -> bool:
    return context.line


def can_pause(context: Context) -> bool:
    return context.playing or context.state is State.RUNNING


def can_stop(context: Context) -> bool:
    return context.state not in (State.EMPTY, State.LOST)


def can_restart(context: Context) -> bool:
    return context.state is not State.EMPTY and not context.attached


@dataclass(frozen=True)
class Action:
    """``id`` is the object's name, too. ``section`` groups a menu's entries between lines.
    ``repeats``: a held key goes on. ``checked_when`` makes it a choice that shows its state."""

    id: str
    text: str
    run: Callable[[Host], object]
    keys: tuple[str, ...] = ()
    icon: str = ""
    menu: Menu = Menu.RUN
    section: int = 0
    tip: str = ""
    enabled_when: Callable[[Context], bool] = always
    repeats: bool = False
    checked_when: Callable[[Context], bool] | None = None
    context: str = "Actions"  # of translation
    attached: tuple[str, str] | None = None
    """Another text and tip, for a program that was attached to."""


def has_graph(context: Context) -> bool:
    return context.graph
