"""Value panel, timeline and loss on real programs: what they show is what the program has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.cursor import Cursor
from gradstep.gui.plots.loss import LossPanel
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.timeline import TimelinePanel
from gradstep.gui.value.panel import ValuePanel
from gradstep.protocol.trace import Goal

WAIT = 30_000


class Bench:
    """The three views on one session, without a window around them."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.session, self.cursor = Session(), Cursor()
        self.value = ValuePanel(self.session, self.cursor)
        self.timeline = TimelinePanel(self.session, self.cursor)
        self.loss = LossPanel(self.session, self.cursor)
        sizes = {self.value: (400, 512), self.timeline: (1440, 72), self.loss: (440, 208)}
        for view, size in sizes.items():
            view.resize(*size)
            qtbot.addWidget(view)
            view.show()

    def open(self, path: str) -> None:
        with self.qtbot.waitSignal(self.session.valuesChanged, timeout=WAIT):
            self.session.open(path)

    def go(self, *goals: Goal) -> None:
        for goal in goals:
            with self.qtbot.waitSignal(self.session.valuesChanged, timeout=WAIT):
                self.session.advance(goal)
        self.qtbot.waitUntil(lambda: self.session.state is not State.RUNNING)

    def close(self) -> None:
        self.session.close()
        if self.loss._importing is not None:
            self.loss._importing.join()


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(qtbot)
    yield made
    made.close()


def test_the_course_exercise(bench: Bench) -> None:
    bench.open(str(resource("lessons", "linear_by_hand.py")))
    bench.cursor.select("w")
    bench.go(Goal.FORWARD, Goal.BACKWARD)
    card = bench.value.card
    assert (card.data.number.exact, card.grad.number.exact) == ("1", "−2")
    assert card.grad.note.text().startswith("was None")
    bench.go(Goal.UPDATE, Goal.ZERO_GRAD)
    assert (card.data.number.exact, card.grad.number.exact) == ("1.02", "0")
    bench.go(Goal.FORWARD, Goal.STEP, Goal.STEP)
    assert card.data.note.text() == "was 1 in iteration\N{NO-BREAK SPACE}1"
    model = bench.timeline.model
    bench.qtbot.waitUntil(lambda: len(model.iterations) == 2)
    labels = [[box.label for _, box in model.boxes([i])] for i in (0, 1)]
    assert " ".join(labels[0]) == "mul sub pow pow sub mul accum mul sub .data zero_"
    assert labels[1] == labels[0], "the second iteration is expected to be like the first"
    nexts = [box.label for _, box in model.boxes([1]) if box.look.value == "next"]
    assert nexts == ["mul"]
    bench.qtbot.waitUntil(lambda: len(bench.loss.series) == 2)
    assert bench.loss.accessibleDescription() == "Loss 3.8416 at iteration 2"

    index, box = model.boxes([1])[1]
    assert box.label == "sub"
    bench.timeline.choose(index, box)
    bench.qtbot.waitUntil(lambda: card.data.number.exact == "−1.96")
    assert card.grad.number.exact == "−3.92"

    bench.session.stop_program()
    bench.qtbot.waitUntil(lambda: bench.session.state is State.LOST, timeout=WAIT)
    assert bench.value.title_row.text()[1].endswith(" · past")
    assert card.data.number.exact == "−1.96", "the last picture stays"


def test_tables_hold_what_torch_holds(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        "import torch\n"
        "w = torch.arange(600.0).reshape(2, 3, 10, 10).requires_grad_()\n"
        "half = torch.linspace(0, 1, 60, dtype=torch.bfloat16).reshape(6, 10)\n"
        "loss = (w * w).sum()\n"
        "loss.backward()\n"
        "done = True\n"
    )
    bench.open(str(path))
    bench.go(Goal.BACKWARD)
    bench.cursor.select("w")
    tables = bench.value.tensor.tables
    bench.qtbot.waitUntil(lambda: tables["data"].model.index(1, 2).data() == "12")
    first, second = bench.value.tensor.slices._boxes
    first.setValue(1)
    second.setValue(2)
    bench.qtbot.waitUntil(lambda: tables["data"].model.index(1, 2).data() == "512")
    bench.value.tensor.switch._group.button(1).click()
    bench.qtbot.waitUntil(lambda: tables["grad"].model.index(1, 2).data() == "1024")
    cells = bench.value.statistics._cells
    bench.qtbot.waitUntil(lambda: cells["grad"][4].text() == "1198")
    assert cells["data"][4].text() == "599" and cells["data"][5].text() == "1, 0, 0"
    bench.cursor.select("half")
    bench.qtbot.waitUntil(lambda: tables["data"].model.index(0, 1).data() == "0.017")


def test_a_value_that_went_out_of_scope_is_past(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        "import torch\n"
        "w = torch.tensor(3.0, requires_grad=True)\n"
        "(w * w).backward()\n"
        "del w\n"
        "v = torch.tensor(2.0, requires_grad=True)\n"
        "(v * v).backward()\n"
    )
    bench.open(str(path))
    bench.go(Goal.BACKWARD)
    bench.cursor.select("w")
    assert bench.value.card.grad.number.exact == "6"
    bench.go(Goal.BACKWARD)
    assert bench.value.title_row.text()[1] == "w · past"
    assert bench.value.card.grad.number.exact == "6"
