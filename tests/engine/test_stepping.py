"""Into, over, out, to a line, to the next epoch: forward and inside backward."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from gradstep.phases import Phase
from gradstep.protocol.trace import Level, Reason, Stop
from tests.engine.programs_under_test import PROGRAMS, Opened, marker

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]

SCRIPT, BY_HAND = "stepping/script.py", "stepping/by_hand.py"
EXPERIMENT = "stepping/experiment.py"

Seen = tuple[str, str | None]
"""Where a stop is: the marker of its line (``""`` for none), and the next operation."""


def markers(file: str) -> dict[int, str]:
    lines = (PROGRAMS / file).read_text().splitlines()
    return {n: line.rpartition("# @")[2] for n, line in enumerate(lines, 1) if "# @" in line}


def seen(file: str, stop: Stop) -> Seen:
    name = stop.operation.name if stop.operation is not None else None
    return markers(file).get(stop.line or 0, ""), name


def follow(program: Opened, file: str, verb: str, expected: list[Seen]) -> None:
    """Go on by ``verb``, one stop for each that is expected."""
    for index, place in enumerate(expected):
        stop = getattr(program, verb)()
        assert stop.reason is Reason.STEP, (index, stop)
        assert seen(file, stop) == place, (index, stop)


def calls(program: Opened, node: int | None) -> list[str]:
    """Labels of the calls around a node of the graph."""
    (found,) = (n for n in program.graph().nodes if n.id == node)
    return [group.label for group in found.groups]


def same_output(program: Opened, plain: Plain, file: str) -> None:
    expected = plain(file)
    stop = program.stop
    if stop.reason is not Reason.END:
        stop = program.run()
    assert stop.reason is Reason.END and expected.returncode == 0
    program.finish()
    assert program.output_bytes == expected.stdout
    assert program.errors == expected.stderr.decode() == ""


def test_into_goes_line_by_line_and_operation_by_operation(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    assert program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "zero")).reason is Reason.LINE
    follow(program, SCRIPT, "into", [
        ("loss", None), ("block", None), ("lin", None), ("lin", "linear"), ("tanh", None),
        ("tanh", "tanh"), ("again", None), ("lin", None), ("lin", "linear"), ("tanh", None),
        ("tanh", "tanh"), ("gate", None), ("gate", "Gate"), ("gate_forward", None),
    ])  # fmt: skip
    stop = program.into()
    assert stop.line == marker(SCRIPT, "gate_forward") + 1
    assert stop.phase is Phase.FORWARD and stop.level is Level.OPERATION
    same_output(program, plain, SCRIPT)


def test_into_enters_what_backward_runs(start: Start) -> None:
    """The nodes, and in between the lines of a function's backward and of a recomputation."""
    program = start(SCRIPT)
    program.forward()
    stop = program.into()
    while stop.operation.name != "GateBackward":
        assert (seen(SCRIPT, stop)[0], stop.phase) == ("backward", Phase.BACKWARD)
        stop = program.into()
    follow(program, SCRIPT, "into", [
        ("gate_backward", None), ("gate_inside", None), ("gate_inside", "abs"),
        ("gate_inside", "lt"), ("gate_return", None), ("gate_return", "mul"),
        ("backward", "TanhBackward0"),
    ])  # fmt: skip
    while stop.line != marker(SCRIPT, "lin"):
        stop = program.into()
        assert stop.phase is Phase.BACKWARD, "the recomputation belongs to backward"
    follow(program, SCRIPT, "into", [("lin", "linear"), ("tanh", None), ("tanh", "tanh")])
    stop = program.backward()
    assert seen(SCRIPT, stop) == ("update", None)


@pytest.mark.sweep
def test_over_passes_by_what_is_called(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "zero"))
    follow(program, SCRIPT, "over", [
        ("loss", None), ("backward", None), ("update", None), ("item", None), ("batches", None),
        ("zero", None), ("loss", None),
    ])  # fmt: skip
    # In a library's modules: out of the Sequential, and operations of one's own in between.
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "loss"))
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "tail"), level=Level.OPERATION)
    follow(program, SCRIPT, "into", [("tail", "linear")])
    assert calls(program, program.into().operation.node) == ["train", "Model", "tail", "tail.1"]
    follow(program, SCRIPT, "over", [
        ("squeeze", None), ("squeeze", "squeeze"), ("backward", None),
    ])  # fmt: skip
    # Back in the caller when the function's last line is done.
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "returned"))
    follow(program, SCRIPT, "over", [("print", None), ("epochs", None)])
    same_output(program, plain, SCRIPT)


@pytest.mark.sweep
def test_over_in_backward_stays_at_the_depth_of_the_node(start: Start) -> None:
    program = start(EXPERIMENT)
    stop = program.forward()
    assert seen(EXPERIMENT, stop) == ("", "MeanBackward0")
    follow(program, EXPERIMENT, "over", [
        ("", "MulBackward0"), ("", "SubBackward0"), ("", "TanhBackward0"),
    ])  # fmt: skip
    assert calls(program, program.stop.operation.node) == ["Model"]
    nodes = {n.id: n for n in program.graph().nodes}
    done = [n for n in nodes.values() if n.name == "linear" and n.backward_done]
    assert [n.groups[-1].label for n in done] == ["out"], "it was passed by, and has run"
    # Nothing of backward is as high: on to the next phase.
    stop = program.over()
    assert (stop.operation.name, stop.phase) == ("add_", Phase.UPDATE)


@pytest.mark.sweep
def test_over_in_a_functions_backward(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    program.forward()
    while program.step().operation.name != "GateBackward":
        pass
    follow(program, SCRIPT, "into", [("gate_backward", None)])
    follow(program, SCRIPT, "over", [
        ("gate_inside", None), ("gate_inside", "abs"), ("gate_inside", "lt"), ("gate_return", None),
        ("gate_return", "mul"), ("backward", "TanhBackward0"),
    ])  # fmt: skip
    # From the node itself all that Python does in the next one is passed by.
    line = marker(SCRIPT, "backward")
    stop = program.over()
    while stop.phase is Phase.BACKWARD and stop.operation is not None:
        assert stop.line == line
        assert stop.operation.name.endswith(("Backward0", "AccumulateGrad"))
        stop = program.over()
    assert seen(SCRIPT, stop) == ("update", None)
    same_output(program, plain, SCRIPT)


@pytest.mark.sweep
def test_out_of_a_module_a_function_and_a_librarys_code(start: Start, plain: Plain) -> None:
    program = start(SCRIPT)
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "lin"))
    follow(program, SCRIPT, "out", [("again", None)])  # Block.forward
    # The modules around the place are known if they were entered under watch.
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "loss"))
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "tail"), level=Level.OPERATION)
    follow(program, SCRIPT, "into", [("tail", "linear")])
    follow(program, SCRIPT, "out", [("tail", "silu")])  # nn.Linear within the Sequential
    groups = calls(program, program.stop.operation.node)
    assert groups == ["train", "Model", "tail", "tail.1"]
    program.run_to(PROGRAMS / SCRIPT, marker(SCRIPT, "square"))
    follow(program, SCRIPT, "out", [("backward", None)])  # loss_fn
    while program.step().operation.name != "add_":
        pass
    follow(program, SCRIPT, "out", [("item", None), ("print", None)])  # the optimizer, then train
    stop = program.out()
    assert stop.reason is Reason.END, "nothing is around the module itself"
    same_output(program, plain, SCRIPT)


@pytest.mark.sweep
def test_out_in_backward(start: Start) -> None:
    program = start(SCRIPT)
    program.forward()
    follow(program, SCRIPT, "out", [("backward", "SqueezeBackward1")])  # loss_fn's nodes are done
    assert calls(program, program.stop.operation.node) == ["train", "Model"]
    while program.step().operation.name != "GateBackward":
        pass
    follow(program, SCRIPT, "into", [("gate_backward", None), ("gate_inside", None)])
    follow(program, SCRIPT, "out", [("backward", "TanhBackward0")])
    assert calls(program, program.stop.operation.node) == ["train", "Model", "again"]
    follow(program, SCRIPT, "out", [("backward", "TanhBackward0"), ("update", None)])


def test_stepping_an_experiment(start: Start) -> None:
    program = start(EXPERIMENT)
    follow(program, EXPERIMENT, "into", [
        ("hidden", None), ("hidden", "linear"), ("hidden", "tanh"), ("out", None),
    ])  # fmt: skip
    follow(program, EXPERIMENT, "out", [("error", "sub")])
    follow(program, EXPERIMENT, "over", [
        ("mean", None), ("mean", "mul"), ("mean", "mean"), ("", "MeanBackward0"),
    ])  # fmt: skip
    # At the top of backward, and of a phase: out is its end.
    follow(program, EXPERIMENT, "out", [("", "AddmmBackward0"), ("", "TanhBackward0"), ("", None)])
    assert program.stop.phase is Phase.BACKWARD and program.stop.next_phase is Phase.UPDATE
    assert program.update().reason is Reason.PHASE


def test_to_a_line(start: Start, plain: Plain) -> None:
    program = start(BY_HAND)
    stop = program.run_to(PROGRAMS / BY_HAND, marker(BY_HAND, "mul"))
    assert (stop.reason, stop.line) == (Reason.LINE, marker(BY_HAND, "mul"))
    assert stop.level is Level.RUN and program.output == ""
    stop = program.run_to(PROGRAMS / BY_HAND, marker(BY_HAND, "mul"))
    assert program.output.count("\n") == 1, "the next time that it runs"
    # A comment has no code: the next line that has some.
    stop = program.run_to(PROGRAMS / BY_HAND, marker(BY_HAND, "nothing") - 1)
    assert (stop.reason, stop.line) == (Reason.LINE, marker(BY_HAND, "update"))
    stop = program.run_to(PROGRAMS / BY_HAND, 1000)
    assert stop.message == "There is no code on this line or below it."
    assert program.stop.line == marker(BY_HAND, "update")
    assert program.run_to(PROGRAMS / BY_HAND, 4).reason is Reason.END
    same_output(program, plain, BY_HAND)


def test_to_a_line_with_everything_captured(start: Start) -> None:
    program = start(BY_HAND)
    stop = program.run_to(PROGRAMS / BY_HAND, marker(BY_HAND, "backward"), level=Level.OPERATION)
    assert (stop.reason, stop.level) == (Reason.LINE, Level.OPERATION)
    assert [n.name for n in program.graph().nodes if n.place is not None] == [
        "mul", "sub", "pow", "add", "log", "sum",
    ]  # fmt: skip


@pytest.mark.sweep
def test_epochs_of_a_script(start: Start, plain: Plain) -> None:
    """The loop around the call of the function with the training loop."""
    program = start(SCRIPT)
    for epoch in (1, 2, 3):
        stop = program.epoch()
        assert (stop.reason, stop.line) == (Reason.EPOCH, marker(SCRIPT, "epochs"))
        assert stop.iteration == 2 * epoch and stop.level is Level.RUN
        assert program.output.count("\n") == epoch
    assert program.epoch().reason is Reason.END
    same_output(program, plain, SCRIPT)


def test_one_loop_has_no_epochs(start: Start) -> None:
    program = start(BY_HAND)
    stop = program.epoch()  # known at the first backward
    assert (stop.reason, stop.line) == (Reason.EPOCH, marker(BY_HAND, "backward"))
    assert stop.message.startswith("There is no loop around the training loop")
    program.run_to(PROGRAMS / BY_HAND, marker(BY_HAND, "print"))
    stop = program.epoch()  # refused: it stays where it was
    assert (stop.reason, stop.line) == (Reason.LINE, marker(BY_HAND, "print"))
    assert stop.message.startswith("There is no loop around the training loop")
    assert program.step().line == marker(BY_HAND, "zero")


def test_epochs_of_an_experiment(start: Start) -> None:
    program = start(EXPERIMENT)
    stop = program.epoch()
    assert (stop.reason, stop.epoch, stop.sample, stop.iteration) == (Reason.EPOCH, 1, 3, 3)
    assert program.graph().nodes, "its last iteration was recorded"
    stop = program.epoch()
    assert (stop.reason, stop.epoch, stop.sample, stop.iteration) == (Reason.EPOCH, 2, 3, 6)


@pytest.mark.sweep
@pytest.mark.parametrize("verb", ["into", "over", "out"])
def test_stepping_to_the_very_end_changes_nothing(start: Start, plain: Plain, verb: str) -> None:
    program = start(BY_HAND)
    for _ in range(1000):
        if getattr(program, verb)().reason is not Reason.STEP:
            break
    same_output(program, plain, BY_HAND)
