"""Repeats rolled up, modules folded while there is no room, branches in rows beside a spine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gradstep.gui.graph.build import fold
from gradstep.gui.graph.curves import lanes, ports
from gradstep.gui.graph.folding import Wishes, everything, overview
from gradstep.gui.graph.layout.placement import Flow, Placement, Rect
from gradstep.gui.graph.outline import FEWEST, repeats
from gradstep.gui.graph.placing import place, place_flowing
from gradstep.gui.graph.plan import planned
from gradstep.gui.graph.rows import rows
from gradstep.gui.graph.scene import LEAVES, Role, Scene
from gradstep.gui.graph.sizes import item_size
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench
from tests.gui.scenes import model_of

ROOM = (1000.0, 700.0)


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def overview_of(blocks: int = 12, wishes: Wishes | None = None) -> Scene:
    plan = planned(model_of(graphs.transformer(blocks)[0]))
    return fold(plan, overview(plan, wishes or Wishes()))


def texts(scene: Scene) -> list[tuple[str, int]]:
    return [(i.text, i.count) for i in scene.items.values() if i.role == Role.MODULE]


def member(scene: Scene, label: str) -> str:
    return next(key for key in scene.series if key.endswith(f"]{label}"))


# ---------------------------------------------------------------------- repeats


@given(st.lists(st.integers(0, 3), max_size=40))
def test_repeats_are_repeats(signs: list[int]) -> None:
    end = 0
    for start, period, count in repeats(signs):
        assert start >= end and count >= FEWEST
        end = start + period * count
        assert signs[start:end] == signs[start : start + period] * count


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), st.integers(3, 9))
def test_what_was_repeated_is_found(stretch: list[int], count: int) -> None:
    assert repeats(stretch * count) == [(0, len(stretch), count)]


def test_layers_that_are_alike_are_a_stack() -> None:
    assert texts(overview_of()) == [("wte", 1), ("h.0 – h.11", 12), ("lm_head", 1)]
    assert texts(overview_of(2))[0] == ("wte", 1)
    assert all(count == 1 for _, count in texts(overview_of(2))), "two are no series"


def test_an_opened_layer_parts_the_stack() -> None:
    whole = overview_of()
    key = member(whole, "h.3")
    scene = overview_of(wishes=Wishes().open(frozenset({key})))
    found = texts(scene)
    assert found[1] == ("h.0 – h.2", 3) and ("h.4 – h.11", 8) in found
    assert scene.frames[key].group.label == "h.3"
    assert {"add", "gelu"} <= {i.text for i in scene.items.values()}


def test_a_layer_that_differs_is_not_in_the_stack() -> None:
    b = graphs.Builder()
    b.data("v0", shape=(4, 8))
    for i in range(8):
        b.param(f"{i}.weight", shape=(8, 8))
        op = "sin" if i == 4 else "tanh"
        b.op("linear", f"v{i} {i}.weight", f"a{i}", None, f"Net:Net/{i}:Layer", (4, 8))
        b.op(op, f"a{i}", f"v{i + 1}", None, f"Net:Net/{i}:Layer", (4, 8))
    plan = planned(model_of(b.graph()))
    assert texts(fold(plan, overview(plan))) == [("0 – 3", 4), ("4", 1), ("5 – 7", 3)]


def test_steps_of_a_loop_without_modules_are_rolled_up() -> None:
    b = graphs.Builder()
    b.data("h0", 1.0)
    b.param("w", 0.5)
    for i in range(30):
        b.data(f"x{i}", 1.0)
        b.op("mul", f"h{i} w", f"m{i}", 1.0)
        b.op("add", f"m{i} x{i}", f"a{i}", 1.0)
        b.op("tanh", f"a{i}", f"h{i + 1}", 1.0)
    plan = planned(model_of(b.graph()))
    scene = fold(plan, overview(plan))
    assert texts(scene) == [("#1 – #30", 30)]
    second = next(iter(dict.fromkeys(k for k in scene.series if k.startswith("+3:"))))
    scene = fold(plan, overview(plan, Wishes().open(frozenset({second}))))
    assert [i.text for i in scene.items.values() if i.role == Role.OPERATION] == [
        "mul",
        "add",
        "tanh",
    ]


def test_the_overview_is_the_same_in_the_next_iteration() -> None:
    one, other = overview_of(), overview_of()
    assert list(one.items) == list(other.items)


def test_nothing_is_lost_in_an_overview() -> None:
    plan = planned(model_of(graphs.transformer(12)[0]))
    whole, folded = fold(plan, everything()), fold(plan, overview(plan))
    ids = {i.node.id for i in whole.items.values() if i.node}
    shown = {n.id for i in folded.items.values() for n in (*i.members, i.node) if n}
    assert ids == shown


# ---------------------------------------------------------------------- rows


def opened(blocks: int = 3) -> tuple[Scene, Placement]:
    plan = planned(model_of(graphs.transformer(blocks)[0]))
    scene = fold(plan, everything())
    return scene, place_flowing(scene, Flow.DOWN)


def shape(scene: Scene, placement: Placement, key: str) -> Rect:
    x, y = placement.boxes[key]
    size = item_size(scene.items[key])
    return Rect(x - size.width / 2, y - size.height / 2, x + size.width / 2, y + size.height / 2)


def test_blocks_are_rows_beside_a_straight_spine() -> None:
    scene, placement = opened()
    found = rows(scene)
    assert len(found) == 6, "attention and the layers after it, in each of three blocks"
    spine = {placement.boxes[key][0] for row in found for key in (row.fork, row.join)}
    assert len({round(x, 6) for x in spine}) == 1
    for row in found:
        line = placement.boxes[row.join][0]
        for key in row.members:
            assert placement.boxes[key][0] > line
            assert placement.boxes[key][1] < placement.boxes[row.join][1]
        for link in scene.links.values():
            if {link.source, link.target} <= set(row.members):
                one, other = placement.boxes[link.source], placement.boxes[link.target]
                assert one[0] < other[0] or placement.routes[link.key].beside


def test_rows_overlap_nothing() -> None:
    scene, placement = opened()
    assert set(placement.boxes) == set(scene.items)
    for (one, a), (other, b) in itertools.combinations(placement.extents.items(), 2):
        assert not a.overlaps(b), f"{one} and {other}"


def test_lines_of_rows_run_through_no_node() -> None:
    scene, placement = opened(2)
    found = ports(scene, placement)
    shapes = {key: shape(scene, placement, key) for key in scene.items}
    for link in scene.links.values():
        drawn = lanes(link, scene, placement, found)
        for x, y in (*drawn.value, *drawn.grad):
            dot = Rect(x, y, x + 1e-6, y + 1e-6)
            for key, rect in shapes.items():
                if key not in (link.source, link.target):
                    assert not rect.overlaps(dot), f"{link.key} through {key}"


def test_rows_are_placed_the_same_every_time() -> None:
    assert opened()[1] == opened()[1]


def test_opening_a_layer_moves_only_what_is_below_it() -> None:
    whole = overview_of()
    before = place_flowing(whole, Flow.DOWN)
    key = member(whole, "h.3")
    scene = overview_of(wishes=Wishes().open(frozenset({key})))
    after = place(scene, ROOM, before)
    stack = next(k for k, i in whole.items.items() if i.count == 12)
    for item, (x, y) in before.boxes.items():
        if whole.items[item].role not in LEAVES:  # data makes room for the wider frame
            assert abs(after.boxes[item][0] - x) < 1e-6, "nothing moves aside"
        if y <= before.boxes[stack][1]:
            assert abs(after.boxes[item][1] - y) < 1e-6, "what is above stays"
    inside = [after.boxes[i][1] for i, item in scene.items.items() if key in item.groups]
    assert min(inside) > before.boxes[stack][1]


# ---------------------------------------------------------------------- in the panel


def test_a_large_graph_opens_as_an_overview(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    assert bench.panel.detail_button.text() == "Operations"
    bench.session.programOpened.emit("other.py")
    bench.feed(graphs.transformer(12))
    assert bench.panel.detail_button.text() == "Modules"
    assert len(bench.canvas.picture.items) < 20


def test_a_stack_opens_by_key_and_rolls_up_by_its_menu(bench: Bench) -> None:
    bench.feed(graphs.transformer(12))
    canvas = bench.canvas
    canvas.select(bench.item("h.0 – h.11").key)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    bench.settle()
    layers = [i.text for i in canvas.picture.items if i.text.startswith("h.")]
    assert layers == [f"h.{i}" for i in range(12)]
    canvas.select(bench.item("h.5").key)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    bench.settle()
    assert "gelu" in {i.text for i in canvas.picture.items}
    bench.panel.roll_up(canvas.picture.scene.series[bench.item("h.7").key])
    bench.settle()
    assert [i.count for i in canvas.picture.items if i.count > 1] == [5, 6]


def test_what_is_opened_stays_where_it_is_on_the_screen(bench: Bench) -> None:
    bench.feed(graphs.transformer(12))
    canvas = bench.canvas
    bench.panel.toggle_fold(bench.item("h.0 – h.11").key)
    bench.settle()
    assert canvas.picture.placement.flow == Flow.DOWN
    canvas.zoom_to(1.0)
    key = bench.item("h.5").key
    canvas.reveal(key)
    top = canvas.view.to_canvas(0, canvas.picture.placement.extents[key].top)[1]
    for _ in range(2):  # open, and shut again
        bench.panel.toggle_fold(key)
        bench.settle()
        now = canvas.picture.placement
        rect = now.groups[key] if key in now.groups else now.extents[key]
        assert canvas.view.to_canvas(0, rect.top)[1] == pytest.approx(top, abs=0.5)


def test_what_an_operation_is_made_of_is_shown_on_demand(bench: Bench) -> None:
    b = graphs.Builder()
    b.param("w", shape=(3, 2))
    b.op("linear", "w", "y", None, shape=(3, 2))
    b.set("y", aten=("aten::t", "aten::addmm"))
    bench.feed((b.graph(), graphs.stop()))
    key = bench.item("linear").key
    low = bench.canvas.picture.rect(bench.item("linear")).height()
    opened = Wishes().open(frozenset({key}))
    bench.panel._wish(opened, key)
    bench.settle()
    shown = bench.item("linear")
    assert shown.aten == ("aten::t", "aten::addmm")
    assert bench.canvas.picture.rect(shown).height() > low


def test_a_parameter_inside_a_folded_module_is_shown_by_the_module(bench: Bench) -> None:
    bench.feed(graphs.transformer(12))
    bench.cursor.select("h.4.q.weight")
    assert bench.canvas.selected == bench.item("h.0 – h.11").key
    assert bench.cursor.ref == "h.4.q.weight", "what is selected stays what it was"
