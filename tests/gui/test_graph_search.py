"""Searching the graph by keys, the overview in its corner, and panning."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from gradstep.gui.graph.finding import matches, pattern_of
from gradstep.gui.graph.minimap import STILL_MS
from gradstep.gui.graph.paint.links import label_rect
from gradstep.gui.graph.paint.pens import written_at
from gradstep.gui.graph.scene import Role
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench
from tests.gui.scenes import linear


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def type_in(bench: Bench, text: str) -> None:
    bench.panel.open_search()
    bench.panel.search.field.clear()
    QTest.keyClicks(bench.panel.search.field, text)
    bench.settle()


def said(bench: Bench) -> str:
    return bench.panel.search.count.text()


# ---------------------------------------------------------------------- searching


@pytest.mark.parametrize(
    ("text", "count"),
    [("mul", 1), ("MUL", 1), ("y_pred", 1), ("loss_fn", 1), ("nothing of it", 0)],
)
def test_names_of_operations_values_calls_and_leaves(text: str, count: int) -> None:
    _, scene = linear()
    assert len(matches(scene, pattern_of(text, False))) == count


def test_found_are_marked_and_the_rest_is_faint(bench: Bench) -> None:
    bench.feed(graphs.linear(2))
    bench.on_whole_pixels()
    before = bench.colour("sub", 0, 14)
    type_in(bench, "mul")
    assert said(bench) == "1 found"
    assert bench.canvas.picture.found == {bench.item("mul").key}
    assert bench.colour("sub", 0, 14) != before
    QTest.keyClick(bench.panel.search.field, Qt.Key.Key_Escape)
    assert bench.canvas.picture.found is None and bench.panel.search.isHidden()
    assert bench.colour("sub", 0, 14) == before


def test_enter_goes_from_match_to_match_and_round(bench: Bench) -> None:
    bench.feed(graphs.perceptron(6))
    bench.panel.show_modules(False)
    bench.settle()
    type_in(bench, "relu")
    count = len(bench.panel.seeker.found)
    seen = []
    for _ in range(count + 1):
        QTest.keyClick(bench.panel.search.field, Qt.Key.Key_Return)
        bench.settle()
        seen.append((said(bench), bench.canvas.selected))
    assert seen[0] == seen[-1] and len(set(seen)) == count
    assert seen[0][0] == f"1 of {count}"
    QTest.keyClick(bench.panel.search.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert said(bench) == f"{count} of {count}"


def test_a_match_in_a_folded_stack_is_opened(bench: Bench) -> None:
    bench.feed(graphs.transformer(12))
    assert "gelu" not in {i.text for i in bench.canvas.picture.items}
    type_in(bench, "gelu")
    assert len(bench.panel.seeker.found) == 12
    for _ in range(3):
        QTest.keyClick(bench.panel.search.field, Qt.Key.Key_Return)
        bench.settle()
    item = bench.canvas.picture.scene.items[bench.canvas.selected]
    assert item.text == "gelu" and item.groups[-1].endswith("h.2")
    extent = bench.canvas.picture.placement.extents[item.key]
    assert bench.canvas.view.seen(extent, bench.canvas.width(), bench.canvas.height())


def test_shapes_and_regular_expressions(bench: Bench) -> None:
    bench.feed(graphs.two_layers())
    type_in(bench, "4 × 3")
    assert {bench.canvas.picture.scene.items[k].text for k in bench.canvas.picture.found or ()} == {
        "linear",
        "sigmoid",
    }
    bench.panel.search.regular.click()
    type_in(bench, "^(hidden|output).bias$")
    assert said(bench) == "2 found"
    type_in(bench, "(")
    assert said(bench) == "not valid" and bench.canvas.picture.found is None


# ---------------------------------------------------------------------- overview and panning


def large(bench: Bench) -> None:
    bench.panel.resize(900, 700)
    bench.feed(graphs.transformer(3))
    bench.panel.show_modules(False)
    bench.settle()
    bench.canvas.zoom_to(1.0)
    QTest.qWait(300)


def test_the_overview_is_there_when_the_graph_is_larger_than_the_view(bench: Bench) -> None:
    large(bench)
    minimap = bench.panel.minimap
    assert minimap.isVisible() and minimap.accessibleName()
    minimap.set_wanted(False)
    assert not minimap.isVisible()
    minimap.set_wanted(True)
    bench.session.programOpened.emit("other.py")
    bench.feed(graphs.linear(2))
    bench.canvas.fit()
    assert not minimap.isVisible()


def read_on(bench: Bench) -> list[QRectF]:
    """Where numbers and items stand on the canvas, in its pixels."""
    canvas, picture = bench.canvas, bench.canvas.picture
    rects = [picture.rect(item) for item in picture.items]
    with written_at(canvas.view.scale):
        rects += [label_rect(picture, link) for link in picture.links]
    found = []
    for rect in rects:
        left, top = canvas.view.to_canvas(rect.left(), rect.top())
        right, bottom = canvas.view.to_canvas(rect.right(), rect.bottom())
        found.append(QRectF(left, top, right - left, bottom - top))
    return found


def test_the_overview_hides_nothing_that_is_read(bench: Bench) -> None:
    """Wherever a view comes to rest; and it is there while the person moves the view."""
    large(bench)
    minimap, canvas = bench.panel.minimap, bench.canvas
    bounds = canvas.picture.placement.bounds
    places = set()
    for share in range(12):
        x = bounds.left + bounds.width * (share % 3) / 2
        canvas.look_at(x, bounds.top + bounds.height * (share + 0.5) / 12)
        assert minimap.isVisible(), "the person is moving"
        QTest.qWait(STILL_MS + 60)
        under = QRectF(minimap.geometry())
        if minimap.isVisible():
            places.add(under.topLeft().toTuple())
            assert not any(rect.intersects(under) for rect in read_on(bench))
    assert len(places) > 1, "it has moved to another corner"


def test_far_away_the_overview_stays_clear_of_what_is_next(bench: Bench) -> None:
    bench.panel.resize(900, 700)
    bench.feed(graphs.transformer(12))
    bench.panel.show_modules(False)
    bench.settle()
    canvas, minimap = bench.canvas, bench.panel.minimap
    canvas.zoom_to(0.15)
    for item in [i for i in canvas.picture.items if i.role == Role.OPERATION][::20]:
        canvas.select(item.key)
        for dx in (-1, 1):
            rect = canvas.picture.rect(item)
            half = (canvas.width() / 2 - 40) / canvas.view.scale
            high = (canvas.height() / 2 - 40) / canvas.view.scale
            canvas.look_at(rect.center().x() + dx * half, rect.center().y() + high)
            QTest.qWait(STILL_MS + 60)
            assert minimap.isVisible()
            at = QPointF(*canvas.view.to_canvas(rect.center().x(), rect.center().y()))
            assert not minimap.geometry().contains(at.toPoint())


def test_a_click_on_the_overview_goes_there(bench: Bench) -> None:
    large(bench)
    minimap, canvas = bench.panel.minimap, bench.canvas
    for at in (QPoint(minimap.width() // 2, 20), QPoint(20, minimap.height() - 20)):
        QTest.mouseClick(minimap, Qt.MouseButton.LeftButton, pos=at)
        frame = minimap.view_rect()
        assert abs(frame.center().y() - at.y()) < 3
        assert canvas.view.to_scene(0, 0)[1] < canvas.picture.placement.bounds.bottom
    start = QPoint(20, 20)
    QTest.mousePress(minimap, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(minimap, QPoint(20, 60))
    QTest.mouseRelease(minimap, Qt.MouseButton.LeftButton, pos=QPoint(20, 60))


def test_panning_shows_what_a_full_repaint_would(bench: Bench) -> None:
    """What is moved on the screen, and what is painted anew at the edges, fit each other."""
    large(bench)
    canvas = bench.canvas
    for dx, dy in ((7, 0), (0, -13), (31, 22), (-60, -5), (0.4, 0.4), (0.4, 0.4)):
        canvas.pan(dx, dy)
        QTest.qWait(5)
    moved = seen(bench)
    canvas.update()
    QTest.qWait(20)
    assert (moved == seen(bench)).all()


def seen(bench: Bench) -> np.ndarray:
    """What is on the screen, without painting again."""
    image = bench.panel.screen().grabWindow(bench.panel.winId()).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8)
    return pixels.reshape(image.height(), image.width(), 4)[..., :3].copy()
