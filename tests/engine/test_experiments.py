"""The four phases in any order: PyTorch's own rules, and words for what happened."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gradstep.phases import Phase
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Level, Reason
from tests.engine.programs_under_test import LESSONS, PROGRAMS, Opened

Start = Callable[..., Opened]
F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD


def test_in_order_by_phases_as_plain_torch(start: Start) -> None:
    """Numbers of issue and course: the first gradients of y' = w·x."""
    plain = runpy.run_path(str(LESSONS / "linear.py"))
    experiment, w = plain["experiment"](), plain["w"]
    program = start("linear.py")
    loaded = program.loaded
    assert (loaded.kind, loaded.title, loaded.epochs, loaded.samples) == (
        "experiment", "y' = w·x", 100, 3,
    )  # fmt: skip
    assert program.stop.reason is Reason.START
    gradients = []
    for iteration in range(1, 8):
        stop = program.forward()
        experiment.forward((iteration - 1) % 3)
        assert (stop.reason, stop.phase, stop.next_phase) == (Reason.PHASE, F, B)
        assert (stop.iteration, stop.epoch, stop.sample) == (
            iteration, (iteration - 1) // 3 + 1, (iteration - 1) % 3 + 1,
        )  # fmt: skip
        assert stop.operation.name == "PowBackward0"
        stop = program.backward()
        experiment.backward()
        assert (stop.phase, stop.next_phase, stop.iteration) == (B, U, iteration)
        assert program.value("w").grad == w.grad.item()
        gradients.append(w.grad.item())
        stop = program.update()
        experiment.update()
        assert (stop.phase, stop.next_phase, stop.iteration) == (U, Z, iteration)
        assert program.value("w").data == w.item()
        stop = program.zero_grad()
        experiment.zero_grad()
        assert (stop.phase, stop.next_phase, stop.iteration) == (Z, F, iteration)
        assert program.value("w").grad == 0.0
    assert gradients[:3] == [-2.0, -7.840000152587891, -16.228801727294922]
    assert program.losses().iterations == tuple(range(1, 8))


@pytest.mark.parametrize("file", ["linear.py", "two_layers.py"])
def test_a_whole_run_is_bitwise_that_of_plain_torch(start: Start, file: str) -> None:
    plain = runpy.run_path(str(LESSONS / file))["experiment"]()
    plain.epochs = min(plain.epochs, 100)
    losses: list[float] = []
    for _ in range(plain.epochs):
        for sample in range(len(plain.data)):
            plain.forward(sample)
            losses.append(plain.loss.item())
            plain.backward()
            plain.update()
            plain.zero_grad()
    program = start(file)
    if file == "linear.py":
        stop = program.run()
        assert (stop.reason, stop.iteration, stop.epoch) == (Reason.END, 300, 100)
        x = 4.0
        assert plain.model(torch.tensor(x)).item() == 7.999998569488525
        assert program.graph().nodes, "the last iteration is there to look at"
    else:
        # By iterations, the levels mixed.
        for i in range(plain.epochs):
            level = (Level.RUN, Level.PHASE, Level.OPERATION)[i % 3]
            stop = program.iteration(level=level)
            assert (stop.reason, stop.iteration) == (Reason.ITERATION, i + 1)
    assert program.losses().values == tuple(losses)
    assert program.losses().epochs == tuple(range(0, len(losses), len(plain.data)))
    for name, parameter in plain.named_parameters.items():
        found = program.value(name if file == "linear.py" else f"model.{name}").data
        assert found.bytes == parameter.detach().numpy().tobytes()
    assert program.devices().current == "cpu"


def test_backward_twice_is_refused_in_words_and_training_goes_on(start: Start) -> None:
    program = start("linear.py")
    program.forward()
    program.backward()
    stop = program.backward()
    assert stop.reason is Reason.REFUSED
    assert stop.failure.type == "RuntimeError"
    assert "Trying to backward through the graph a second time" in stop.failure.message
    assert "already freed" in stop.message and "retain_graph" in stop.failure.explanation
    assert stop.iteration == 1
    assert program.value("w").grad == -2.0
    assert program.forward().iteration == 1
    assert program.backward().reason is Reason.PHASE
    assert program.value("w").grad == -4.0, "accumulated"
    stop = program.update()
    assert stop.iteration == 1
    w = torch.tensor(1.0) - 0.01 * torch.tensor(-4.0)
    assert program.value("w").data == w.item()
    program.zero_grad()
    assert program.forward().iteration == 2


def test_backward_first_and_phases_with_nothing_to_do(start: Start) -> None:
    program = start("linear.py")
    stop = program.backward()
    assert stop.reason is Reason.REFUSED
    assert "Forward first" in stop.message
    stop = program.update()
    assert (stop.reason, stop.phase) == (Reason.PHASE, U)
    assert "Nothing was updated" in stop.message
    assert program.value("w").data == 1.0
    stop = program.zero_grad()
    assert (stop.reason, stop.phase) == (Reason.PHASE, Z)
    assert "nothing to clear" in stop.message
    stop = program.forward()
    assert stop.reason is Reason.PHASE and stop.message == ""
    stop = program.forward()
    assert (stop.reason, stop.phase) == (Reason.PHASE, F)


def test_what_is_told_to_be_next_is_next_in_whatever_order(start: Start) -> None:
    """A step after two forwards and backwards updates: that is what Step's colour must say."""
    program = start("linear.py")
    for _ in range(2):
        program.forward()
        stop = program.backward()
    assert stop.next_phase is U
    assert program.step().phase is U


def test_gradients_accumulate_over_samples_without_zeroing(start: Start) -> None:
    w = torch.tensor(1.0, requires_grad=True)
    program = start("linear.py")
    data = [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]
    for sample, (x, y) in enumerate(data, 1):
        stop = program.forward()
        assert stop.sample == sample
        program.backward()
        ((w * torch.tensor(x) - torch.tensor(y)) ** 2).backward()
        stop = program.update()
        with torch.no_grad():
            w -= 0.01 * w.grad
        grads = [c for c in stop.changed if c.field == "grad"]
        assert not grads, "an update does not change gradients"
        assert program.value("w").grad == w.grad.item()
        assert program.value("w").data == w.item()
    # Updating twice by the same gradient: PyTorch does it, so it is done.
    program.update()
    with torch.no_grad():
        w -= 0.01 * w.grad
    assert program.value("w").data == w.item()
    program.zero_grad()
    assert program.value("w").grad == 0.0


def test_a_refused_forward_and_an_optimizer(start: Start, script: Any) -> None:
    path = script(
        """import torch, gradstep
from torch import nn
model = nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
data = [(torch.ones(3, 2), torch.zeros(3, 1)), (torch.ones(3, 4), torch.zeros(3, 1))]
def experiment():
    return gradstep.Experiment(model, loss=nn.MSELoss(), optimizer=optimizer, data=data)
""",
        "shapes.py",
    )
    program = start(path)
    program.iteration()
    before = program.value("model.weight").data
    stop = program.forward()
    assert stop.reason is Reason.REFUSED
    assert "shapes cannot be multiplied" in stop.failure.message
    assert "columns of the first" in stop.message
    stop = program.backward()
    assert stop.reason is Reason.REFUSED, "the graph of the last sample has been freed"
    assert program.value("model.weight").grad is None
    assert program.value("model.weight").data == before


def test_moving_between_iterations_only(start: Start) -> None:
    program = start("linear.py")
    assert program.set_device("cpu").current == "cpu"
    program.forward()
    with pytest.raises(RequestFailed, match="between iterations"):
        program.set_device("cpu")
    program.backward()
    with pytest.raises(RequestFailed, match="between iterations"):
        program.set_device("cpu")
    program.update()
    program.zero_grad()
    with pytest.raises(RequestFailed, match="cannot be chosen"):
        program.set_device("cuda:99")
    assert program.set_device("cpu").current == "cpu"
    assert program.backward().reason is Reason.REFUSED, "a move forgets the last loss"
    program.iteration()
    script = start(str(PROGRAMS / "no_training.py"))
    assert "script" in script.devices().fixed
    with pytest.raises(RequestFailed):
        script.set_device("cpu")


@pytest.mark.sweep
def test_an_experiment_that_cannot_be_had(
    start_all: Callable[..., list[Opened]], script: Any
) -> None:
    cases = [
        ("def experiment(): return 7", "TypeError", "gradstep.Experiment, not int"),
        (
            "import gradstep\ndef experiment(): return gradstep.Experiment(lambda x: x, data=[])",
            "ValueError",
            "at least one sample",
        ),
        ("import nowhere\ndef experiment(): pass", "ModuleNotFoundError", "nowhere"),
        ("def experiment():\n    raise OSError('no data')", "OSError", "no data"),
    ]
    paths = [script(f"{text}\n", f"bad_{i}.py") for i, (text, _, _) in enumerate(cases)]
    for program, (_, type_, part) in zip(start_all(*paths), cases, strict=True):
        stop = program.stop
        assert stop.reason is Reason.EXCEPTION
        assert stop.failure.type == type_ and part in stop.failure.message
        assert part in stop.message and part in program.errors
        assert not program.can_advance
