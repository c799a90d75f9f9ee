"""The graph panel with real widgets: what is chosen, heard and moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from gradstep.gui.graph.paint.painter import Detail
from gradstep.gui.graph.scene import Role
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.trace import Group, NodeState, Reason, Stop
from gradstep.protocol.values import ValueKind
from tests.gui import graphs
from tests.gui.graph_bench import Bench, colours, on_the_bench, wait_for


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


# ---------------------------------------------------------------------- choosing


def test_clicking_an_operation_selects_its_result(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.on_whole_pixels()
    bench.click(bench.at("mul"))
    node = bench.item("mul").node
    assert node is not None and bench.cursor.ref == f"#{node.id}:0"
    assert bench.canvas.selected == bench.item("mul").key
    ring = theme().colour("selection_ring_and_primary_button")
    assert bench.has(ring, bench.at("mul", 0, -31), 2)


def test_clicking_a_leaf_selects_it_by_name(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.click(bench.at("w"))
    assert bench.cursor.ref == "w"


def test_clicking_an_edge_selects_its_value(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.click(bench.label_at("r"))
    node = bench.item("sub").node
    assert node is not None and bench.cursor.ref == f"#{node.id}:0"
    assert bench.canvas.selected == bench.link("r").key


def test_clicking_nothing_selects_nothing(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.click(bench.at("w"))
    bench.click(QPoint(bench.canvas.width() - 3, 3))
    assert bench.cursor.ref == "" and bench.canvas.selected == ""


def test_the_cursor_selects_on_the_graph(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.cursor.select("w")
    assert bench.canvas.selected == bench.item("w").key
    bench.cursor.select("something else")
    assert bench.canvas.selected == ""


def test_a_selection_outlives_the_iteration(bench: Bench) -> None:
    bench.feed(graphs.linear(1, "backward"))
    bench.cursor.select("w")
    bench.feed(graphs.linear(2, "forward", first=200))
    assert bench.canvas.selected == bench.item("w").key


def test_a_double_click_leads_to_the_line(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    lines: list[tuple[str, int]] = []
    bench.cursor.lineSelected.connect(lambda file, line: lines.append((file, line)))
    QTest.mouseDClick(bench.canvas, Qt.MouseButton.LeftButton, pos=bench.at("sub"))
    assert set(lines) == {("train.py", 13)}
    lines.clear()
    QTest.keyClick(bench.canvas, Qt.Key.Key_Return)
    assert lines == [("train.py", 13)]


def test_arrow_keys_walk_along_edges(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    canvas = bench.canvas
    canvas.setFocus()
    walked = []
    for key in (
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Left,
        Qt.Key.Key_Left,
        Qt.Key.Key_Down,
    ):
        QTest.keyClick(canvas, key)
        walked.append(canvas.picture.scene.items[canvas.selected].text)
    assert walked == ["mul", "sub", "pow", "loss", "pow", "sub", "y"]
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.selected == "" == bench.cursor.ref


def test_every_item_is_reached_by_keys(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    canvas = bench.canvas
    keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
    everything = {i.key for i in canvas.picture.items if i.role != Role.OPEN}
    reached, waiting = set(), [next(iter(everything))]
    while waiting:
        here = waiting.pop()
        reached.add(here)
        for key in keys:
            canvas.select(here)
            QTest.keyClick(canvas, key)
            if canvas.selected not in reached:
                waiting.append(canvas.selected)
    assert reached == everything


# ---------------------------------------------------------------------- looking


def test_zooming(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    canvas, percent = bench.canvas, bench.panel.zoom.percent
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.view.scale == 1.0 and percent.text() == "100 %"
    QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.view.scale == pytest.approx(1.25) and percent.text() == "125 %"
    QTest.keyClick(canvas, Qt.Key.Key_Minus)
    QTest.mouseClick(_button(bench, "graph_zoom_out"), Qt.MouseButton.LeftButton)
    assert canvas.view.scale == pytest.approx(0.8) and percent.text() == "80 %"
    assert canvas.level() == Detail.NEAR
    QTest.mouseClick(_button(bench, "graph_fit"), Qt.MouseButton.LeftButton)
    bounds = canvas.picture.placement.bounds
    assert canvas.view.seen(bounds, canvas.width(), canvas.height())


def _button(bench: Bench, name: str) -> QToolButton:
    found = bench.panel.findChild(QToolButton, name)
    assert found is not None and found.accessibleName()
    return found


def test_zooming_keeps_what_is_under_the_pointer(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    before = bench.at("sub")
    bench.canvas.zoom(1.5, QPointF(before))
    assert (bench.at("sub") - before).manhattanLength() <= 1


def test_dragging_pans_and_does_not_select(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    start = bench.at("mul")
    QTest.mousePress(bench.canvas, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(bench.canvas, start + QPoint(12 * step, 4 * step))
    QTest.mouseRelease(bench.canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 20))
    assert bench.at("mul") - start == QPoint(60, 20)
    assert bench.cursor.ref == ""


def test_every_level_of_detail_paints(bench: Bench) -> None:
    bench.feed(graphs.transformer(2))
    solid = colours(Phase.FORWARD)
    for scale, level in ((1.0, Detail.NEAR), (0.5, Detail.MIDDLE), (0.2, Detail.FAR)):
        bench.canvas.zoom_to(scale)
        x, y = bench.canvas.picture.placement.boxes[bench.item("gelu").key]
        bench.canvas.view.centre(x, y, bench.canvas.width(), bench.canvas.height())
        assert bench.canvas.level() == level
        expected = solid.border if level == Detail.FAR else solid.tint
        centre = QPoint(bench.canvas.width() // 2, bench.canvas.height() // 2)
        assert bench.has(expected, centre, round(22 * scale))


def test_the_view_follows_the_step(bench: Bench) -> None:
    graph, _ = graphs.perceptron()
    results = [n for n in graph.nodes if n.kind == ValueKind.RESULT]
    bench.feed((graph, graphs.stop(results[-1].id)))
    for node in (results[0], results[-1]):
        bench.feed((graph, graphs.stop(node.id)))
        item = next(i for i in bench.canvas.picture.items if i.node and i.node.id == node.id)
        extent = bench.canvas.picture.placement.extents[item.key]
        assert bench.canvas.view.seen(extent, bench.canvas.width(), bench.canvas.height())
    bench.panel.follow.setChecked(False)
    before = bench.canvas.view
    bench.feed((graph, graphs.stop(results[0].id)))
    assert bench.canvas.view == before


def test_a_step_does_not_move_the_view(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "forward"))
    before = replace(bench.canvas.view)
    bench.feed(graphs.linear(2, "mock"))
    assert bench.canvas.view == before


def test_a_step_into_the_next_iteration_does_not_move_the_view(bench: Bench) -> None:
    bench.feed(graphs.linear(1, "backward"))
    before = replace(bench.canvas.view)
    for steps in (1, 2, 3):
        graph, _ = graphs.linear(2, f"step {steps}", first=100)
        last = max(node.id for node in graph.nodes if node.kind == ValueKind.RESULT)
        bench.feed((graph, graphs.stop(last, Phase.FORWARD)))
        assert bench.canvas.view == before


def test_a_growing_graph_stays_in_view(bench: Bench) -> None:
    for steps in (1, 2, 3):
        bench.feed(graphs.linear(1, f"step {steps}"))
        bounds = bench.canvas.picture.placement.bounds
        assert bench.canvas.view.seen(bounds, bench.canvas.width(), bench.canvas.height())


def test_a_narrow_panel(bench: Bench) -> None:
    bench.panel.resize(400, 420)
    bench.feed(graphs.linear(2))
    assert bench.canvas.level() == Detail.NEAR, "numbers stay readable"
    extent = bench.canvas.picture.placement.extents[bench.item("mul").key]
    assert bench.canvas.view.seen(extent, bench.canvas.width(), bench.canvas.height())


# ---------------------------------------------------------------------- folding


def test_modules_fold_and_unfold(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    operations = len(bench.canvas.picture.items)
    bench.panel.modules.trigger()
    bench.settle()
    folded = [i.text for i in bench.canvas.picture.items if i.role == Role.MODULE]
    assert sorted(folded) == ["MSELoss", "hidden", "output"]
    assert bench.panel.detail_button.text() == "Modules"
    QTest.mouseDClick(bench.canvas, Qt.MouseButton.LeftButton, pos=bench.at("hidden"))
    bench.settle()
    assert "hidden.weight" in {i.text for i in bench.canvas.picture.items}
    bench.panel.operations.trigger()
    bench.settle()
    assert len(bench.canvas.picture.items) == operations


def test_a_click_on_a_frame_label_folds_it(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    (key,) = (k for k, f in bench.canvas.picture.scene.frames.items() if f.group.label == "model")
    rect = bench.canvas.picture.placement.groups[key]
    at = bench.canvas.view.to_canvas(rect.right - 20, rect.top + 14)
    bench.click(QPointF(*at).toPoint())
    bench.settle()
    assert bench.item("model").role == Role.MODULE


# ---------------------------------------------------------------------- words


def test_the_selected_is_described_to_those_who_hear_it(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    assert bench.canvas.accessibleName() == "Graph"
    bench.click(bench.at("mul"))
    said = bench.canvas.accessibleDescription()
    assert "mul" in said and "next, Backward" in said and "line 10" in said
    bench.click(bench.label_at("r"))
    assert "\N{MINUS SIGN}1.96" in bench.canvas.accessibleDescription()


def test_tooltips_give_the_number_in_full(bench: Bench) -> None:
    graph, stop = graphs.linear(2, "mock")
    exact = 1.0199999809265137
    edges = tuple(
        replace(e, value=graphs.scalar(exact + 1e-4)) if e.name == "r" else e for e in graph.edges
    )
    bench.feed((replace(graph, edges=edges), stop))
    text = bench.canvas.description(bench.link("r").key)
    assert "1.0200999" in text or "1.0201" in text
    assert "float32" in text


def test_keyboard_focus_is_seen(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    ring = theme().colour("selection_ring_and_primary_button")
    corner = QPoint(1, bench.canvas.height() // 2)
    bench.panel.activateWindow()
    QTest.qWaitForWindowActive(bench.panel)
    bench.panel.follow.setFocus()
    bench.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert bench.has(ring, corner, 1)
    bench.canvas.clearFocus()
    assert not bench.has(ring, corner, 1)


# ---------------------------------------------------------------------- facts out of order


def test_a_late_graph_is_announced_and_the_last_picture_stays(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "forward"))
    shown = bench.canvas.picture
    bench.session.stopped.emit(graphs.stop())
    assert wait_for(lambda: "updating" in bench.panel.title_row.text()[1], 2000)
    assert bench.canvas.picture is shown
    bench.session.graphChanged.emit(graphs.linear(2, "mock")[0])
    bench.settle()
    assert bench.panel.title_row.text() == ("Graph", "iteration 2")


def test_of_many_graphs_the_newest_is_shown(bench: Bench) -> None:
    for i in range(8):
        bench.session.stopped.emit(graphs.stop(iteration=i))
        bench.session.graphChanged.emit(graphs.linear(i, "forward", first=1 + 100 * i)[0])
    bench.settle()
    assert bench.panel.title_row.text()[1] == "iteration 7"
    assert min(n.id for i in bench.canvas.picture.items if (n := i.node)) > 700


def test_another_program_clears_the_graph(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.session.graphChanged.emit(graphs.two_layers()[0])
    bench.session.programOpened.emit("other.py")
    bench.settle()
    assert not bench.canvas.picture.items and bench.panel.title_row.text() == ("Graph", "")


def test_a_lost_process_leaves_the_picture(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.session.stopped.emit(Stop(Reason.LOST, 2))
    bench.settle()
    assert bench.item("mul").node is not None
    assert bench.colour("mul", 0, 14) != colours(Phase.BACKWARD).solid, "nothing is next"


def test_graphs_as_odd_as_they_come(bench: Bench) -> None:
    """An edge from nowhere, a node that nothing uses, a name without end: shown, not fatal."""
    b = graphs.Builder()
    b.param("a_parameter_with_a_name_that_does_not_end" * 3)
    b.op("no_such_operation_has_ever_been_heard_of", "", "r" * 80, None, "f/" * 6)
    b.data("", None, shape=(3, 4))
    graph = b.graph()
    edge = replace(graph.edges[0], id=999, source=12345, target=graph.nodes[-2].id)
    looped = replace(graph.edges[0], id=998, target=graph.edges[0].source)
    bench.feed((replace(graph, edges=(*graph.edges, edge, looped)), graphs.stop(4711)))
    assert bench.canvas.picture.items
    bench.picture()


def test_motion_ends(bench: Bench) -> None:
    bench.panel.set_motion(True)
    bench.feed(graphs.linear(2, "mock"))
    assert bench.canvas.movement.moving and bench.canvas.picture.wave < 1.0
    assert wait_for(lambda: not bench.canvas.movement.moving, 2000)
    assert bench.canvas.picture.wave == bench.canvas.picture.chip == 1.0


def test_running_operations_and_their_groups(bench: Bench) -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    made = b.op("exp", "w", "z", None, "f", state=NodeState.RUNNING)
    bench.feed((b.graph(), graphs.stop(made, Phase.FORWARD, "exp")))
    assert bench.colour("exp", 0, 14) == colours(Phase.FORWARD).solid
    group = b.nodes[made].groups[0]
    assert isinstance(group, Group)
