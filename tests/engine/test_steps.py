"""One operation at a time. Every number shown is compared, bit for bit, with the same computation
on plain torch in this process."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradstep.phases import Phase
from gradstep.protocol.trace import NodeState, Reason
from gradstep.protocol.values import Array, Preview
from tests.engine.programs_under_test import FINAL, LESSONS, Opened, line_of, marker

Start = Callable[..., Opened]


def elements(tensor: Tensor) -> tuple[Any, ...]:
    return tuple(tensor.detach().reshape(-1).tolist())


def shown(preview: Preview | None) -> tuple[Any, ...] | None:
    return preview.elements if preview is not None else None


def same(array: Array | None, tensor: Tensor) -> bool:
    assert array is not None
    data = tensor.detach().contiguous()
    return array.shape == tuple(data.shape) and array.bytes == data.numpy().tobytes()


def test_a_scalar_program_step_by_step(start: Start) -> None:
    file = "linear_by_hand.py"
    w = torch.tensor([1.0], requires_grad=True)
    x, y = 1.0, 2.0
    y_pred = x * w
    r = y_pred - y
    loss = r**2
    for t in (y_pred, r, loss):
        t.retain_grad()
    loss.backward()

    mul, pow_ = line_of(file, "return x * w"), line_of(file, "return (y_pred - y) ** 2")
    backward, update = line_of(file, "l.backward()"), line_of(file, "w.data = ")
    program = start(file)
    stop = program.step()
    assert (stop.operation.name, stop.line) == ("tensor", line_of(file, "w = torch.tensor"))
    stop = program.step()  # forward(4) in the print before training
    assert (stop.operation.name, stop.line, program.output) == ("mul", mul, "")
    stop = program.step()
    assert program.output == "predict (before training) 4 4.0\n"
    expected = [
        # next operation, its line, the line of Python, value that the last one made
        ("mul", mul, mul, None),
        ("sub", pow_, pow_, ("y_pred", y_pred)),
        ("pow", pow_, pow_, ("", r)),
        ("PowBackward0", pow_, backward, ("l", loss)),
    ]
    for name, line, python, made in expected:
        assert stop.reason is Reason.STEP
        assert (stop.operation.name, stop.operation.place.line, stop.line) == (name, line, python)
        if made is not None:
            change = stop.changed[0]
            assert (change.field, change.name) == ("value", made[0])
            assert shown(change.after) == elements(made[1])
            assert same(program.value(change.ref).data, made[1])
        stop = program.step()
    # Between the nodes of backward.
    for name, line, gradient in [
        ("SubBackward0", pow_, r.grad),
        ("MulBackward0", mul, y_pred.grad),
        ("AccumulateGrad", None, w.grad),
    ]:
        assert stop.operation.name == name and stop.line == backward
        assert stop.operation.phase is Phase.BACKWARD
        assert (stop.operation.place.line if stop.operation.place else None) == line
        (change,) = stop.changed
        assert change.field == "grad" and shown(change.after) == elements(gradient)
        assert program.value("w").grad is None
        stop = program.step()
    (change,) = stop.changed
    assert (change.field, change.ref, change.before) == ("grad", "w", None)
    assert shown(change.after) == elements(w.grad)
    # The update, taken apart: 0.01 * g, w - that, w.data = that.
    step = 0.01 * w.grad
    for name, made in [("mul", None), ("sub", step), (".data =", w.detach() - step)]:
        assert (stop.operation.name, stop.line, stop.next_phase) == (name, update, Phase.UPDATE)
        if made is not None:
            assert shown(stop.changed[-1].after) == elements(made)
        assert same(program.value("w").data, w)
        stop = program.step()
    (change,) = stop.changed
    assert (change.ref, shown(change.before)) == ("w", elements(w))
    assert shown(change.after) == elements(w.detach() - step)
    assert stop.operation.name == "zero_"
    stop = program.step()
    (change,) = stop.changed
    assert (change.field, change.ref) == ("grad", "w")
    assert (shown(change.before), shown(change.after)) == (elements(w.grad), (0.0,))
    assert (stop.operation.name, stop.iteration) == ("mul", 1)


def oracle(iteration: int) -> dict[str, Tensor]:
    """hidden_layer.py up to the backward of ``iteration``, on plain torch."""
    torch.manual_seed(0)
    hidden, out = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    parameters = [*hidden.parameters(), *out.parameters()]
    x = torch.tensor([[0.5, -1.0], [2.0, 0.25]])
    y = torch.tensor([[1.0], [-1.0]])
    for _ in range(iteration):
        for p in parameters:
            p.grad = None
        a = hidden(x)
        h = torch.tanh(a)
        prediction = out(h)
        error = prediction - y
        square = error**2
        loss = square.mean()
        results = {"a": a, "h": h, "prediction": prediction, "error": error, "square": square}
        results["loss"] = loss
        for t in results.values():
            t.retain_grad()
        loss.backward()
        then = {k: v.detach().clone() for k, v in zip("wbvc", parameters, strict=True)}
        with torch.no_grad():
            for p in parameters:
                p.sub_(p.grad, alpha=0.1)
    leaves = dict(
        zip(("hidden.weight", "hidden.bias", "out.weight", "out.bias"), parameters, strict=True)
    )
    return {"x": x, "y": y, **results, **leaves, **{f"then {k}": v for k, v in then.items()}}


def test_every_value_and_gradient_of_a_module(start: Start) -> None:
    file = "hidden_layer.py"
    program = start(file)
    for iteration in (1, 2):
        truth = oracle(iteration)
        # Forward: each step says what it made.
        stop = program.stop
        forward = [
            ("tanh", "a", "hidden"), ("linear", "h", "out"), ("sub", "prediction", "error"),
            ("pow", "error", "loss"), ("mean", "square", "loss"),
            ("MeanBackward0", "loss", "backward"),
        ]  # fmt: skip
        while stop.operation is None or stop.operation.name != "linear":
            stop = program.step()
        assert stop.line == marker(file, "hidden")
        for done, (following, name, line) in enumerate(forward, 1):
            stop = program.step()
            assert stop.operation.name == following
            assert stop.line == marker(file, line)
            assert stop.iteration == iteration
            assert done == len(forward) or stop.done == done
            change = stop.changed[0]
            assert change.name in (name, ""), "named as the program names it"
            assert shown(change.after) == elements(truth[name])
            value = program.value(change.ref)
            assert same(value.data, truth[name])
            assert change.field == "value" and (value.grad is None or name == "loss")
        # Backward: an edge has its gradient as soon as its node has run, and not before.
        sequence = [
            ("PowBackward0", ["square"]), ("SubBackward0", ["error"]),
            ("AddmmBackward0", ["prediction"]), ("AccumulateGrad", ["out.bias", "h"]),
            ("TBackward0", ["out.bias"]), ("AccumulateGrad", ["out.weight"]),
            ("TanhBackward0", ["out.weight"]), ("AddmmBackward0", ["a"]),
            ("AccumulateGrad", ["hidden.bias"]), ("TBackward0", ["hidden.bias"]),
            ("AccumulateGrad", ["hidden.weight"]), (None, ["hidden.weight"]),
        ]  # fmt: skip
        seen = 1
        for following, names in sequence:
            stop = program.step()
            if following is not None:
                assert stop.operation.name == following
                assert stop.line == marker(file, "backward")
            assert [shown(c.after) for c in stop.changed if c.field == "grad"] == [
                elements(truth[n].grad) for n in names
            ]
            known = [e for e in program.graph().edges if e.grad is not None]
            assert len(known) >= seen
            seen = len(known)
        check_graph(program, truth)
        assert stop.operation.name == "sub_" and stop.line == marker(file, "update")
        check_update(program, truth)


def check_graph(program: Opened, truth: dict[str, Tensor]) -> None:
    graph = program.graph()
    nodes = {n.id: n for n in graph.nodes}
    checked = set()
    for edge in graph.edges:
        name = edge.name
        if not name:
            name = {"tanh": "a", "mean": "square"}[nodes[edge.target].name]
        then = {"hidden.weight": "w", "hidden.bias": "b", "out.weight": "v", "out.bias": "c"}
        value = truth[f"then {then[name]}"] if name in then else truth[name]
        assert shown(edge.value) == elements(value), name
        gradient = truth[name].grad
        assert shown(edge.grad) == (elements(gradient) if gradient is not None else None), name
        assert edge.requires_grad is truth[name].requires_grad
        fetched = program.value(f"#{edge.source}:{edge.output}")
        assert same(fetched.data, value)
        assert gradient is None or same(fetched.grad, gradient)
        assert (gradient is None) is (fetched.grad is None)
        checked.add(name)
    assert len(checked) == 12
    for node in graph.nodes:
        if node.place is not None:
            assert node.state is NodeState.BACKWARD_DONE
            assert node.saved == "freed"
            assert len(node.backward) == node.backward_done > 0


def check_update(program: Opened, truth: dict[str, Tensor]) -> None:
    """Each ``p.sub_`` tells the parameter before and after."""
    names = ("hidden.weight", "hidden.bias", "out.weight", "out.bias")
    for name, key in zip(names, "wbvc", strict=True):
        assert same(program.value(f"net.{name}").data, truth[f"then {key}"])
        stop = program.step()
        (change,) = (c for c in stop.changed if c.field == "value")
        assert change.name == name
        assert shown(change.before) == elements(truth[f"then {key}"])
        assert shown(change.after) == elements(truth[name])
        assert same(program.value(f"net.{name}").data, truth[name])
        assert same(program.value(f"net.{name}").grad, truth[name].grad)


def test_stepping_through_a_whole_lesson_ends_as_the_lesson_does(start: Start) -> None:
    """Steps to the very end of a short script, and no value of it is missed."""
    program = start("no_grad_update.py")
    steps, stop = 0, program.stop
    operations = []
    while stop.reason not in FINAL:
        stop = program.step()
        steps += 1
        if stop.operation is not None:
            operations.append(stop.operation.name)
    assert stop.reason is Reason.END and stop.exit_code == 0
    assert operations.count("PowBackward0") == 3
    assert operations.count("AccumulateGrad") == 6
    assert operations.count("sub_") == 6
    assert steps == len(operations) + 1


def test_experiment_of_a_lesson_by_steps(start: Start) -> None:
    """squared_error: ∂loss/∂w = −8, and every number on the way to it."""
    lesson = runpy.run_path(str(LESSONS / "squared_error.py"))
    prediction = lesson["model"](lesson["x"])
    loss = lesson["loss_fn"](prediction, lesson["y"])
    prediction.retain_grad()
    loss.backward()
    program = start("squared_error.py")
    for _ in range(3):
        stop = program.step()
    seen = {}
    while stop.operation is None or stop.operation.name != "AccumulateGrad":
        stop = program.step()
        for change in stop.changed:
            seen[change.field, change.name] = shown(change.after)
    program.step()
    assert seen["grad", "w"] == elements(lesson["w"].grad) == (-8.0,)
    assert same(program.value("w").grad, lesson["w"].grad)
    edges = {e.name: e for e in program.graph().edges}
    assert shown(edges["y_pred"].grad) == elements(prediction.grad)
    assert shown(edges["y_pred"].value) == elements(prediction)
