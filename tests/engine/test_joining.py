"""Recording begins in the middle: of a backward that ran at run level, of a module's forward."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from gradstep.phases import Phase
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import PROGRAMS, Opened, marker

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]
PROGRAM = "stepping/hooks.py"


def names_to_the_end_of_backward(program: Opened) -> list[str]:
    names = []
    stop = program.step()
    while stop.operation is not None and stop.operation.phase is Phase.BACKWARD:
        names.append(stop.operation.name)
        stop = program.step()
    return names


def test_from_a_hook_the_rest_of_backward_is_stepped(start: Start, plain: Plain) -> None:
    """The other branch too, which is no successor of the node that was running."""
    program = start(PROGRAM)
    hook = (PROGRAMS / PROGRAM, marker(PROGRAM, "hook"))
    stop = program.run_to(*hook)
    assert stop.reason is Reason.LINE and stop.phase is Phase.BACKWARD
    found = names_to_the_end_of_backward(program)
    assert found[:3] == ["mul", "mul", "MulBackward0"]
    assert {"SinBackward0", "ExpBackward0"} <= set(found)
    # The second backward is followed from its beginning.
    program.forward()
    whole = names_to_the_end_of_backward(program)
    assert whole[-len(found) :] == found
    assert program.run().reason is Reason.END
    program.finish()
    assert program.output_bytes == plain(PROGRAM).stdout


def test_from_a_hook_to_the_end_of_backward(start: Start) -> None:
    program = start(PROGRAM)
    program.run_to(PROGRAMS / PROGRAM, marker(PROGRAM, "hook"))
    stop = program.backward()
    assert (stop.reason, stop.phase, stop.iteration) == (Reason.PHASE, Phase.BACKWARD, 1)
    assert stop.line == marker(PROGRAM, "backward") + 1
    (stretch,) = [s for s in program.timeline().phases if s.phase is Phase.BACKWARD]
    assert (stretch.iteration, stretch.count) == (1, stop.done)


def test_what_is_said_of_a_graph_whose_forward_was_not_recorded(start: Start) -> None:
    program = start(PROGRAM)
    program.run_to(PROGRAMS / PROGRAM, marker(PROGRAM, "hook"))
    assert program.graph().note == "This iteration ran at full speed and was not recorded."
    for stop in (program.step(), program.backward(), program.update()):
        assert stop.iteration == 1
        graph = program.graph()
        assert not graph.nodes
        assert graph.note == (
            "The forward of this iteration ran at full speed and was not recorded; the next "
            "iteration will be drawn whole."
        )
    program.forward()
    whole = program.graph()
    assert not whole.note and {"exp", "sin", "linear", "sum"} <= {n.name for n in whole.nodes}
    assert {"w", "v"} <= {n.name for n in whole.nodes}


def test_modules_entered_before_are_known(start: Start) -> None:
    program = start(PROGRAM)
    program.run_to(PROGRAMS / PROGRAM, marker(PROGRAM, "stood"))
    program.steps_until("SumBackward0")
    around = {n.name: [g.label for g in n.groups] for n in program.graph().nodes if n.place}
    assert around["linear"] == ["Outer", "last"]
    assert (around["exp"], around["mul"], around["sum"]) == (["Outer"], ["Outer"], [])
    program.forward()
    labels = [[g.label for g in n.groups] for n in program.graph().nodes if n.name == "linear"]
    assert labels == [["Outer", "inner", "inner.0"], ["Outer", "last"]]


def test_out_of_a_module_entered_before(start: Start) -> None:
    program = start(PROGRAM)
    program.run_to(PROGRAMS / PROGRAM, marker(PROGRAM, "stood"))
    stop = program.steps_until("linear")
    assert stop.line == marker(PROGRAM, "last")
    assert program.out().operation.name == "mul"
