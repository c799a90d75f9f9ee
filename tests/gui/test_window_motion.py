"""Reduced motion: the View menu's choice, what it does to the graph, and that it is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSettings

from gradstep.gui.window import MainWindow
from tests.gui import graphs
from tests.gui.graph_bench import Bench, on_the_bench
from tests.gui.windows import action


@pytest.fixture
def bench(qapp: object) -> Iterator[Bench]:
    yield from on_the_bench()


def test_the_menu_chooses_and_the_next_window_remembers(
    make_window: Callable[[], MainWindow],
) -> None:
    window = make_window()
    choice = action(window, "reduced_motion")
    movement = window.workspace.graph.canvas.movement
    started_still = choice.isChecked()
    assert movement.enabled is not started_still, "as the platform asks for"
    for _ in range(2):
        still = not choice.isChecked()
        choice.trigger()
        assert choice.isChecked() is still and movement.enabled is not still
        other = make_window()
        assert action(other, "reduced_motion").isChecked() is still
        assert other.workspace.graph.canvas.movement.enabled is not still
    QSettings().remove("still")


def test_a_step_moves_or_does_not(bench: Bench) -> None:
    """What changed is there at once, in its final place, or comes along its edge."""
    canvas = bench.canvas
    bench.panel.set_motion(False)
    bench.feed(graphs.linear(2, "mock"))
    assert not canvas.movement.moving
    assert (canvas.picture.wave, canvas.picture.chip) == (1.0, 1.0)
    bench.panel.set_motion(True)
    graph, stop = graphs.linear(2, "backward")
    bench.session.stopped.emit(stop)
    bench.session.graphChanged.emit(graph)
    assert canvas.movement.moving and canvas.picture.wave < 1.0
    bench.panel.set_motion(False)
    assert not canvas.movement.moving, "switched off in the middle, it is over"
    assert (canvas.picture.wave, canvas.picture.chip) == (1.0, 1.0)


def test_the_view_jumps_where_it_would_move(bench: Bench) -> None:
    canvas = bench.canvas
    bench.feed(graphs.perceptron(12))
    canvas.zoom_to(1.0)
    last = max(canvas.picture.placement.boxes.items(), key=lambda box: sum(box[1]))[0]
    bench.panel.set_motion(False)
    before = canvas.view.x, canvas.view.y
    canvas.reveal(last)
    there = canvas.view.x, canvas.view.y
    assert there != before and not canvas.movement.moving
    first = min(canvas.picture.placement.boxes.items(), key=lambda box: sum(box[1]))[0]
    bench.panel.set_motion(True)
    canvas.reveal(first)
    assert canvas.movement.panning and (canvas.view.x, canvas.view.y) == there
    canvas.movement.finish()
    assert (canvas.view.x, canvas.view.y) != there
