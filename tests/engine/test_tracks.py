"""Values over the iterations, stepped and at full speed: against plain PyTorch."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import gradstep
from gradstep.engine.values.tracks import POINTS, _Points
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened

BY_HAND = PROGRAMS / "examined/by_hand.py"
SCRIPT = """
import time

import torch

torch.manual_seed(1)
model = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
data = torch.randn(40, 5, 3)
for x in data:  # @loop
    optimizer.zero_grad()
    loss = model(x).pow(2).mean()
    loss.backward()
    optimizer.step()
    time.sleep(0.02)
"""
TEXTS = ("model.weight", "loss", "loss.item() * 2", "model.bias.grad.norm()", "nothing_here")


def measures(t: Any) -> tuple[float, ...] | None:
    if t is None:
        return None
    if t.numel() == 1:
        return (abs(t.item()), t.item(), t.item(), t.item())
    t = t.detach().double()
    return (float(t.norm()), float(t.mean()), float(t.min()), float(t.max()))


def truth() -> dict[str, list[Any]]:
    """What each was when backward had returned."""
    torch.manual_seed(1)
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    found: dict[str, list[Any]] = {text: [] for text in (*TEXTS, "grad")}
    for x in torch.randn(40, 5, 3):
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        found["model.weight"].append(measures(model.weight))
        found["grad"].append(measures(model.weight.grad))
        found["loss"].append(measures(loss))
        found["loss.item() * 2"].append(measures(loss * 2))
        found["model.bias.grad.norm()"].append(measures(model.bias.grad.norm()))
        optimizer.step()
    return found


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Opened]:
    path = tmp_path / "program.py"
    path.write_text(SCRIPT)
    with gradstep.open(path, timeout=PATIENCE) as debuggee:
        yield Opened(debuggee)


def compare(program: Opened, expected: dict[str, list[Any]]) -> int:
    """All points that there are; how many of the weight."""
    for text in TEXTS:
        found = program.track_history(text)
        assert found.single is (text != "model.weight") and not found.problem
        for iteration, data in zip(found.iterations, found.data, strict=True):
            assert data == pytest.approx(expected[text][iteration - 1], rel=1e-6), text
        if text == "model.weight":
            grads = [expected["grad"][i - 1] for i in found.iterations]
            for grad, of in zip(found.grad, grads, strict=True):
                assert grad == pytest.approx(of, rel=1e-6)
    assert not program.track_history("nothing_here").iterations
    return len(program.track_history("model.weight").iterations)


def test_a_script_stepped_and_at_full_speed(script: Opened) -> None:
    expected = truth()
    script.forward()
    script.track(*TEXTS)
    for _ in range(3):
        script.iteration()
    assert compare(script, expected) == 3
    part = script.track_history("loss", 0, 2)
    assert part.first == 2 and len(part.iterations) == 1
    assert script.run().reason is Reason.END
    # On a busy machine many are left out to stay within a tenth of the time.
    assert compare(script, expected) > 8
    assert script.track_history("loss").iterations[-1] > 20


def test_an_experiment(tmp_path: Path) -> None:
    plain = runpy.run_path(str(BY_HAND))["experiment"]()
    w = plain.named_parameters["w"]
    with gradstep.open(BY_HAND, timeout=PATIENCE) as debuggee:
        program = Opened(debuggee)
        program.track("w", "w.sum()", "sum(x for x in range(10**9))")
        slow = program.track_history("sum(x for x in range(10**9))")
        assert "longer than" in slow.problem
        for sample in range(2):
            program.iteration()
            plain.forward(sample)
            plain.backward()
            found = program.track_history("w")
            assert found.iterations == tuple(range(1, sample + 2))
            assert found.data[-1] == pytest.approx(measures(w))
            assert found.grad[-1] == pytest.approx(measures(w.grad))
            plain.update()
            plain.zero_grad()
        program.track()
        program.iteration()
        assert len(program.track_history("w").iterations) == 2
        assert program.track_history("w.sum()").data[-1] is not None


def test_points_are_bounded_and_in_order() -> None:
    points = _Points()
    for i in range(1, 10 * POINTS):
        points.add((i, None, None))
        assert len(points.points) <= POINTS
    iterations = [p[0] for p in points.points]
    assert iterations == sorted(set(iterations)) and points.revision > 0
    assert iterations[0] == 1 and iterations[-1] == 10 * POINTS - 1
    before = points.revision
    points.add((5000, None, None))  # what were iterations were parts of one
    assert points.points[-1][0] == 5000 and points.points[-2][0] < 5000
    assert points.revision > before
