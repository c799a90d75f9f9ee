"""The graph panel with real widgets: what is seen, pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QColor, QRawFont
from PySide6.QtTest import QTest

from gradstep.gui.graph.build import build
from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.paint.painter import Detail
from gradstep.gui.graph.paint.pens import font, written_at
from gradstep.gui.graph.placing import place
from gradstep.gui.graph.scene import Link
from gradstep.gui.graph.sizes import written_name
from gradstep.gui.graph.symbols import SYMBOLS
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.trace import NodeState, Reason, Stop
from gradstep.protocol.values import ValueKind
from tests.gui import graphs
from tests.gui.graph_bench import Bench, colours, on_the_bench
from tests.gui.scenes import model_of


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


# ---------------------------------------------------------------------- what is seen


def test_nothing_has_run_yet(bench: Bench) -> None:
    assert bench.canvas.sentence == "No program is open."
    bench.session.path = "linear.py"
    bench.session.programOpened.emit("linear.py")
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


def grey(colour: QColor) -> float:
    """The relative luminance of a colour (WCAG 2): what is left of it without hue."""
    parts = colour.redF(), colour.greenF(), colour.blueF()
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: QColor, other: QColor) -> float:
    low, high = sorted((grey(one), grey(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_backward_is_told_without_colour(bench: Bench, scheme: str, scale: float) -> None:
    """What backward has passed stands on a foot; what only went forward does not."""
    theme().force(scheme)
    for where, least, most in (("mock", 3.0, 21.0), ("forward", 1.0, 1.15)):
        bench.feed(graphs.linear(2, where))
        bench.canvas.zoom_to(scale)
        bench.canvas.fit() if scale == 1.0 else bench.canvas.reveal(bench.item("sub").key)
        found = contrast(bench.colour("sub", 0, 19), bench.colour("sub", 0, 13))
        assert least <= found <= most, where


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_far_away_states_are_told_without_colour(bench: Bench, scheme: str) -> None:
    """Above for the value, below for the gradient, as on an edge."""
    theme().force(scheme)
    above = {"forward": True, "mock": False}
    for where, upper in above.items():
        bench.feed(graphs.linear(2, where))
        bench.canvas.zoom_to(0.25)
        bench.canvas.look_at(*bench.canvas.picture.placement.boxes[bench.item("sub").key])
        assert bench.canvas.level() == Detail.FAR
        top, bottom = bench.colour("sub", 0, -12), bench.colour("sub", 0, 12)
        ground = theme().colour("canvas")
        strong, weak = (top, bottom) if upper else (bottom, top)
        assert contrast(strong, ground) > contrast(weak, ground)
        assert contrast(strong, weak) >= 2.0, where
    ring = bench.at("mul")
    assert bench.colour("mul") == colours(Phase.BACKWARD).solid
    assert bench.has(colours(Phase.BACKWARD).solid, ring + QPoint(0, 9), 1)


def test_the_next_operation_has_a_ring_and_a_word(bench: Bench) -> None:
    bench.feed(graphs.linear(2, "mock"))
    bench.on_whole_pixels()
    solid = colours(Phase.BACKWARD).solid
    scale = bench.canvas.view.scale
    assert bench.colour("mul", 0, -26.8) == solid
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
    return len(
        {
            image.pixel(centre.x() + dx, centre.y() + dy)
            for dx in range(-9, 10)
            for dy in range(-2, 4)
        }
    )


def test_what_is_expected_is_an_outline(bench: Bench) -> None:
    bench.feed(graphs.linear(1, "backward"))
    bench.feed(graphs.linear(2, "step 1", first=100))
    assert bench.item("pow").expected
    assert bench.colour("pow", 0, 14) == theme().colour("module_fill"), "no fill of its own"
    before = dict(bench.canvas.picture.placement.boxes)
    bench.feed(graphs.linear(2, "step 2", first=100))
    assert bench.canvas.picture.placement.boxes == before, "it stays in its place when it runs"
    assert bench.colour("sub", 0, 14) == colours(Phase.FORWARD).tint


def test_what_raised_is_crossed(bench: Bench) -> None:
    b = graphs.Builder()
    b.param("w", 1.0)
    b.op("exp", "w", "z", None, state=NodeState.RUNNING)
    bench.feed((b.graph(), graphs.stop()))
    assert not bench.has(theme().colour("error"), bench.at("exp", 18, -18), 6)
    bench.feed((b.graph(), Stop(Reason.EXCEPTION, 1)))
    assert bench.has(theme().colour("error"), bench.at("exp", 18, -18), 6)
    assert "failed" in bench.canvas.description(bench.item("exp").key)


def test_the_first_to_make_nan_is_crossed(bench: Bench) -> None:
    b = graphs.Builder()
    b.param("w", -1.0)
    b.op("log", "w", "a", float("nan"))
    b.op("exp", "a", "b", float("nan"))
    bench.feed((b.graph(), graphs.stop()))
    assert bench.canvas.picture.now.failed == {bench.item("log").key}
    x, y = bench.canvas.picture.placement.routes[bench.link("a").key].label
    above = QPointF(*bench.canvas.view.to_canvas(x, y - 16)).toPoint()
    assert bench.has(theme().colour("error"), above, 12)


def test_the_legend_says_how_to_read_it(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    assert [words for words, _ in bench.panel.legend.entries()][:2] == [
        "value, above",
        "gradient, below",
    ]
    bench.feed(graphs.perceptron())
    assert "value (rms), left" in bench.panel.legend.accessibleDescription()


# ---------------------------------------------------------------------- small, and in little room


def test_a_graph_shown_small_is_written_in_letters_that_can_be_read(bench: Bench) -> None:
    """Two layers stand whole in a window of the default size; nothing on them is smaller on the
    screen than the design's smallest text, but for signs and shapes in their boxes."""
    bench.feed(graphs.two_layers())
    scale = bench.canvas.view.scale
    assert scale < 0.7 and bench.canvas.view.seen(
        bench.canvas.picture.placement.bounds, bench.canvas.width(), bench.canvas.height()
    )
    least = theme().size("type", "minimum")
    with written_at(scale):
        for role in ("graph_value", "small", "code"):
            assert font(role).pixelSize() * scale >= least - 0.6, role
    assert font("small").pixelSize() == theme().size("type", "scale", "small")[0]


def test_a_parameter_in_its_modules_frame_needs_no_more_than_its_name(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    weight = bench.item("hidden.weight")
    assert written_name(weight) == "weight"
    assert "hidden.weight" in bench.canvas.description(weight.key), "said in full to who asks"
    bench.feed(graphs.linear(2))
    assert written_name(bench.item("w")) == "w"


def test_a_low_panel_gives_its_height_to_the_graph(bench: Bench) -> None:
    bench.feed(graphs.product())
    panel, zoom = bench.panel, bench.panel.zoom
    assert panel.footer.isVisible() and zoom.parentWidget() is panel.footer
    panel.resize(624, 264)
    QTest.qWait(20)
    assert not panel.footer.isVisible() and zoom.parentWidget() is panel.title_row
    assert zoom.isVisible()
    canvas = bench.canvas
    assert canvas.view.seen(canvas.picture.placement.bounds, canvas.width(), canvas.height())
    panel.resize(680, 500)
    QTest.qWait(20)
    assert panel.footer.isVisible() and zoom.parentWidget() is panel.footer
    assert canvas.view.seen(canvas.picture.placement.bounds, canvas.width(), canvas.height())


def test_a_view_moved_by_hand_stays_when_the_panel_is_resized(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.canvas.zoom_to(1.3)
    before = bench.canvas.view.scale, bench.canvas.view.x, bench.canvas.view.y
    bench.panel.resize(600, 460)
    QTest.qWait(20)
    assert (bench.canvas.view.scale, bench.canvas.view.x, bench.canvas.view.y) == before


def test_a_low_room_does_not_turn_a_product_on_its_head() -> None:
    """At 624 by 192 it can be read from left to right."""
    model = model_of(graphs.product()[0])
    assert place(build(model), (624.0, 192.0)).flow == Flow.RIGHT


def test_every_sign_is_in_the_font_that_is_shipped(bench: Bench) -> None:
    """What another font has to lend is an empty box where there is none."""
    shipped = QRawFont.fromFont(theme().font("body", weight=600))
    for name, sign in SYMBOLS.items():
        missing = [c for c in sign if not shipped.supportsCharacter(ord(c))]
        assert not missing, (name, sign)


def test_next_at_a_parameter_stands_clear_of_its_tray(bench: Bench) -> None:
    """Above it: the tray with .grad lies under it."""
    graph, stop = graphs.linear(2, "backward")
    bench.feed((graph, stop))
    before, tray = bench.picture(), bench.at("w", 0, 50)
    w = next(node.id for node in graph.nodes if node.name == "w")
    bench.feed((graph, replace(stop, operation=graphs.stop(w).operation)))
    assert bench.item("w").key in bench.canvas.picture.now.next
    assert bench.has(colours(Phase.BACKWARD).text, bench.at("w", 0, -44), 6), "the word"
    after = bench.picture()
    assert all(
        after.pixel(x, y) == before.pixel(x, y)
        for x in range(tray.x() - 20, tray.x() + 40)
        for y in range(tray.y() - 4, tray.y() + 8)
    ), "and nothing new on the tray"
