"""The menu of an item on the graph: where the program may be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from gradstep.gui.graph.menu import halts
from gradstep.gui.graph.scene import Item, Role, Scene
from gradstep.protocol.breakpoints import BreakOn
from gradstep.protocol.trace import Group
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench, wait_for


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def entries(bench: Bench, at: QPoint | None) -> dict[str, QAction]:
    """Of the menu at a point, or of the one that the Menu key opens."""
    for old in bench.panel.findChildren(QMenu, "graph_menu"):
        old.close()
    assert wait_for(lambda: not bench.panel.findChildren(QMenu, "graph_menu"), 5000)
    reason = QContextMenuEvent.Reason.Mouse if at else QContextMenuEvent.Reason.Keyboard
    where = at or QPoint()
    event = QContextMenuEvent(reason, where, bench.canvas.mapToGlobal(where))
    QApplication.sendEvent(bench.canvas, event)
    menu = bench.panel.findChild(QMenu, "graph_menu")
    return {action.objectName(): action for action in menu.actions()} if menu else {}


def test_an_operation_can_be_stopped_before(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    wanted: list[tuple[object, str]] = []
    bench.panel.stopRequested.connect(lambda on, pattern: wanted.append((on, pattern)))
    found = entries(bench, bench.at("mul"))
    assert bench.canvas.selected == bench.item("mul").key
    assert found["stop_operation"].text() == "Stop before this operation (model:mul)"
    found["stop_operation"].trigger()
    assert wanted == [(BreakOn.OPERATION, "model:mul")]
    assert list(entries(bench, None)) == list(found)


def test_a_leaf_has_no_operation_to_stop_before(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    assert "stop_operation" not in entries(bench, bench.at("w"))
    assert entries(bench, QPoint(bench.canvas.width() - 3, 3)) == {}


def test_its_backward_is_what_backward_reaches_first(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    item = bench.item("mul")
    assert item.node is not None
    node = replace(item.node, name="linear", backward=("TBackward0", "AddmmBackward0"), groups=())
    scene = Scene({"k": replace(item, key="k", node=node)})
    assert [(h.on, h.pattern) for h in halts("k", scene)] == [
        (BreakOn.OPERATION, "linear"),
        (BreakOn.NODE, "AddmmBackward0"),
    ]


def test_a_folded_module_is_stopped_before_by_its_name() -> None:
    item = Item("g", Role.MODULE, None, "fc1", group=Group("g1", "fc1", "module", "Linear"))
    (found,) = halts("g", Scene({"g": item}))
    assert (found.on, found.pattern) == (BreakOn.MODULE, "fc1")
    assert halts("nobody", Scene({"g": item})) == ()
