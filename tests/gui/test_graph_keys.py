"""Everything on the graph without a pointer, and what is told by more than its colour."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from gradstep.gui.graph.scene import Role
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench, wait_for

K = Qt.Key


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def press(bench: Bench, *keys: Qt.Key) -> None:
    for key in keys:
        QTest.keyClick(bench.canvas, key)
        bench.settle()


def test_modules_open_and_shut_and_lines_are_shown_by_keys(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    lines: list[str] = []
    bench.canvas.lineChosen.connect(lines.append)
    bench.panel.activateWindow()
    assert wait_for(bench.panel.isActiveWindow, 5000)
    bench.canvas.clearFocus()
    bench.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert bench.canvas.ringed, "where the keyboard is can be seen"
    hidden = bench.item("sigmoid").key
    bench.canvas.go_to(hidden)
    press(bench, K.Key_Left)
    linear = bench.canvas.selected
    around = bench.canvas.picture.scene.items[linear].groups[-1]
    ref = bench.cursor.ref
    press(bench, K.Key_Backspace)
    folded = bench.canvas.picture.scene.items[around]
    assert folded.role is Role.MODULE and bench.canvas.selected == around
    assert bench.cursor.ref == ref, "the value that is selected stays the same"
    press(bench, K.Key_Return)
    assert bench.canvas.selected == linear and around in bench.canvas.picture.scene.frames
    press(bench, K.Key_Return)
    assert lines == [linear]
    press(bench, K.Key_Backspace, K.Key_Backspace)
    model = bench.canvas.selected
    assert bench.canvas.picture.scene.items[model].text == "TwoLayers", "from the inside out"
    press(bench, K.Key_Backspace)
    assert bench.canvas.selected == model, "nothing around it to shut"
    press(bench, K.Key_Escape)
    assert bench.canvas.selected == "" == bench.cursor.ref


def test_the_menu_of_what_is_selected_opens_and_acts_by_keys(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    bench.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    bench.canvas.go_to(bench.item("sigmoid").key)
    at = bench.canvas.rect().center()
    reason = QContextMenuEvent.Reason.Keyboard
    event = QContextMenuEvent(reason, at, bench.canvas.mapToGlobal(at))
    QApplication.sendEvent(bench.canvas, event)
    menu = bench.panel.findChild(QMenu, "graph_menu")
    assert menu is not None
    names = [action.objectName() for action in menu.actions() if not action.isSeparator()]
    for _ in range(names.index("graph_fold") + 1):
        QTest.keyClick(menu, K.Key_Down)
    assert menu.activeAction().objectName() == "graph_fold"
    QTest.keyClick(menu, K.Key_Return)
    bench.settle()
    items = bench.canvas.picture.scene.items.values()
    assert wait_for(lambda: any(i.role is Role.MODULE for i in items), 5000)
