"""Nodes and edges: what they are, whom they belong to, how they change and are sent piecemeal."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gradstep.protocol.trace import Edge, Graph, Node, NodeState
from gradstep.protocol.values import ValueKind
from tests.engine.programs_under_test import FINAL, Opened, marker

Start = Callable[..., Opened]


class Merged:
    """A graph put together from increments, as a view does it."""

    def __init__(self) -> None:
        self.revision = 0
        self.nodes: dict[int, Node] = {}
        self.edges: dict[int, Edge] = {}
        self.resets = 0

    def take(self, graph: Graph) -> None:
        if graph.reset:
            self.nodes.clear()
            self.edges.clear()
            self.resets += 1
        self.nodes.update((n.id, n) for n in graph.nodes)
        self.edges.update((e.id, e) for e in graph.edges)
        self.revision = graph.revision


def test_increments_merge_to_the_whole(start_all: Callable[..., list[Opened]]) -> None:
    for program in start_all("no_grad_update.py", "paths.py", "hidden_layer.py"):
        merged, sizes = Merged(), []
        stop = program.stop
        while stop.reason not in FINAL:
            stop = program.step()
            part = program.graph(since=merged.revision)
            merged.take(part)
            whole = program.graph()
            assert whole.revision == part.revision
            assert whole.nodes == tuple(sorted(merged.nodes.values(), key=lambda n: n.id))
            assert set(whole.edges) == set(merged.edges.values())
            ids = {n.id for n in whole.nodes}
            assert all(e.source in ids and e.target in ids | {-1} for e in whole.edges)
            assert program.graph(since=whole.revision).nodes == ()
            sizes.append(len(part.nodes) + len(part.edges))
        # A step sends little: not the whole graph again.
        assert sorted(sizes)[len(sizes) // 2] <= 6


def test_a_new_iteration_begins_an_empty_graph(start: Start) -> None:
    program = start("no_grad_update.py")
    program.zero_grad()
    first = program.graph()
    program.step()
    second = program.graph(since=first.revision)
    assert (first.iteration, second.iteration, second.reset) == (1, 2, True)
    assert not {n.id for n in first.nodes} & {n.id for n in second.nodes}
    assert [n.name for n in second.nodes if n.kind is ValueKind.RESULT] == [
        "matmul",  # executed
        "add",  # the next one
    ]


def test_kinds_names_and_groups(start: Start) -> None:
    file = "hidden_layer.py"
    program = start(file)
    program.backward()
    graph = program.graph()
    leaves = {n.name: n for n in graph.nodes if n.kind is not ValueKind.RESULT}
    assert {n: leaf.kind for n, leaf in leaves.items()} == {
        "x": ValueKind.DATA,
        "y": ValueKind.DATA,
        "hidden.weight": ValueKind.PARAMETER,
        "hidden.bias": ValueKind.PARAMETER,
        "out.weight": ValueKind.PARAMETER,
        "out.bias": ValueKind.PARAMETER,
    }
    calls = [n for n in graph.nodes if n.kind is ValueKind.RESULT]
    assert [n.name for n in calls] == ["linear", "tanh", "linear", "sub", "pow", "mean"]
    assert [n.order for n in calls] == sorted(n.order for n in calls)
    labels = [[(g.label, g.kind, g.type) for g in n.groups] for n in calls]
    net, hidden = ("Net", "module", "Net"), ("hidden", "module", "Linear")
    assert labels[:3] == [[net, hidden], [net], [net, ("out", "module", "Linear")]]
    assert labels[3:] == [[], [], []]
    assert len({n.groups[0].key for n in calls[:3]}) == 1, "one call of Net"
    assert [n.place.line for n in calls] == [
        marker(file, m) for m in ("hidden", "hidden", "out", "error", "loss", "loss")
    ]
    assert [n.is_loss for n in calls] == [False] * 5 + [True]
    assert calls[4].detail == "2"
    assert calls[0].aten == ("aten::t", "aten::addmm")
    assert calls[0].backward == ("AddmmBackward0", "TBackward0")
    assert calls[1].tensor.shape == (2, 3) and calls[1].tensor.requires_grad
    named = {e.name for e in graph.edges}
    assert {"h", "prediction", "error", "loss", "x", "y", "hidden.weight"} <= named


def test_states_on_the_way(start: Start) -> None:
    program = start("paths.py")
    stop = program.steps_until("sum")
    nodes = {n.id: n for n in program.graph().nodes}
    assert nodes[stop.operation.node].state is NodeState.RUNNING
    stop = program.steps_until("SumBackward0")
    calls = [n for n in program.graph().nodes if n.kind is ValueKind.RESULT]
    assert {n.state for n in calls} == {NodeState.BACKWARD_WAITING}
    assert {n.saved for n in calls} == {"alive"}
    remaining = {n.id for n in calls}
    while stop.operation.name != "AccumulateGrad":
        remaining.discard(stop.operation.node)
        stop = program.step()
        calls = [n for n in program.graph().nodes if n.kind is ValueKind.RESULT]
        assert {n.id for n in calls if n.state is NodeState.BACKWARD_WAITING} == remaining
        assert stop.done + len(remaining) + 1 == stop.total


def test_what_does_not_lead_to_the_loss_is_pruned(start: Start) -> None:
    program = start("paths.py")
    program.steps_until("SumBackward0")
    lines = {n.place.line for n in program.graph().nodes if n.place}
    assert marker("paths.py", "unused") not in lines
    assert marker("paths.py", "square") in lines


def test_gradients_along_each_path_and_their_sum(start: Start) -> None:
    x = torch.tensor([2.0, -3.0], requires_grad=True)
    one = torch.ones(2)
    program = start("paths.py")
    program.backward()
    graph = program.graph()
    nodes = {n.id: n for n in graph.nodes}
    by_line = {n.place.line: n for n in graph.nodes if n.place}
    at = {m: by_line[marker("paths.py", m)] for m in ("square", "total", "twice", "both", "loss")}
    edges = {(e.name, e.target, e.input): e for e in graph.edges}

    def grad(name: str, to: str, index: int) -> tuple[float, ...]:
        return edges[name, at[to].id, index].grad.elements

    assert grad("both", "loss", 0) == (1.0, 1.0)
    assert grad("twice", "both", 0) == (1.0, 1.0)
    assert grad("total", "both", 1) == (1.0, 1.0)
    assert grad("total", "twice", 0) == (2.0, 2.0)
    assert grad("square", "total", 0) == (3.0, 3.0)
    assert grad("x", "total", 1) == (3.0, 3.0)
    assert grad("x", "square", 0) == grad("x", "square", 1) == tuple((3 * x).tolist())
    # Where paths meet, the value's own gradient is their sum.
    assert program.value(f"#{at['total'].id}:0").grad == (one * 3).tolist()
    (3 * (x * x + x)).sum().backward()
    leaf = next(n for n in graph.nodes if n.kind is ValueKind.PARAMETER)
    assert program.value("x").grad == x.grad.tolist()
    assert leaf.grad.elements == tuple(x.grad.tolist())
    number = next(e for e in graph.edges if nodes[e.source].kind is ValueKind.CONSTANT)
    assert (number.value.elements, number.grad, number.requires_grad) == ((2,), None, False)


def test_several_results_of_one_call(start: Start) -> None:
    program = start("paths.py")
    program.backward()
    program.backward()
    graph = program.graph()
    (split,) = (n for n in graph.nodes if n.name == "split")
    halves = {e.name: e for e in graph.edges if e.source == split.id}
    assert split.is_view
    assert {n: (e.output, e.value.elements, e.grad.elements) for n, e in halves.items()} == {
        "a": (0, (6.0,), (-9.0,)),
        "b": (1, (-9.0,), (6.0,)),
    }
    assert program.value(f"#{split.id}:1").grad == [6.0]
    # The second backward has added to what the first one left.
    assert program.value("x").grad == [15.0 - 27.0, -15.0 + 18.0]


def test_what_ran_at_full_speed_has_no_graph_and_says_so(start: Start) -> None:
    program = start("linear_by_hand.py")
    program.iteration()
    assert program.graph().nodes
    assert program.run().iteration == 300
    graph = program.graph()
    assert (graph.nodes, graph.edges) == ((), ())
    assert "not recorded" in graph.note
