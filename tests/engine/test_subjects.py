"""Who works on a phase where there are several, and phases within an update."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gradstep.phases import Phase
from gradstep.protocol.trace import Goal, Reason
from gradstep.protocol.values import ValueKind
from tests.engine.programs_under_test import Opened, marker
from tests.engine.table_of_programs import HELPERS

Start = Callable[..., Opened]
pytestmark = pytest.mark.usefixtures("_digest")
F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD


@pytest.fixture
def _digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", HELPERS)


def test_the_optimizer_and_the_models_are_named(start: Start) -> None:
    program = start("update/two_of_a_kind.py")
    for optimizer, forward, backward in (
        # What is detached gets no gradient, but was computed.
        ("optimizers['left']", "left, right", "left"),
        ("optimizers['right']", "left, right", "left, right"),
    ):
        stop = program.forward()
        assert set(stop.subject.split(", ")) == set(forward.split(", ")), stop
        stop = program.backward()
        assert set(stop.subject.split(", ")) == set(backward.split(", ")), stop
        assert program.update().subject == optimizer
    names = [n.name for n in program.graph().nodes if n.kind is ValueKind.PARAMETER]
    both = {f"{model}.0.{part}" for model in ("left", "right") for part in ("weight", "bias")}
    assert set(names) == both and len(names) == len(both)
    shown = {v.name: v for v in program.values() if v.kind is ValueKind.PARAMETER}
    assert set(shown) == both
    assert shown["left.0.bias"].data != shown["right.0.bias"].data


def test_nothing_is_said_where_there_is_but_one(start: Start) -> None:
    program = start("update/closure.py")
    assert {go(program, phase).subject for phase in (Z, F, B, U)} == {""}
    names = {n.name for n in program.graph().nodes if n.kind is ValueKind.PARAMETER}
    assert names == {"weight", "bias"}


def test_a_generators_samples_keep_their_graph_through_the_discriminators_step(
    start: Start,
) -> None:
    program = start("update/gan.py")
    for phase in (Z, F, B, F, B, U, Z, F):
        stop = go(program, phase)
    assert stop.iteration == 2
    names = {n.name for n in program.graph().nodes if n.kind is ValueKind.PARAMETER}
    assert {"netG.0.weight", "netG.3.bias", "netD.0.weight", "netD.2.bias"} <= names
    stop = program.backward()
    assert set(stop.subject.split(", ")) == {"netG", "netD"}
    assert program.value("netG.0.weight").grad is not None


def go(program: Opened, phase: Phase) -> Any:
    return getattr(program, phase.value)()


@pytest.mark.parametrize("file", ["update/closure.py", "update/lbfgs.py"])
def test_phases_inside_a_closure_are_told_inside_the_update(start: Start, file: str) -> None:
    program = start(file)
    for phase in (Z, F, B):
        stop = go(program, phase)
        assert (stop.reason, stop.phase, stop.iteration) == (Reason.PHASE, phase, 1)
        assert stop.outer is U
    stop = program.update()
    assert (stop.phase, stop.outer, stop.iteration) == (U, None, 1)
    assert stop.line != marker(file, "update")  # step has returned
    told = [(s.phase, s.outer) for s in program.timeline().phases]
    assert told[:4] == [(Z, U), (F, U), (B, U), (U, None)]
    assert len(told) % 4 == 0 and told == told[:4] * (len(told) // 4)
    stop = program.iteration()
    assert (stop.iteration, stop.outer) == (2, U)  # before the first operation of the third


def test_a_pause_and_then_phases_in_a_second_thread(start: Start, script: Any) -> None:
    path = script(
        "import threading, time, torch\n"
        "w = torch.nn.Parameter(torch.ones(3))\n"
        "def train():\n"
        "    optimizer = torch.optim.SGD([w], lr=0.01)\n"
        "    for _ in range(300):\n"
        "        (w - 2).square().sum().backward()\n"
        "        optimizer.step()\n"
        "        optimizer.zero_grad()\n"
        "        time.sleep(0.01)\n"
        "threading.Thread(target=train).start()\n"
    )
    program = start(path)
    program.advance(Goal.RUN)
    deadline = time.monotonic() + 60
    while not program.losses().values and time.monotonic() < deadline:
        time.sleep(0.01)
    program.pause()
    paused = program.wait()
    # After a backward, or before a step, whichever comes first.
    assert paused.reason is Reason.PAUSE and paused.line in (6, 7)
    for phase, line in ((F, 6), (B, 7), (U, 8), (Z, 9)):
        stop = go(program, phase)
        assert (stop.phase, stop.line, stop.iteration) == (phase, line, paused.iteration + 1)
    # By hand: each step leaves 1 - 2 * 0.01 of the distance to 2.
    done, w = paused.iteration + 1, torch.ones(3)
    for _ in range(done):
        w = w - 0.01 * (2 * (w - 2))
    (shown,) = [v for v in program.values() if v.name == "w"]
    assert shown.data is not None
    assert shown.data.elements == pytest.approx(w.tolist(), abs=1e-6)
    assert program.run().iteration == 300
    assert program.finish() == 0


def test_a_loss_that_waits_for_its_own_backward_keeps_its_forward(start: Start) -> None:
    program = start("update/two_models.py")
    for phase in (Z, Z, F, B):
        go(program, phase)
    assert "smooth_l1_loss" in {n.name for n in program.graph().nodes}
    go(program, B)
    told = {n: [c.name for c in s.cells] for n, s in enumerate(program.timeline().phases)}
    assert {"logsumexp", "smooth_l1_loss"} <= set(told[1])
    assert "logsumexp" in told[2] and "smooth_l1_loss" not in told[2]
    assert "smooth_l1_loss" in told[3] and "logsumexp" not in told[3]
