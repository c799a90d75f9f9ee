"""Everything a person can do, declared once: menus, toolbar and key list derive from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from gradstep.gui.icons import icon
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.translation import QT_TRANSLATE_NOOP, translate
from gradstep.phases import PHASES, PhaseInfo
from gradstep.protocol.trace import Goal


class Menu(StrEnum):
    FILE = "file"
    VIEW = "view"
    RUN = "run"
    HELP = "help"


MENU_TITLES: dict[Menu, str] = {
    Menu.FILE: QT_TRANSLATE_NOOP("Actions", "File"),
    Menu.VIEW: QT_TRANSLATE_NOOP("Actions", "View"),
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


class Host(Protocol):
    """What actions act upon: the window."""

    session: Session

    def ask_for_program(self) -> None: ...
    def run_to_cursor(self) -> None: ...
    def toggle_breakpoint(self) -> None: ...
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


def _phase(info: PhaseInfo) -> Action:
    goal = Goal(info.phase)
    return Action(
        info.phase.value,
        info.title,
        lambda host: host.session.advance(goal),
        keys=(info.key,),
        icon=info.icon,
        tip=info.tip,
        enabled_when=can_advance,
        context="Phases",
    )


def _advance(
    id: str,
    text: str,
    tip: str,
    key: str,
    *,
    icon: str = "",
    section: int = 1,
    repeats: bool = False,
    goal: Goal | None = None,
) -> Action:
    """Go on to a goal, by default the one that is called like the action."""
    wanted = goal or Goal(id)
    return Action(
        id,
        text,
        lambda host: host.session.advance(wanted),
        keys=(key,),
        icon=icon,
        section=section,
        tip=tip,
        enabled_when=can_advance,
        repeats=repeats,
    )


def _appearance(id: str, text: str, scheme: str) -> Action:
    return Action(
        id,
        text,
        lambda host: host.set_appearance(scheme),
        menu=Menu.VIEW,
        checked_when=lambda context: context.appearance == scheme,
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        "open",
        QT_TRANSLATE_NOOP("Actions", "Open a script…"),
        lambda host: host.ask_for_program(),
        keys=("Ctrl+O",),
        icon="open",
        menu=Menu.FILE,
        tip=QT_TRANSLATE_NOOP("Actions", "Open a Python file; not one line of it is changed"),
    ),
    Action(
        "quit",
        QT_TRANSLATE_NOOP("Actions", "Quit"),
        lambda host: host.close(),
        keys=("Ctrl+Q",),
        menu=Menu.FILE,
        section=2,
    ),
    *(_phase(info) for info in PHASES),
    _advance(
        "step",
        QT_TRANSLATE_NOOP("Actions", "Step"),
        QT_TRANSLATE_NOOP("Actions", "Execute the marked operation; hold the key to go on"),
        "F10",
        icon="step",
        repeats=True,
    ),
    _advance(
        "into",
        QT_TRANSLATE_NOOP("Actions", "Into"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the next line or operation, however deep it lies"),
        "F11",
        icon="into",
        repeats=True,
    ),
    _advance(
        "over",
        QT_TRANSLATE_NOOP("Actions", "Over"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the next line or operation that is no deeper"),
        "F8",
        icon="over",
        repeats=True,
    ),
    _advance(
        "out",
        QT_TRANSLATE_NOOP("Actions", "Out"),
        QT_TRANSLATE_NOOP("Actions", "Go on until this module or function has returned"),
        "Shift+F11",
        icon="out",
        repeats=True,
    ),
    _advance(
        "iteration",
        QT_TRANSLATE_NOOP("Actions", "Iteration"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the end of this iteration"),
        "I",
        icon="iteration",
        section=2,
        repeats=True,
    ),
    _advance(
        "epoch",
        QT_TRANSLATE_NOOP("Actions", "Epoch"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the beginning of the next epoch"),
        "E",
        section=2,
    ),
    Action(
        "run",
        QT_TRANSLATE_NOOP("Actions", "Run"),
        lambda host: host.session.advance(Goal.RUN),
        keys=("F5",),
        icon="run",
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "Go on to the end of the program, at the chosen speed"),
        enabled_when=lambda context: can_advance(context) and not context.playing,
    ),
    Action(
        "run_to_cursor",
        QT_TRANSLATE_NOOP("Actions", "Run to cursor"),
        lambda host: host.run_to_cursor(),
        keys=("Ctrl+F10",),
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "Go on to the line that is selected in the source"),
        enabled_when=can_run_to_line,
    ),
    _advance(
        "run_to_nan",
        QT_TRANSLATE_NOOP("Actions", "Run to NaN"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the first operation that makes a NaN or Inf"),
        "Ctrl+F5",
        section=3,
        goal=Goal.NAN,
    ),
    Action(
        "toggle_breakpoint",
        QT_TRANSLATE_NOOP("Actions", "Toggle breakpoint"),
        lambda host: host.toggle_breakpoint(),
        keys=("F9",),
        section=4,
        tip=QT_TRANSLATE_NOOP("Actions", "Stop before the line that is selected, or no longer"),
        enabled_when=has_line,
    ),
    Action(
        "pause",
        QT_TRANSLATE_NOOP("Actions", "Pause"),
        lambda host: host.session.pause(),
        keys=("F6",),
        icon="pause",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "Stop as soon as possible and look"),
        enabled_when=can_pause,
    ),
    Action(
        "stop",
        QT_TRANSLATE_NOOP("Actions", "Stop"),
        lambda host: host.session.stop_program(),
        keys=("Shift+F5",),
        icon="stop",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "End the program, whatever it is doing"),
        enabled_when=can_stop,
        attached=(
            QT_TRANSLATE_NOOP("Actions", "Detach"),
            QT_TRANSLATE_NOOP("Actions", "Let the program go on without gradstep"),
        ),
    ),
    Action(
        "restart",
        QT_TRANSLATE_NOOP("Actions", "Restart"),
        lambda host: host.session.restart(),
        keys=("Ctrl+Shift+F5",),
        icon="restart",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "Start the program again from its beginning"),
        enabled_when=can_restart,
    ),
    _appearance("appearance_system", QT_TRANSLATE_NOOP("Actions", "Follow the system"), ""),
    _appearance("appearance_light", QT_TRANSLATE_NOOP("Actions", "Light"), "light"),
    _appearance("appearance_dark", QT_TRANSLATE_NOOP("Actions", "Dark"), "dark"),
    Action(
        "reduced_motion",
        QT_TRANSLATE_NOOP("Actions", "Reduce motion"),
        lambda host: host.toggle_motion(),
        menu=Menu.VIEW,
        section=1,
        tip=QT_TRANSLATE_NOOP("Actions", "Show what a step changed at once, without movement"),
        checked_when=lambda context: context.still,
    ),
    Action(
        "keys",
        QT_TRANSLATE_NOOP("Actions", "Keys"),
        lambda host: host.show_keys(),
        keys=("F1",),
        menu=Menu.HELP,
    ),
    Action(
        "about",
        QT_TRANSLATE_NOOP("Actions", "About gradstep"),
        lambda host: host.show_about(),
        menu=Menu.HELP,
    ),
)


def validate(actions: tuple[Action, ...]) -> None:
    """Raises ``ValueError`` when two actions share an id or a key."""
    ids: set[str] = set()
    keys: dict[str, str] = {}
    for action in actions:
        if action.id in ids:
            raise ValueError(f"two actions are called {action.id!r}")
        ids.add(action.id)
        for key in action.keys:
            name = QKeySequence(key).toString()
            if name in keys:
                raise ValueError(f"{name} belongs to {keys[name]!r} and to {action.id!r}")
            keys[name] = action.id


def text_of(action: Action) -> str:
    return translate(action.context, action.text)


def tip_of(action: Action) -> str:
    """What the action does, and its key."""
    tip = translate(action.context, action.tip) or text_of(action)
    return f"{tip} ({key_of(action)})" if action.keys else tip


def key_of(action: Action) -> str:
    """The action's first key as this platform writes it; ``""`` without one."""
    if not action.keys:
        return ""
    return QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)


class ActionSet(QObject):
    """One ``QAction`` for every entry of the table."""

    def __init__(self, host: Host, parent: QObject, actions: tuple[Action, ...] = ACTIONS) -> None:
        super().__init__(parent)
        validate(actions)
        self.table = {action.id: action for action in actions}
        self._attached = False
        self.actions = {action.id: self._make(action, host) for action in actions}
        self.refresh(Context())

    def __getitem__(self, id: str) -> QAction:
        return self.actions[id]

    def in_menu(self, menu: Menu) -> list[tuple[int, QAction]]:
        """A menu's actions in the table's order, each with its section."""
        return [
            (action.section, self.actions[action.id])
            for action in self.table.values()
            if action.menu is menu
        ]

    def refresh(self, context: Context) -> None:
        """Enable what can be done now, check what is chosen."""
        if context.attached is not self._attached:
            self._attached = context.attached
            self._reword(context.attached)
        for id, action in self.table.items():
            self.actions[id].setEnabled(action.enabled_when(context))
            if action.checked_when is not None:
                self.actions[id].setChecked(action.checked_when(context))

    def _reword(self, attached: bool) -> None:
        for id, action in self.table.items():
            if action.attached is not None:
                text, tip = action.attached if attached else (action.text, action.tip)
                said = replace(action, text=text, tip=tip)
                self.actions[id].setText(text_of(said))
                self.actions[id].setToolTip(tip_of(said))
                self.actions[id].setStatusTip(tip_of(said))

    def _make(self, action: Action, host: Host) -> QAction:
        made = QAction(text_of(action), self)
        made.setObjectName(action.id)
        made.setShortcuts([QKeySequence(key) for key in action.keys])
        made.setAutoRepeat(action.repeats)
        made.setToolTip(tip_of(action))
        made.setStatusTip(tip_of(action))
        made.setCheckable(action.checked_when is not None)
        if action.icon:
            made.setIcon(icon(action.icon))
        made.triggered.connect(lambda: action.run(host))
        return made
