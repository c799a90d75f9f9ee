"""The tensor table: right elements in the right cells, fetched by need, readable on any colour."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QAbstractItemModelTester

from gradstep.gui.theme import theme
from gradstep.gui.value.grid import NumberGrid
from gradstep.gui.value.heat import CONTRAST, STEPS, bound_of, contrast, heat
from gradstep.gui.value.names import NamesModel
from gradstep.gui.value.slices import SlicePicker
from gradstep.gui.value.table import MAX_TILES, TensorModel, Window
from gradstep.protocol.values import Statistics, TensorInfo, ValueInfo, ValueKind

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


class Source:
    """Answers a model's questions from an array, at once or when told."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.asked: list[Window] = []
        self.held = False
        self.model = TensorModel(self.ask)
        # It visits every cell at every change: only of tables of bearable size.
        small = array.size < 10_000
        self.tester = QAbstractItemModelTester(self.model, FATAL) if small else None

    def ask(self, window: Window) -> None:
        self.asked.append(window)
        if not self.held:
            self.answer(window)

    def answer(self, window: Window) -> None:
        w = window
        self.model.receive(w, self.array[w.first_row : w.end_row, w.first_column : w.end_column])

    def shape(self) -> TensorModel:
        self.model.set_shape(*self.array.shape, str(self.array.dtype))
        return self.model


def text(model: TensorModel, row: int, column: int) -> str:
    return model.index(row, column).data()


def test_every_cell_shows_its_element(qtbot) -> None:
    array = np.arange(90 * 70, dtype=np.int64).reshape(90, 70)
    source = Source(array)
    model = source.shape()
    assert (model.rowCount(), model.columnCount()) == (90, 70)
    assert text(model, 3, 4) == "", "not fetched yet"
    model.look_at(Window(0, 90, 0, 70))
    assert [[text(model, r, c) for c in range(70)] for r in range(90)] == [
        [str(x) for x in row] for row in array.tolist()
    ]
    assert model.rowCount(model.index(0, 0)) == 0


def test_only_what_is_missing_is_asked_for(qtbot) -> None:
    source = Source(np.zeros((1000, 1000), np.float32))
    model = source.shape()
    model.look_at(Window(0, 20, 0, 5))
    model.look_at(Window(1, 21, 0, 6))
    assert len(source.asked) == 1
    assert math.prod(source.asked[0].shape) <= 4096
    model.look_at(Window(500, 520, 500, 506))
    assert len(source.asked) == 2
    assert source.asked[1].first_row <= 500 and source.asked[1].end_row >= 520


def test_memory_is_bounded(qtbot) -> None:
    source = Source(np.zeros((40_000, 64), np.float32))
    model = source.shape()
    for row in range(0, 40_000, 20):
        model.look_at(Window(row, row + 20, 0, 64))
    assert len(model._tiles) <= MAX_TILES
    assert text(model, 39_990, 0) == "0" and text(model, 0, 0) == ""


def test_old_elements_stay_until_new_ones_come(qtbot) -> None:
    source = Source(np.array([[1.0, 2.0]], np.float32))
    model = source.shape()
    model.look_at(Window(0, 1, 0, 2))
    source.held, source.array = True, np.array([[3.0, 4.0]], np.float32)
    model.refresh()
    assert text(model, 0, 0) == "1" and len(source.asked) == 2
    changes = []
    model.dataChanged.connect(lambda a, b: changes.append((a.row(), b.column())))
    source.answer(source.asked[-1])
    assert text(model, 0, 0) == "3" and changes == [(0, 1)]


def test_a_late_answer_of_another_shape_is_ignored(qtbot) -> None:
    source = Source(np.ones((4, 4), np.float32))
    source.held = True
    model = source.shape()
    model.look_at(Window(0, 4, 0, 4))
    model.set_shape(2, 2, "float32")
    source.answer(source.asked[0])
    assert text(model, 0, 0) == ""


def test_how_elements_are_written(qtbot) -> None:
    array = np.array([[0.123456, -2.0, 0.0, math.nan, -math.inf, 1e-9]], np.float32)
    source = Source(array)
    model = source.shape()
    model.look_at(Window(0, 1, 0, 6))
    model.set_style(3, False)
    shown = [text(model, 0, c) for c in range(6)]
    assert shown == ["0.123", "−2", "0", "✕ NaN", "✕ −Inf", "0.000"]
    model.set_style(3, True)
    assert text(model, 0, 0) == "0.123456"
    tip = model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "[0, 0]  0.123456"
    assert model.headerData(5, Qt.Orientation.Horizontal) == "5"


def test_cells_say_where_they_are_in_the_tensor(qtbot) -> None:
    source = Source(np.ones((2, 3), np.float32))
    source.model.set_shape(2, 3, "float32", (7, 1), 2)
    source.model.look_at(Window(0, 2, 0, 3))
    tip = source.model.index(1, 2).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "[7, 1, 1, 2]  1"
    source.model.set_shape(2, 1, "float32", (), 1)
    source.model.look_at(Window(0, 2, 0, 1))
    assert source.model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole) == "[1]  1"


def test_long_axes_are_shown_in_parts(qtbot) -> None:
    source = Source(np.arange(3_000_000, dtype=np.int64).reshape(-1, 1))
    model = source.shape()
    assert model.rowCount() == 1_000_000
    model.set_origin(2_000_000, 0)
    model.look_at(Window(0, 10, 0, 1))
    assert text(model, 3, 0) == "2000003"
    assert model.headerData(3, Qt.Orientation.Vertical) == "2000003"


def test_a_preview_needs_no_question(qtbot) -> None:
    source = Source(np.zeros((2, 2), np.float32))
    model = source.shape()
    model.fill((1.0, 2.0, 3.0, 4.0))
    model.look_at(Window(0, 2, 0, 2))
    assert text(model, 1, 0) == "3" and not source.asked
    model.fill((1.0,))
    assert text(model, 1, 0) == "3"


# -- colours ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("past", [False, True])
def test_numbers_can_be_read_on_every_colour(qtbot, scheme: str, past: bool) -> None:
    theme().force(scheme)
    try:
        colours = heat(past)
        worst = min(map(contrast, colours.grounds, colours.inks))
        assert worst >= CONTRAST
        assert contrast(theme().colour("error_tint"), theme().colour("error")) >= CONTRAST
        if not past:
            scale = theme().data_scale
            assert colours.grounds[0] == scale[0] and colours.grounds[-1] == scale[-1]
            assert colours.grounds[STEPS] == scale[2]
    finally:
        theme().force(None)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_index_of_a_number(qtbot) -> None:
    colours = heat()
    assert colours.index(0.0, 2.0) == STEPS
    assert colours.index(-9.0, 2.0) == 0 and colours.index(9.0, 2.0) == 2 * STEPS
    assert colours.index(1.0, 0.0) == STEPS


def test_bound_of_statistics() -> None:
    def of(array: np.ndarray) -> float:
        norm = float(np.linalg.norm(array))
        numbers = (float(array.min()), float(array.max()), 0.0, 0.0, norm)
        return bound_of(Statistics(array.size, array.size, 0, 0, 0, *numbers))

    assert of(np.array([-1.0, 3.0])) == 3.0
    outlier = np.append(np.ones(9999), 1000.0)
    assert of(outlier) < 50
    assert bound_of(Statistics(2, 0, 0, 2, 0)) == 0


# -- the view --------------------------------------------------------------------------------


@pytest.fixture
def big(qtbot) -> tuple[Source, NumberGrid]:
    source = Source(np.random.default_rng(0).normal(size=(1000, 1000)).astype(np.float32))
    grid = NumberGrid(source.model, "grid")
    grid.resize(360, 240)
    grid.set_bound(3.0)
    qtbot.addWidget(grid)
    grid.show()
    source.shape()
    qtbot.waitUntil(lambda: bool(source.asked))
    return source, grid


def test_the_view_asks_for_what_it_shows(qtbot, big: tuple[Source, NumberGrid]) -> None:
    source, grid = big
    assert sum(math.prod(w.shape) for w in source.asked) < 10_000, "of a million"
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    grid.horizontalScrollBar().setValue(grid.horizontalScrollBar().maximum())
    qtbot.waitUntil(lambda: text(source.model, 999, 999) != "")
    window = grid.in_view()
    assert window is not None and window.end_row == window.end_column == 1000


def test_scrolling_a_million_elements_asks_for_screens_only(
    qtbot, big: tuple[Source, NumberGrid]
) -> None:
    source, grid = big
    first = sum(math.prod(w.shape) for w in source.asked)
    bar = grid.verticalScrollBar()
    for k in range(1, 31):
        bar.setValue(bar.maximum() * k // 30)
        grid._look()
        grid.grab()
    asked = sum(math.prod(w.shape) for w in source.asked) - first
    assert 0 < asked < 30 * 10_000, "thirty screens, of a million"


def test_painted_colours(qtbot) -> None:
    source = Source(np.array([[-1.0, 0.0, 1.0, math.nan]], np.float32))
    grid = NumberGrid(source.model, "grid")
    qtbot.addWidget(grid)
    grid.set_bound(1.0)
    grid.set_cell_width(60)
    source.shape()
    grid.resize(300, 60)
    grid.show()
    source.model.look_at(Window(0, 1, 0, 4))
    image = grid.viewport().grab().toImage()
    scale = theme().data_scale
    found = [image.pixelColor(60 * k + 3, 3) for k in range(4)]
    assert found == [scale[0], scale[2], scale[-1], theme().colour("error_tint")]


def test_selected_cells_are_copied_with_all_digits(qtbot) -> None:
    source = Source(np.array([[0.1, 1 / 3], [2.0, 4.0]], np.float32))
    grid = NumberGrid(source.model, "grid")
    qtbot.addWidget(grid)
    source.shape()
    source.model.look_at(Window(0, 2, 0, 2))
    assert grid.copied() == ""
    grid.selectAll()
    assert grid.copied() == "0.1\t0.33333334\n2\t4"


# -- slices and names ------------------------------------------------------------------------


def test_slice_picker(qtbot) -> None:
    picker = SlicePicker()
    qtbot.addWidget(picker)
    told: list[tuple[int, ...]] = []
    picker.changed.connect(told.append)
    picker.set_shape((5, 4, 3, 2))
    assert picker.index == (0, 0) and len(picker._boxes) == 2
    assert [box.maximum() for box in picker._boxes] == [4, 3]
    picker._boxes[1].setValue(2)
    assert told[-1] == (0, 2) and picker.index == (0, 2)
    picker.set_shape((5, 4, 3, 2))
    assert picker.index == (0, 2), "a step does not lose the slice"
    picker.set_shape((3, 2))
    assert picker.index == () and picker.isHidden()
    picker.set_shape((2_000_000,))
    assert picker.origin == (0, 0) and not picker.isHidden()
    picker._starts[-1].setValue(1_000_000)
    assert picker.origin == (0, 1_000_000)


def test_names_model(qtbot) -> None:
    model = NamesModel()
    tester = QAbstractItemModelTester(model, FATAL)
    info = TensorInfo((2, 3), "float32", "cpu")
    values = tuple(ValueInfo(n, n, ValueKind.PARAMETER, info) for n in ("a", "b", "c"))
    model.set_values(values)
    assert [model.index(i).data() for i in range(3)] == ["a", "b", "c"]
    said = model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "b, Parameter, 2 × 3"
    resets = []
    model.modelReset.connect(lambda: resets.append(1))
    model.set_values(values)
    assert not resets, "the same names keep the list's place"
    model.set_values(())
    assert model.rowCount() == 0 and resets
    assert model.rowCount(QModelIndex()) == 0
    del tester


def test_points_stand_below_each_other(qtbot) -> None:
    """0.5 has fewer decimals than 0.4000 and stands as far left as its point asks for; where there
    are no decimals at all, nothing is shifted."""
    mixed = TensorModel(lambda window: None)
    mixed.set_shape(4, 1, "float32", (), 1)
    mixed.fill((0.5, 0.3999999761581421, 2.0, math.nan))
    mixed.set_style(4, False)
    texts = [mixed.index(row, 0).data() for row in range(4)]
    assert texts == ["0.5", "0.4000", "2", "✕ NaN"]
    assert [mixed.decimals_missing(text) for text in texts] == [3, 0, 5, 0]
    whole = TensorModel(lambda window: None)
    whole.set_shape(2, 1, "float32", (), 1)
    whole.fill((2.0, -1.0))
    whole.set_style(3, False)
    assert [whole.decimals_missing(whole.index(row, 0).data()) for row in range(2)] == [0, 0]


def test_tab_leads_out_of_the_table(qtbot) -> None:
    """Or the keyboard would be caught in a tensor's thousand elements."""
    source = Source(np.arange(6, dtype=np.float32).reshape(2, 3))
    grid = NumberGrid(source.shape(), "table")
    qtbot.addWidget(grid)
    assert not grid.tabKeyNavigation()
