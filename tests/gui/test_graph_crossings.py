"""Lines that need not cross do not."""

from __future__ import annotations

import itertools

import pytest

from gradstep.gui.graph.build import build
from gradstep.gui.graph.layout.placement import Flow, Placement
from gradstep.gui.graph.placing import place_flowing
from gradstep.protocol.values import ValueKind
from tests.gui import graphs
from tests.gui.scenes import model_of

Point = tuple[float, float]


def crossings_of(placement: Placement) -> set[tuple[str, str]]:
    """Pairs of wires that cross, by the corners of their routes."""
    parts = [
        (key, a, b)
        for key, route in placement.routes.items()
        for a, b in itertools.pairwise(route.points())
        if a != b
    ]
    return {
        (one, other)
        for (one, a, b), (other, c, d) in itertools.combinations(parts, 2)
        if one != other
        and _turn(a, b, c) * _turn(a, b, d) < 0
        and _turn(c, d, a) * _turn(c, d, b) < 0
    }


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def test_the_gates_of_a_recurrent_cell_do_not_cross() -> None:
    """Four ways out of one split, of which the first and the third meet, then with the second."""
    b = graphs.Builder()
    b.data("x")
    b.data("c")
    b.op("split", "x", "gates")
    for name in "ifgo":
        b.op("sigmoid", "gates", name)
    b.op("mul", "f c", "kept")
    b.op("mul", "i g", "new")
    b.op("add", "kept new", "cell")
    b.op("tanh", "cell", "seen")
    b.op("mul", "o seen", "h")
    b.loss("h")
    scene = build(model_of(b.graph()))
    for flow in Flow:
        assert crossings_of(place_flowing(scene, flow)) == set()


def test_the_steps_of_a_loop_do_not_cross() -> None:
    """A state and a memory go from step to step around the module that makes them, and every step
    has an input of its own."""
    b = graphs.Builder()
    b.data("h0")
    b.data("c0")
    for i in range(1, 7):
        at = f"net:Net/cell{i}:Cell"
        b.data(f"x{i}")
        b.op("linear", f"x{i}", f"a{i}", groups=at)
        b.op("linear", f"h{i - 1}", f"b{i}", groups=at)
        b.op("add", f"a{i} b{i}", f"gates{i}", groups=at)
        for name in "ifgo":
            b.op("sigmoid", f"gates{i}", f"{name}{i}", groups=at)
        b.op("mul", f"f{i} c{i - 1}", f"kept{i}", groups=at)
        b.op("mul", f"i{i} g{i}", f"new{i}", groups=at)
        b.op("add", f"kept{i} new{i}", f"c{i}", groups=at)
        b.op("tanh", f"c{i}", f"seen{i}", groups=at)
        b.op("mul", f"o{i} seen{i}", f"h{i}", groups=at)
    b.op("sum", "h6", "loss")
    b.loss("loss")
    scene = build(model_of(b.graph()))
    x = [next(k for k, i in scene.items.items() if i.text == f"x{n}") for n in (1, 2)]
    groups = [[scene.frames[g].group.label for g in scene.items[key].groups] for key in x]
    assert groups == [[], ["net"]], "what a module begins with comes from outside of it"
    placement = place_flowing(scene, Flow.DOWN)
    assert len(crossings_of(placement)) <= 6, "at most one in a step"
    assert place_flowing(scene, Flow.DOWN) == placement


@pytest.mark.parametrize("flow", list(Flow))
def test_a_line_runs_straight_into_a_module_with_buffers_of_its_own(flow: Flow) -> None:
    """Convolution and normalisation, three times: one line, though the frame of each normalisation
    also has leaves before the operation."""
    b = graphs.Builder()
    b.data("x")
    value = "x"
    for i in range(3):
        b.param(f"conv{i}.weight")
        b.op("conv2d", f"{value} conv{i}.weight", f"c{i}", groups=f"net:Net/conv{i}:Conv2d")
        for name in ("running_mean", "running_var"):
            b.leaf(ValueKind.BUFFER, f"bn{i}.{name}", graphs.scalar(0.5))
        inputs = f"c{i} bn{i}.running_mean bn{i}.running_var"
        b.op("batch_norm", inputs, f"n{i}", groups=f"net:Net/bn{i}:BatchNorm2d")
        value = f"n{i}"
    b.op("sum", value, "loss")
    b.loss("loss")
    scene = build(model_of(b.graph()))
    placement = place_flowing(scene, flow)
    axis = 1 if flow == Flow.RIGHT else 0
    line = {
        round(placement.boxes[key][axis], 3)
        for key, item in scene.items.items()
        if item.text in ("conv2d", "batch_norm", "sum")
    }
    assert len(line) == 1
