"""The menu row: from the table of actions, with the lessons and the files opened before."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QMenu, QMenuBar

from gradstep.assets import resource
from gradstep.gui.actions import MENU_TITLES, ActionSet, Menu
from gradstep.gui.translation import translate

Open = Callable[[str], None]
RECENT = 10


class RecentFiles:
    """The files opened last, newest first."""

    def paths(self) -> list[str]:
        value = QSettings().value("recent", [])
        # A list of one comes back from an ini file as a string.
        if isinstance(value, str):
            return [value]
        return [str(path) for path in value] if isinstance(value, list) else []

    def add(self, path: str) -> None:
        others = [known for known in self.paths() if known != path]
        QSettings().setValue("recent", [path, *others][:RECENT])


def fill(bar: QMenuBar, actions: ActionSet, recent: RecentFiles, open_file: Open) -> None:
    """Put all menus into ``bar``."""
    for menu in Menu:
        title = translate("Actions", MENU_TITLES[menu])
        made = bar.addMenu(title)
        made.setObjectName(f"menu_{menu.value}")
        made.setToolTipsVisible(True)
        section = 0
        for number, action in actions.in_menu(menu):
            if number != section:
                if menu is Menu.FILE and section == 0:
                    _add_files(made, recent, open_file)
                made.addSeparator()
                section = number
            made.addAction(action)


def _add_files(menu: QMenu, recent: RecentFiles, open_file: Open) -> None:
    lessons = menu.addMenu(translate("Actions", "Open a lesson"))
    lessons.setObjectName("menu_lessons")
    lessons.aboutToShow.connect(lambda: _list_lessons(lessons, open_file))
    # Filled on showing; but a menu without entries could not be shown.
    _list_lessons(lessons, open_file)
    before = menu.addMenu(translate("Actions", "Open recent"))
    before.setObjectName("menu_recent")
    menu.aboutToShow.connect(lambda: _list_recent(before, recent, open_file))
    _list_recent(before, recent, open_file)


def lessons() -> list[tuple[str, Path]]:
    """What each lesson is about, in its own words, and where it is."""
    found = []
    for path in sorted(resource("lessons").glob("*.py")):
        words = ast.get_docstring(ast.parse(path.read_bytes())) or path.stem
        found.append((words.splitlines()[0].rstrip("."), path))
    return found


def _list_lessons(menu: QMenu, open_file: Open) -> None:
    if menu.isEmpty():
        for words, path in lessons():
            action = menu.addAction(words.replace("&", "&&"))
            action.setObjectName(f"lesson_{path.stem}")
            action.triggered.connect(lambda _=False, path=path: open_file(str(path)))


def _list_recent(menu: QMenu, recent: RecentFiles, open_file: Open) -> None:
    menu.clear()
    for path in recent.paths():
        action = menu.addAction(_short(path).replace("&", "&&"))
        action.setToolTip(path)
        action.triggered.connect(lambda _=False, path=path: open_file(path))
    menu.setEnabled(not menu.isEmpty())


def _short(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(home) else path
