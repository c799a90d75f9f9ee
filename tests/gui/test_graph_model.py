"""Increments become a graph, a graph becomes a scene, a scene has its moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradstep.gui.graph.build import build, fold
from gradstep.gui.graph.folding import overview
from gradstep.gui.graph.moment import Look, awaits_gradient, look, moment, paths
from gradstep.gui.graph.plan import planned
from gradstep.gui.graph.scene import Role
from gradstep.gui.graph.shape import structure
from gradstep.gui.graph.texts import label
from gradstep.phases import Phase
from gradstep.protocol.trace import Graph, NodeState
from tests.gui import graphs
from tests.gui.graphs import scalar
from tests.gui.scenes import item, linear, link, model_of

MINUS = "\N{MINUS SIGN}"


# ---------------------------------------------------------------------- increments


def test_increments_replace_what_they_name() -> None:
    graph, _ = graphs.linear(1, "forward")
    model = model_of(graph)
    node = replace(graph.nodes[0], grad=scalar(-2.0))
    edge = replace(graph.edges[0], grad=scalar(-2.0))
    model.merge(Graph(1, 9, False, (node,), (edge,)))
    assert model.now.nodes[node.id].grad == scalar(-2.0)
    assert model.now.edges[edge.id].grad == scalar(-2.0)
    assert len(model.now.nodes) == len(graph.nodes) and model.revision == 9


def test_a_reset_forgets_the_graph() -> None:
    model = model_of(graphs.linear(1, "forward")[0])
    first = set(model.now.nodes)
    model.merge(graphs.linear(2, "step 1", first=100)[0])
    assert not first & set(model.now.nodes) and model.iteration == 2


def test_an_open_end_closes_when_its_value_is_used() -> None:
    b = graphs.Builder()
    b.param("w", 2.0)
    b.op("mul", "w w", "z", 4.0)
    model = model_of(b.graph())
    end = next(e for e in model.now.edges.values() if e.target == -1)
    assert item(build(model), "z").role == Role.OPEN
    b.op("exp", "z", "e", 54.6)
    # The engine leaves the old end in place and adds an edge.
    model.merge(Graph(1, 2, False, tuple(b.nodes.values()), (*b.edges.values(), end)))
    scene = build(model)
    assert [i.text for i in scene.items.values() if i.role == Role.OPEN] == ["e"]


def test_inputs_and_outputs() -> None:
    model, _ = linear()
    product = next(n for n in model.now.nodes.values() if n.name == "mul")
    sources = [model.now.nodes[e.source].name for e in model.inputs(product.id)]
    assert sources == ["w", "x"]
    assert [model.now.nodes[e.target].name for e in model.outputs(product.id)] == ["sub"]


def test_groups_are_a_tree() -> None:
    groups = model_of(graphs.two_layers()[0]).groups()
    labels = {info.group.label: info for info in groups.values()}
    assert labels["hidden"].depth == 1
    assert groups[labels["hidden"].parent].group.label == "TwoLayers"
    assert len(labels["hidden"].nodes) == 1


# ---------------------------------------------------------------------- the scene


def test_keys_are_the_same_in_the_next_iteration() -> None:
    one = build(model_of(graphs.linear(1, "forward")[0]))
    other = build(model_of(graphs.linear(2, "backward", first=500)[0]))
    assert set(one.items) == set(other.items) and set(one.links) == set(other.links)
    assert structure(one) == structure(other)


def test_what_has_not_run_is_expected_from_the_iteration_before() -> None:
    model = model_of(graphs.linear(1, "backward")[0])
    whole = build(model)
    model.merge(graphs.linear(2, "step 1", first=100)[0])
    scene = build(model)
    assert set(scene.items) == set(whole.items) and structure(scene) == structure(whole)
    assert {i.text for i in scene.items.values() if i.expected} == {"sub", "pow", "y", "loss"}


def test_an_expected_link_shows_no_number_of_the_iteration_before() -> None:
    model = model_of(graphs.linear(1, "backward")[0])
    model.merge(graphs.linear(2, "step 1", first=100)[0])
    scene = build(model)
    made = link(scene, "y_pred")
    assert not made.expected and made.edge.value == scalar(2.04) and made.edge.grad is None
    later = link(scene, "r")
    assert later.expected
    assert label(later, scene.items[later.source]).value is None
    assert label(later, scene.items[later.source]).grad is None


def test_a_result_that_is_not_there_yet_has_no_number() -> None:
    """The next operation is on the graph before it has run."""
    model = model_of(graphs.linear(1, "backward")[0])
    graph, _ = graphs.linear(2, "step 2", first=100)
    last = max(n.id for n in graph.nodes if n.kind == "result")
    nodes = tuple(replace(n, state=NodeState.RUNNING) if n.id == last else n for n in graph.nodes)
    edges = tuple(e for e in graph.edges if e.source != last)
    model.merge(replace(graph, nodes=nodes, edges=edges))
    scene = build(model)
    assert link(scene, "r").expected


def test_the_loss_is_expected_after_the_last_operation() -> None:
    """Which result is the loss is known only when backward begins."""
    model = model_of(graphs.linear(1, "backward")[0])
    whole = build(model)
    graph, _ = graphs.linear(2, "forward", first=100)
    nodes = tuple(replace(node, is_loss=False) for node in graph.nodes)
    model.merge(replace(graph, nodes=nodes))
    scene = build(model)
    assert item(scene, "loss").role == Role.LOSS and structure(scene) == structure(whole)
    assert not link(scene, "loss").expected, "its value is there"


def test_another_graph_is_not_expected() -> None:
    model = model_of(graphs.linear(1, "backward")[0])
    graph = graphs.product()[0]
    shifted = graphs.Builder(2, 900)
    shifted.param("v", 3.0)
    shifted.op("exp", "v", "z", 20.0)
    model.merge(shifted.graph())
    scene = build(model)
    assert not any(i.expected for i in scene.items.values()) and graph.nodes


def test_pruning_within_an_iteration_expects_nothing() -> None:
    graph, _ = graphs.linear(1, "forward")
    model = model_of(graph)
    fewer = tuple(n for n in graph.nodes if n.name in ("w", "x", "mul"))
    ids = {n.id for n in fewer}
    edges = tuple(e for e in graph.edges if e.source in ids and e.target in ids)
    model.merge(Graph(1, 2, True, fewer, edges))
    assert {i.text for i in build(model).items.values()} == {"w", "x", "mul"}


def test_the_exponent_stands_in_the_sign() -> None:
    _, scene = linear()
    assert item(scene, "pow").sign == "(\u2002)²"
    assert not any(i.role == Role.CONSTANT for i in scene.items.values())
    b = graphs.Builder()
    b.param("w", 2.0)
    made = b.op("pow", "w", "z", 8.0)
    b.nodes[made] = replace(b.nodes[made], detail="3")
    assert item(build(model_of(b.graph())), "pow").sign == "(\u2002)³"


def test_a_constant_without_a_name_is_its_number() -> None:
    b = graphs.Builder()
    b.param("w", 2.0)
    number_name = b.constant(0.5)
    b.set(number_name, name="")
    b.op("mul", f"w {number_name}", "z", 1.0)
    scene = build(model_of(b.graph()))
    constant = item(scene, "0.5")
    assert constant.role == Role.CONSTANT
    assert label(next(k for k in scene.links.values() if k.source == constant.key), constant) == (
        label(link(scene, "0.5"), constant)
    )
    assert label(link(scene, "0.5"), constant).value is None


def test_the_loss_is_an_item_of_its_own() -> None:
    _, scene = linear()
    assert item(scene, "loss").role == Role.LOSS
    _, product = (graphs.product()), build(model_of(graphs.product()[0]))
    assert item(product, "z").role == Role.LOSS


def test_a_module_owns_its_parameters_a_function_does_not() -> None:
    _, scene = linear()
    assert item(scene, "w").groups == ()
    scene = build(model_of(graphs.two_layers()[0]))
    owner = item(scene, "hidden.weight").groups[-1]
    assert scene.frames[owner].group.label == "hidden"
    assert item(scene, "x").groups == ()


def test_an_overview_folds_innermost_modules() -> None:
    plan = planned(model_of(graphs.two_layers()[0]))
    scene = fold(plan, overview(plan))
    texts = {i.text for i in scene.items.values() if i.role == Role.MODULE}
    assert texts == {"hidden", "output", "MSELoss"}
    assert [f.group.label for f in scene.frames.values()] == ["TwoLayers"]


def test_structure_ignores_values_and_states() -> None:
    shapes = {structure(linear(name)[1]) for name in ("forward", "mock", "backward", "updated")}
    assert len(shapes) == 1
    assert structure(build(model_of(graphs.product()[0]))) not in shapes


# ---------------------------------------------------------------------- the moment


def test_looks_of_operations_in_mid_backward() -> None:
    model, scene = linear("mock")
    now = moment(scene, model.stop)
    assert look(item(scene, "mul"), now) == Look.NEXT and now.phase == Phase.BACKWARD
    assert look(item(scene, "sub"), now) == Look.BACKWARD
    assert now.changed == {link(scene, "y_pred").key: "grad"}
    assert awaits_gradient(link(scene, "w"), scene, now)
    assert not awaits_gradient(link(scene, "x"), scene, now)
    assert not awaits_gradient(link(scene, "y_pred"), scene, now)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (NodeState.RUNNING, Look.EXPECTED),
        (NodeState.DONE, Look.FORWARD),
        (NodeState.BACKWARD_WAITING, Look.WAITING),
        (NodeState.BACKWARD_DONE, Look.BACKWARD),
    ],
)
def test_looks(state: NodeState, expected: Look) -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    b.op("exp", "w", "z", 2.7, state=state)
    model = model_of(b.graph())
    scene = build(model)
    assert look(item(scene, "exp"), moment(scene, graphs.stop())) == expected


def test_paths_are_counted() -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    b.op("exp", "w", "e", 2.7)
    b.op("mul", "e^3 e", "z", 7.3)
    scene = build(model_of(b.graph()))
    assert paths(scene, item(scene, "exp")) == (1, 2)
