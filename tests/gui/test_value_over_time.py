"""What a value was: differences, curves and pins in a real window, against plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from gradstep.gui.numbers import format_number
from gradstep.gui.states import State
from gradstep.gui.value.comparison import CHOICES
from gradstep.gui.window import MainWindow
from gradstep.protocol.examination import Since
from tests.gui.windows import WAIT, action, opened, until, written

PROGRAM = """
import torch

import gradstep

w = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], requires_grad=True)
b = torch.tensor(0.5, requires_grad=True)

def predict(x):
    return (w * x).sum(1) + b

def experiment():
    return gradstep.Experiment(
        predict, loss=lambda p, y: (p - y).pow(2).sum(), parameters={"w": w, "b": b},
        learning_rate=0.1,
        data=[(torch.ones(3), torch.zeros(2)), (torch.arange(3.0), torch.ones(2))],
    )
"""


class Plain:
    """The same in this process: what ``w`` and ``b`` were, by stop."""

    def __init__(self) -> None:
        self.w = torch.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]], requires_grad=True)
        self.b = torch.tensor(0.5, requires_grad=True)
        self.data = [(torch.ones(3), torch.zeros(2)), (torch.arange(3.0), torch.ones(2))]
        self.sample = 0

    def backward(self) -> None:
        x, y = self.data[self.sample % 2]
        ((self.w * x).sum(1) + self.b - y).pow(2).sum().backward()

    def update(self) -> None:
        with torch.no_grad():
            for p in (self.w, self.b):
                p -= 0.1 * p.grad
        self.sample += 1

    def zero_grad(self) -> None:
        for p in (self.w, self.b):
            p.grad.zero_()

    def now(self) -> dict[str, Any]:
        def copy(t: torch.Tensor | None) -> Any:
            return None if t is None else t.detach().clone()

        return {
            "w": copy(self.w), "w.grad": copy(self.w.grad),
            "b": copy(self.b), "b.grad": copy(self.b.grad),
        }  # fmt: skip


@pytest.fixture
def window(qtbot: QtBot, make_window: Callable[[], MainWindow], tmp_path) -> MainWindow:
    return opened(qtbot, make_window(), written(tmp_path, PROGRAM))


def go(qtbot: QtBot, window: MainWindow, *ids: str) -> None:
    for id in ids:
        action(window, id).trigger()
        until(qtbot, window, State.STOPPED)
        qtbot.waitUntil(lambda: not window.workspace.value.reader._open, timeout=WAIT)


def select(qtbot: QtBot, window: MainWindow, name: str) -> None:
    window.cursor_.select(name)
    qtbot.waitUntil(lambda: window.workspace.value.title_row.text()[1] == name, timeout=WAIT)


def choose(qtbot: QtBot, window: MainWindow, since: Since | None) -> None:
    choice = window.workspace.value.content.comparison.bar.choice
    button = choice._group.button(CHOICES.index(since))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def changes(window: MainWindow, field: str) -> list[Any]:
    model = window.workspace.value.tensor.changes[field].model
    return [model.element(i, j) for i in range(2) for j in range(3)]


def flat(t: torch.Tensor) -> list[float]:
    return t.flatten().tolist()


def test_changes_stand_beside_data_and_grad(qtbot: QtBot, window: MainWindow) -> None:
    value, plain = window.workspace.value, Plain()
    select(qtbot, window, "w")
    choose(qtbot, window, Since.STOP)
    change = value.tensor.changes["data"]
    qtbot.waitUntil(lambda: "Nothing earlier" in change.below.text(), timeout=WAIT)
    assert not change.there
    first = plain.now()
    grad = value.tensor.changes["grad"]
    qtbot.waitUntil(lambda: "no .grad now" in grad.below.text(), timeout=WAIT)
    go(qtbot, window, "forward", "backward")
    qtbot.waitUntil(lambda: "None then" in grad.below.text(), timeout=WAIT)
    go(qtbot, window, "update")
    plain.backward()
    plain.update()
    qtbot.waitUntil(lambda: changes(window, "data") == flat(plain.w - first["w"]), timeout=WAIT)
    qtbot.waitUntil(lambda: changes(window, "grad") == [0.0] * 6, timeout=WAIT)
    # The largest difference has the last colour, on the side of its sign.
    bound = float((plain.w.detach() - first["w"]).abs().max())
    qtbot.waitUntil(lambda: change.grid.bound == pytest.approx(bound, rel=1e-6), timeout=WAIT)
    go(qtbot, window, "zero_grad")
    plain.zero_grad()
    choose(qtbot, window, Since.ITERATION)
    go(qtbot, window, "forward", "backward")
    plain.backward()
    told = value.content.comparison.bar.told
    qtbot.waitUntil(lambda: "iteration 1" in told.text(), timeout=WAIT)
    qtbot.waitUntil(lambda: changes(window, "data") == [0.0] * 6, timeout=WAIT)
    qtbot.waitUntil(lambda: changes(window, "grad") == flat(plain.w.grad), timeout=WAIT)
    # One number: the difference below it.
    select(qtbot, window, "b")
    go(qtbot, window, "update")
    plain.update()
    words = value.card.data
    qtbot.waitUntil(lambda: "Nothing earlier" in words.no_change.text(), timeout=WAIT)
    go(qtbot, window, "zero_grad", "iteration")
    plain.zero_grad()
    kept = plain.now()
    plain.backward()
    plain.update()
    number = float(plain.b.detach() - kept["b"])
    text = "Δ " + ("+" if number > 0 else "") + format_number(number, "float32")
    qtbot.waitUntil(lambda: words.change.text() == text and words.change.isVisible(), timeout=WAIT)
    choose(qtbot, window, None)
    assert not words.change.isVisible() and not words.no_change.isVisible()


def test_curves_of_the_selected_and_the_pinned(qtbot: QtBot, window: MainWindow) -> None:
    value, watch, plain = window.workspace.value, window.workspace.watch, Plain()
    for text in ("(w * 2).sum()", "b", "w.grad.norm()", "w +"):
        window.workspace.watches.add(text)
    select(qtbot, window, "w")
    window.workspace.tabs.setCurrentWidget(watch)
    qtbot.waitUntil(lambda: len(window.workspace.watches.results) == 4, timeout=WAIT)
    points: dict[str, list[Any]] = {"w": [], "grad": [], "sum": [], "b": [], "norm": []}
    for _ in range(3):
        go(qtbot, window, "iteration")
        plain.backward()
        wide, grad = plain.w.detach().double(), plain.w.grad.double()
        points["w"].append(wide.norm().item())
        points["grad"].append(grad.min().item())
        points["sum"].append((plain.w * 2).sum().item())
        points["b"].append(plain.b.item())
        points["norm"].append(plain.w.grad.norm().item())
        plain.update()
        plain.zero_grad()
    track = value.content.track

    def shown(picture: Any) -> list[float]:
        return [y for _, y in picture._points]

    qtbot.waitUntil(lambda: shown(track.data) == pytest.approx(points["w"]), timeout=WAIT)
    assert [x for x, _ in track.data._points] == [1, 2, 3]
    qtbot.mouseClick(track.measure._group.button(2), Qt.MouseButton.LeftButton)
    assert shown(track.grad) == pytest.approx(points["grad"])
    assert "minimum(w.grad)" in track.grad.accessibleDescription()
    for row, key in enumerate(("sum", "b", "norm")):
        watch.view.choose(row)
        expected = points[key]
        qtbot.waitUntil(
            lambda e=expected: shown(watch.track.data) == pytest.approx(e), timeout=WAIT
        )
    watch.view.choose(3)
    assert not shown(watch.track.data)  # it gives nothing
    # By the keyboard: from point to point.
    track.data.setFocus()
    qtbot.keyClick(track.data, Qt.Key.Key_End)
    assert track.data.words(2) in track.data.accessibleDescription()


def test_pins_by_key_and_menus(qtbot: QtBot, window: MainWindow) -> None:
    watches, value = window.workspace.watches, window.workspace.value
    select(qtbot, window, "w")
    act = action(window, "watch_value")
    qtbot.waitUntil(act.isEnabled, timeout=WAIT)
    assert not act.isChecked()
    window.workspace.graph.canvas.setFocus()
    qtbot.keyClick(window.workspace.graph.canvas, Qt.Key.Key_W)
    assert watches.expressions == ["w"] and act.isChecked() and value.pin.isChecked()
    qtbot.keyClick(window.workspace.graph.canvas, Qt.Key.Key_W)
    assert watches.expressions == []
    # The names: the row, not what the panel shows.
    names = value.popup.names
    value.choose.click()
    rows = [names.list.model().index(i, 0) for i in range(names.list.model().rowCount())]
    names.list.setCurrentIndex(next(row for row in rows if row.data() == "b"))
    qtbot.keyClick(names.list, Qt.Key.Key_W)
    assert watches.expressions == ["b"]
    value.popup.close()
    # The graph: a leaf has a name, a result without one is told to have none.
    go(qtbot, window, "forward")
    graph = window.workspace.graph
    qtbot.waitUntil(lambda: not graph.waiting and bool(graph.canvas.picture.items), timeout=WAIT)
    scene = graph.canvas.picture.scene
    pinned = {}
    for key, item in scene.items.items():
        pinned[item.node.name if item.node is not None else key] = key
    graph._show_menu(pinned["w"], graph.mapToGlobal(QPoint(20, 60)))
    menu = graph.findChild(QMenu, "graph_menu")
    entry = next(a for a in menu.actions() if a.objectName() == "graph_pin")
    entry.trigger()
    menu.close()
    qtbot.waitUntil(lambda: watches.expressions == ["b", "w"], timeout=WAIT)
    nameless = next(name for name in pinned if name in ("mul", "sum", "add"))
    window.workspace.value.pin_value(graph_ref(graph, pinned[nameless]))
    qtbot.waitUntil(lambda: "no name" in value.details.edited.problem.text(), timeout=WAIT)
    assert watches.expressions == ["b", "w"]


def graph_ref(graph: Any, key: str) -> str:
    from gradstep.gui.graph.refs import ref_of

    return ref_of(key, graph.canvas.picture.scene)
