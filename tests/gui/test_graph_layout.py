"""Where the boxes stand: apart, in their frames, in the same place every time, and still."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from gradstep.gui.graph.build import build
from gradstep.gui.graph.curves import lanes, ports
from gradstep.gui.graph.layout import arrange
from gradstep.gui.graph.layout.placement import Box, Flow, GroupBox, Placement, Rect, Wire
from gradstep.gui.graph.layout.ranks import rank
from gradstep.gui.graph.layout.spread import isotonic
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.placing import place, place_flowing
from gradstep.gui.graph.scene import LEAVES, Item, Role, Scene
from gradstep.gui.graph.sizes import item_size, label_size
from gradstep.protocol.trace import Graph, Stop
from tests.gui import graphs
from tests.gui.random_graphs import first_steps, random_graph

Make = Callable[[], tuple[Graph, Stop]]
LESSONS: list[Make] = list(graphs.LESSONS.values())
ALL: list[Make] = [
    *LESSONS,
    graphs.perceptron,
    lambda: graphs.transformer(2),
    lambda: graphs.chain(60),
    *(partial(random_graph, seed) for seed in range(10)),
]
FLOWS = list(Flow)


def scene_of(make: Make, folded: frozenset[str] = frozenset()) -> Scene:
    model = GraphModel()
    model.merge(make()[0])
    return build(model, folded)


def shape(item: Item, placement: Placement) -> Rect:
    x, y = placement.boxes[item.key]
    size = item_size(item)
    return Rect(x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_nothing_overlaps(make: Make, flow: Flow) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, flow)
    assert set(placement.boxes) == set(scene.items)
    for (one, a), (other, b) in itertools.combinations(placement.extents.items(), 2):
        assert not a.overlaps(b), f"{one} and {other}"


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_everything_is_within_the_bounds(make: Make, flow: Flow) -> None:
    placement = place_flowing(scene_of(make), flow)
    for rect in (*placement.extents.values(), *placement.groups.values()):
        assert placement.bounds.contains(rect)


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_frames_hold_their_members_and_nobody_else(make: Make, flow: Flow) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, flow)
    assert set(placement.groups) == set(scene.frames)
    for key, item in scene.items.items():
        for group, frame in placement.groups.items():
            if group in item.groups:
                assert frame.contains(shape(item, placement)), f"{group} around {key}"
            else:
                assert not frame.overlaps(shape(item, placement)), f"{group} over {key}"


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_frames_are_apart_or_nested(make: Make, flow: Flow) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, flow)
    for (one, a), (other, b) in itertools.combinations(placement.groups.items(), 2):
        if scene.frames[other].parent == one or _inside(scene, other, one):
            assert a.contains(b), f"{other} in {one}"
        else:
            assert not a.overlaps(b), f"{one} and {other}"


def _inside(scene: Scene, inner: str, outer: str) -> bool:
    while inner:
        inner = scene.frames[inner].parent
        if inner == outer:
            return True
    return False


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_edges_never_run_through_nodes(make: Make, flow: Flow) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, flow)
    found = ports(scene, placement)
    shapes = {key: shape(item, placement) for key, item in scene.items.items()}
    for link in scene.links.values():
        drawn = lanes(link, scene, placement, found)
        for x, y in (*drawn.value, *drawn.grad):
            dot = Rect(x, y, x + 1e-6, y + 1e-6)
            for key, rect in shapes.items():
                if key not in (link.source, link.target):
                    assert not rect.overlaps(dot), f"{link.key} through {key}"


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("make", ALL)
def test_numbers_stand_clear_of_nodes(make: Make, flow: Flow) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, flow)
    for link in scene.links.values():
        size = label_size(link, scene.items[link.source])
        x, y = placement.routes[link.key].label
        upright = placement.routes[link.key].beside == (flow == Flow.RIGHT)
        if upright:
            number = Rect(x - 4 - min(size.value, 40), y - 8, x + 4 + min(size.grad, 40), y + 8)
        else:
            half = min(size.value, 40) / 2
            number = Rect(x - half, y - 20, x + half, y + 20)
        for key, item in scene.items.items():
            if item.role != Role.OPEN:
                assert not shape(item, placement).overlaps(number), f"{link.key} on {key}"


@pytest.mark.parametrize("make", ALL)
def test_the_same_scene_is_placed_the_same(make: Make) -> None:
    one, other = place(scene_of(make), (680, 430)), place(scene_of(make), (680, 430))
    assert one == other


@pytest.mark.parametrize("make", LESSONS)
def test_time_runs_along_the_flow(make: Make) -> None:
    scene = scene_of(make)
    placement = place_flowing(scene, Flow.RIGHT)
    for link in scene.links.values():
        if not placement.routes[link.key].beside:
            assert placement.boxes[link.source][0] < placement.boxes[link.target][0]


def test_the_main_line_is_straight() -> None:
    scene = scene_of(graphs.linear)
    placement = place_flowing(scene, Flow.RIGHT)
    heights = {
        round(placement.boxes[key][1], 6)
        for key, item in scene.items.items()
        if item.role not in LEAVES
    }
    assert len(heights) == 1


def test_the_residual_stream_is_a_spine() -> None:
    scene = scene_of(lambda: graphs.transformer(3))
    placement = place_flowing(scene, Flow.DOWN)
    spine = {
        round(placement.boxes[key][0], 3) for key, item in scene.items.items() if item.text == "add"
    }
    assert len(spine) == 1


def test_parameters_of_a_layer_stand_above_and_below_it() -> None:
    scene = scene_of(graphs.two_layers)
    placement = place_flowing(scene, Flow.RIGHT)
    at = {item.text: placement.boxes[key] for key, item in scene.items.items()}
    layer = next(
        placement.boxes[link.target]
        for link in scene.links.values()
        if scene.items[link.source].text == "hidden.weight"
    )
    assert at["hidden.weight"][0] == layer[0] == at["hidden.bias"][0]
    assert at["hidden.weight"][1] < layer[1] < at["hidden.bias"][1]


@pytest.mark.parametrize("steps", [2, 3])
def test_a_step_moves_nothing(steps: int) -> None:
    before = _prefix(steps - 1, None)
    after = _prefix(steps, before)
    assert len(after.boxes) > len(before.boxes)
    assert _moved(before, after) == 0


def _prefix(steps: int, previous: Placement | None) -> Placement:
    scene = scene_of(lambda: graphs.linear(1, f"step {steps}"))
    return place(scene, (680, 430), previous)


def _moved(before: Placement, after: Placement) -> float:
    """How far the farthest of those that are in both has moved. Open ends do not count: they are
    where nobody knows yet what comes."""
    return max(
        abs(after.boxes[key][0] - x) + abs(after.boxes[key][1] - y)
        for key, (x, y) in before.boxes.items()
        if key in after.boxes and "?" not in key
    )


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (graphs.two_layers, 0.0),
        (graphs.fan_out, 0.0),
        # A value that is used a second time gets room for a second line.
        (lambda: graphs.chain(40), 16.0),
    ],
)
def test_stepping_through_a_graph_hardly_moves_it(make: Make, most: float) -> None:
    graph, _ = make()
    order = [node.id for node in graph.nodes if node.kind == "result"]
    placement: Placement | None = None
    for count in range(1, len(order) + 1):
        scene = scene_of(lambda n=count: (first_steps(graph, n), graphs.stop()))
        after = place_flowing(scene, Flow.RIGHT, placement)
        if placement is not None:
            assert _moved(placement, after) <= most
        placement = after


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("flow", FLOWS)
def test_what_was_added_does_not_overlap(seed: int, flow: Flow) -> None:
    graph, stop = random_graph(seed)
    count = sum(node.kind == "result" for node in graph.nodes)
    placement: Placement | None = None
    for steps in range(count // 2, count + 1):
        scene = scene_of(lambda n=steps: (first_steps(graph, n), stop))
        placement = place_flowing(scene, flow, placement)
        for (one, a), (other, b) in itertools.combinations(placement.extents.items(), 2):
            assert not a.overlaps(b), f"{one} and {other} after {steps} operations"


def test_graphs_that_do_not_fit_flow_down() -> None:
    room = (680.0, 430.0)
    assert place(scene_of(graphs.linear), room).flow == Flow.RIGHT
    assert place(scene_of(graphs.two_layers), room).flow == Flow.RIGHT
    assert place(scene_of(graphs.perceptron), room).flow == Flow.DOWN
    assert place(scene_of(graphs.linear), (200, 900)).flow == Flow.DOWN


def test_folded_modules_are_one_item() -> None:
    whole = scene_of(graphs.two_layers)
    keys = frozenset(k for k, frame in whole.frames.items() if frame.group.label == "hidden")
    scene = scene_of(graphs.two_layers, keys)
    (module,) = (item for item in scene.items.values() if item.role == Role.MODULE)
    assert module.trainable and module.text == "hidden"
    assert not any(item.text.startswith("hidden.") for item in scene.items.values())
    placement = place_flowing(scene, Flow.RIGHT)
    assert set(placement.boxes) == set(scene.items)


def test_a_shared_leaf_is_split_when_it_has_many_uses() -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    b.data("h0", 1.0)
    for i in range(6):
        b.op("mul", f"h{i} w", f"h{i + 1}", 1.0)
    scene = scene_of(lambda: (b.graph(), graphs.stop()))
    assert sum(item.text == "w" for item in scene.items.values()) == 6
    few = graphs.fan_out()
    assert sum(i.text == "x" for i in scene_of(lambda: few).items.values()) == 1


def test_a_cycle_is_survived() -> None:
    boxes = [Box(key, 40, 20, 20) for key in "abc"]
    wires = [Wire("1", "a", "b"), Wire("2", "b", "c"), Wire("3", "c", "a"), Wire("4", "a", "a")]
    placement = arrange(boxes, wires)
    assert set(placement.boxes) == {"a", "b", "c"}
    for a, b in itertools.combinations(placement.extents.values(), 2):
        assert not a.overlaps(b)


def test_nothing_to_place() -> None:
    placement = arrange([], [], [GroupBox("g")])
    assert not placement.boxes and not placement.groups
    assert placement.bounds == Rect(0, 0, 0, 0)


def test_leaves_stand_next_to_their_consumer() -> None:
    boxes = [
        Box("x", 40, 20, 20),
        *(Box(f"op{i}", 40, 20, 20) for i in range(4)),
        Box("w", 40, 20, 20, leaf=True),
    ]
    chain = [Wire("in", "x", "op0"), *(Wire(str(i), f"op{i}", f"op{i + 1}") for i in range(3))]
    ranks, _ = rank(boxes, [*chain, Wire("w", "w", "op3")], {})
    assert ranks == [0, 1, 2, 3, 4, 3]


def test_isotonic_regression() -> None:
    assert isotonic([1, 2, 3], [1, 1, 1]) == [1, 2, 3]
    assert isotonic([3, 1], [1, 1]) == [2, 2]
    assert isotonic([3, 1], [3, 1]) == [2.5, 2.5]
    assert isotonic([1, 5, 2, 2], [1, 1, 1, 1]) == [1, 3, 3, 3]
