"""What the gauges read, compared with plain PyTorch that looks on between the lines."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradstep.engine.gauges.activations import unit_axis
from gradstep.engine.gauges.history import COUNTED, ITERATIONS, Histories
from gradstep.engine.gauges.norms import histogram, norm
from gradstep.protocol.gauges import BINS, LOWEST, SAMPLE, Gauge, ParameterReading
from gradstep.protocol.trace import Goal, Level, Reason
from tests.engine.programs_under_test import PROGRAMS, Opened
from tests.engine.test_life import wait_for

Start = Callable[..., Opened]


def size(tensor: Tensor) -> float:
    """In Python's own numbers."""
    return math.sqrt(math.fsum(x * x for x in tensor.detach().double().flatten().tolist()))


def counted(tensor: Tensor) -> tuple[int, ...]:
    found = [0] * (2 * BINS + 1)
    for x in tensor.detach().double().flatten().tolist():
        if x == 0:
            found[BINS] += 1
            continue
        place = min(max(math.floor(math.log2(abs(x)) / 2) - LOWEST, 0), BINS - 1)
        found[BINS + 1 + place if x > 0 else BINS - 1 - place] += 1
    return tuple(found)


@dataclass
class Seen:
    weight: list[float] = field(default_factory=list)
    grad: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    update: list[float] = field(default_factory=list)
    counts: list[tuple[int, ...]] = field(default_factory=list)


class Onlooker:
    """Plain PyTorch: copies everything and takes differences."""

    def __init__(self, backwards: int) -> None:
        self.seen: dict[str, Seen] = {}
        self.dead: dict[str, list[float]] = {}
        self._alive: dict[str, Tensor] = {}
        self._backwards, self._count = backwards, 0

    def __call__(self, event: str, *subjects: Any) -> None:
        if event == "forward":
            self._forward(*subjects)
        else:
            getattr(self, f"_{event}")(dict(self._named(subjects)))

    @staticmethod
    def _named(subjects: Any) -> Iterator[tuple[str, Tensor]]:
        if isinstance(subjects[0], nn.Module):
            yield from subjects[0].named_parameters()
        else:
            yield from zip("wb", subjects, strict=True)

    def _forward(self, model: nn.Sequential, x: Tensor) -> None:
        with torch.no_grad():
            for name, layer in model.named_children():
                x = layer(x)
                if isinstance(layer, nn.ReLU):
                    others = (0, 2, 3) if x.dim() == 4 else (0,)
                    alive = (x != 0).any(dim=others)
                    self._alive[name] = self._alive.get(name, alive) | alive

    def _before(self, named: dict[str, Tensor]) -> None:
        self._grads = {n: t.grad.clone() if t.grad is not None else 0 for n, t in named.items()}

    def _backward(self, named: dict[str, Tensor]) -> None:
        self._count += 1
        if self._count % self._backwards:
            return
        for name, tensor in named.items():
            assert tensor.grad is not None
            seen = self.seen.setdefault(name, Seen())
            seen.weight.append(size(tensor))
            seen.grad.append(size(tensor.grad))
            seen.added.append(size(tensor.grad - self._grads[name]))
            seen.counts.append(counted(tensor.grad))
        self._weights = {n: t.detach().clone() for n, t in named.items()}
        for name, alive in self._alive.items():
            self.dead.setdefault(name, []).append((~alive).sum().item() / alive.numel())
        self._alive.clear()

    def _step(self, named: dict[str, Tensor]) -> None:
        for name, tensor in named.items():
            self.seen[name].update.append(size(tensor - self._weights[name]))


def looked_on(file: str, backwards: int) -> Onlooker:
    spec = importlib.util.spec_from_file_location("gauged", PROGRAMS / "gauges" / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    onlooker = Onlooker(backwards)
    state = torch.get_rng_state()
    module.train(onlooker)
    torch.set_rng_state(state)
    return onlooker


def compare(program: Opened, expected: Onlooker, *, histograms: bool = True) -> None:
    for name, seen in expected.seen.items():
        history = program.gauge_history(name)
        assert history.iterations == tuple(range(1, len(seen.weight) + 1)), name
        for what in ("weight", "grad", "update"):
            found, wanted = getattr(history, what), getattr(seen, what)
            known = [
                f for f, w in zip(found, wanted, strict=True) if w is not None or f is not None
            ]
            wanted = [w for w in wanted if w is not None]
            assert known == pytest.approx(wanted, rel=1e-6, abs=1e-9), (name, what)
        # A difference of sums is rounded where the sum itself is not.
        assert history.added == pytest.approx(seen.added, rel=1e-4, abs=1e-7), name
        if histograms:
            assert list(history.counts) == seen.counts, name


@pytest.mark.parametrize(
    "level", [Level.RUN, pytest.param(Level.PHASE, marks=pytest.mark.sweep), Level.OPERATION]
)
def test_as_an_onlooker_sees_it(start: Start, level: Level) -> None:
    expected = looked_on("convolution.py", 2)
    program = start("gauges/convolution.py")
    assert set(program.gauge(*Gauge)) == set(Gauge)
    while program.stop.reason is not Reason.END:
        program.iteration(level=level) if level is not Level.RUN else program.run()
    compare(program, expected)
    assert set(expected.dead) == {"1", "4"} and max(expected.dead["4"]) > 0
    for name, dead in expected.dead.items():
        history = program.gauge_history(name)
        assert list(history.dead) == dead, name
        # Dead lately: in each of the iterations until now, which are fewer than twenty.
        assert len(history.counts) == 6 and sum(history.counts[0]) == 2 * 8 * (64, 6)[name == "4"]
    last = program.gauges()
    assert last.iteration == 6 and [p.name for p in last.parameters] == list(expected.seen)
    assert last.parameters[0].ratio == pytest.approx(
        expected.seen["0.weight"].update[-1] / expected.seen["0.weight"].weight[-1], rel=1e-6
    )
    assert [p.added for p in last.previous] == pytest.approx(
        [seen.added[-2] for seen in expected.seen.values()], rel=1e-4
    )
    assert last.share is not None if level is Level.RUN else True


@pytest.mark.parametrize("level", [Level.RUN, Level.OPERATION])
def test_updates_by_hand(start: Start, level: Level) -> None:
    expected = looked_on("by_hand.py", 1)
    program = start("gauges/by_hand.py")
    program.gauge(Gauge.GRADIENTS, Gauge.UPDATES)
    if level is Level.OPERATION:
        for _ in range(5):
            program.update()
            program.zero_grad()
            program.gauges()  # an update that no backward follows is seen when somebody asks
    else:
        program.run()
        for seen in expected.seen.values():  # nobody asked, and now its parameters are gone
            seen.update[-1] = None  # type: ignore[call-overload]
    compare(program, expected, histograms=False)


def test_in_the_middle_of_backward(start: Start) -> None:
    """What it has reached is told; what it has not is still that of the iteration before."""
    program = start("gauges/convolution.py")
    program.gauge(Gauge.GRADIENTS)
    program.iteration()
    program.forward()
    program.steps_until("ReluBackward0")
    last = program.gauges()
    reached = [p.name for p in last.parameters if p.added is not None]
    assert reached == ["5.weight", "5.bias"] and last.iteration == 2
    assert all(p.added for p in last.previous) and len(last.previous) == 6
    value = program.value("5.weight").grad
    assert value is not None
    elements = torch.tensor(value.memoryview.tolist())
    assert last.parameters[4].grad == pytest.approx(size(elements), rel=1e-6)


def test_hands_off(start: Start) -> None:
    program = start("gauges/convolution.py")
    program.gauge(*Gauge)
    program.iteration()
    assert program.gauges().iteration == 1
    assert program.gauge() == ()
    program.run()
    assert program.gauges().iteration == 1 and program.gauges().kinds == ()


def test_a_limit_leaves_iterations_out(start: Start, tmp_path: Path) -> None:
    """A loop that takes less time than gauging it: few of its iterations are gauged, the first one
    among them, and each with its own update, not that of those left out."""
    text = (PROGRAMS / "gauges" / "by_hand.py").read_text().replace("range(5)", "range(3000)")
    path = tmp_path / "long.py"
    path.write_text(text.replace("(w * (k + 1)).sum()", "w.sum()"))
    program = start(path)
    program.gauge(Gauge.GRADIENTS, Gauge.UPDATES, limit=0.1)
    program.run()
    history = program.gauge_history("w")
    assert history.iterations[0] == 1 and 2 <= len(history.iterations) < 1500
    for grad, update in zip(history.grad[:-1], history.update[:-1], strict=True):
        assert grad is not None and update == pytest.approx(0.01 * grad, rel=1e-3, abs=1e-7)
    share = program.gauges().share
    assert share is not None and share < 0.35


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("count", [0, 1, 4096, 4097, 12_345])
def test_norms_and_histograms(dtype: torch.dtype, count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    values = torch.randn(count, generator=generator) * torch.logspace(-9, 3, count)
    values = values.to(dtype)
    found = norm(values)
    assert found is not None and found.item() == pytest.approx(size(values), rel=1e-6)
    assert histogram(values) == counted(values)


def test_a_histogram_is_exact_at_its_edges_and_samples_evenly() -> None:
    edges = torch.tensor([4.0**k for k in range(LOWEST, LOWEST + BINS)])
    below = torch.nextafter(edges, torch.zeros(()))
    assert histogram(edges) == (0,) * (BINS + 1) + (1,) * BINS
    assert histogram(-below[1:]) == (0,) + (1,) * (BINS - 1) + (0,) * (BINS + 1)
    strange = torch.tensor([math.nan, math.inf, 0.0, -0.0, 1e-38, -1e38])
    counts = histogram(strange)
    assert counts[BINS] == 2 and counts[BINS + 1] == 1 and counts[0] == 1 and sum(counts) == 4
    long = torch.arange(2 * SAMPLE + 5, dtype=torch.float32)
    assert histogram(long) == counted(long[::3])


def test_of_many_iterations_some_are_kept() -> None:
    histories = Histories()
    for iteration in range(1, 10_001):
        record = histories.at(iteration)
        record.parameters["w"] = ParameterReading("w", 1, "", float(iteration))
        record.counts["w"] = [iteration]  # type: ignore[assignment]
        histories.counted(record)
    found = histories.of("w")
    assert len(found.iterations) <= ITERATIONS and len(found.counted) <= COUNTED
    for kept in (found.iterations, found.counted):
        assert kept[0] == 1 and kept[-2:] == (9999, 10_000) and list(kept) == sorted(set(kept))
    assert found.weight == found.iterations and [c[0] for c in found.counts] == list(found.counted)


def test_which_axis_counts_units() -> None:
    assert unit_axis(2, by_channel=False) == 1 and unit_axis(4, by_channel=False) == 1
    assert unit_axis(3, by_channel=True) == 1 and unit_axis(3, by_channel=False) == 2


RUNNING = """
import time
import torch
torch.manual_seed(3)
w = torch.randn(5, 4, requires_grad=True)
x = torch.randn(6, 5)
optimizer = torch.optim.SGD([w], 0.01)
for i in range({count}):
    loss = (x @ w).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep({pause})
"""


def test_a_running_program_is_looked_into(start: Start, script: Callable[..., Path]) -> None:
    """What is whole of its iterations is told, losses and gauges, and it goes on."""
    program = start(script(RUNNING.format(count=100_000, pause=0.01)))
    program.gauge(Gauge.GRADIENTS, Gauge.UPDATES, Gauge.HISTOGRAMS)
    program.advance(Goal.RUN)
    wait_for(lambda: program.gauges().iteration > 20)
    found = [program.gauges() for _ in range(20)]
    losses, history = program.losses(), program.gauge_history("w")
    assert program.stop.reason is Reason.START, "it has not stopped for any of it"
    program.pause()
    program.wait()
    # Plain PyTorch, which looks on.
    norms, updates, expected = [], [], []
    torch.manual_seed(3)
    w = torch.randn(5, 4, requires_grad=True)
    x = torch.randn(6, 5)
    optimizer = torch.optim.SGD([w], 0.01)
    for _ in losses.values:
        loss = (x @ w).square().mean()
        optimizer.zero_grad()
        loss.backward()
        expected.append(loss.item())
        before = w.detach().clone()
        optimizer.step()
        assert w.grad is not None
        norms.append(size(w.grad))
        updates.append(size(w - before))
    assert list(losses.values) == expected and losses.iterations == tuple(range(1, len(norms) + 1))
    for gauges in found:
        (reading,) = gauges.parameters
        assert reading.grad == pytest.approx(norms[gauges.iteration - 1], rel=1e-6)
        assert reading.update == pytest.approx(updates[gauges.iteration - 1], rel=1e-5)
        assert gauges.previous[0].grad == pytest.approx(norms[gauges.iteration - 2], rel=1e-6)
    told = [i for i in history.iterations if i <= len(norms)]
    for i, norm_, update in zip(told, history.grad, history.update, strict=False):
        assert norm_ == pytest.approx(norms[i - 1], rel=1e-6)
        assert update == pytest.approx(updates[i - 1], rel=1e-5)
    assert len(told) > 18 and all(sum(counts) == 20 for counts in history.counts)
