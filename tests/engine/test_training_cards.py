"""What a backward adds, what the update will do, and why a gradient is what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest
import torch

import gradstep
from gradstep.assets import resource
from gradstep.debuggee import Debuggee
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Level
from gradstep.protocol.why import Because
from tests.engine.programs_under_test import PATIENCE


@contextmanager
def opened(folder: Path, text: str) -> Iterator[Debuggee]:
    path = folder / "program.py"
    path.write_text("import torch\nfrom torch import nn\n" + dedent(text))
    with gradstep.open(path, timeout=PATIENCE) as program:
        yield program


def line_of(program: Debuggee, text: str) -> int:
    lines = Path(program.program.path).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


def run_to(program: Debuggee, text: str) -> None:
    line = line_of(program, text)
    program.run_to(program.program.path, line, level=Level.OPERATION, timeout=PATIENCE)


@contextmanager
def lesson(name: str = "linear.py") -> Iterator[Debuggee]:
    with gradstep.open(str(resource("lessons", name)), timeout=PATIENCE) as program:
        yield program


# ---------------------------------------------------------------------- accumulation


def test_backward_adds_to_what_is_there() -> None:
    """The numbers of the course: −2 and −7.84, when zero-grad is left out."""
    w = torch.tensor(1.0, requires_grad=True)
    (w * 1 - 2).square().backward()
    assert w.grad is not None
    first = w.grad.item()
    with torch.no_grad():
        w -= 0.01 * w.grad
    (w * 2 - 4).square().backward()
    both = w.grad.item()
    with lesson() as program:
        program.forward()
        card = program.accumulation("w")
        assert card.after is None and card.added is None and card.note
        program.backward()
        card = program.accumulation("w")
        assert card.before is None
        assert card.added is not None and card.added.element == first == -2
        assert card.after is not None and card.after.element == first
        program.update()
        program.forward()
        program.backward()
        card = program.accumulation("w")
        assert card.before is not None and card.before.element == first
        assert card.after is not None and card.after.element == pytest.approx(both, rel=1e-6)
        assert card.added is not None
        assert card.added.element == pytest.approx(both - first, rel=1e-6)
        assert (card.iteration, card.since) == (2, 1)
        update = program.update_of("w")
        assert update.coming is not None and update.if_zeroed is not None
        assert update.coming.element == pytest.approx(w.item() - 0.01 * both, rel=1e-6)
        assert update.if_zeroed.element == pytest.approx(w.item() - 0.01 * (both - first), rel=1e-6)
        program.update()
        assert program.value("w").data == pytest.approx(update.coming.element, rel=1e-7)
        program.zero_grad()
        card = program.accumulation("w")
        assert card.cleared and card.after is not None
        assert card.after.element == pytest.approx(both, rel=1e-6)


def test_what_is_coming_is_told_before_it_is_added() -> None:
    with lesson() as program:
        program.forward()
        while program.stop is not None and program.stop.operation is not None:
            if program.stop.operation.name == "AccumulateGrad":
                break
            assert program.accumulation("w").coming is None
            program.step()
        card = program.accumulation("w")
        assert card.after is None and card.coming is not None and card.coming.element == -2
        program.step()
        card = program.accumulation("w")
        assert card.coming is None and card.after is not None and card.after.element == -2


def test_clipping_is_seen_as_a_factor(tmp_path: Path) -> None:
    text = """
        w = torch.tensor([3.0, 4.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        for step in range(2):
            loss = (w * w).sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([w], 1.0)
            optimizer.step()
            optimizer.zero_grad()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        card = program.accumulation("w", (1,))
        assert card.after is not None and card.after.element == 8 and card.scaled is None
        while program.stop is not None and program.stop.line != line_of(program, "step()"):
            program.over()
        card = program.accumulation("w", (1,))
        assert card.scaled == pytest.approx(1 / 10, rel=1e-5)  # the norm was 10
        assert card.added is not None and card.added.element == 8


def test_what_there_is_no_card_for(tmp_path: Path) -> None:
    text = """
        w, frozen = torch.ones(2, requires_grad=True), torch.ones(2)
        loss = (w * frozen).sum()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        run_to(program, "backward()")
        assert "No backward" in program.accumulation("w").note
        program.backward()
        assert "require" in program.accumulation("frozen").note
        assert "No optimizer" in program.update_of("w").note
        with pytest.raises(RequestFailed, match="No parameter"):
            program.accumulation("nothing")
        with pytest.raises(RequestFailed, match="index"):
            program.accumulation("w", (5,))


# ---------------------------------------------------------------------- why


NONE = """
    torch.manual_seed(0)
    net = nn.Linear(2, 2)
    net.bias.requires_grad_(False)
    data, count = torch.ones(2), torch.tensor([1, 2])
    a, b, c, d, e, unused = (torch.ones(2, requires_grad=True) for _ in range(6))
    kept = (a * 2).detach() * c                                # a is cut here
    with torch.no_grad():
        hidden = b * 3
    whole = (d * 5).long()
    y = net(data) + kept + hidden + c * whole + e
    loss = y.sum()
    loss.backward()
    e.grad = None
    print()
"""


def test_why_there_is_none(tmp_path: Path) -> None:
    with opened(tmp_path, NONE) as program:
        run_to(program, "backward()")
        assert program.why("c").because is Because.NO_BACKWARD
        program.backward()
        program.zero_grad()
        found = {name: program.why(name) for name in ("a", "b", "d", "e", "unused", "data")}
        assert {name: why.subject for name, why in found.items()} == dict.fromkeys(found, "none")
        assert found["a"].because is Because.DETACHED and found["a"].place is not None
        assert (
            found["a"].place.line == line_of(program, "cut here")
            and found["a"].operation == "detach"
        )
        # What runs under no_grad belongs to no forward: nothing of it is recorded.
        assert found["b"].because is Because.NOT_USED
        assert found["d"].because is Because.UNDIFFERENTIABLE
        assert found["d"].operation == "long"
        assert found["unused"].because is Because.NOT_USED
        assert found["data"].because is Because.NOT_REQUIRED
        assert found["e"].because is Because.CLEARED
        assert program.why("count").because is Because.INTEGER
        assert program.why("net.bias").because is Because.FROZEN


def test_a_gradient_that_has_not_come_yet() -> None:
    with lesson() as program:
        program.forward()
        program.step()
        assert program.why("w").because is Because.NOT_YET


ZERO = """
    w, v, u = (torch.tensor([-1.0, -2.0], requires_grad=True) for _ in range(3))
    hidden = torch.relu(w * 3)
    loss = (hidden * 2).sum() + (v - v.clone()).sum() + u.sum() * 0 + v.detach().sum()
    loss.backward()
"""


def test_why_it_is_zero(tmp_path: Path) -> None:
    with opened(tmp_path, ZERO) as program:
        program.backward()
        dead, cancelled, times = program.why("w"), program.why("v"), program.why("u")
        assert (dead.subject, dead.because, dead.operation) == ("zero", Because.LOST, "relu")
        assert dead.place is not None and dead.place.line == line_of(program, "relu")
        hop = dead.hops[dead.at or 0]
        assert hop.upstream == pytest.approx(8**0.5) and hop.downstream == 0
        assert cancelled.because is Because.CANCELLED
        assert (times.because, times.operation) == (Because.LOST, "mul")


SIZE = """
    torch.manual_seed(0)
    w = torch.full((4,), 0.5, requires_grad=True)
    s = torch.full((4,), 0.5, requires_grad=True)
    huge = (w * 3).exp() * 1000.0
    tiny = torch.sigmoid(s * 28.0)
    loss = huge.sum() + tiny.sum()
    loss.backward()
"""


def test_the_operation_that_made_it_large_or_small(tmp_path: Path) -> None:
    with opened(tmp_path, SIZE) as program:
        program.backward()
        large, small = program.why("w"), program.why("s")
        assert (large.subject, large.because, large.operation) == ("huge", Because.GREW, "mul")
        assert large.place is not None and large.place.line == line_of(program, "huge =")
        # At the factor of 1,000 and not at the one of 3, nor at exp.
        hop = large.hops[large.at or 0]
        assert hop.upstream is not None and hop.downstream is not None
        assert hop.downstream / hop.upstream == pytest.approx(1000)
        w = torch.full((4,), 0.5, dtype=torch.float64)
        assert large.norm == pytest.approx(float((3000 * (3 * w).exp()).norm()), rel=1e-5)
        assert (small.subject, small.because, small.operation) == (
            "tiny",
            Because.SHRANK,
            "sigmoid",
        )
