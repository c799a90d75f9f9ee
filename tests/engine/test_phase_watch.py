"""The phase watch: every mistake is told once, with the line that makes it and with the numbers of
plain PyTorch; and nothing is told of correct programs, however much they look like mistakes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Level, Reason
from tests.engine.programs_under_test import PROGRAMS, Opened, marker
from tests.engine.table_of_programs import CASES, HELPERS, Case

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]
RUN, PHASE, OPERATION = Level.RUN, Level.PHASE, Level.OPERATION


@dataclass(frozen=True)
class Mistake:
    """``marker``: of the line that is told where calls are seen, and ``blind`` at run level, if
    that is another. ``words``: in the text where calls are seen."""

    kind: str
    way: str
    marker: str
    words: str = ""
    blind: str = ""

    @property
    def file(self) -> str:
        return f"mistakes/{_FILES.get(self.kind, self.kind)}.py"

    @property
    def id(self) -> str:
        return f"{self.kind} {self.way}"

    def line(self, level: Level) -> int:
        chosen = self.blind if self.blind and level is RUN else self.marker
        return marker(self.file, chosen)


_FILES = {"update_before_backward": "update_first", "scheduler_per_batch": "scheduler"}
NO_WAY = "no way leads there from the loss"
MISTAKES = [
    Mistake("never_zeroed", "optimizer", "backward", "3 updates, 0 zero-grads"),
    Mistake("never_zeroed", "wrong model", "backward", "3 updates, 0 zero-grads"),
    Mistake("never_zeroed", "data", "backward", "3 updates, 0 zero-grads"),
    Mistake("never_zeroed", "no_grad", "backward", "3 updates, 0 zero-grads"),
    Mistake("update_before_backward", "2", "step", "no gradient at its 2 parameters"),
    Mistake("update_before_backward", "1", "step", "no gradient at its 2 parameters"),
    Mistake("freed_graph", "twice", "second", "before this was at line {first}"),
    Mistake("freed_graph", "two losses", "other", "before this was at line {head}"),
    Mistake("freed_graph", "late", "late", "Backward frees what forward had saved"),
    Mistake("freed_graph", "carried", "carried", "this same line {carried}"),
    Mistake("in_place", "operator", "operator", "add_ at line {operator}", "backward"),
    Mistake("in_place", "slice", "slice", "setitem_ at line {slice}", "backward"),
    Mistake("in_place", "method", "method", "mul_ at line {method}", "backward"),
    Mistake("in_place", "module", "module", "relu at line {module}", "backward"),
    Mistake("in_place", "here", "here", "ine {here} changed grown"),
    Mistake("in_place", "step", "step", "optimizer.step() at line {step} changed second.weight"),
    Mistake("detached_loss", "detach", "detach", ".detach() at line {detach}", "backward"),
    Mistake("detached_loss", "data", "data", ".data at line {data}", "backward"),
    Mistake("detached_loss", "no_grad", "no_grad", "linear() at line {no_grad}", "backward"),
    Mistake("detached_loss", "argmax", "argmax", "argmax() at line {argmax}", "backward"),
    Mistake("detached_loss", "tensor", "tensor", "tensor() at line {tensor}", "backward"),
    Mistake("detached_loss", "frozen", "backward", "requires grad"),
    Mistake("detached_loss", "grad off", "off", "gradients off", "backward"),
    Mistake("kept_loss", "sum", "sum", "total adds up the losses of 5 iterations"),
    Mistake("kept_loss", "rebound", "rebound", "total adds up the losses of 5 iterations"),
    Mistake("kept_loss", "scaled", "sum", "total adds up the losses of 5 iterations"),
    Mistake("kept_loss", "list", "list", "losses holds the losses of 5 iterations"),
    Mistake("kept_loss", "attribute", "attribute", "log.losses holds the losses of 5 iterations"),
    Mistake("no_gradient", "unused", "step", "not used by any call"),
    Mistake("no_gradient", "detached", "detached", ".detach() at line {detached}", "step"),
    Mistake("no_gradient", "data", "data", ".data at line {data}", "step"),
    Mistake("no_gradient", "no_grad", "no_grad", "linear() at line {no_grad}", "step"),
    Mistake("no_gradient", "integer", "integer", "argmax() at line {integer}", "step"),
    Mistake("no_gradient", "logged", "step", f"used at line {{logged}}, but {NO_WAY}"),
    Mistake("no_gradient", "none sent", "step", "backward sends nothing along it"),
    Mistake("no_gradient", "frozen", "step", "frozen (requires_grad is False)"),
    Mistake("no_gradient", "cleared", "step", "cleared before the update"),
    Mistake("no_optimizer", "list", "step", "blocks[0].weight and blocks[0].bias"),
    Mistake("no_optimizer", "late", "step", "blocks.1.weight and blocks.1.bias"),
    Mistake("no_optimizer", "forgotten", "step", "net.scale got gradients"),
    Mistake("no_optimizer", "decoder", "step", "decoder.weight and decoder.bias"),
    Mistake("scheduler_per_batch", "StepLR", "scheduler", "stepped 12 times"),
    Mistake("scheduler_per_batch", "MultiStepLR", "scheduler", "stepped 8 times"),
    Mistake("scheduler_per_batch", "ExponentialLR", "scheduler", "stepped 10 times"),
    Mistake("scheduler_per_batch", "ReduceLROnPlateau", "plateau", "epoch is still 0"),
    Mistake("eval_left_on", "80", "eval", "3 updates since eval()"),
    Mistake("eval_left_on", "2", "eval", "3 updates since eval() with 1 BatchNorm1d and 1 Dropout"),
]
OFTEN = {
    RUN: ("never_zeroed optimizer", "kept_loss sum", "freed_graph late"),
    PHASE: ("detached_loss no_grad", "no_gradient unused"),
    OPERATION: ("in_place operator",),
}  # fmt: skip
"""What is looked at before every change; the rest in the sweep."""


def chosen() -> list[object]:
    params = []
    for level in Level:
        for mistake in MISTAKES:
            often = mistake.id.startswith(OFTEN[level])
            marks = [] if often else [pytest.mark.sweep]
            params.append(pytest.param(mistake, level, id=f"{mistake.id} {level}", marks=marks))
    return params


def watch(start: Start, file: str, way: str, level: Level) -> tuple[Opened, list[Finding]]:
    program = start(file, (way,) if way else ())
    program.run(level=level)
    return program, list(program.findings)


@pytest.mark.parametrize(("mistake", "level"), chosen())
def test_a_mistake_is_told_once_with_its_line(
    start: Start, plain: Plain, mistake: Mistake, level: Level
) -> None:
    with ThreadPoolExecutor(1) as pool:
        expected = pool.submit(plain, mistake.file, (mistake.way,) if mistake.way else ())
        program, findings = watch(start, mistake.file, mistake.way, level)
    assert [f.kind for f in findings] == [mistake.kind]
    (finding,) = findings
    assert finding.place is not None
    assert finding.place.line == mistake.line(level), finding
    assert Path(finding.place.file) == PROGRAMS / mistake.file
    assert finding.title and finding.suggestion and "{" not in finding.suggestion
    if level is not RUN or mistake.line(RUN) == mistake.line(PHASE):
        lines = {name: marker(mistake.file, name) for name in re.findall(r"{(\w+)}", mistake.words)}
        wanted = mistake.words.format(**lines)
        if level is RUN and mistake.kind == "no_gradient" and mistake.way in ("unused", "logged"):
            wanted = NO_WAY  # only where calls are seen it is known whether it was used
        assert wanted in finding.text
    outcome = expected.result()
    program.finish()
    assert program.output_bytes == outcome.stdout
    assert program.errors == outcome.stderr.decode()
    assert program.stop.exit_code == outcome.returncode


# ---------------------------------------------------------------------------- numbers


@pytest.mark.sweep
def test_the_gradient_is_the_sum_of_every_backward(start: Start) -> None:
    """What the finding says of the program is so in plain PyTorch."""
    torch.manual_seed(0)
    model, other = nn.Linear(3, 1), nn.Linear(3, 1)
    assert other is not model  # it draws its random numbers, as in the program
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    single, updates = torch.zeros(1, 3), 0
    for _ in range(4):
        loss = (model(x) - y).square().mean()
        single = single + torch.autograd.grad(loss, model.weight, retain_graph=True)[0]
        loss.backward()
        if updates == 3:
            break
        optimizer.step()
        updates += 1
    assert model.weight.grad is not None
    assert torch.allclose(model.weight.grad, single)
    _, (finding,) = watch(start, "mistakes/never_zeroed.py", "optimizer", RUN)
    assert finding.text.startswith(f"{updates} updates, 0 zero-grads")
    assert finding.iteration == updates + 1


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["StepLR", "ExponentialLR"])
def test_the_learning_rate_that_is_told_is_the_schedules(start: Start, kind: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    schedule = (
        lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
        if kind == "StepLR"
        else lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    )
    _, (finding,) = watch(start, "mistakes/scheduler.py", kind, RUN)
    steps = int(re.findall(r"stepped (\d+) times", finding.text)[0])
    for _ in range(steps):
        optimizer.step()
        schedule.step()
    told = [float(n) for n in re.findall(r"from (\S+) to (\S+)\.$", finding.text)[0]]
    assert told == pytest.approx([0.1, optimizer.param_groups[0]["lr"]], rel=1e-5)
    assert told[0] / told[1] >= 999.9


@pytest.mark.sweep
def test_versions_are_those_of_the_tensor(start: Start) -> None:
    h = torch.sigmoid(torch.zeros(5, 4, requires_grad=True))
    before = h._version
    h += 1
    _, (finding,) = watch(start, "mistakes/in_place.py", "operator", PHASE)
    said = f"saved it at version {before}, and it is at version {h._version} now"
    assert said in finding.text and str(list(h.shape)) in finding.text


# ---------------------------------------------------------------------------- no false alarm

RIGHT = re.findall(r"^def (\w+)\(\)", (PROGRAMS / "mistakes/right.py").read_text(), re.M)
TRAPS = ("accumulation", "mixture")


def traps() -> list[object]:
    return [
        pytest.param(way, level, marks=[] if level is RUN and way in TRAPS else [pytest.mark.sweep])
        for way in RIGHT
        for level in Level
    ]


@pytest.mark.parametrize(("way", "level"), traps())
def test_nothing_is_told_of_a_correct_twin(start: Start, way: str, level: Level) -> None:
    program, findings = watch(start, "mistakes/right.py", way, level)
    assert program.stop.reason is Reason.END
    assert findings == []


REPRESENTATIVE = (
    "update/lbfgs", "update/gan", "update/by_hand data",
)  # fmt: skip


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.id) for c in CASES if c.id in REPRESENTATIVE]
)
def test_nothing_is_told_of_a_correct_program(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, case: Case
) -> None:
    """All of them at all levels: ``test_programs``."""
    monkeypatch.setenv("PYTHONPATH", HELPERS)
    program = start(case.path(tmp_path), case.args, cwd=str(tmp_path))
    program.run(level=PHASE if "by_hand" in case.id else RUN)
    assert program.stop.reason is Reason.END
    assert program.findings == []


def test_never_cleared_is_told_of_the_program_that_never_clears(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", HELPERS)
    _, findings = watch(start, "zero_grad/never.py", "", RUN)
    assert [f.kind for f in findings] == ["never_zeroed"]


def test_in_an_experiment_the_button_is_suggested(start: Start) -> None:
    """Update after update without Zero grad, as somebody does who wants to see what happens."""
    program = start("linear.py")
    for _ in range(4):
        program.forward()
        program.backward()
        program.update()
    (finding,) = program.findings
    assert finding.kind == "never_zeroed" and "3 updates, 0 zero-grads" in finding.text
    assert "Zero grad" in finding.suggestion
