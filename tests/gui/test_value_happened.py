"""What the value panel says that the last step did, on a real program in every order of phases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.cursor import Cursor
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.value.panel import ValuePanel
from gradstep.phases import Phase
from gradstep.protocol.trace import Goal

WAIT = 30_000
SPACE = "\N{NO-BREAK SPACE}"


class Desk:
    """A value panel on a session of its own."""

    def __init__(self, qtbot: QtBot, lesson: str) -> None:
        self.qtbot, self.session, self.cursor = qtbot, Session(), Cursor()
        self.panel = ValuePanel(self.session, self.cursor)
        self.panel.resize(400, 512)
        qtbot.addWidget(self.panel)
        self.panel.show()
        with qtbot.waitSignal(self.session.valuesChanged, timeout=WAIT):
            self.session.open(str(resource("lessons", f"{lesson}.py")))

    def go(self, goal: Goal) -> str:
        """The sentence that is shown after ``goal``."""
        with self.qtbot.waitSignal(self.session.valuesChanged, timeout=WAIT):
            self.session.advance(goal)
        self.qtbot.waitUntil(lambda: self.session.state is State.STOPPED)
        return self.panel.happened.text()


@pytest.fixture
def linear(qtbot: QtBot) -> Iterator[Desk]:
    made = Desk(qtbot, "linear")
    made.cursor.select("w")
    yield made
    made.session.close()


@pytest.fixture
def two_layers(qtbot: QtBot) -> Iterator[Desk]:
    made = Desk(qtbot, "two_layers")
    made.cursor.select("hidden.weight")
    yield made
    made.session.close()


def plain(*phases: str) -> tuple[float, float]:
    """Data and gradient of w after these phases of the first sample, by PyTorch alone."""
    w = torch.tensor(1.0, requires_grad=True)
    for phase in phases:
        if phase == "backward":
            ((w * 1.0 - 2.0) ** 2).backward()
        elif phase == "update":
            with torch.no_grad():
                w -= 0.01 * w.grad
        else:
            w.grad.zero_()
    return w.item(), w.grad.item()


def test_a_scalar_in_every_phase(linear: Desk) -> None:
    assert linear.panel.happened.text() == "", "nothing has run"
    assert linear.go(Goal.FORWARD) == "Forward left it unchanged."
    assert plain("backward") == (1.0, -2.0)
    assert linear.go(Goal.BACKWARD) == "Backward stored −2 in .grad; data stays."
    linear.go(Goal.FORWARD)
    assert plain("backward", "backward")[1] == -4.0
    adds = "Backward adds to .grad, it does not replace it: "
    sum_ = "−2 + (−2) = −4".replace(" ", SPACE)
    assert linear.go(Goal.BACKWARD) == adds + sum_
    assert linear.panel.card.grad.note.text() == "was −2 before"
    moved = plain("backward", "backward", "update")[0] - 1.0
    text = linear.go(Goal.UPDATE)
    assert text == "Update moved data by +0.04, against its gradient −4."
    assert float(f"{moved:.4g}") == 0.04
    assert linear.go(Goal.ZERO_GRAD) == "Zero grad set .grad to 0; data stays."


def test_an_iteration_passes_four_phases(linear: Desk) -> None:
    """Each number in the colour of the phase that made it, and no number from long ago."""
    linear.go(Goal.ITERATION)
    linear.go(Goal.ITERATION)
    text = linear.go(Goal.ITERATION)
    assert text.startswith("Update moved data by +") and text.endswith("data stays.")
    card = linear.panel.card
    assert card.data.number._shown.changed is Phase.UPDATE
    assert card.grad.number._shown.changed is Phase.ZERO_GRAD
    before = card.grad.note.text()
    w = torch.tensor(1.0, requires_grad=True)
    for x in (1.0, 2.0, 3.0):
        w.grad = None
        ((w * x - 2 * x) ** 2).backward()
        with torch.no_grad():
            w -= 0.01 * w.grad
    assert before == f"was −{abs(w.grad.item()):.6g} before"


def test_a_tensor_whose_grad_is_cleared(two_layers: Desk) -> None:
    panel = two_layers.panel
    grad = panel.tensor.tables["grad"]
    two_layers.go(Goal.FORWARD)
    assert grad.below.text() == "None: no backward has reached it yet"
    assert two_layers.go(Goal.BACKWARD) == "Backward stored the gradient in .grad; data stays."
    assert two_layers.go(Goal.UPDATE) == "Update changed data, using .grad."
    places = [panel.happened.y(), panel.statistics.y(), panel.facts.y()]
    assert two_layers.go(Goal.ZERO_GRAD) == "Zero grad set .grad to None; data stays."
    assert grad.below.text() == "None: cleared by zero grad", "it has had one"
    two_layers.qtbot.waitUntil(lambda: not panel.reader._open)
    assert [panel.happened.y(), panel.statistics.y(), panel.facts.y()] == places, "nothing jumps"


def test_what_was_passed_unseen_is_not_said_to_be_new(two_layers: Desk) -> None:
    two_layers.go(Goal.ITERATION)
    assert (
        two_layers.panel.tensor.tables["grad"].below.text() == "None: cleared, or not reached yet"
    )
