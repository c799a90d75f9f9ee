"""The timeline strip: what is done, what is next, what is expected, and how it is moved through."""

from __future__ import annotations

import cProfile
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor

from gradstep.gui.cursor import Cursor
from gradstep.gui.theme import theme
from gradstep.gui.timeline import TimelinePanel
from gradstep.gui.timeline import model as model_module
from gradstep.gui.timeline.drawing import PHASE_HEIGHT, PHASE_ROW
from gradstep.gui.timeline.model import TimelineModel
from gradstep.gui.timeline.shapes import CELL, SKIP, Look, short_name
from gradstep.phases import Phase
from gradstep.protocol.trace import (
    Loaded,
    Operation,
    Reason,
    Stop,
    Timeline,
    TimelineCell,
    TimelinePhase,
)
from tests.gui.fake_session import FakeSession

F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD
NAMES = {
    F: ("mul", "sub", "pow"),
    B: ("PowBackward0", "SubBackward0", "MulBackward0", "AccumulateGrad"),
    U: ("mul", "sub", ".data"),
    Z: ("zero_",),
}


def stretch(
    iteration: int, phase: Phase, done: int | None = None, *, title: str = ""
) -> TimelinePhase:
    names = NAMES[phase]
    kept = names if done is None else names[:done]
    made = enumerate(kept)
    cells = tuple(TimelineCell(n, iteration * 10 + i, 18 + i, "/a/train.py") for i, n in made)
    return TimelinePhase(phase, iteration, 0, len(kept), done is None, cells, title)


def whole(iteration: int) -> list[TimelinePhase]:
    return [stretch(iteration, phase, title="x = 1") for phase in (F, B, U, Z)]


def in_backward(done: int = 2, iteration: int = 2) -> Stop:
    operation = Operation(NAMES[B][done], B) if done < 4 else None
    return Stop(Reason.STEP, iteration, B, operation=operation, done=done, total=4, epoch=1)


def mid_backward() -> TimelineModel:
    model = TimelineModel()
    model.set_stop(in_backward())
    model.apply(Timeline(0, (*whole(1), stretch(2, F), stretch(2, B, 2))))
    return model


def looks(model: TimelineModel, index: int) -> str:
    letters = {Look.DONE: "d", Look.NEXT: "N", Look.PENDING: "."}
    return " ".join(
        "".join(letters[box.look] for box in segment.boxes) for segment in model.segments(index)
    )


def test_done_next_and_not_yet() -> None:
    model = mid_backward()
    assert looks(model, 0) == "ddd dddd ddd d"
    assert looks(model, 1) == "ddd ddN. ... ."
    names = " ".join(box.label for _, box in model.boxes([1]))
    assert names == "mul sub pow pow sub mul accum mul sub .data zero_"


def test_only_one_operation_is_next() -> None:
    model = mid_backward()
    for done in range(5):
        model.set_stop(in_backward(done))
        assert looks(model, 1).count("N") == (done < 4)


def test_first_of_a_predicted_phase_is_next() -> None:
    model = TimelineModel()
    model.set_stop(Stop(Reason.PHASE, 2, B, operation=Operation("mul", U), done=4, total=4))
    model.apply(Timeline(0, (*whole(1), stretch(2, F), stretch(2, B))))
    assert looks(model, 1) == "ddd dddd N.. ."


def test_playhead_stands_before_the_next_operation() -> None:
    model = mid_backward()
    nexts = [model.left(i) + b.x for i, b in model.boxes([0, 1]) if b.look is Look.NEXT]
    assert nexts == [model.playhead]
    model.set_stop(in_backward(4))
    assert model.playhead == model.left(1) + 7 * CELL


def test_a_run_level_iteration_is_letters() -> None:
    model = TimelineModel()
    model.apply(Timeline(0, tuple(TimelinePhase(p, 1, 0, 0, True) for p in (F, B, U, Z))))
    assert model.iterations[0].compact
    assert not model.boxes([0])


def test_an_iteration_that_does_not_fit_is_letters() -> None:
    model = mid_backward()
    assert not model.iterations[0].compact
    model.set_limit(8 * CELL)
    assert model.iterations[0].compact and model.iterations[1].compact
    head = model.playhead
    segment = model.segments(1)[1]
    assert head == model.left(1) + segment.x + segment.width // 2  # 2 of 4


def test_operations_that_were_not_kept_are_counted() -> None:
    model = TimelineModel()
    cells = tuple(TimelineCell("add") for _ in range(4))
    model.apply(Timeline(0, (TimelinePhase(F, 1, 0, 1000, True, cells), stretch(2, F))))
    assert [box.label for _, box in model.boxes([0])] == ["add"] * 4 + ["+996"]


def test_increments_replace_from_their_first_index() -> None:
    model = mid_backward()
    model.apply(Timeline(5, (stretch(2, B), stretch(2, U, 1))))
    model.set_stop(Stop(Reason.STEP, 2, U, operation=Operation("sub", U), done=1, total=None))
    assert [len(i.stretches) for i in model.iterations] == [4, 3]
    assert looks(model, 1) == "ddd dddd dN. ."
    model.apply(Timeline(0, tuple(whole(1))))
    assert [len(i.stretches) for i in model.iterations] == [4, 0], "it still stands in the second"


def test_an_increment_after_a_gap_starts_anew() -> None:
    model = mid_backward()
    model.apply(Timeline(400, tuple(whole(101))))
    assert [i.number for i in model.iterations] == [101]


def test_an_experiment_expects_its_four_phases() -> None:
    model = TimelineModel()
    model.begin(True, 300)
    assert [s.phase for s in model.segments(0)] == [F, B, U, Z]
    assert model.playhead == 0
    model.set_stop(Stop(Reason.STEP, 1, F, operation=Operation("sub", F), done=1))
    model.apply(Timeline(0, (stretch(1, F, 1),)))
    assert looks(model, 0) == "dN   "
    model.begin(False)
    assert not model.iterations


def test_iterations_that_were_not_recorded() -> None:
    """A run at full speed records nothing in between; the timeline says so, and where it stands."""
    model = TimelineModel()
    model.set_stop(Stop(Reason.PAUSE, 90))
    model.apply(Timeline(0, (*whole(1), stretch(2, F), stretch(2, B))))
    assert [(i.number, i.skipped) for i in model.iterations] == [(1, 0), (2, 0), (90, 87)]
    assert model.left(2) == model.left(1) + model.iterations[1].width + 20 + SKIP
    assert model.playhead == model.left(2)
    assert looks(model, 2) == "... .... ... .", "like the last that was recorded to its end"
    model.apply(Timeline(6, (stretch(90, U, 1),)))
    assert [(i.number, i.skipped) for i in model.iterations] == [(1, 0), (2, 0), (90, 87)]
    model.set_stop(Stop(Reason.STEP, 91))
    model.apply(Timeline(6, (stretch(90, U),)))
    assert [i.number for i in model.iterations] == [1, 2, 90, 91]
    model.set_stop(Stop(Reason.END, 91))
    assert looks(model, 3) == "" and model.ghost is None, "nothing comes after the end"


def test_there_is_no_iteration_after_the_last() -> None:
    model = mid_backward()
    assert model.ghost is not None
    model.total = 2
    assert model.ghost is None


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "MAX_STRETCHES", 100)
    monkeypatch.setattr(model_module, "MAX_CELLS", 90)
    model = TimelineModel()
    for k in range(1, 101):
        model.apply(Timeline(4 * (k - 1), tuple(whole(k))))
    stretches = [s for i in model.iterations for s in i.stretches]
    assert len(stretches) <= 100
    assert sum(len(s.cells) for s in stretches) <= 90
    assert model.iterations[-1].number == 100 and not model.iterations[-1].compact
    assert model.iterations[0].compact
    model.apply(Timeline(400, (stretch(101, F),)))
    assert model.iterations[-1].number == 101 and model.iterations[-2].number == 100
    lefts = [model.left(i) for i in range(len(model.iterations))]
    assert lefts == sorted(set(lefts))


def test_a_long_run_costs_what_is_visible() -> None:
    """One more stretch after 100,000 costs what it costs after 1,000, in calls."""
    calls = []
    for iterations in (250, 25_000):
        model = TimelineModel()
        stretches = [s for k in range(1, iterations + 1) for s in whole(k)]
        model.apply(Timeline(0, tuple(stretches)))
        made = cProfile.Profile()
        with made:
            model.apply(Timeline(len(stretches), (stretch(iterations + 1, F),)))
            head = model.playhead or 0
            for index in model.visible(head - 1000, head + 300):
                model.segments(index)
        calls.append(sum(entry.callcount for entry in made.getstats()))
    assert 0 < calls[1] <= 1.2 * calls[0]


def test_visible_iterations_are_those_under_the_window() -> None:
    model = TimelineModel()
    model.apply(Timeline(0, tuple(s for k in range(1, 101) for s in whole(k))))
    left = model.left(50)
    assert list(model.visible(left, left + 1)) == [50]
    assert list(model.visible(left - 1, left + model.iterations[50].width + 21)) == [49, 50, 51]
    assert list(model.visible(-100, 0)) == []


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("MulBackward0", "mul"),
        ("AccumulateGrad", "accum"),
        ("torch::autograd::AccumulateGrad", "accum"),
        ("ReluBackward0", "relu"),
        ("MseLossBackward0", "mse_loss"),
        (".data =", ".data"),
        (".grad = None", ".grad"),
        ("zero_", "zero_"),
    ],
)
def test_short_names(name: str, short: str) -> None:
    assert short_name(name) == short


# -- the widget ------------------------------------------------------------------------------


@pytest.fixture
def session(qtbot) -> FakeSession:
    fake = FakeSession()
    fake.loaded_program = Loaded("script", "/a/train.py", "3.11", "2.13", "", 100, 3)
    return fake


@pytest.fixture
def panel(qtbot, session: FakeSession) -> Iterator[TimelinePanel]:
    widget = TimelinePanel(session, Cursor())
    widget.resize(1440, 72)
    qtbot.addWidget(widget)
    widget.show()
    session.loaded.emit(session.loaded_program)
    yield widget
    theme().force(None)


def fill(session: FakeSession, iterations: int = 2) -> None:
    session.stopped.emit(in_backward(iteration=iterations))
    done = [s for k in range(1, iterations) for s in whole(k)]
    last = (stretch(iterations, F), stretch(iterations, B, 2))
    session.timelineChanged.emit(Timeline(0, (*done, *last)))


def box_centre(panel: TimelinePanel, index: int, nth: int) -> QPoint:
    strip = panel.strip
    _, box = panel.model.boxes([index])[nth]
    x = panel.model.left(index) + box.x + 20 - strip.horizontalScrollBar().value() + 8
    return QPoint(x, 52)


def colour_at(panel: TimelinePanel, index: int, nth: int) -> QColor:
    image = panel.strip.viewport().grab().toImage()
    point = box_centre(panel, index, nth) + QPoint(20, -6)
    return image.pixelColor(point * image.devicePixelRatio())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_states(panel: TimelinePanel, session: FakeSession, scheme: str) -> None:
    theme().force(scheme)
    fill(session)
    assert colour_at(panel, 1, 0) == theme().phase(F).tint
    assert colour_at(panel, 1, 3) == theme().phase(B).tint
    assert colour_at(panel, 1, 5) == theme().phase(B).solid
    assert colour_at(panel, 1, 6) == theme().colour("panel")


def test_it_says_where_the_run_stands(panel: TimelinePanel, session: FakeSession) -> None:
    fill(session)
    assert panel.height() == 72
    assert panel.gutter.lines == ("2 of 300", "epoch 1")
    assert panel.accessibleDescription() == (
        "Iteration 2, Backward, 2 operations done, next MulBackward0"
    )
    session.programOpened.emit("other.py")
    assert panel.gutter.lines == ("", "") and not panel.model.iterations


def test_a_click_selects_value_and_line(panel: TimelinePanel, session: FakeSession, qtbot) -> None:
    fill(session)
    lines: list[tuple[str, int]] = []
    panel._cursor.lineSelected.connect(lambda file, line: lines.append((file, line)))
    viewport = panel.strip.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=box_centre(panel, 1, 1))
    assert panel._cursor.ref == "#21:0" and lines == [("/a/train.py", 19)]
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=box_centre(panel, 0, 2))
    assert panel._cursor.ref == "#21:0", "values of an older iteration are not on the graph"
    assert lines[-1] == ("/a/train.py", 20)


def test_keys_move_between_operations(panel: TimelinePanel, session: FakeSession, qtbot) -> None:
    fill(session)
    strip = panel.strip
    said = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left):
        qtbot.keyClick(strip, key)
        said.append(strip.accessibleDescription().split(" · ")[0])
    assert said == ["MulBackward0", "SubBackward0", "PowBackward0"]
    for _ in range(30):
        qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert strip.accessibleDescription() == "mul · Forward · iteration 1 · done · line 18"


def test_it_follows_and_can_be_scrolled(panel: TimelinePanel, session: FakeSession, qtbot) -> None:
    fill(session, 40)
    strip, bar = panel.strip, panel.strip.horizontalScrollBar()
    head = panel.model.playhead
    assert head is not None
    assert bar.value() <= head <= bar.value() + strip.viewport().width()
    bar.setValue(0)
    session.stopped.emit(in_backward(3, iteration=40))
    assert bar.value() > 0, "a step brings the playhead back"
    thumb = strip._thumb()
    assert thumb is not None
    qtbot.mousePress(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(1, thumb.y()))
    qtbot.mouseRelease(strip.viewport(), Qt.MouseButton.LeftButton)
    assert bar.value() == 0


def test_it_keeps_still_while_the_iteration_is_in_view(
    panel: TimelinePanel, session: FakeSession
) -> None:
    fill(session, 40)
    bar = panel.strip.horizontalScrollBar()
    before = bar.value()
    for done in range(5):
        session.stopped.emit(in_backward(done, iteration=40))
        assert bar.value() == before


def test_the_selected_value_is_outlined(panel: TimelinePanel, session: FakeSession) -> None:
    fill(session)
    before = panel.strip.viewport().grab().toImage()
    panel._cursor.select("#20:0")
    assert panel.strip.marked_node == 20
    assert panel.strip.viewport().grab().toImage() != before
    panel._cursor.select("w")
    assert panel.strip.marked_node is None


def test_the_playhead_goes_through_no_word(panel: TimelinePanel, session: FakeSession) -> None:
    """Where it stands in a phase whose name would be there, the name makes way."""
    for done in range(4):
        session.stopped.emit(in_backward(done))
        phases = (*whole(1), stretch(2, F), stretch(2, B, done))
        session.timelineChanged.emit(Timeline(0, phases))
        strip, model = panel.strip, panel.model
        assert model.playhead is not None
        head = model.playhead - strip._offset
        image = strip.viewport().grab().toImage()
        ink = theme().phase(B).text
        beside = [x for x in (*range(head - 5, head - 2), *range(head + 3, head + 5))]
        row = range(PHASE_ROW + 3, PHASE_ROW + PHASE_HEIGHT - 3)
        assert all(image.pixelColor(x, y) != ink for x in beside for y in row), done


def test_a_step_repaints_what_a_full_repaint_shows(
    panel: TimelinePanel, session: FakeSession, qtbot
) -> None:
    """Also the names of phases that make way for the playhead."""
    for done in (0, 1, 2, 3, 2, 0):
        session.stopped.emit(in_backward(done))
        phases = (*whole(1), stretch(2, F), stretch(2, B, done))
        session.timelineChanged.emit(Timeline(0, phases))
        qtbot.wait(20)
        stepped = panel.screen().grabWindow(panel.winId()).toImage()
        panel.strip.viewport().update()
        qtbot.wait(20)
        assert panel.screen().grabWindow(panel.winId()).toImage() == stepped, done


def test_an_unrecorded_run_says_so(panel: TimelinePanel, session: FakeSession) -> None:
    assert panel.strip.sentence() == "Phases and their operations appear here as they run."
    session.stopped.emit(Stop(Reason.END, 30, exit_code=0))
    assert panel.strip.sentence() == "These iterations ran at full speed and were not recorded."
