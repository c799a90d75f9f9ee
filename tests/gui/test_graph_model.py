"""Increments become a graph, a graph becomes a scene; numbers, signs and words on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradstep.gui.graph.describe import describe_item, describe_link
from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.moment import Look, awaits_gradient, look, moment, paths
from gradstep.gui.graph.placing import place_flowing
from gradstep.gui.graph.refs import key_of, place_of, ref_of
from gradstep.gui.graph.scene import Item, Link, Role, Scene, build, leaf_modules
from gradstep.gui.graph.shape import structure
from gradstep.gui.graph.symbols import base_name, short, symbol
from gradstep.gui.graph.texts import label, number, tray
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Graph, NodeState
from gradstep.protocol.values import Preview, TensorInfo
from tests.gui import graphs
from tests.gui.graphs import scalar

MINUS = "\N{MINUS SIGN}"


def model_of(graph: Graph) -> GraphModel:
    model = GraphModel()
    model.merge(graph)
    return model


def linear(moment_name: str = "mock") -> tuple[GraphModel, Scene]:
    graph, stop = graphs.linear(2, moment_name)
    model = model_of(graph)
    model.take(stop)
    return model, build(model)


def item(scene: Scene, text: str) -> Item:
    return next(i for i in scene.items.values() if i.text == text)


def link(scene: Scene, name: str) -> Link:
    """The link that carries the value ``name``."""
    return next(
        k for k in scene.links.values()
        if k.edge.name == name or scene.items[k.source].text == name
    )


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


def test_a_frozen_model_does_not_change() -> None:
    model = model_of(graphs.linear(1, "step 1")[0])
    frozen = model.frozen()
    before = dict(frozen.now.nodes)
    model.merge(graphs.linear(1, "step 3")[0])
    assert frozen.now.nodes == before


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


def test_innermost_modules_are_those_to_fold() -> None:
    model = model_of(graphs.two_layers()[0])
    scene = build(model, leaf_modules(model))
    texts = {i.text for i in scene.items.values() if i.role == Role.MODULE}
    assert texts == {"hidden", "output", "MSELoss"}
    assert [f.group.label for f in scene.frames.values()] == ["TwoLayers"]


def test_folding_in_the_next_iteration_is_kept() -> None:
    keys = leaf_modules(model_of(graphs.two_layers()[0]))
    assert keys == leaf_modules(model_of(graphs.two_layers()[0]))


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


# ---------------------------------------------------------------------- what is written


def test_numbers_are_short() -> None:
    float32 = TensorInfo((), "float32", "cpu")
    assert number(scalar(3.841599941253662), float32, "data").text == "3.8416"
    assert number(scalar(-7.840000152587891), float32, "grad").text == f"{MINUS}7.84"
    assert number(None, float32, "grad") is None


def test_small_tensors_show_their_elements_and_large_ones_their_size() -> None:
    three = TensorInfo((3,), "float32", "cpu")
    found = number(scalar(1.0, 2.5, -3.0), three, "data")
    assert found.text.split() == ["[1,", "2.5,", f"{MINUS}3]"] and len(found.lines) == 2
    many = TensorInfo((2, 3), "float32", "cpu")
    assert number(Preview((3.0, 4.0, 0.0, 0.0, 0.0, 0.0)), many, "grad").text == "5"
    assert number(Preview(None, norm=5.0, rms=0.25), many, "grad").measure == "norm"
    assert number(Preview(None, norm=5.0, rms=0.25), many, "data").text == "0.25"
    assert number(Preview(problem="freed"), many, "data").text == "freed"


def test_labels_on_the_lesson() -> None:
    _, scene = linear("mock")
    written = {
        name: label(link(scene, name), scene.items[link(scene, name).source])
        for name in ("w", "x", "y_pred", "r", "loss")
    }
    assert (written["y_pred"].name, written["w"].name, written["loss"].name) == ("y_pred", "", "")
    values = {name: found.value.text for name, found in written.items()}
    assert values == {
        "w": "1.02", "x": "2", "y_pred": "2.04", "r": f"{MINUS}1.96", "loss": "3.8416"
    }
    assert written["r"].grad.text == f"{MINUS}3.92" and written["loss"].grad.text == "1"
    assert written["w"].grad is None and not written["w"].no_grad and written["x"].no_grad


def test_the_tray_adds_up() -> None:
    b = graphs.Builder()
    b.param("w", 1.0, grad=scalar(-9.84))
    b.data("x", 2.0)
    b.op("mul", "w^-7.84 x", "z", 2.0)
    b.loss("z", 1.0)
    model = model_of(b.graph())
    scene = build(model)
    change = Change("grad", "w", "w", scalar(-2.0), scalar(-9.84))
    now = moment(scene, graphs.stop(changed=(change,)))
    rows = tray(item(scene, "w"), now, -7.84)
    assert [(row.kind, row.text) for row in rows] == [
        ("term", f"{MINUS}2"), ("term", f"+ {MINUS}7.84"), ("sum", f"{MINUS}9.84")
    ]
    wrong = tray(item(scene, "w"), now, -5.0)
    assert [row.kind for row in wrong] == ["grad"], "a sum that does not add up is not shown"


def test_the_tray_after_update_and_zero_grad() -> None:
    model, scene = linear("updated")
    now = moment(scene, model.stop)
    rows = tray(item(scene, "w"), now)
    assert [(r.kind, r.before, r.text, r.changed) for r in rows] == [
        ("grad", "", f"{MINUS}7.84", False), ("data", "1.02", "1.0984", True)
    ]
    change = Change("grad", "w", "w", scalar(-7.84), scalar(0.0))
    b = graphs.Builder()
    b.param("w", 1.0, grad=scalar(0.0))
    b.op("exp", "w", "z", 2.7)
    zeroed = build(model_of(b.graph()))
    rows = tray(item(zeroed, "w"), moment(zeroed, graphs.stop(changed=(change,))))
    assert [(r.kind, r.before, r.text) for r in rows] == [("zeroed", f"{MINUS}7.84", "0")]


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("mul", "×"), ("MulBackward0", "×"), ("mul_", "×"), ("aten::mul.Tensor", "×"),
        ("sub", "−"), ("add", "+"), ("__add__", "+"), ("sigmoid", "σ"), ("matmul", "@"),
        ("AddmmBackward0", "Wx+b"), ("AccumulateGrad", "+="), ("no_such_thing", ""),
    ],
)
def test_signs(name: str, sign: str) -> None:
    assert symbol(name) == sign


def test_powers() -> None:
    assert symbol("pow", 2) == "(\u2002)²" and symbol("pow", -1) == "(\u2002)⁻¹"
    assert symbol("pow", 0.5) == "√" and symbol("pow", 2.5) == symbol("pow") == "(\u2002)ⁿ"
    assert base_name("PowBackward0") == "pow"


def test_long_names_lose_their_middle() -> None:
    assert short("model.layers.11.attention.weight", 16) == "model…ion.weight"
    assert short("w", 16) == "w" and len(short("x" * 50, 10)) == 10


# ---------------------------------------------------------------------- refs and words


def test_refs() -> None:
    model, scene = linear("mock")
    product = next(n for n in model.now.nodes.values() if n.name == "mul")
    assert ref_of(item(scene, "w").key, scene) == "w" == ref_of(link(scene, "w").key, scene)
    assert ref_of(item(scene, "mul").key, scene) == f"#{product.id}:0"
    assert ref_of(link(scene, "y_pred").key, scene) == f"#{product.id}:0"
    power = next(n for n in model.now.nodes.values() if n.name == "pow")
    assert ref_of(item(scene, "loss").key, scene) == f"#{power.id}:0"
    for text in ("w", "mul", "y"):
        assert key_of(ref_of(item(scene, text).key, scene), scene) == item(scene, text).key
    assert key_of("nobody", scene) == "" == ref_of("nothing", scene)


def test_what_is_expected_cannot_be_asked_for() -> None:
    model = model_of(graphs.linear(1, "backward")[0])
    model.merge(graphs.linear(2, "step 1", first=100)[0])
    scene = build(model)
    assert ref_of(item(scene, "pow").key, scene) == "" == ref_of(link(scene, "r").key, scene)


def test_the_line_of_an_item() -> None:
    _, scene = linear("mock")
    assert place_of(item(scene, "sub").key, scene).line == 13
    assert place_of(item(scene, "w").key, scene).line == 10, "a leaf: where it is used"
    assert place_of(link(scene, "r").key, scene).line == 13


def test_words() -> None:
    model, scene = linear("mock")
    now = moment(scene, model.stop)
    words = describe_item(item(scene, "mul"), scene, now)
    assert words.startswith("mul, operation") and "next, Backward" in words
    assert "backward done" in describe_item(item(scene, "sub"), scene, now)
    words = describe_link(link(scene, "r"), scene)
    assert "r: − → (\u2002)²" in words and f"{MINUS}1.96" in words and f"{MINUS}3.92" in words
    assert "no grad" in describe_link(link(scene, "x"), scene)


def test_everything_in_a_scene_can_be_described() -> None:
    for make in graphs.LESSONS.values():
        graph, stop = make()
        scene = build(model_of(graph))
        now = moment(scene, stop)
        assert all(describe_item(i, scene, now) for i in scene.items.values())
        assert all(describe_link(k, scene) for k in scene.links.values())
        assert place_flowing(scene, Flow.RIGHT).boxes
