"""One selection: what is chosen in one view is shown by all the others, on a real window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gradstep.gui.graph.scene import Item, Role
from gradstep.gui.window import MainWindow
from gradstep.protocol.trace import Goal
from tests.gui.windows import WAIT, written

PROGRAM = """\
import torch
from torch import nn
from helper import halved

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 3)
        self.output = nn.Linear(3, 1)

    def forward(self, x):
        h = torch.sigmoid(self.hidden(x))  # @hidden
        return self.output(h)  # @output

torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    x = torch.ones(4, 2)
    scores = net(x)
    prediction = halved(scores)
    loss = (prediction * prediction + prediction).sum()  # @loss
    optimizer.zero_grad()  # @none
    loss.backward()
    optimizer.step()
"""


def line_of(marker: str) -> int:
    return next(i for i, text in enumerate(PROGRAM.splitlines(), 1) if f"# @{marker}" in text)


class Views:
    """The four views of a window, with what a person does to them."""

    def __init__(self, qtbot: QtBot, window: MainWindow, file: str) -> None:
        self.qtbot, self.window, self.file = qtbot, window, file
        space = window.workspace
        self.canvas, self.source, self.strip = (
            space.graph.canvas,
            space.source,
            space.timeline.strip,
        )
        self.value = space.value

    def go(self, *goals: Goal) -> None:
        session = self.window.session
        for goal in goals:
            with self.qtbot.waitSignal(session.valuesChanged, timeout=WAIT):
                session.advance(goal)
        self.qtbot.waitUntil(lambda: not self.window.graph.waiting)

    # -- what a person does ------------------------------------------------------------------

    def click_item(self, text: str) -> None:
        item = self.item(text)
        self.canvas.reveal(item.key)
        centre = self.canvas.picture.rect(item).center()
        at = QPointF(*self.canvas.view.to_canvas(centre.x(), centre.y())).toPoint()
        self.qtbot.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=at)

    def click_line(self, marker: str, back: bool = False) -> None:
        view = self.source.view
        view.scroll_to(line_of(marker))
        at = QPoint(120, view.rect_of(line_of(marker)).center().y())
        key = Qt.KeyboardModifier.ShiftModifier if back else Qt.KeyboardModifier.NoModifier
        self.qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, key, at)

    def click_name(self, name: str) -> None:
        self.qtbot.mouseClick(self.value.choose, Qt.MouseButton.LeftButton)
        names = self.value.popup.names
        model = names.list.model()
        index = next(
            model.index(row, 0)
            for row in range(model.rowCount())
            if model.index(row, 0).data() == name
        )
        names.list.scrollTo(index)
        at = names.list.visualRect(index).center()
        self.qtbot.mouseClick(names.list.viewport(), Qt.MouseButton.LeftButton, pos=at)

    def click_cell(self, label: str) -> None:
        model = self.strip.model
        index = len(model.iterations) - 1
        box = next(box for _, box in model.boxes([index]) if box.label == label)
        x = model.left(index) + box.x - self.strip._offset + 10
        self.qtbot.mouseClick(self.strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 50))

    def press(self, widget: QWidget, *keys: Qt.Key) -> None:
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        for key in keys:
            self.qtbot.keyClick(widget, key)

    # -- what is shown -----------------------------------------------------------------------

    def item(self, text: str) -> Item:
        items = self.canvas.picture.scene.items.values()
        return next(i for i in items if i.text == text and not i.expected)

    def chosen(self) -> Item | None:
        return self.canvas.picture.scene.items.get(self.canvas.selected)

    def ringed(self) -> list[str]:
        """Labels of the operations that the timeline outlines."""
        model = self.strip.model
        last = len(model.iterations) - 1
        node = self.strip.marked_node
        return [b.label for _, b in model.boxes([last]) if b.cell and b.cell.node == node]


@pytest.fixture
def views(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Views:
    (tmp_path / "helper.py").write_text("def halved(y):\n    return y / 2\n")
    file = written(tmp_path, PROGRAM)
    window.set_appearance("light")
    with qtbot.waitSignal(window.session.valuesChanged, timeout=WAIT):
        window.open_file(file)
    made = Views(qtbot, window, file)
    window.graph.set_motion(False)
    made.go(Goal.FORWARD, Goal.BACKWARD)
    return made


@dataclass(frozen=True)
class Case:
    """``do`` one thing in one view; what the four then show. ``on``: what is written on the item
    that is selected on the graph; ``ringed``: what the timeline outlines."""

    name: str
    do: Callable[[Views], None]
    on: str
    marker: str
    ringed: str
    shape: tuple[int, ...]


CASES = (
    Case("graph", lambda v: v.click_item("sigmoid"), "sigmoid", "hidden", "sigmoid " * 2, (4, 3)),
    Case("value list", lambda v: v.click_name("scores"), "linear", "output", "linear " * 3, (4, 1)),
    Case("source", lambda v: v.click_line("loss"), "mul", "loss", "mul " * 2, (4, 1)),
    Case("graph, a leaf", lambda v: v.click_item("x"), "x", "hidden", "", (4, 2)),
    Case("timeline", lambda v: v.click_cell("add"), "add", "loss", "add " * 2, (4, 1)),
    Case(
        "graph, a parameter",
        lambda v: v.click_item("output.bias"),
        *("output.bias", "output", "accum", (1,)),
    ),
    Case(
        "value list, a parameter",
        lambda v: v.click_name("hidden.weight"),
        *("hidden.weight", "hidden", "accum", (3, 2)),
    ),
    Case(
        "timeline by keys",
        lambda v: v.press(v.strip, Qt.Key.Key_Right, Qt.Key.Key_Right),
        *("sum", "loss", "sum " * 2, ()),
    ),
    Case(
        "source by keys",
        lambda v: v.press(v.source.view, Qt.Key.Key_Home, *[Qt.Key.Key_Down] * 11),
        *("linear", "hidden", "linear " * 3, (4, 3)),
    ),
    Case(
        "graph by keys",
        lambda v: v.press(v.canvas, Qt.Key.Key_Right),
        *("sigmoid", "hidden", "sigmoid " * 2, (4, 3)),
    ),
)


def assert_all_show(views: Views, case: Case) -> None:
    qtbot, cursor = views.qtbot, views.window.cursor_
    chosen = views.chosen()
    assert chosen is not None and chosen.text == case.on, case.name
    extent = views.canvas.picture.placement.extents[chosen.key]
    assert views.canvas.view.seen(extent, views.canvas.width(), views.canvas.height(), 0), case.name
    assert views.source.view.selected == line_of(case.marker), case.name
    assert " ".join(views.ringed()) == case.ringed.strip(), case.name
    assert views.value._selected.ref == cursor.ref, case.name
    qtbot.waitUntil(lambda: views.value._selected.info is not None)
    info = views.value._selected.info
    assert info is not None and tuple(info.tensor.shape) == case.shape, case.name


def test_what_is_selected_in_one_view_is_selected_in_all(views: Views) -> None:
    for case in CASES:
        case.do(views)
        assert_all_show(views, case)


def test_a_line_leads_to_all_that_it_made(views: Views) -> None:
    window, made = views.window, []
    for back in (False, False, False, False, True, True):
        views.click_line("loss", back)
        chosen = views.chosen()
        said = window.status.text()
        made.append((chosen.text if chosen else "", said[said.index("Line ") :].split(" · ")[0]))
    one, two, three = (("mul", "1"), ("add", "2"), ("sum", "3"))
    expected = [one, two, three, one, three, two]
    line = line_of("loss")
    assert made == [(text, f"Line {line}: {n} of 3") for text, n in expected]
    views.press(views.source.view, Qt.Key.Key_Return)
    assert views.item("sum").key == views.canvas.selected
    views.click_line("none")
    assert views.item("sum").key == views.canvas.selected, "nothing there to select instead"
    assert f"Nothing recorded at line {line_of('none')}" in window.status.text()
    views.click_item("mul")
    assert "recorded" not in window.status.text() and "of 3" not in window.status.text()
    assert views.source.view.selected == line
    # A line in another file is shown beside where Python is.
    views.click_item("div")
    first = views.source.sections[0].view
    views.qtbot.waitUntil(lambda: first.selected == 2)
    files = [Path(section.file).name for section in views.source.sections]
    assert files == ["helper.py", "program.py"]
    views.click_item("mul")
    assert (first.selected, views.source.view.selected) == (0, line_of("loss"))


def test_what_is_folded_away_selects_the_fold_and_nothing_moves(views: Views) -> None:
    graph, canvas = views.window.graph, views.canvas
    group = next(k for k, f in canvas.picture.scene.frames.items() if f.group.type == "Net")
    graph.toggle_fold(group)
    views.qtbot.waitUntil(lambda: not graph.waiting and group in canvas.picture.scene.items)
    canvas.fit()
    before = canvas.view.scale, canvas.view.x, canvas.view.y
    for do in (
        lambda: views.click_line("hidden"),
        lambda: views.click_cell("sigmoid"),
        lambda: views.click_name("hidden.weight"),
        lambda: views.click_name("scores"),
    ):
        canvas.select("")
        do()
        assert canvas.selected == group
        assert (canvas.view.scale, canvas.view.x, canvas.view.y) == before
        assert group in canvas.picture.scene.items, "it stays folded"
    chosen = views.chosen()
    assert chosen is not None and chosen.role is Role.MODULE
    # A step later it is still what is selected.
    with views.qtbot.waitSignal(views.window.session.valuesChanged, timeout=WAIT):
        views.window.session.advance(Goal.STEP)
    views.qtbot.waitUntil(lambda: not graph.waiting)
    assert canvas.selected == group
