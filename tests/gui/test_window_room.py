"""Opening programs in the window, and how it shares and remembers its room."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QAction, QColor, QDragEnterEvent, QDropEvent, QFontMetrics
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.toolbar import Toolbar
from gradstep.gui.window import MainWindow
from gradstep.protocol.findings import Finding
from tests.gui.windows import action, until, written

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


TABS = ["Console", "Breakpoints", "Watch", "Log", "Keys"]


def test_it_opens_within_the_screen(qtbot: QtBot, qapp: QApplication) -> None:
    window = MainWindow(Session())
    qtbot.addWidget(window)
    window.show()
    room = window.screen().availableSize()
    assert window.width() <= room.width() < 1440  # the tests' screen is a small one
    assert window.height() <= room.height()


@pytest.mark.parametrize(
    ("width", "tabs"),
    [
        (1440, TABS),
        (1150, [*TABS, "Loss", "Plots"]),
        (1050, ["Source", *TABS, "Loss", "Plots"]),
    ],
)
def test_panels_become_tabs_when_it_is_narrow(
    qtbot: QtBot, window: MainWindow, width: int, tabs: list[str]
) -> None:
    window.resize(width, 700)
    names = window.workspace.tabs
    qtbot.waitUntil(lambda: [names.tabText(i) for i in range(names.count())] == tabs)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: names.count() == len(TABS))
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
    phases = toolbar.phases
    qtbot.waitUntil(lambda: all(b.width() == b.width_when(b.compact) for b in phases))
    assert toolbar.device.geometry().right() <= width
    bold = QFontMetrics(theme().font("body", weight=600))
    for button in phases:
        words = bold.horizontalAdvance(button.text())
        key = 0 if button.compact else theme().size("control", "key_cap")
        assert button.width() >= 38 + words + key + 8
        assert button.compact == (width == 1024)  # its key stands in the menu, too
    shown = [*toolbar.phases, toolbar.step, *toolbar.ways, *toolbar.words, *toolbar.signs]
    assert all(button.isVisible() for button in shown)
    for left, right in pairwise(shown):
        assert left.geometry().right() <= right.geometry().left() + 1
    assert toolbar.step.compact == (width == 1024)


@pytest.mark.parametrize(("width", "words"), [(960, True), (800, True), (640, False)])
def test_nothing_of_the_toolbar_is_cut_on_a_small_screen_at_200_percent(
    qtbot: QtBot, window: MainWindow, width: int, words: bool
) -> None:
    """Words stay down to 800 pixels; below them, icons say with a tooltip what they do."""
    host = QWidget()
    qtbot.addWidget(host)
    toolbar = Toolbar(window.session, window.actions_, host)
    toolbar.resize(width, toolbar.height())
    host.show()
    finding = Finding("never_zeroed", "Gradients were never zeroed")
    window.session.found.emit(finding)
    shown = [w for w in toolbar.findChildren(QWidget) if w.isVisible() and w.parent() is toolbar]
    qtbot.waitUntil(lambda: all(w.width() >= w.sizeHint().width() for w in shown))
    assert max(w.geometry().right() for w in shown) < width
    bold = QFontMetrics(theme().font("body", weight=600))
    for button in toolbar.phases:
        assert button.isVisible() and button.accessibleName() == button.text()
        assert words or f"{button.text()}: " in button.toolTip()
        assert (button.width() >= bold.horizontalAdvance(button.text()) + 20) is words
    warned = toolbar.phases[-1]
    image, amber = warned.grab().toImage(), theme().colour("warning_icon")
    assert any(
        image.pixelColor(x, y) == amber
        for x in range(warned.width() - 14, warned.width())
        for y in range(14)
    )


@pytest.mark.parametrize("width", [1024, 1440])
def test_no_word_of_the_tabs_is_cut(qtbot: QtBot, window: MainWindow, width: int) -> None:
    for line in range(1, 120):
        window.breakpoints.toggle_line("a.py", line)
    window.session.found.emit(Finding("never_zeroed", "Gradients were never zeroed"))
    window.resize(width, 640)
    tabs = window.workspace.tabs
    tabs.setCurrentWidget(window.workspace.breakpoints)
    window.workspace.bottom.setSizes([1, width])
    qtbot.waitUntil(lambda: window.width() == width and tabs.width() >= tabs.row_width())
    bar = tabs.tabBar()
    bold = QFontMetrics(theme().font(weight=600))
    for i in range(tabs.count()):
        assert bar.tabRect(i).width() > bold.horizontalAdvance(tabs.tabText(i))
    assert bar.accessibleTabName(tabs.indexOf(window.workspace.breakpoints)) == "Breakpoints 119"
    tools = window.workspace.breakpoints.tools
    assert tools.isVisible()
    assert bar.tabRect(tabs.count() - 1).right() < tools.x()
    assert tools.geometry().right() < tabs.width()
    tabs.setCurrentWidget(window.workspace.console)
    assert not tools.isVisible()


def test_keys_stand_in_as_many_columns_as_fit(qtbot: QtBot, window: MainWindow) -> None:
    window.show_keys()
    sheet = window.workspace.keys.sheet
    tabs, found = window.workspace.tabs, {}
    for width in (400, 900):
        window.workspace.bottom.setSizes([width, 1440 - width])
        qtbot.waitUntil(lambda width=width: abs(tabs.width() - width) < 3)
        rights = [name.geometry().right() for _, name in sheet.entries]
        assert max(rights) <= sheet.width()
        assert all(name.y() + name.height() <= sheet.height() for _, name in sheet.entries)
        found[width] = sheet.columns
    assert found[400] < found[900]


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
