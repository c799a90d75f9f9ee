"""Where a breakpoint stops, and what its condition sees: compared with plain PyTorch."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn, Breakpoint
from gradstep.protocol.trace import Goal, Level, Reason, Stop
from tests.engine.programs_under_test import PROGRAMS, Opened, marker

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]

SCRIPT, BY_HAND = "stepping/script.py", "stepping/by_hand.py"
EXPERIMENT = "stepping/experiment.py"


def at(file: str, name: str, id: int = 1, **more: object) -> Breakpoint:
    path = str(PROGRAMS / file)
    return Breakpoint(id, BreakOn.LINE, file=path, line=marker(file, name), **more)  # type: ignore[arg-type]


def hits(program: Opened) -> list[int]:
    return [state.hits for state in program.breakpoints()]


def problems(program: Opened) -> list[str]:
    return [state.problem for state in program.breakpoints()]


def same_output(program: Opened, plain: Plain, file: str) -> None:
    """Without breakpoints from here on, to the end."""
    expected = plain(file)
    program.set_breakpoints()
    if program.stop.reason is not Reason.END:
        program.run()
    assert program.stop.reason is Reason.END and expected.returncode == 0
    program.finish()
    assert program.output_bytes == expected.stdout
    assert program.errors == expected.stderr.decode() == ""


class ByHand:
    """by_hand.py on plain torch: for each iteration the loss, the gradient and w before it."""

    def __init__(self) -> None:
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        x = torch.tensor([0.5, 3.0])
        self.w, self.grad, self.error_grad = [], [], []
        for _ in range(6):
            y = w * x
            error = y - 1
            error.retain_grad()
            loss = torch.log(1 + error**2).sum()
            loss.backward()
            self.w.append(w.detach().clone())
            self.grad.append(w.grad.clone())
            self.error_grad.append(error.grad.clone())
            w.data = w.data - 0.4 * w.grad
            w.grad = None

    def first(self, holds: Callable[[int], bool]) -> int:
        """The first iteration (from 1) for which it is true."""
        return next(i + 1 for i in range(6) if holds(i))


# ---------------------------------------------------------------- lines


@pytest.mark.sweep
def test_a_line_at_full_speed(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    (state,) = program.set_breakpoints(at(SCRIPT, "item"))
    assert (state.id, state.line, state.problem) == (1, marker(SCRIPT, "item"), "")
    for iteration in (1, 2, 3):
        stop = program.run()
        assert (stop.reason, stop.breakpoints) == (Reason.BREAKPOINT, (1,))
        assert (stop.line, stop.iteration) == (marker(SCRIPT, "item"), iteration)
        assert stop.level is Level.RUN and stop.operation is None
    assert hits(program) == [3]
    same_output(program, plain, SCRIPT)


def test_a_line_without_code_and_lines_that_cannot_be(start: Start, tmp_path: Path) -> None:
    program = start(BY_HAND)
    path = str(PROGRAMS / BY_HAND)
    broken = tmp_path / "broken.py"
    broken.write_text("for in\n")
    nothing, beyond, absent, unread, nonsense = program.set_breakpoints(
        Breakpoint(1, BreakOn.LINE, file=path, line=marker(BY_HAND, "nothing")),
        Breakpoint(2, BreakOn.LINE, file=path, line=900),
        Breakpoint(3, BreakOn.LINE, file=path + "x", line=1),
        Breakpoint(4, BreakOn.LINE, file=str(broken), line=1),
        at(BY_HAND, "mul", 5, condition="w >"),
    )
    assert (nothing.line, nothing.problem) == (marker(BY_HAND, "update"), "")
    assert beyond.problem == "There is no code on this line or below it."
    assert "cannot be read" in absent.problem and "cannot be compiled" in unread.problem
    assert nonsense.problem.startswith("The condition is no Python expression")
    stop = program.run()
    assert (stop.line, stop.breakpoints) == (marker(BY_HAND, "update"), (1,))


def test_ignore_disable_and_a_count_that_lasts(start: Start) -> None:
    program = start(BY_HAND)
    breakpoint = at(BY_HAND, "print", ignore=2)
    program.set_breakpoints(breakpoint)
    stop = program.run()
    assert (stop.iteration, hits(program)) == (3, [3])
    # Set once more, with another beside it: the count goes on.
    program.set_breakpoints(at(BY_HAND, "print"), at(BY_HAND, "update", 2, enabled=False))
    stop = program.run()
    assert (stop.iteration, stop.breakpoints, hits(program)) == (4, (1,), [4, 0])
    program.set_breakpoints(at(BY_HAND, "print", enabled=False))
    assert program.run().reason is Reason.END
    assert hits(program) == [4]


def test_inside_backward_and_of_other_goals(start: Start, plain: Plain) -> None:
    """A line of a function's backward, on the way to the end of the phase, and while stepping."""
    program = start(SCRIPT)
    program.set_breakpoints(at(SCRIPT, "gate_inside", 7), at(SCRIPT, "square", 8))
    stop = program.forward()
    assert (stop.reason, stop.breakpoints) == (Reason.BREAKPOINT, (8,))
    assert program.forward().reason is Reason.PHASE
    stop = program.backward()
    assert (stop.reason, stop.line, stop.phase, stop.breakpoints) == (
        Reason.BREAKPOINT, marker(SCRIPT, "gate_inside"), Phase.BACKWARD, (7,),
    )  # fmt: skip
    assert program.value("x").data.shape == (4, 3), "the frame's own names"
    assert program.backward().reason is Reason.PHASE
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "loss"))
    assert program.over().breakpoints == (8,)
    same_output(program, plain, SCRIPT)


# ---------------------------------------------------------------- operations, modules, nodes


@pytest.mark.sweep
def test_operations_by_name(start: Start, plain: Plain) -> None:
    program = start(BY_HAND)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.OPERATION, pattern="lo*"),
        Breakpoint(2, BreakOn.OPERATION, pattern="log", condition="(y.detach() > 0).all()"),
    )
    truth = ByHand()
    for i in range(3):
        stop = program.run()
        assert (stop.reason, stop.operation.name) == (Reason.BREAKPOINT, "log")
        assert (stop.line, stop.iteration) == (marker(BY_HAND, "loss"), i + 1)
        positive = bool((truth.w[i] * torch.tensor([0.5, 3.0]) > 0).all())
        assert stop.breakpoints == ((1, 2) if positive else (1,)), "one stop for both"
        assert stop.level is Level.PHASE, "raised, and said so"
        names = [n.name for n in program.graph().nodes if n.place is not None]
        assert names == ["mul", "sub", "pow", "add", "log"], "the picture is there"
        assert stop.operation.node is not None
    same_output(program, plain, BY_HAND)


@pytest.mark.sweep
def test_operations_of_a_module(start: Start) -> None:
    program = start(SCRIPT)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.OPERATION, pattern="model.tail*:linear"),
        Breakpoint(2, BreakOn.OPERATION, pattern="block:tanh"),
        Breakpoint(3, BreakOn.OPERATION, pattern="nothing:linear"),
    )
    found = []
    for _ in range(3):
        stop = program.run()
        node = next(n for n in program.graph().nodes if n.id == stop.operation.node)
        found.append((stop.breakpoints, node.groups[-1].label))
    assert found == [((2,), "block"), ((1,), "tail.0"), ((1,), "tail.2")]


def test_modules_by_path_and_class(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.MODULE, pattern="Block"),
        Breakpoint(2, BreakOn.MODULE, pattern="model.again"),
        Breakpoint(3, BreakOn.MODULE, pattern="tail.*"),
        Breakpoint(4, BreakOn.MODULE, pattern="model"),
    )
    found = []
    for _ in range(6):
        stop = program.run()
        assert stop.reason is Reason.BREAKPOINT and stop.operation is None
        found.append((stop.breakpoints, stop.line))
    line = {name: marker(SCRIPT, name) for name in ("loss", "block", "again", "tail")}
    assert found == [
        ((4,), line["loss"]), ((1,), line["block"]), ((1, 2), line["again"]), ((3,), line["tail"]),
        ((3,), line["tail"]), ((3,), line["tail"]),
    ]  # fmt: skip
    # Its forward has not begun: into is its operation, over is past it.
    assert [n.name for n in program.graph().nodes if n.place][-1] == "silu"
    stop = program.over()
    assert (stop.line, stop.operation) == (marker(SCRIPT, "squeeze"), None)
    same_output(program, plain, SCRIPT)


def test_a_node_of_backward(start: Start, plain: Plain) -> None:
    """Before it runs, where the gradient that arrives has a name."""
    truth = ByHand()
    program = start(BY_HAND)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.NODE, pattern="PowBackward*"),
        Breakpoint(2, BreakOn.NODE, pattern="SubBackward0", condition="grad[1] > 0"),
    )
    stop = program.run()
    assert (stop.reason, stop.breakpoints) == (Reason.BREAKPOINT, (1,))
    assert (stop.operation.name, stop.phase) == ("PowBackward0", Phase.BACKWARD)
    assert (stop.line, stop.level) == (marker(BY_HAND, "backward"), Level.OPERATION)
    assert stop.operation.place.line == marker(BY_HAND, "loss")
    nodes = {n.name: n.backward_done for n in program.graph().nodes if n.place}
    assert nodes == {"mul": 0, "sub": 0, "pow": 0, "add": 1, "log": 1, "sum": 1}
    program.set_breakpoints(
        Breakpoint(2, BreakOn.NODE, pattern="SubBackward0", condition="grad[1] > 0")
    )
    expected = truth.first(lambda i: truth.error_grad[i][1] > 0)
    stop = program.run()
    assert (stop.operation.name, stop.iteration) == ("SubBackward0", expected)
    assert expected > 1, "it passed some"
    same_output(program, plain, BY_HAND)


# ---------------------------------------------------------------- phases and iterations


@pytest.mark.sweep
def test_the_end_of_each_phase_at_run_level(start: Start, plain: Plain) -> None:
    """At full speed: where backward begins and ends, the optimizer's step, zero_grad."""
    program = start(SCRIPT)
    program.set_breakpoints(Breakpoint(3, BreakOn.PHASE))
    found = []
    for _ in range(8):
        stop = program.run()
        assert (stop.reason, stop.breakpoints, stop.level) == (Reason.BREAKPOINT, (3,), Level.RUN)
        found.append((stop.phase, stop.line))
    line = {name: marker(SCRIPT, name) for name in ("loss", "backward", "update", "item")}
    one = [
        (Phase.ZERO_GRAD, line["loss"]), (Phase.FORWARD, line["backward"]),
        (Phase.BACKWARD, line["update"]), (Phase.UPDATE, line["item"]),
    ]  # fmt: skip
    assert found == one + one
    same_output(program, plain, SCRIPT)


@pytest.mark.parametrize("level", [Level.PHASE, Level.OPERATION])
def test_phases_by_hand(start: Start, level: Level) -> None:
    program = start(BY_HAND)
    program.set_breakpoints(Breakpoint(1, BreakOn.PHASE))
    found = []
    for _ in range(8):
        stop = program.run(level=level)
        assert stop.reason is Reason.BREAKPOINT and stop.breakpoints == (1,)
        found.append((stop.phase, stop.line, stop.iteration))
    line = {name: marker(BY_HAND, name) for name in ("backward", "update", "zero", "mul")}
    assert found == [
        (phase, place, iteration)
        for iteration in (1, 2)
        for phase, place in (
            (Phase.FORWARD, line["backward"]), (Phase.BACKWARD, line["update"]),
            (Phase.UPDATE, line["zero"]), (Phase.ZERO_GRAD, line["mul"]),
        )
    ]  # fmt: skip


@pytest.mark.sweep
@pytest.mark.parametrize("file", [SCRIPT, BY_HAND])
def test_the_beginning_of_an_iteration(start: Start, plain: Plain, file: str) -> None:
    """At full speed up to the one before; then every call, to see it begin."""
    program = start(file)
    program.set_breakpoints(
        *(Breakpoint(n, BreakOn.ITERATION, iteration=n) for n in (1, 4)),
        Breakpoint(9, BreakOn.ITERATION, iteration=5, condition="False"),
    )
    stop = program.run()
    assert (stop.reason, stop.breakpoints, program.output) == (Reason.BREAKPOINT, (1,), "")
    stop = program.run()
    begins = {SCRIPT: ("zero", 1), BY_HAND: ("mul", 3)}[file]
    assert (stop.breakpoints, stop.line) == ((4,), marker(file, begins[0]))
    assert program.output.count("\n") == begins[1]
    assert (stop.iteration, stop.level) == (3, Level.PHASE)
    stop = program.forward()
    assert (stop.iteration, bool(program.graph().nodes)) == (4, True)
    program.run()
    same_output(program, plain, file)


def test_breakpoints_stop_an_experiment(start: Start) -> None:
    program = start(EXPERIMENT)
    program.set_breakpoints(
        at(EXPERIMENT, "error", 1, condition="iteration == 1"),
        Breakpoint(2, BreakOn.MODULE, pattern="out", condition="iteration == 2"),
        Breakpoint(3, BreakOn.NODE, pattern="TanhBackward0", condition="iteration == 3"),
        Breakpoint(4, BreakOn.ITERATION, iteration=4),
        Breakpoint(5, BreakOn.PHASE, phase=Phase.BACKWARD, condition="iteration == 4"),
        Breakpoint(6, BreakOn.OPERATION, pattern="*:mul", condition="iteration == 5"),
    )
    found = []
    for _ in range(6):
        stop = program.run()
        assert stop.reason is Reason.BREAKPOINT
        found.append((stop.breakpoints, stop.phase, stop.iteration))
    assert found == [
        ((1,), Phase.FORWARD, 1), ((2,), Phase.FORWARD, 2), ((3,), Phase.BACKWARD, 3),
        ((4,), Phase.ZERO_GRAD, 3), ((5,), Phase.BACKWARD, 4), ((6,), Phase.FORWARD, 5),
    ]  # fmt: skip
    assert program.run().reason is Reason.END
    # An experiment at full speed: phases and iterations cost nothing.
    program = start(EXPERIMENT)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.PHASE, phase=Phase.UPDATE),
        Breakpoint(2, BreakOn.ITERATION, iteration=2),
    )
    stops = [program.run() for _ in range(3)]
    assert [(s.breakpoints, s.phase, s.level) for s in stops] == [
        ((1,), Phase.UPDATE, Level.RUN), ((2,), Phase.ZERO_GRAD, Level.RUN),
        ((1,), Phase.UPDATE, Level.RUN),
    ]  # fmt: skip


# ---------------------------------------------------------------- conditions


def when(condition: str, id: int = 1) -> Breakpoint:
    return Breakpoint(id, BreakOn.PHASE, phase=Phase.BACKWARD, condition=condition)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


CONDITIONS: dict[str, Callable[[ByHand, int], bool]] = {
    "w.grad.norm() < 1.2": lambda t, i: bool(t.grad[i].norm() < 1.2),
    "w.grad[0] < -0.8 and iteration > 1": lambda t, i: bool(t.grad[i][0] < -0.8) and i > 0,
    "all(g.abs() < 0.95 for g in w.grad)": lambda t, i: bool((t.grad[i].abs() < 0.95).all()),
    "sign_flip(w)": lambda t, i: i > 0 and bool((t.grad[i] * t.grad[i - 1] < 0).any()),
    "any(sign_flip(t) for t in [w])": lambda t, i: (
        i > 0 and bool((t.grad[i] * t.grad[i - 1] < 0).any())
    ),
    "cosine(w) < 0.99": lambda t, i: i > 0 and cosine(t.grad[i], t.grad[i - 1]) < 0.99,
    "0 < update_ratio(w) < 0.25": lambda t, i: (
        i > 0 and bool(0 < (t.w[i] - t.w[i - 1]).norm() / t.w[i].norm() < 0.25)
    ),
    "not finite(w)": lambda t, i: False,
    "phase == 'backward' and i == 2": lambda t, i: i == 2,
}


OFTEN = ("w.grad.norm() < 1.2", "any(sign_flip(t) for t in [w])", "0 < update_ratio(w) < 0.25")
"""Tried before every change; the others in the sweep."""


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, marks=[] if text in OFTEN else [pytest.mark.sweep]) for text in CONDITIONS],
)
def test_a_condition_is_true_when_it_is_in_plain_pytorch(start: Start, text: str) -> None:
    truth = ByHand()
    program = start(BY_HAND)
    program.set_breakpoints(when(text))
    expected = [i + 1 for i in range(6) if CONDITIONS[text](truth, i)]
    stops: list[Stop] = []
    while (stop := program.run()).reason is Reason.BREAKPOINT:
        stops.append(stop)
    assert [stop.iteration for stop in stops] == expected
    assert len(expected) < 6, "true always proves nothing"
    assert problems(program) == [""]


@pytest.mark.sweep
def test_names_of_modules_frames_around_and_the_graph(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    program.set_breakpoints(
        when("model.block.lin.weight.grad.norm() > 0 and epoch == 1", 1),  # of the module's frame
        when("any(p.grad is None for p in model.parameters())", 2),
        Breakpoint(3, BreakOn.LINE, file=str(PROGRAMS / SCRIPT), line=marker(SCRIPT, "mean"),
                   condition="square.shape == x.shape[:1] == (4,) and epoch == 1"),
    )  # fmt: skip
    stop = program.run()
    assert (stop.breakpoints, stop.line) == ((3,), marker(SCRIPT, "mean"))
    assert program.output.startswith("0 ") and program.output.count("\n") == 1
    assert problems(program) == ["", "", ""]
    stop = program.run()
    assert (stop.breakpoints, stop.iteration, hits(program)) == ((1,), 3, [1, 0, 1])
    same_output(program, plain, SCRIPT)


def test_parameters_of_an_experiment_and_its_gradients(start: Start) -> None:
    program = start(EXPERIMENT)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.PHASE, condition="hidden.weight.grad is not None"),
        Breakpoint(2, BreakOn.PHASE, condition="model.out.bias.grad is None"),
    )
    found = [(s.phase, s.breakpoints) for s in (program.run() for _ in range(4))]
    assert found == [
        (Phase.FORWARD, (2,)), (Phase.BACKWARD, (1,)), (Phase.UPDATE, (1,)), (Phase.ZERO_GRAD, (2,))
    ]  # fmt: skip


def test_a_condition_that_raises_stops_nothing(start: Start, plain: Plain) -> None:
    program = start(BY_HAND)
    program.set_breakpoints(
        at(BY_HAND, "mul", 1, condition="w.gard.norm() > 1"), when("nowhere > 1", 2)
    )
    assert program.run().reason is Reason.END
    assert hits(program) == [0, 0]
    raised, unknown = problems(program)
    assert raised == "The condition raised AttributeError: 'Tensor' object has no attribute 'gard'"
    assert unknown == "The condition raised NameError: name 'nowhere' is not defined"
    same_output(program, plain, BY_HAND)


def test_conditions_change_nothing(start: Start, plain: Plain, script: Callable[..., Path]) -> None:
    """No warning of theirs is told, none of the program's is swallowed; no version is bumped, no
    graph is made, no mode of the program sees them."""
    path = script(
        """
import warnings

import torch
from torch.overrides import TorchFunctionMode


class Log(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        print(func.__name__)
        return func(*args, **(kwargs or {}))


torch.manual_seed(0)
w = torch.randn(3, requires_grad=True)
with Log():
    for step in range(3):
        y = (w * 2).relu()
        y.sum().backward()
        warnings.warn("once per line")
        print(w._version, w.grad._version, torch.is_grad_enabled())
print(torch.rand(1))
"""
    )
    program = start(path)
    program.set_breakpoints(
        Breakpoint(1, BreakOn.LINE, file=str(path), line=20, condition="y.grad is not None"),
        when("(w * w.grad).requires_grad or not torch.is_grad_enabled() and sign_flip(w)", 2),
        when("update_ratio(w) > 1 or cosine(w) < 0 or not finite(w.grad)", 3),
    )
    assert program.run().reason is Reason.END
    assert hits(program) == [0, 0, 0] and problems(program) == ["", "", ""]
    program.finish()
    expected = plain(path)
    assert program.output_bytes == expected.stdout
    assert program.errors == expected.stderr.decode()


# ---------------------------------------------------------------- while it runs


def test_set_while_the_program_runs(start: Start, script: Callable[..., Path]) -> None:
    """From the link's thread: the level is raised at the next line."""
    path = script(
        """
import torch

w = torch.ones(2, requires_grad=True)
n = 0
while n < 10**9:
    n += 1
    loss = (w * n).square().sum()
    loss.backward()
    w.grad = None
"""
    )
    program = start(path)
    for breakpoint, level in [
        (Breakpoint(1, BreakOn.LINE, file=str(path), line=9), Level.RUN),
        (Breakpoint(2, BreakOn.OPERATION, pattern="square"), Level.PHASE),
        (Breakpoint(3, BreakOn.NODE, pattern="MulBackward0"), Level.OPERATION),
    ]:
        program.advance(Goal.RUN, None)
        time.sleep(0.2)
        (state,) = program.set_breakpoints(breakpoint)
        assert state.problem == ""
        stop = program.wait()
        assert (stop.reason, stop.breakpoints) == (Reason.BREAKPOINT, (breakpoint.id,))
        assert stop.level is level
        program.set_breakpoints()
    assert program.breakpoints() == ()
