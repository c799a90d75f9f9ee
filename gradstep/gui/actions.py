"""Everything a person can do, declared once: menus, toolbar and key list derive from this table."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from gradstep.gui.action import MENU_TITLES as MENU_TITLES
from gradstep.gui.action import Action as Action
from gradstep.gui.action import Context as Context
from gradstep.gui.action import Host as Host
from gradstep.gui.action import Menu as Menu
from gradstep.gui.actions_run import RUNNING
from gradstep.gui.actions_window import FILES, HELP, VIEWS
from gradstep.gui.graph.actions import GRAPH
from gradstep.gui.icons import icon
from gradstep.gui.translation import translate

ACTIONS: tuple[Action, ...] = (*FILES, *RUNNING, *VIEWS, *GRAPH, *HELP)


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
