"""A step that leaves the structure alone is put into the picture by itself: with the same outcome
as making the picture anew. And the signs at operations."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradstep.gui.graph.build import build
from gradstep.gui.graph.folding import Wishes
from gradstep.gui.graph.marks import Mark, marks
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.studio import Made, Order, _step, make
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Graph, NodeState, Operation, Reason, Stop
from tests.gui import graphs
from tests.gui.random_graphs import random_graph
from tests.gui.scenes import item, model_of

ROOM = (900.0, 700.0)


def step_of(graph: Graph, chance: random.Random) -> tuple[Graph, Stop]:
    """Other values and states of a few nodes and edges."""
    nodes = chance.sample(graph.nodes, min(2, len(graph.nodes)))
    edges = chance.sample(graph.edges, min(3, len(graph.edges)))
    number = chance.choice((1.5, -2.0, float("nan")))
    changed = (Change("grad", "#1:0", "r", None, graphs.scalar(1.0), tuple(e.id for e in edges)),)
    stop = Stop(Reason.STEP, graph.iteration, Phase.BACKWARD, changed=changed)
    following = chance.choice(nodes).id
    stop = replace(stop, operation=Operation("x", Phase.BACKWARD, following))
    return replace(
        graph,
        reset=False,
        nodes=tuple(replace(n, state=NodeState.BACKWARD_DONE) for n in nodes),
        edges=tuple(
            replace(e, grad=graphs.scalar(2.0), value=graphs.scalar(number)) for e in edges
        ),
    ), stop


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_a_step_is_what_a_new_picture_would_be(seed: int, modules: bool) -> None:
    chance = random.Random(seed)
    graph, stop = random_graph(seed)
    graph = replace(graph, reset=True)
    made = make(Order((graph,), stop, ROOM, modules, fresh=True), Made(GraphModel()))
    told = [graph]
    for _ in range(3):
        patch, stop = step_of(graph, chance)
        told.append(patch)
        step = _step(Order((patch,), stop, ROOM, modules), made)
        assert step is not None
        anew = make(Order(tuple(told), stop, ROOM, modules, fresh=True), Made(GraphModel()))
        assert step.picture.scene == anew.picture.scene
        assert step.picture.now == anew.picture.now
        assert step.picture.items == anew.picture.items
        assert step.picture.links == anew.picture.links
        assert step.picture.placement is made.picture.placement
        made = step


def test_what_changes_the_structure_is_made_anew() -> None:
    graph, stop = graphs.linear(2, "step 2")
    made = make(Order((graph,), stop, ROOM, False, fresh=True), Made(GraphModel()))
    more, after = graphs.linear(2, "step 3")
    assert _step(Order((replace(more, reset=False),), after, ROOM, False), made) is None
    other = Wishes(frozenset({"[0]model"}))
    assert _step(Order((), stop, ROOM, False, other), made) is None
    assert _step(Order((), stop, ROOM, False), made) is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"in_place": True}, Mark.IN_PLACE),
        ({"is_view": True}, Mark.VIEW),
        ({"is_view": True, "name": "detach"}, Mark.DETACHED),
        ({"no_grad": True}, Mark.NO_GRAD),
        ({"saved": "freed"}, Mark.FREED),
    ],
)
def test_signs(fields: dict[str, object], expected: Mark) -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    b.op("exp", "w", "z", 2.7)
    b.set("z", **fields)
    scene = build(model_of(b.graph()))
    found = next(i for i in scene.items.values() if i.node and i.node.id == b.made["z"])
    assert marks(found, scene.links.values()) == (expected,)


def test_broadcasting_is_told_by_shapes() -> None:
    b = graphs.Builder()
    b.param("w", shape=(4, 3))
    b.param("b", shape=(3,))
    b.op("add", "w b", "s", None, shape=(4, 3))
    b.op("add", "s w", "t", None, shape=(4, 3))
    scene = build(model_of(b.graph()))
    one, other = (i for i in scene.items.values() if i.text == "add")

    def inputs(key: str) -> list:
        return [link for link in scene.links.values() if link.target == key]

    assert marks(one, inputs(one.key)) == (Mark.BROADCAST,)
    assert marks(other, inputs(other.key)) == ()
    assert item(scene, "w").node is not None
