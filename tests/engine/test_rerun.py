"""The recorded forward made again: finite differences and landscapes, against plain PyTorch."""

from __future__ import annotations

import contextlib
import io
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import gradstep
from gradstep.assets import resource
from gradstep.debuggee import Debuggee
from gradstep.engine.stepping.gate import Command, Gate
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.rerun import Axis, AxisKind, Verdict
from gradstep.protocol.trace import Goal, Level
from tests.engine.programs_under_test import PATIENCE

SMALL = """
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(),
        nn.Linear(144, 5),
    )
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    x, y = torch.randn(6, 1, 8, 8), torch.randint(0, 5, (6,))
    for step in range(3):
        z = net(x)
        target = z.softmax(1).detach()
        loss = functional.cross_entropy(z, y) + 0.5 * functional.mse_loss(z.sigmoid(), target)
        optimizer.zero_grad()
        loss.backward()
        print(loss.item(), torch.rand(()).item())
        optimizer.step()
    print(sum(p.double().sum() for p in net.parameters()).item())
"""


@contextmanager
def opened(folder: Path, text: str) -> Iterator[Debuggee]:
    path = folder / "program.py"
    path.write_text(dedent(text))
    with gradstep.open(path, timeout=PATIENCE) as program:
        yield program


def plain(text: str) -> dict[str, Any]:
    """What the program's names mean after it has run in this process, and what it printed."""
    names: dict[str, Any] = {}
    printed = io.StringIO()
    state = torch.get_rng_state()
    with contextlib.redirect_stdout(printed):
        exec(compile(dedent(text), "plain", "exec"), names)
    torch.set_rng_state(state)
    return {**names, "printed": printed.getvalue()}


# ---------------------------------------------------------------------- checks


def test_the_lesson_is_right_to_many_digits() -> None:
    with gradstep.open(str(resource("lessons", "squared_error.py")), timeout=PATIENCE) as program:
        program.forward()
        program.backward()
        found = program.check("w")
    # (x w − y)² at x = 2, y = 4, w = 1: the slope is 2 (x w − y) x.
    assert found.gradient == -8
    assert found.difference == pytest.approx(-8, rel=1e-9)
    assert found.losses[1] == 4 and found.verdict is Verdict.AGREES
    assert found.dtype == "float64" and found.precision == "float32"


def test_every_layer_of_a_network_is_checked_through_dropout_and_what_is_constant(
    tmp_path: Path,
) -> None:
    text = SMALL.replace("range(3)", "range(1)")
    truth = plain(text.replace("optimizer.step()", ""))
    with opened(tmp_path, SMALL) as program:
        program.backward()
        for name, parameter in truth["net"].named_parameters():
            index = tuple(int(n) - 1 for n in parameter.shape)
            found = program.check(name, index)
            wanted = parameter.grad[index].item()
            assert found.gradient == pytest.approx(wanted, rel=1e-5, abs=1e-9), name
            if name == "0.bias":  # batch norm subtracts it: no slope but for rounding
                assert abs(found.difference) < 1e-6
            else:
                assert found.difference == pytest.approx(wanted, rel=1e-4, abs=1e-7), name
                assert found.verdict is Verdict.AGREES, name
        index = (2, 3)
        # Between: the slope with respect to a result, though it goes on along four ways.
        z = program.check("z", index)
        assert z.verdict is Verdict.AGREES and z.error is not None and z.error < 1e-4


def test_one_use_of_a_value(tmp_path: Path) -> None:
    text = """
        import torch
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        loss = (w * w * torch.tensor([1.0, 4.0])).sum()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        uses = [e for e in program.graph().edges if e.name == "w" and e.target >= 0]
        assert len(uses) == 2
        for edge in uses:  # d(ab)/da at a = b = 3, times 4
            found = program.check("w", (1,), edge=edge.id)
            assert found.gradient == 12 and found.difference == pytest.approx(12, rel=1e-9)
        whole = program.check("w", (1,))
        assert whole.gradient == 24 and whole.difference == pytest.approx(24, rel=1e-9)


def test_in_place_calls_and_views_are_made_again_on_copies(tmp_path: Path) -> None:
    text = """
        import torch
        w = torch.tensor([0.5, -1.5, 2.0], requires_grad=True)
        a = w * 3
        a.mul_(w.detach() + 1)
        before = a.clone()
        a[1] = before[1] * before[0]
        b = torch.zeros(3)
        b.copy_(a)
        loss = (b.exp_() * torch.arange(1.0, 4.0)).sum().log()
        loss.backward()
    """
    truth = plain(text)["w"].grad
    with opened(tmp_path, text) as program:
        program.backward()
        for i in range(3):
            found = program.check("w", (i,))
            assert found.gradient == pytest.approx(truth[i].item(), rel=1e-6)
            # In a[1] = ... the recorded graph follows a, so the tape knows all of it.
            assert found.verdict is Verdict.AGREES, found


@pytest.mark.parametrize(
    ("expression", "left", "right", "gradient"),
    [
        ("torch.relu(w)", 0, 1, 0),
        ("w.abs()", -1, 1, 0),
        ("torch.clamp(w, min=0)", 0, 1, 1),
        ("torch.maximum(w, torch.zeros(()))", 0, 1, 0.5),
    ],
)
def test_a_kink_is_no_mistake(
    tmp_path: Path, expression: str, left: float, right: float, gradient: float
) -> None:
    text = f"""
        import torch
        w = torch.tensor(0.0, requires_grad=True)
        loss = 5 * {expression} + w.exp()
        loss.backward()
    """
    assert plain(text)["w"].grad == 5 * gradient + 1
    with opened(tmp_path, text) as program:
        program.backward()
        found = program.check("w")
    assert found.gradient == 5 * gradient + 1
    assert found.left == pytest.approx(5 * left + 1, abs=1e-4)
    assert found.right == pytest.approx(5 * right + 1, abs=1e-4)
    assert found.verdict is Verdict.KINK


def test_a_wrong_gradient_is_found(tmp_path: Path) -> None:
    text = """
        import torch
        w = torch.tensor(2.0, requires_grad=True)
        a = w ** 3
        a.register_hook(lambda g: 1.5 * g)
        loss = a.sin()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        found = program.check("w")
    slope = 3 * 2.0**2 * math.cos(8)
    assert found.difference == pytest.approx(slope, rel=1e-6)
    assert found.gradient == pytest.approx(1.5 * slope, rel=1e-5)
    assert found.verdict is Verdict.DIFFERS


def test_what_cannot_be_checked_is_said(tmp_path: Path) -> None:
    text = """
        import torch
        w = torch.tensor([-1.0, 2.0], requires_grad=True)
        k = torch.tensor([1, 2])
        for i in range(2):
            loss = (w.log() * k).sum()
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
                w.grad = None
    """
    with opened(tmp_path, text) as program:
        program.backward()
        assert program.check("w", (0,)).verdict is Verdict.NOT_FINITE
        with pytest.raises(RequestFailed, match="real numbers"):
            program.check("k", (0,))
        with pytest.raises(RequestFailed, match="index 7"):
            program.check("w", (7,))
        with pytest.raises(RequestFailed, match="not on the graph"):
            program.check("nothing")
        program.update()
        with pytest.raises(RequestFailed, match="updated"):
            program.check("w", (0,))


def test_what_was_not_recorded_is_refused(tmp_path: Path) -> None:
    text = """
        import numpy, torch
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        a = w * 2
        numpy.asarray(a.detach())[0] = 5.0  # behind torch's back
        loss = (a * a.detach()).sum()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        with pytest.raises(RequestFailed, match="something that was not recorded"):
            program.check("w", (0,))


# ---------------------------------------------------------------------- landscapes


def test_a_parabola() -> None:
    with gradstep.open(str(resource("lessons", "linear.py")), timeout=PATIENCE) as program:
        program.forward()
        before, _ = program.landscape(Axis(AxisKind.ELEMENT, 0, 4, "w"), points=9)
        assert before.axes[0].slope is None
        program.backward()
        found, losses = program.landscape(Axis(AxisKind.ELEMENT, 0, 4, "w"), points=9)
        (axis,) = found.axes
        assert axis.values == tuple(i / 2 for i in range(9))
        assert losses == [(w * 1 - 2) ** 2 for w in axis.values]
        assert (axis.name, axis.centre, axis.slope, found.loss) == ("w", 1, -2, 1)
        assert not found.moved
        program.update()
        moved, again = program.landscape(
            Axis(AxisKind.ELEMENT, -1, 1, "w", relative=True), points=3
        )
        w = torch.tensor(1.0) - 0.01 * torch.tensor(-2.0)
        assert moved.moved and moved.axes[0].centre == w.item() and moved.axes[0].slope is None
        assert again == pytest.approx([(w.item() + d - 2) ** 2 for d in (-1, 0, 1)], rel=1e-6)


@pytest.mark.sweep
def test_a_plane_through_a_network(tmp_path: Path) -> None:
    text = SMALL.replace("nn.Dropout(0.3), ", "")
    truth = plain(text.replace("range(3)", "range(1)").replace("optimizer.step()", ""))
    net, x, y, target = truth["net"], truth["x"], truth["y"], truth["target"]
    gradients = [p.grad for p in net.parameters()]
    parameters = [p.detach() for p in net.parameters()]
    length = math.sqrt(sum(float((p.double() ** 2).sum()) for p in parameters))
    steep = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients))
    down = [-g * (length / steep) for g in gradients]
    generator = torch.Generator().manual_seed(5)
    aside = []
    for p in parameters:
        noise = torch.randn(p.shape, generator=generator)
        rows = [noise] if p.dim() == 1 else list(noise)
        own = [p] if p.dim() == 1 else list(p)
        scaled = [n * o.norm() / n.norm() for n, o in zip(rows, own, strict=True)]
        aside.append(scaled[0] if p.dim() == 1 else torch.stack(scaled))
    inner = sum(float((a.double() * d.double()).sum()) for a, d in zip(aside, down, strict=True))
    rest = [a - d * (inner / length**2) for a, d in zip(aside, down, strict=True)]
    left = math.sqrt(sum(float((r.double() ** 2).sum()) for r in rest))
    long = math.sqrt(sum(float((a.double() ** 2).sum()) for a in aside))
    rest = [r * (long / left) for r in rest]

    def loss_at(s: float, t: float) -> float:
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        model.append(nn.Linear(144, 5))
        with torch.no_grad():
            for p, own, d, r in zip(model.parameters(), parameters, down, rest, strict=True):
                p.copy_(own + s * d + t * r)
            z = model(x)
            loss = functional.cross_entropy(z, y)
            return float(loss + 0.5 * functional.mse_loss(z.sigmoid(), target))

    with opened(tmp_path, text) as program:
        program.backward()
        found, losses = program.landscape(
            Axis(AxisKind.GRADIENT, -0.5, 0.5), Axis(AxisKind.RANDOM, -1, 1, seed=5), points=5
        )
    across, up = found.axes
    wanted = [loss_at(s, t) for t in up.values for s in across.values]
    assert losses == pytest.approx(wanted, rel=1e-4)
    assert across.slope == pytest.approx(-length * steep, rel=1e-4)
    assert losses[12] == pytest.approx(found.loss, rel=1e-6)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Random numbers, buffers and parameters go on as in the plain run."""
    with opened(tmp_path, SMALL) as program:
        for _ in range(2):
            program.backward()
            program.check("0.weight", (0, 0, 0, 0))
            program.landscape(Axis(AxisKind.RANDOM, -1, 1), points=5)
        program.run()
        assert program.output == plain(SMALL)["printed"]


def test_going_on_ends_a_landscape(tmp_path: Path) -> None:
    text = """
        import torch
        w = torch.randn(400, 400, requires_grad=True)
        loss = (w @ w @ w @ w).square().mean()
        loss.backward()
        print("after")
    """
    from gradstep.protocol.rerun import Landscape

    with opened(tmp_path, text) as program:
        program.backward()
        axes = (Axis(AxisKind.RANDOM, -1, 1), Axis(AxisKind.RANDOM, -1, 1, seed=1))
        asked = program.request("landscape", Landscape, axes=axes, points=200, ticket=1)
        assert asked.result(PATIENCE)[0].ticket == 1
        began = time.monotonic()
        program.run()  # 40,000 losses would take minutes
        assert time.monotonic() - began < PATIENCE / 2
        assert "after" in program.output


def test_a_landscape_ends_with_its_program(tmp_path: Path) -> None:
    """Whoever waits for it is not left waiting."""
    text = """
        import torch
        w = torch.randn(600, 600, requires_grad=True)
        loss = (w @ w @ w @ w).square().mean()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        found: list[int] = []
        axes = (Axis(AxisKind.RANDOM, -1, 1), Axis(AxisKind.RANDOM, -1, 1, seed=1))
        waiting = threading.Thread(
            target=lambda: found.append(len(program.landscape(*axes, points=200)[1]))
        )
        waiting.start()
        time.sleep(0.5)
        program.kill()
        waiting.join(PATIENCE)
        assert not waiting.is_alive() and found and found[0] < 200 * 200


@pytest.mark.parametrize("way", ["command", "abandoned", "interrupted"])
def test_before_anybody_goes_on_what_runs_beside_is_ended(way: str) -> None:
    gate, told = Gate(), list[str]()
    gate.released = lambda: told.append("released")

    def announce() -> None:
        if way == "interrupted":
            raise KeyboardInterrupt
        if way == "command":
            gate.open(Command(Goal.RUN, Level.RUN))
        else:
            gate.abandon()

    with contextlib.suppress(KeyboardInterrupt):
        gate.wait(announce)
        told.append("went on")
    assert told == (["released"] if way == "interrupted" else ["released", "went on"])


def test_axes_that_are_none() -> None:
    element = Axis(AxisKind.ELEMENT, 0, 1, "w")
    wrong: list[tuple[tuple[Axis, ...], int, str]] = [
        ((), 5, "one or two axes"),
        ((element,) * 3, 5, "one or two axes"),
        ((element,), 1, "at most"),
        ((Axis(AxisKind.ELEMENT, 0, 1, "x"),), 5, "no parameter of this loss"),
        ((Axis(AxisKind.GRADIENT, 0, 1),) * 2, 5, "the same"),
    ]
    with gradstep.open(str(resource("lessons", "linear.py")), timeout=PATIENCE) as program:
        program.forward()
        program.backward()
        for axes, points, message in wrong:
            with pytest.raises(RequestFailed, match=message):
                program.landscape(*axes, points=points)
