"""A phase button means: run until the next such phase is complete. Nothing tells the debugger where
the phases are; it finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradstep.phases import Phase
from gradstep.protocol.trace import Level, Reason, Stop
from tests.engine.programs_under_test import Opened, line_of, marker

Start = Callable[..., Opened]
F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD


def go(program: Opened, phase: Phase, **how: Any) -> Stop:
    stop: Stop = getattr(program, phase.value)(**how)
    return stop


def facts(stop: Stop) -> tuple[Any, ...]:
    """Phase completed, iteration, line to execute next, operation to execute next, next phase."""
    assert stop.reason is Reason.PHASE, stop
    name = stop.operation.name if stop.operation else None
    return stop.phase, stop.iteration, stop.line, name, stop.next_phase


def test_update_on_data_rebound_and_gradient_zeroed(start: Start) -> None:
    file = "linear_by_hand.py"
    backward, update = line_of(file, "l.backward()"), line_of(file, "w.data = ")
    zero, forward = line_of(file, ".zero_()"), line_of(file, "return x * w")
    program = start(file)
    assert program.stop.reason is Reason.START
    assert program.stop.line == line_of(file, "import torch")
    assert program.stop.next_phase is F
    for iteration in (1, 2, 3, 4):
        assert facts(program.forward()) == (F, iteration, backward, "PowBackward0", B)
        assert facts(program.backward()) == (B, iteration, backward + 1, None, U)
        assert program.output.count("grad:") == iteration - 1
        assert facts(program.update()) == (U, iteration, zero, "zero_", Z)
        assert program.output.count("grad:") == iteration
        assert facts(program.zero_grad()) == (Z, iteration, forward, "mul", F)
    assert zero == update + 1
    assert program.output.count("progress:") == 1


def test_cleared_before_backward_as_most_loops_do(start: Start) -> None:
    file = "zero_first.py"
    at = {name: marker(file, name) for name in ("forward", "backward", "update", "print")}
    program = start(file)
    assert facts(program.forward()) == (F, 1, at["backward"], "MseLossBackward0", B)
    assert facts(program.backward()) == (B, 1, at["update"], None, U)
    # Most programs clear next; that this one does not shows at the end of its first iteration.
    assert facts(program.update()) == (U, 1, at["print"], None, Z)
    assert program.output == ""
    assert facts(program.zero_grad()) == (Z, 2, at["backward"], None, B)
    assert program.output.startswith("0 ")
    assert facts(program.backward()) == (B, 2, at["update"], None, U)
    assert facts(program.update()) == (U, 2, at["print"], None, F)
    assert program.iteration().iteration == 3
    assert facts(program.update()) == (U, 4, at["print"], None, F)
    assert program.run().reason is Reason.END
    assert program.output.endswith("done\n")


@pytest.mark.parametrize(
    ("file", "root", "forward", "clearing"),
    [
        ("no_grad_update.py", "SumBackward0", "matmul", ".grad = None"),
        ("data_in_place.py", "MeanBackward0", None, "zero_"),
    ],
)
def test_updates_in_place(
    start: Start, file: str, root: str, forward: str | None, clearing: str
) -> None:
    program = start(file)
    backward, zero = marker(file, "backward"), marker(file, "zero")
    for iteration in (1, 2, 3):
        stop = program.forward()
        assert facts(stop) == (F, iteration, backward, root, B)
        stop = program.backward()
        assert (stop.phase, stop.iteration, stop.next_phase) == (B, iteration, U)
        before = {v.name: program.value(v.name) for v in program.values() if v.has_grad}
        assert len(before) == 2
        stop = program.update()
        assert facts(stop) == (U, iteration, zero, clearing, Z)
        for name, value in before.items():
            now = program.value(name)
            assert now.data != value.data, f"{name} was updated"
            assert now.grad == value.grad, f"{name}.grad is still there"
        if iteration < 3:
            stop = program.zero_grad()
            assert facts(stop)[:2] == (Z, iteration) and stop.next_phase is F
            assert (stop.operation.name if stop.operation else None) == forward
            assert all(not v.has_grad or not any(v.grad.elements) for v in program.values())
    assert program.zero_grad().reason is Reason.END if forward else True
    assert program.run().reason is Reason.END if not forward else True


def test_every_optimizer_and_every_way_to_clear(start: Start) -> None:
    file = "optimizers.py"
    program = start(file)
    for iteration in range(1, 9):
        stop = program.forward()
        assert facts(stop) == (F, iteration, marker(file, "backward"), "MseLossBackward0", B)
        stop = program.backward()
        assert facts(stop) == (B, iteration, marker(file, "update"), None, U)
        before = program.value("model.0.weight" if named(program) else "0.weight").data
        stop = program.update()
        assert facts(stop) == (U, iteration, marker(file, "clear"), None, Z)
        name = "model.0.weight" if named(program) else "0.weight"
        assert program.value(name).data != before
        assert program.value(name).grad is not None
        stop = program.zero_grad()
        # Back in the function that cleared: it has nothing left to do but to return.
        assert facts(stop) == (Z, iteration, marker(file, "print"), None, F)
        assert program.value(name).grad is None
    assert program.forward().reason is Reason.END


def named(program: Opened) -> bool:
    return any(v.name == "model.0.weight" for v in program.values())


def test_stops_are_the_same_at_phase_level(start_all: Callable[..., list[Opened]]) -> None:
    """Without aten operations and backward nodes, the phases are found all the same."""
    stops = []
    programs = start_all("no_grad_update.py", "no_grad_update.py")
    for program, level in zip(programs, (Level.OPERATION, Level.PHASE), strict=True):
        seen = []
        for _ in range(2):
            for phase in (F, B, U, Z):
                stop = go(program, phase, level=level)
                assert stop.level is level
                seen.append(facts(stop))
        stops.append(seen)
    assert stops[0] == stops[1]


def test_iterations_and_a_program_that_never_trains(
    start_all: Callable[..., list[Opened]],
) -> None:
    program, idle = start_all("linear_by_hand.py", "no_training.py")
    for iteration in (1, 2, 3):
        stop = program.iteration()
        assert (stop.reason, stop.iteration) == (Reason.ITERATION, iteration)
        assert stop.next_phase is F
        assert len(program.losses().values) == iteration
    stop = program.run()
    assert (stop.reason, stop.iteration, stop.exit_code) == (Reason.END, 300, 0)
    assert len(program.losses().values) == 300
    stop = idle.backward()
    assert (stop.reason, stop.iteration, stop.exit_code) == (Reason.END, 0, 0)
    assert idle.output == "hello\n45\n"


def test_timeline_tells_the_phases_in_order(start: Start) -> None:
    program = start("no_grad_update.py")
    for _ in range(2):
        program.zero_grad()
    timeline = program.timeline()
    assert [p.phase for p in timeline.phases] == [F, B, U, Z] * 2
    assert [p.iteration for p in timeline.phases] == [1] * 4 + [2] * 4
    assert [p.index for p in timeline.phases] == list(range(8))
    assert [c.name for c in timeline.phases[0].cells] == ["matmul", "add", "sub", "pow", "sum"]
    assert timeline.phases[0].cells[0].line == marker("no_grad_update.py", "loss")
    assert [c.name for c in timeline.phases[2].cells] == ["mul", "sub_"] * 2
    assert {c.line for c in timeline.phases[2].cells} == {marker("no_grad_update.py", "update")}
    assert all(p.complete for p in timeline.phases[:-1])
    assert all(p.count == len(p.cells) for p in timeline.phases)
    later = program.timeline(since=6)
    assert later.first == 6 and later.phases == timeline.phases[6:]
