"""The loss curve: what is plotted is what was lost, and the newest point says its number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage

from gradstep.gui.cursor import Cursor
from gradstep.gui.plot_axes import Axes, log_ticks, multiples, nice_step, range_of
from gradstep.gui.plots.loss import LossPanel
from gradstep.gui.plots.losses import LossSeries
from gradstep.gui.plots.smoothing import Smoothing
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.trace import Losses
from tests.gui.fake_session import FakeSession


@pytest.fixture
def session(qtbot) -> FakeSession:
    return FakeSession()


@pytest.fixture
def panel(qtbot, session: FakeSession) -> Iterator[LossPanel]:
    widget = LossPanel(session, Cursor())
    widget.resize(440, 208)
    qtbot.addWidget(widget)
    widget.show()
    yield widget
    if widget._importing is not None:
        widget._importing.join()
    theme().force(None)


def tell(session: FakeSession, values: list[float], first: int = 0) -> None:
    iterations = tuple(range(first + 1, first + 1 + len(values)))
    session.lossesChanged.emit(Losses(first, iterations, tuple(values)))


def ready(qtbot, panel: LossPanel) -> None:
    qtbot.waitUntil(lambda: panel.plot is not None, timeout=10_000)


def near(image: QImage, at: QPointF, colour: QColor, reach: int = 6) -> bool:
    def alike(pixel: QColor) -> bool:  # text is smoothed: no pixel has its full colour
        parts = zip(pixel.getRgb(), colour.getRgb(), strict=True)
        return sum(abs(a - b) for a, b in parts) < 90

    return any(
        alike(image.pixelColor(x, y))
        for x in range(int(at.x()) - reach, int(at.x()) + reach + 1)
        for y in range(int(at.y()) - reach, int(at.y()) + reach + 1)
        if image.valid(x, y)
    )


def test_empty_says_what_is_awaited(panel: LossPanel, session: FakeSession) -> None:
    assert panel._pages.currentWidget() is panel.empty
    assert panel.accessibleDescription() == panel.empty.sentence
    assert panel.plot is None, "pyqtgraph is not imported before it is needed"
    image = panel.empty.grab().toImage()
    ink = theme().colour("plot_grid")
    assert any(image.pixelColor(200, y) == ink for y in range(image.height()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_line_and_number(qtbot, panel: LossPanel, session: FakeSession, scheme: str) -> None:
    theme().force(scheme)
    tell(session, [1.0, 3.841600179672241])
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None and panel._pages.currentWidget() is plot
    assert panel.accessibleDescription() == "Loss 3.8416 at iteration 2"
    axes, blue = plot.axes(), theme().phase(Phase.FORWARD).text
    image = plot.grab().toImage()
    assert near(image, axes.at(2, 3.8416), blue, 1), "the newest point is filled"
    assert image.pixelColor(axes.at(1, 1.0).toPoint()) == theme().colour("panel"), "others hollow"
    assert near(image, axes.at(1.5, 2.4208), blue, 2), "a line between them"
    assert near(image, axes.at(2, 3.8416) + QPointF(30, 0), blue), "its number beside it"
    assert image.pixelColor(2, 2) == theme().colour("panel")


def test_the_axes_follow_the_losses(qtbot, panel: LossPanel, session: FakeSession) -> None:
    """A picture after one loss and another is that of both from the start."""
    tell(session, [1.0])
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    plot.grab()
    tell(session, [50.0], first=1)
    grown = plot.grab().toImage()
    session.programOpened.emit("again.py")
    tell(session, [1.0, 50.0])
    plot.resetCachedContent()
    assert plot.grab().toImage() == grown


def test_increments_and_a_new_program(qtbot, panel: LossPanel, session: FakeSession) -> None:
    tell(session, [1.0, 2.0, 3.0])
    ready(qtbot, panel)
    tell(session, [4.0], first=3)
    assert panel.plot is not None
    x, y = panel.plot.curves[0].getData()
    assert list(x) == [1, 2, 3, 4] and list(y) == [1, 2, 3, 4]
    session.programOpened.emit("other.py")
    assert panel._pages.currentWidget() is panel.empty
    tell(session, [9.0])
    assert panel.accessibleDescription() == "Loss 9 at iteration 1"


def test_all_losses_are_in_view(qtbot, panel: LossPanel, session: FakeSession) -> None:
    values = [3.0 / (k + 1) for k in range(500)]
    tell(session, values)
    ready(qtbot, panel)
    assert panel.plot is not None
    axes = panel.plot.axes()
    area = axes.area
    for k in (0, 250, 499):
        assert area.adjusted(-1, -1, 1, 1).contains(axes.at(k + 1, values[k]))
    label = QFontMetrics(theme().font("small", code=True)).horizontalAdvance("0.006")
    assert axes.x_at(500) + label < panel.plot.width(), "room for the last number"


def test_logarithmic_axis(qtbot, panel: LossPanel, session: FakeSession) -> None:
    tell(session, [100.0, 1.0, 0.0, 0.01])
    ready(qtbot, panel)
    panel._log.trigger()
    assert panel.plot is not None
    axes = panel.plot.axes()
    assert axes.log and axes.y[0] < -2 and axes.y[1] > 2
    _, y = panel.plot.curves[0].getOriginalDataset()
    assert y[0] == 2 and y[1] == 0 and math.isnan(y[2]) and y[3] == pytest.approx(-2)
    assert panel.plot.grab().toImage().width() == panel.plot.width()


def test_nan_is_crossed(qtbot, panel: LossPanel, session: FakeSession) -> None:
    tell(session, [1.0, 2.0, math.nan, math.nan])
    ready(qtbot, panel)
    assert panel.accessibleDescription() == "Loss NaN at iteration 4"
    assert panel.plot is not None
    axes = panel.plot.axes()
    image = panel.plot.grab().toImage()
    bottom = axes.area.bottom() - 7
    for iteration in (3, 4):
        place = QPointF(axes.x_at(iteration), bottom)
        assert near(image, place, theme().colour("error"), 2), iteration
    between = QPointF(axes.x_at(3.5), bottom + 6)
    assert near(image, between, theme().colour("error"), 1), "one run, one line"
    panel.plot._hover(QPointF(axes.x_at(4), bottom))
    assert panel.plot.accessibleDescription() == "4: NaN"


def test_a_million_losses(qtbot, panel: LossPanel, session: FakeSession) -> None:
    count = 1_000_000
    wave = np.sin(np.arange(count) / 1e5)
    wave[123_456] = 40.0
    losses = Losses(0, tuple(range(1, count + 1)), tuple(wave.tolist()))
    session.lossesChanged.emit(losses)
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    plot.grab()
    x, y = plot.curves[0].getData()
    assert len(x) < 20_000, "only what can be seen is drawn"
    assert y.max() == 40.0, "and no spike is lost"
    tell(session, [0.0], first=count)
    plot.grab()
    assert len(plot.curves[0].getData()[0]) < 20_000


def test_zooming_by_hand_stays_until_all_is_asked_for(
    qtbot, panel: LossPanel, session: FakeSession
) -> None:
    tell(session, [float(k) for k in range(100)])
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    plot.view.setXRange(20, 30, padding=0)
    plot.view.sigRangeChangedManually.emit(plot.view.state["mouseEnabled"])
    tell(session, [7.0], first=100)
    assert plot.axes().x == (20, 30)
    assert plot.axes().y[1] < 40, "the height fits what is in view"
    panel._all.trigger()
    assert plot.axes().x[1] > 101


def test_the_pointer_reads_a_loss(qtbot, panel: LossPanel, session: FakeSession) -> None:
    tell(session, [1.0, 5.0, 2.0])
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    before = plot.grab().toImage()
    plot._hover(plot.axes().at(2.1, 3))
    assert plot.spot == (0, 1)
    assert plot.grab().toImage() != before
    plot._hover(None)
    assert plot.grab().toImage() == before


def test_keys_read_and_all_is_saved(
    qtbot, panel: LossPanel, session: FakeSession, tmp_path: Path
) -> None:
    tell(session, [1.0, 5.0, 2.0])
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.spot == (0, 1) and plot.accessibleDescription() == "2: 5"
    for kind in ("csv", "svg", "png", "pdf"):
        panel.saving.save(str(tmp_path / f"loss.{kind}"))
        assert (tmp_path / f"loss.{kind}").stat().st_size > 20
    assert (tmp_path / "loss.csv").read_text().split() == [
        "iteration,loss",
        "1,1.0",
        "2,5.0",
        "3,2.0",
    ]
    image = QImage(str(tmp_path / "loss.png"))
    assert image.width() == 2 * plot.width()
    assert near(image, 2 * plot.axes().at(1.5, 3.0), theme().phase(Phase.FORWARD).text, 4)


def test_series_grows_and_is_corrected() -> None:
    series = LossSeries()
    for k in range(1000):
        series.apply(Losses(k, (k + 1,), (float(k),)))
    assert len(series) == 1000
    series.apply(Losses(998, (999, 1000), (math.inf, 0.1), ("", "sample 3")))
    x, y = series.arrays()
    assert list(x[-2:]) == [999, 1000] and y[-1] == 0.1
    assert series.label == "sample 3" and series.dtype == "float64"
    series.apply(Losses(998, (999,), (2.0,)))
    assert len(series) == 999 and series.dtype == "float32"
    series.apply(Losses(5000, (5001,), (1.0,)))
    assert len(series) == 1
    assert [series.lines()[0].nearest(v) for v in (0, 5001, 9999)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("span", "count", "step"), [(10, 5, 2), (10, 3, 4), (1, 4, 0.4), (7, 7, 1), (9e5, 4, 4e5)]
)
def test_nice_steps(span: float, count: float, step: float) -> None:
    assert nice_step(span, count) == pytest.approx(step)
    assert span / nice_step(span, count) <= count * 1.01


def test_ticks() -> None:
    assert multiples(-0.5, 1.0, 0.5) == [-0.5, 0.0, 0.5, 1.0]
    assert log_ticks(-3.2, 1.1, 120) == [-3, -2, -1, 0, 1]
    few = log_ticks(0.31, 0.8, 120)
    assert [round(10**t, 3) for t in few] == [3, 5]


def test_ranges_include_zero_unless_far_from_it() -> None:
    assert range_of(1, 4)[0] == 0
    assert range_of(2.2, 2.3)[0] > 2.0
    assert range_of(-4, -1)[1] == 0
    assert range_of(5, 5)[0] == 0
    assert range_of(0, 0) == pytest.approx((0, 1.08))


def test_numbers_on_axes(qtbot) -> None:
    axes = Axes(QRectF(40, 10, 300, 150), (1, 300), (0, 0.5))
    metrics = QFontMetrics(theme().font("caption", code=True))
    positions = axes.positions(metrics)
    assert positions[0] == 1 and all(x % 50 == 0 or x % 40 == 0 for x in positions[1:])
    texts = axes._height_texts(axes.heights()[0])
    assert texts[0] == "0" and all(len(t) <= 4 for t in texts)


def test_four_becomes_five_where_that_reaches_the_end(qtbot) -> None:
    """Of 1.08, lines at 0, 0.5 and 1 and not at 0.4 and 0.8; of 7.9 at 0, 4 and between."""
    room = QRectF(40, 10, 300, 120)
    assert Axes(room, (1, 6), (0, 1.08)).heights()[0] == pytest.approx([0, 0.5, 1])
    assert Axes(room, (1, 6), (0, 7.9)).heights()[0] == pytest.approx([0, 4])


# ---------------------------------------------------------------------- several, smoothed, by epoch


def two(count: int = 12, epochs: tuple[int, ...] = (0, 6)) -> Losses:
    """A GAN's: they take turns."""
    values = [((-1) ** k) * (k + 1) / 8 + 3 for k in range(count)]
    iterations = tuple(k // 2 + 1 for k in range(count))
    sources = tuple(k % 2 + 1 for k in range(count))
    names = ("", "loss_d", "loss_g")
    return Losses(0, iterations, tuple(values), (), sources, names, epochs)


def moving_average(values: list[float], factor: float) -> list[float]:
    """As in Adam: from zero, divided by 1 − βᵗ; what is not finite is passed over."""
    found, average, times = [], 0.0, 0
    for value in values:
        if not math.isfinite(value):
            found.append(value)
            continue
        times += 1
        average = factor * average + (1 - factor) * value
        found.append(average / (1 - factor**times))
    return found


@pytest.mark.parametrize("factor", [0.0, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("count", [1, 5, 127, 128, 129, 1000])
def test_smoothing(factor: float, count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    values[::17] = np.nan
    whole = Smoothing(factor).go_on(values)
    expected = moving_average(values.tolist(), factor)
    np.testing.assert_allclose(whole, expected, rtol=1e-12)
    bit_by_bit, smoothing = [], Smoothing(factor)
    for part in np.array_split(values, 7):
        bit_by_bit += smoothing.go_on(part).tolist()
    np.testing.assert_allclose(bit_by_bit, expected, rtol=1e-12)


def test_each_loss_is_a_line_told_apart_without_colour(
    qtbot, panel: LossPanel, session: FakeSession
) -> None:
    losses = two()
    session.lossesChanged.emit(losses)
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    for i in (0, 1):
        x, y = plot.curves[i].getOriginalDataset()
        assert list(y) == list(losses.values[i::2]) and list(x) == list(losses.iterations[i::2])
    styles = {curve.opts["pen"].style() for curve in plot.curves}
    assert len(styles) == 2, "their strokes differ, not only their colours"
    assert panel.accessibleDescription() == (
        f"loss_d {losses.values[-2]:g} at iteration 6; loss_g {losses.values[-1]:g} at iteration 6"
    )
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.accessibleDescription() == f"5: loss_d {losses.values[8]:g}"
    qtbot.keyClick(plot, Qt.Key.Key_Down)
    assert plot.accessibleDescription() == f"5: loss_g {losses.values[9]:g}"
    qtbot.keyClick(plot, Qt.Key.Key_Home)
    assert plot.accessibleDescription() == f"1: loss_g {losses.values[1]:g}"
    before = plot.grab().toImage()
    qtbot.keyClick(plot, Qt.Key.Key_Escape)
    assert plot.spot is None and plot.grab().toImage() != before


def test_by_epoch_the_mean_is_shown(
    qtbot, panel: LossPanel, session: FakeSession, tmp_path: Path
) -> None:
    losses = two()
    session.lossesChanged.emit(losses)
    ready(qtbot, panel)
    plot = panel.plot
    assert plot is not None
    assert panel._by_epoch.isEnabled() and panel.options.text() == "by iteration"
    panel._by_epoch.trigger()
    assert panel.options.text() == "by epoch"
    for i in (0, 1):
        mine = losses.values[i::2]
        x, y = plot.curves[i].getOriginalDataset()
        assert list(x) == [1, 2]
        assert list(y) == pytest.approx([math.fsum(mine[:3]) / 3, math.fsum(mine[3:]) / 3])
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert plot.accessibleDescription().startswith("epoch 2: loss_d ")
    assert plot.accessibleDescription().endswith("(so far, mean of 3)")
    session.stateChanged.emit(State.ENDED)
    qtbot.keyClick(plot, Qt.Key.Key_Left)
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert plot.accessibleDescription().endswith("(mean of 3)")
    panel.saving.save(str(tmp_path / "loss.csv"))
    rows = (tmp_path / "loss.csv").read_text().splitlines()
    assert (
        rows[0] == "epoch,name,loss,losses" and rows[1].startswith("1,loss_d,") and len(rows) == 5
    )


def test_without_epochs_there_is_nothing_to_go_by(
    qtbot, panel: LossPanel, session: FakeSession
) -> None:
    tell(session, [1.0, 2.0])
    ready(qtbot, panel)
    assert not panel._by_epoch.isEnabled() and "none seen" in panel._by_epoch.text()


def test_smoothed_curves_keep_the_losses_behind(
    qtbot, panel: LossPanel, session: FakeSession, tmp_path: Path
) -> None:
    losses = two(40, (0,))
    session.lossesChanged.emit(losses)
    ready(qtbot, panel)
    panel._factors[0.9].trigger()
    plot = panel.plot
    assert plot is not None
    for i in (0, 1):
        mine = list(losses.values[i::2])
        assert list(plot.faint[i].getOriginalDataset()[1]) == mine
        smooth = plot.curves[i].getOriginalDataset()[1]
        np.testing.assert_allclose(smooth, moving_average(mine, 0.9), rtol=1e-12)
        assert plot.faint[i].isVisible()
    more = Losses(40, (21,), (9.0,), (), (1,), losses.names, ())
    session.lossesChanged.emit(more)
    mine = [*losses.values[0::2], 9.0]
    smooth = plot.curves[0].getOriginalDataset()[1]
    np.testing.assert_allclose(smooth, moving_average(mine, 0.9), rtol=1e-12)
    qtbot.keyClick(plot, Qt.Key.Key_End)
    assert f"smoothed {smooth[-1]:.3f}"[:12] in plot.accessibleDescription()
    panel.saving.save(str(tmp_path / "loss.csv"))
    rows = (tmp_path / "loss.csv").read_text().splitlines()
    assert rows[0] == "iteration,name,loss,smoothed" and float(rows[21].split(",")[3]) == smooth[-1]
    panel._factors[0.0].trigger()
    assert not plot.faint[0].isVisible()


def test_how_it_is_shown_is_remembered(qtbot, panel: LossPanel, session: FakeSession) -> None:
    for action in (panel._by_epoch, panel._factors[0.97], panel._log):
        action.setEnabled(True)
        action.trigger()
    again = LossPanel(session, Cursor())
    qtbot.addWidget(again)
    session.lossesChanged.emit(two())
    ready(qtbot, again)
    ready(qtbot, panel)
    assert again.series.in_epochs and again.series.factor == 0.97
    assert again.plot is not None and again.plot.log
    assert again.options.text() == "by epoch · smoothed by 0.97 · logarithmic"
    assert again._importing is not None
    again._importing.join()
