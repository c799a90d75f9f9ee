"""The actions of the menus File, View and Help."""

from __future__ import annotations

from gradstep.gui.action import Action, Menu
from gradstep.gui.translation import QT_TRANSLATE_NOOP


def _appearance(id: str, text: str, scheme: str) -> Action:
    return Action(
        id,
        text,
        lambda host: host.set_appearance(scheme),
        menu=Menu.VIEW,
        checked_when=lambda context: context.appearance == scheme,
    )


FILES: tuple[Action, ...] = (
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
)

VIEWS: tuple[Action, ...] = (
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
        "watch_value",
        QT_TRANSLATE_NOOP("Actions", "Watch the value"),
        lambda host: host.toggle_watch(),
        keys=("W",),
        icon="pin",
        menu=Menu.VIEW,
        section=2,
        tip=QT_TRANSLATE_NOOP("Actions", "Pin the selected value to the watch list, or no longer"),
        enabled_when=lambda context: context.watchable,
        checked_when=lambda context: context.watched,
    ),
)

HELP: tuple[Action, ...] = (
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
