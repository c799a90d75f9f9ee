"""To the first operation that made a NaN or Inf, from a plain "run to NaN" on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gradstep.debuggee import Debuggee
from gradstep.facts import Exited, Output, Progress, Running
from gradstep.phases import Phase
from gradstep.program import Program
from gradstep.protocol.nonfinite import Cause, Nonfinite, NotFinite, Operand
from gradstep.protocol.trace import Goal, Level, Reason, Stop
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened, marker

Start = Callable[..., Opened]
Plain = Callable[..., Any]
FOLDER = "nonfinite"
LONG = 3 * PATIENCE
"""Seconds for up to three runs of a program."""
INF, NAN = NotFinite.INF, NotFinite.NAN


def seek(program: Opened, **how: Any) -> tuple[Stop, Nonfinite]:
    stop: Stop = program.run_to_nan(timeout=LONG, **how)
    assert stop.reason is Reason.NAN, stop
    assert stop.nonfinite is not None
    return stop, stop.nonfinite


def named(found: Nonfinite, file: str) -> tuple[Any, ...]:
    """Kind, operation, the word that marks its line, phase."""
    assert found.place is not None
    lines = (PROGRAMS / FOLDER / file).read_text().splitlines()
    mark = lines[found.place.line - 1].partition("# @")[2]
    return found.kind, found.operation, mark, found.phase


def operands(found: Nonfinite, role: str = "input") -> dict[str, Operand]:
    return {o.name: o for o in found.inputs if o.role == role}


def as_plain(program: Opened, plain: Plain, file: str, *args: str, text: str = "") -> None:
    """The rest of the program, and that it printed what it prints under plain Python."""
    assert program.run().reason is Reason.END
    assert program.finish() == 0
    done = plain(f"{FOLDER}/{file}", args, text=text)
    assert program.output_bytes == done.stdout
    assert program.written("stderr") == done.stderr


def first_bad(tensor: Tensor) -> tuple[int, ...]:
    return tuple(int(i) for i in (~torch.isfinite(tensor)).nonzero()[0])


# ---------------------------------------------------------------------- acceptance


def test_backward_of_sqrt_of_zero(start: Start, plain: Plain) -> None:
    file = "sqrt_zero.py"
    program = start(f"{FOLDER}/{file}")
    before = program.pid
    stop, found = seek(program)
    assert named(found, file) == (INF, "SqrtBackward0", "sqrt", Phase.BACKWARD)
    assert (stop.iteration, stop.line) == (4, marker(f"{FOLDER}/{file}", "backward"))
    assert stop.operation is not None and stop.operation.name == "SqrtBackward0"
    assert stop.operation.place == found.place
    assert program.pid != before

    squares = torch.tensor([8.0, 0.0], requires_grad=True)  # of (1, 2) and (3, 4) to (3, 4)
    (gradient,) = torch.autograd.grad(squares.sqrt().sum(), squares)
    assert found.result is not None
    assert found.result.index == first_bad(gradient) == (1,)
    assert found.result.value is not None
    assert found.result.value.elements == tuple(gradient.tolist())
    assert operands(found)["squares"].element == squares[1].item()
    assert operands(found, "upstream")["gradient"].element == 1.0
    assert "sqrt'(0) = 1/(2·0) = Inf" in stop.message

    stop, found = seek(program)  # the next: Inf times the slope of the square, 0
    assert named(found, file)[:2] == (NAN, "PowBackward0")
    assert [link.operation for link in found.chain] == [
        "PowBackward0", "SumBackward1", "SqrtBackward0",
    ]  # fmt: skip
    assert found.chain[-1].place is not None
    assert found.chain[-1].place.line == marker(f"{FOLDER}/{file}", "sqrt")
    assert "0 × Inf = NaN" in stop.message
    as_plain(program, plain, file)


def test_log_in_the_branch_that_where_does_not_take(start: Start, plain: Plain) -> None:
    """Its −Inf in forward is masked and harmless; the gradient is not."""
    file = "masked_log.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (NAN, "LogBackward0", "log", Phase.BACKWARD)
    assert stop.iteration == 1
    p = torch.tensor([1.0, 0.5, 0.0, 2.0], requires_grad=True)
    kept = torch.where(p > 0, torch.log(p), torch.zeros_like(p))
    (gradient,) = torch.autograd.grad((kept**2).sum(), p)
    assert found.result is not None
    assert found.result.index == first_bad(gradient)
    assert (found.result.nan, found.result.inf) == (int(gradient.isnan().sum()), 0)
    assert operands(found)["p"].element == 0.0
    assert operands(found, "upstream")["gradient"].element == 0.0
    assert "log'(0) = 1/0 = Inf, and Inf × 0 = NaN" in stop.message
    as_plain(program, plain, file)


@pytest.mark.sweep
def test_zero_times_infinity(start: Start, plain: Plain) -> None:
    file = "zero_times_inf.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (INF, "div", "inverse", Phase.FORWARD)
    assert (stop.iteration, found.result and found.result.index) == (5, (1,))
    w = program.value("w").data[1]
    assert operands(found)["w"].element == w
    assert operands(found)["distance"].element == 0.0
    assert f"{w:.6g} / 0 = Inf" in stop.message
    stop, found = seek(program)
    assert named(found, file) == (NAN, "mul", "product", Phase.FORWARD)
    assert "0 × Inf = NaN" in stop.message
    assert [link.name for link in found.chain] == ["weighted", "inverse"]
    as_plain(program, plain, file)


def test_half_overflow_by_hand(start: Start, plain: Plain) -> None:
    file = "half_overflow.py"
    program = start(f"{FOLDER}/{file}", ["half"])
    stop, found = seek(program)
    assert named(found, file) == (INF, "half", "half", Phase.FORWARD)
    assert stop.iteration == 4
    y = operands(found)["y"]
    assert y.element is not None and y.tensor is not None and y.tensor.dtype == "float32"
    assert math.isfinite(y.element) and torch.tensor(y.element).half().isinf()
    assert f"does not fit into float16 (at most {torch.finfo(torch.float16).max:g})" in stop.message
    as_plain(program, plain, file, "half")


@pytest.mark.sweep
def test_half_overflow_under_autocast(start: Start, plain: Plain) -> None:
    file = "half_overflow.py"
    program = start(f"{FOLDER}/{file}", ["autocast"])
    stop, found = seek(program)
    assert found.kind is not None and named(found, file)[1:] == ("linear", "linear", Phase.FORWARD)
    assert stop.iteration == 4
    assert operands(found)["x"].element == 1e6
    assert "1e+06 does not fit into float16" in stop.message
    as_plain(program, plain, file, "autocast")


def test_one_bad_number_in_the_five_hundredth_batch(start: Start, plain: Plain) -> None:
    file = "poisoned.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (NAN, "linear", "model", Phase.FORWARD)
    assert (stop.iteration, found.cause) == (500, Cause.DATA)
    batch = operands(found)["batch"]
    assert (batch.index, batch.nan) == ((3, 1), 1)
    assert math.isnan(program.value("batch").data[3][1])
    assert "the data batch brings it in" in stop.message
    assert program.losses().iterations == tuple(range(1, 500))
    as_plain(program, plain, file)


@pytest.mark.sweep
def test_anomaly_mode_names_another_line(start: Start, plain: Plain) -> None:
    """As told in pytorch issue 160016: NaN was made long before the node that is blamed."""
    file = "wrong_line.py"
    w = torch.tensor([1.0, -1.0], requires_grad=True)
    y = torch.sqrt(torch.tensor([4.0, 9.0]) * w)
    with (
        pytest.warns(UserWarning, match="Anomaly Detection|Error detected"),
        torch.autograd.detect_anomaly(),
        pytest.raises(RuntimeError, match=r"MulBackward0.*nan"),
    ):
        (y * y).sum().backward()
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (NAN, "sqrt", "culprit", Phase.FORWARD)
    assert found.place is not None and found.place.function == "features"
    assert operands(found)["z"].element == -9.0 and operands(found)["z"].index == (1,)
    assert "sqrt(−9) = NaN" in stop.message
    as_plain(program, plain, file)


def test_loss_is_nan_and_every_gradient_finite(start: Start, plain: Plain) -> None:
    """As told in pytorch issue 160016: anomaly mode passes this in silence."""
    file = "silent.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (NAN, "div", "ratio", None)
    assert (stop.iteration, [o.element for o in found.inputs]) == (3, [0.0, 0.0])
    assert "0 / 0 = NaN" in stop.message
    as_plain(program, plain, file)


# ---------------------------------------------------------------------- no false alarm


def test_meant_infinities_and_skipped_steps_are_no_alarm(start: Start, plain: Plain) -> None:
    file = "healthy.py"
    program = start(f"{FOLDER}/{file}")
    before = program.pid
    assert program.run_to_nan(timeout=PATIENCE).reason is Reason.END
    assert program.pid == before
    assert program.output.startswith("True")
    assert program.finish() == 0
    assert program.output_bytes == plain(f"{FOLDER}/{file}").stdout


@pytest.mark.sweep
def test_harmless_infinities_are_passed_by(start: Start, plain: Plain) -> None:
    file = "behind_a_mask.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (INF, "exp", "exp", Phase.FORWARD)
    assert stop.iteration == 5 and found.origin == found.birth > 1
    scores = operands(found)["scores"]
    assert scores.element is not None and math.isfinite(scores.element)
    assert torch.tensor(scores.element).exp().isinf()
    as_plain(program, plain, file)


# ---------------------------------------------------------------------- going back


@pytest.mark.sweep
def test_made_long_before_it_was_noticed(start: Start, plain: Plain) -> None:
    file = "late.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file) == (NAN, "div_", "normalise", Phase.UPDATE)
    assert found.result is not None and found.result.index == (7, 0)
    assert operands(found)["table.weight"].element == 0.0  # as it was before the call
    assert "0 / 0 = NaN" in stop.message
    as_plain(program, plain, file)


@pytest.mark.sweep
def test_every_operation_checked_in_the_first_run(start: Start, plain: Plain) -> None:
    file = "masked_log.py"
    program = start(f"{FOLDER}/{file}")
    before = program.pid
    _, found = seek(program, level=Level.OPERATION)
    assert named(found, file) == (INF, "log", "log", Phase.FORWARD)
    _, found = seek(program)
    assert named(found, file) == (NAN, "LogBackward0", "log", Phase.BACKWARD)
    assert program.pid == before
    as_plain(program, plain, file)


def test_what_the_guard_says(start: Start) -> None:
    """At phase level nothing is run again."""
    program = start(f"{FOLDER}/sqrt_zero.py")
    stop, found = seek(program, level=Level.PHASE)
    assert stop.message == "The gradient of w is NaN in iteration 4."
    assert (found.cause, found.result and found.result.nan) == (Cause.UNKNOWN, 2)
    assert stop.line == marker(f"{FOLDER}/sqrt_zero.py", "step")
    stop, _ = seek(program, level=Level.PHASE)
    assert stop.message == "The loss of iteration 5 is NaN."
    assert stop.line == marker(f"{FOLDER}/sqrt_zero.py", "backward")


@pytest.mark.sweep
def test_a_second_run_that_prints_something_else(start: Start) -> None:
    file = "random_order.py"
    program = start(f"{FOLDER}/{file}")
    stop, found = seek(program)
    assert named(found, file)[:3] == (NAN, "div", "ratio")
    assert "The second run went differently: it printed something else." in stop.message


@pytest.mark.sweep
def test_a_second_run_in_which_it_does_not_come_again(start: Start, tmp_path: Path) -> None:
    file = "random_order.py"
    program = start(f"{FOLDER}/{file}", [str(tmp_path / "once")])
    before = program.pid
    stop, found = seek(program)
    assert stop.message.startswith("The loss of iteration 5 is NaN. The second run went")
    assert (program.pid, found.cause) == (before, Cause.UNKNOWN)
    assert program.run().reason is Reason.END
    assert program.finish() == 0
    assert len(program.output.splitlines()) == 6


@pytest.mark.sweep
def test_input_is_given_again_and_facts_come_in_order(plain: Plain) -> None:
    file = PROGRAMS / FOLDER / "asks.py"
    facts: list[Any] = []
    arrived = threading.Event()

    def listen(fact: Any) -> None:
        facts.append(fact)
        if isinstance(fact, Stop) and fact.reason is Reason.NAN:
            arrived.set()

    text = "1\n2\n0\n4\n1\n1\n1\n1\n"
    with Debuggee(Program(str(file)), listen) as debuggee:
        debuggee.start()
        debuggee.wait(PATIENCE)
        debuggee.write(text)
        debuggee.advance(Goal.NAN)
        assert arrived.wait(LONG)
        stop = debuggee.stop
        assert stop is not None and stop.nonfinite is not None
        assert named(stop.nonfinite, "asks.py") == (INF, "div", "divide", Phase.FORWARD)
        assert stop.iteration == 3
        assert debuggee.run(timeout=PATIENCE).reason is Reason.END
        assert debuggee.finish() == 0
    kinds = [type(fact) for fact in facts if not isinstance(fact, (Output, Progress))]
    assert kinds.count(Exited) == 1 and kinds[-1] is Exited
    reasons = [fact.reason for fact in facts if isinstance(fact, Stop)]
    assert reasons == [Reason.START, Reason.NAN, Reason.END]
    assert kinds.count(Running) == 2
    told = "".join(f.text for f in facts if isinstance(f, Output) and f.stream == "stdout")
    assert told.encode() == debuggee.output_bytes == plain(file, text=text).stdout


@pytest.mark.sweep
def test_an_experiment(start: Start) -> None:
    file = "experiment.py"
    program = start(f"{FOLDER}/{file}")
    _, found = seek(program)
    assert named(found, file)[1:] == ("SqrtBackward0", "sqrt", Phase.BACKWARD)
    assert program.stop.sample == 3
    assert program.zero_grad().reason is Reason.PHASE
