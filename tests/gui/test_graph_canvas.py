"""The graph panel with real widgets: what is seen, chosen, heard and moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from gradstep.gui.cursor import Cursor
from gradstep.gui.graph.paint.painter import Detail
from gradstep.gui.graph.panel import GraphPanel
from gradstep.gui.graph.scene import Item, Link, Role
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.trace import Graph, Group, NodeState, Reason, Stop
from gradstep.protocol.values import ValueKind
from tests.gui import graphs
from tests.gui.fake_session import FakeSession


def wait_for(condition: Callable[[], bool], patience_ms: int) -> bool:
    end = time.monotonic() + patience_ms / 1000
    while not condition() and time.monotonic() < end:
        QTest.qWait(2)
    return condition()


class Bench:
    """A panel, and the session and cursor it hangs on."""

    def __init__(self) -> None:
        self.session, self.cursor = FakeSession(), Cursor()
        self.panel = GraphPanel(self.session, self.cursor)  # type: ignore[arg-type]
        self.panel.canvas.movement.enabled = False
        self.panel.resize(680, 500)
        self.panel.show()
        QTest.qWaitForWindowExposed(self.panel)

    def feed(self, made: tuple[Graph, Stop]) -> None:
        """A stop and its graph, as the session tells them."""
        graph, stop = made
        self.session.stopped.emit(stop)
        self.session.graphChanged.emit(graph)
        self.settle()

    def settle(self) -> None:
        assert wait_for(lambda: not self.panel.waiting, 10_000)
        QTest.qWait(1)

    @property
    def canvas(self):
        return self.panel.canvas

    def item(self, text: str) -> Item:
        return next(i for i in self.canvas.picture.scene.items.values() if i.text == text)

    def link(self, name: str) -> Link:
        scene = self.canvas.picture.scene
        return next(
            k for k in scene.links.values()
            if k.edge.name == name or scene.items[k.source].text == name
        )

    def at(self, text: str, dx: float = 0, dy: float = 0) -> QPoint:
        """Where an item is on the canvas; ``dx``, ``dy`` in the scene's pixels."""
        x, y = self.canvas.picture.placement.boxes[self.item(text).key]
        return QPointF(*self.canvas.view.to_canvas(x + dx, y + dy)).toPoint()

    def label_at(self, name: str) -> QPoint:
        x, y = self.canvas.picture.placement.routes[self.link(name).key].label
        return QPointF(*self.canvas.view.to_canvas(x, y - 16)).toPoint()

    def click(self, at: QPoint) -> None:
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=at)

    def picture(self) -> QImage:
        return self.canvas.grab().toImage()

    def colour(self, text: str, dx: float = 0, dy: float = 0) -> QColor:
        return self.picture().pixelColor(self.at(text, dx, dy))

    def has(self, colour: QColor, centre: QPoint, reach: int) -> bool:
        """Whether ``colour`` is seen within ``reach`` pixels of ``centre``."""
        image = self.picture()
        return any(
            image.pixelColor(x, y) == colour
            for x in range(max(0, centre.x() - reach), min(image.width(), centre.x() + reach + 1))
            for y in range(max(0, centre.y() - reach), min(image.height(), centre.y() + reach + 1))
        )


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    theme().force("light")
    made = Bench()
    yield made
    made.panel.close()
    made.panel.deleteLater()


def colours(phase: Phase):
    return theme().phase(phase)


# ---------------------------------------------------------------------- what is seen


def test_nothing_has_run_yet(bench: Bench) -> None:
    assert bench.canvas.sentence == "Nothing has run yet. Press Forward."
    assert not bench.panel.legend.isVisible() and not bench.panel.zoom.isVisible()
    assert bench.canvas.accessibleDescription() == bench.canvas.sentence
    image = bench.picture()
    ground = theme().colour("canvas")
    middle = range(image.width() // 4, 3 * image.width() // 4)
    row = image.height() // 2
    assert any(image.pixelColor(x, y) != ground for x in middle for y in range(row - 6, row + 6))


def test_the_title_says_which_iteration(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    assert bench.panel.title_row.text() == ("Graph", "iteration 2")
    assert bench.panel.legend.isVisible() and bench.panel.zoom.isVisible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states_have_their_colours(bench: Bench, scheme: str) -> None:
    theme().force(scheme)
    bench.feed(graphs.linear(2, "mock"))
    backward, forward = colours(Phase.BACKWARD), colours(Phase.FORWARD)
    assert bench.colour("mul", 0, 14) == backward.solid, "next is solid"
    assert bench.colour("sub", 0, 14) == backward.tint, "done backward is tinted"
    assert bench.colour("w", 0, -15) == theme().colour("panel")
    assert bench.colour("w", -27, 0) == theme().colour("text"), "the ink bar of a parameter"
    assert bench.colour("x", 0, -14) == theme().colour("selected_background")
    bench.feed(graphs.linear(2, "forward"))
    assert bench.colour("mul", 0, 14) == forward.tint, "done forward is tinted"


def test_the_next_operation_has_a_ring_and_a_word(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    solid = colours(Phase.BACKWARD).solid
    scale = bench.canvas.view.scale
    assert bench.colour("mul", 0, -26.8 * 1.0) == solid
    assert bench.colour("mul", 0, -24) != solid
    assert bench.has(colours(Phase.BACKWARD).text, bench.at("mul", 0, 48), round(6 * scale))
    assert not bench.has(colours(Phase.BACKWARD).text, bench.at("sub", 0, 48), round(6 * scale))


def test_a_gradient_is_dashed_before_it_is_there_and_solid_after(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    w = bench.link("w")
    assert _colours_along(bench, w, 3) == {"ground", "gradient"}
    assert _colours_along(bench, bench.link("x"), 3) == {"ground"}
    bench.feed(graphs.linear(2, "backward"))
    assert _colours_along(bench, w, 3) == {"gradient"}


def _colours_along(bench: Bench, link: Link, below: int) -> set[str]:
    """Nearly pure colours on a lane's flat run, ``below`` its middle: ground or gradient."""
    route = bench.canvas.picture.placement.routes[link.key]
    image, found = bench.picture(), set()
    known = {"ground": theme().colour("canvas"), "gradient": colours(Phase.BACKWARD).solid}
    x, end = route.flat_start[0] + 16, route.flat_end[0] - 4
    while x < end:
        at = QPointF(*bench.canvas.view.to_canvas(x, route.label[1] + below)).toPoint()
        seen = image.pixelColor(at)
        for name, pure in known.items():
            if abs(seen.red() - pure.red()) + abs(seen.blue() - pure.blue()) < 60:
                found.add(name)
        x += 1
    return found


def test_values_stand_above_and_gradients_below(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    link = bench.link("r")
    x, y = bench.canvas.picture.placement.routes[link.key].label
    above = QPointF(*bench.canvas.view.to_canvas(x, y - 17)).toPoint()
    below = QPointF(*bench.canvas.view.to_canvas(x, y + 19)).toPoint()
    assert bench.has(colours(Phase.FORWARD).text, above, 12)
    assert bench.has(colours(Phase.BACKWARD).text, below, 12)
    assert not bench.has(colours(Phase.BACKWARD).text, above, 6)


def test_the_changed_number_has_a_chip(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    x, y = bench.canvas.picture.placement.routes[bench.link("y_pred").key].label
    below = QPointF(*bench.canvas.view.to_canvas(x - 20, y + 19)).toPoint()
    tint = colours(Phase.BACKWARD).tint
    assert bench.has(tint, below, 12)
    bench.feed(graphs.linear(2, "backward"))
    assert not bench.has(tint, below, 8), "until the next stop"


def test_a_parameter_has_a_tray_for_its_grad(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    under = bench.at("w", 0, 50)
    assert not bench.has(colours(Phase.BACKWARD).tint, under, 8)
    bench.feed(graphs.linear(2, "backward"))
    assert bench.has(colours(Phase.BACKWARD).tint, under, 8)
    bench.feed(graphs.linear(2, "updated"))
    assert bench.has(colours(Phase.UPDATE).tint, bench.at("w", 0, 70), 8)


def test_what_is_freed_is_hatched(bench: Bench) -> None:
    graph, stop = graphs.linear(2, "backward")
    bench.feed((graph, stop))
    plain = _tones(bench, "mul")
    freed = tuple(
        replace(n, saved="freed") if n.kind == ValueKind.RESULT else n for n in graph.nodes
    )
    bench.feed((replace(graph, nodes=freed), stop))
    assert _tones(bench, "mul") >= plain + 2


def _tones(bench: Bench, text: str) -> int:
    """How many colours are seen in the lower part of an operation."""
    image, centre = bench.picture(), bench.at(text, 0, 13)
    return len({
        image.pixel(centre.x() + dx, centre.y() + dy)
        for dx in range(-9, 10) for dy in range(-2, 4)
    })


def test_what_is_expected_is_an_outline(bench: Bench) -> None:
    bench.feed(graphs.linear(1, "backward"))
    bench.feed(graphs.linear(2, "step 1", first=100))
    assert bench.item("pow").expected
    assert bench.colour("pow", 0, 14) == theme().colour("module_fill"), "no fill of its own"
    before = dict(bench.canvas.picture.placement.boxes)
    bench.feed(graphs.linear(2, "step 2", first=100))
    assert bench.canvas.picture.placement.boxes == before, "it stays in its place when it runs"
    assert bench.colour("sub", 0, 14) == colours(Phase.FORWARD).tint


# ---------------------------------------------------------------------- choosing


def test_clicking_an_operation_selects_its_result(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
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
    assert lines == [("train.py", 13)]
    QTest.keyClick(bench.canvas, Qt.Key.Key_Return)
    assert len(lines) == 2


def test_arrow_keys_walk_along_edges(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    canvas = bench.canvas
    canvas.setFocus()
    walked = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right,
                Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Down):
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
    assert canvas.level() == Detail.MIDDLE
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
    for scale, level in ((1.0, Detail.NEAR), (0.6, Detail.MIDDLE), (0.2, Detail.FAR)):
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
    bench.canvas.movement.enabled = True
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
