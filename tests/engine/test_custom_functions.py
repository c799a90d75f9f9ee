"""``autograd.Function``: a call on the graph like any other, with its gradients, stepped into and
over."""

from __future__ import annotations

import runpy
from collections.abc import Callable

import torch

from gradstep.protocol.trace import Graph, NodeState
from gradstep.protocol.values import ValueKind
from tests.engine.programs_under_test import PROGRAMS, Opened, marker

Start = Callable[..., Opened]
PROGRAM = "stepping/functions.py"


def plain_gradients() -> dict[str, list[float]]:
    """What plain torch sends to each value of the first iteration."""
    names = runpy.run_path(str(PROGRAMS / PROGRAM))
    w = torch.tensor([0.5, 1.0, 1.5, 2.0], requires_grad=True)
    h = torch.exp(w)
    q = names["Square"].apply(h)
    low, high = names["Split"].apply(q)
    r = names["Root"].apply(high)
    c = names["Clip"].apply(low * 1.0)
    loss = (c * r).sum()
    values = {"w": w, "h": h, "q": q, "low": low, "high": high, "r": r, "c": c}
    found = torch.autograd.grad(loss, list(values.values()))
    return {name: grad.tolist() for name, grad in zip(values, found, strict=True)}


def gradients(graph: Graph) -> dict[str, list[float]]:
    return {e.name: list(e.grad.elements) for e in graph.edges if e.grad and e.grad.elements}


def test_the_graph_goes_on_before_a_custom_function(start: Start) -> None:
    program = start(PROGRAM)
    program.backward()
    graph = program.graph()
    results = {n.name: n for n in graph.nodes if n.kind is ValueKind.RESULT}
    names = [n.name for n in graph.nodes if n.kind is ValueKind.RESULT]
    assert names == ["exp", "Square", "Split", "Root", "mul", "Clip", "mul", "sum"]
    (exp, square) = (results["exp"], results["Square"])
    assert any(e.source == exp.id and e.target == square.id and e.name == "h" for e in graph.edges)
    assert square.backward == ("SquareBackward",) and square.state is NodeState.BACKWARD_DONE
    assert square.place is not None and square.place.line == marker(PROGRAM, "square")
    assert "aten::mul.Tensor" in square.aten
    assert results["Split"].backward == ("SplitBackward",)
    expected, shown = plain_gradients(), gradients(graph)
    assert {name: shown[name] for name in expected} == expected
    # The second iteration is whole, too.
    program.backward()
    again = [n.name for n in program.graph().nodes if n.kind is ValueKind.RESULT]
    assert again == names


def test_into_a_custom_function_and_over_it(start: Start) -> None:
    program = start(PROGRAM)
    assert program.steps_until("Square").line == marker(PROGRAM, "square")
    assert program.into().line == marker(PROGRAM, "square_forward") - 1
    assert program.steps_until("mul").line == marker(PROGRAM, "square_forward")
    assert program.out().line == marker(PROGRAM, "split")
    stop = program.steps_until("Root")
    assert program.over().line == marker(PROGRAM, "clip")
    stop = program.steps_until("SquareBackward")
    node = next(n for n in program.graph().nodes if n.id == stop.operation.node)
    assert node.name == "Square"
    assert program.steps_until("mul").line == marker(PROGRAM, "square_backward")
    assert program.out().operation.name == "ExpBackward0"


def test_no_more_operations_done_than_there_are(start: Start) -> None:
    """Python code inside of nodes, and graphs built inside of them, count as they come."""
    for file in (PROGRAM, "stepping/script.py"):
        program = start(file)
        for _ in range(150):
            stop = program.step()
            if stop.exit_code is not None:
                break
            assert stop.total is None or stop.done <= stop.total, stop
