"""The plots beside the loss, in a real window: their numbers are those of plain PyTorch, computed
here once more; they can be read, chosen and saved by hand and by key."""

from __future__ import annotations

import csv
import math
import struct
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QSettings, QSizeF, Qt
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.cursor import Cursor
from gradstep.gui.plots.contours import levels_of, segments
from gradstep.gui.plots.grouping import Row, fitting, squares
from gradstep.gui.plots.panel import PlotsPanel
from gradstep.gui.plots.verdict import verdict
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.window import MainWindow
from gradstep.protocol.gauges import BINS
from gradstep.protocol.trace import Loaded
from tests.gui.windows import WAIT, action, opened, until, written

TRAINING = """
import torch
from torch import nn
torch.manual_seed(1)
model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
model[0].bias.data[3] = -100
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x, y = torch.randn(7, 3), torch.randn(7, 2)
for i in range(3):
    loss = ((model(x) - y) ** 2).mean()
    loss.backward()
    optimizer.step()
"""


def plain(iterations: int) -> dict[str, list[float]]:
    """Norms of .grad, of what the last backward added, and update ratios, by parameter."""
    head, body = TRAINING.split("for i in range(3):\n")
    space: dict = {}
    exec(head, space)
    model = space["model"]
    found: dict[str, list[float]] = {}
    for _ in range(iterations):
        before = {n: 0 if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}
        loss, backward, step = (line.strip() for line in body.strip().split("\n"))
        exec(loss, space)
        exec(backward, space)
        weights = {n: p.detach().clone() for n, p in model.named_parameters()}
        exec(step, space)
        for name, p in model.named_parameters():
            ratio = (p.detach() - weights[name]).norm() / weights[name].norm()
            added = (p.grad - before[name]).norm()
            found[name] = [float(p.grad.norm()), float(added), float(ratio)]
    return found


def standing(qtbot: QtBot, window: MainWindow, *keys: str) -> None:
    for id in keys:
        qtbot.waitUntil(action(window, id).isEnabled, timeout=WAIT)
        before = window.session.stop
        action(window, id).trigger()
        qtbot.waitUntil(
            lambda before=before: (
                window.session.stop is not before and window.session.state is State.STOPPED
            ),
            timeout=WAIT,
        )


def test_flow_ratio_and_dead_units(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    panel = opened(qtbot, window, written(tmp_path, TRAINING)).workspace.plots
    assert panel.picture() is panel.flow and "appear here" in panel.flow.accessibleDescription()
    standing(qtbot, window, "forward", "backward", "update", "forward", "backward")
    expected = plain(2)
    flow = panel.flow
    qtbot.waitUntil(lambda: flow.iteration == 2 and len(flow.rows) == 4, timeout=WAIT)
    rows = {str(name): numbers for name, *numbers in flow.table()[1]}
    assert list(rows) == list(expected)
    for name, (grad, added, _) in expected.items():
        assert rows[name][:2] == pytest.approx([grad, added], rel=1e-4), name
    _read_by_key(qtbot, window, panel)
    panel.choose(panel.ratio)
    standing(qtbot, window, "update")
    ratios = panel.ratio
    standing(qtbot, window, "forward", "backward", "update")
    qtbot.waitUntil(
        lambda: ratios.iteration == 3 and ratios.layers[0].marks["ratio"] is not None, timeout=WAIT
    )
    for layer in ratios.layers:
        assert layer.marks["ratio"] == pytest.approx(plain(3)[layer.name][2], rel=1e-4)


def _read_by_key(qtbot: QtBot, window: MainWindow, panel) -> None:
    flow = panel.flow
    flow.setFocus()
    qtbot.keyClick(flow, Qt.Key.Key_End)
    qtbot.keyClick(flow, Qt.Key.Key_Left)
    name = flow.layers[-2].name
    assert flow.hovered == len(flow.layers) - 2 and name in flow.accessibleDescription()
    qtbot.keyClick(flow, Qt.Key.Key_Return)
    assert window.cursor_.ref == flow.layers[-2].ref and flow.chosen == flow.hovered
    first = flow.spot(0, QSizeF(flow.size())).toPoint()
    qtbot.mouseClick(flow, Qt.MouseButton.LeftButton, pos=first)
    assert window.cursor_.ref == flow.layers[0].ref and flow.chosen == 0
    theme().force("dark")
    assert flow.grab().toImage().pixelColor(8, 60) == theme().colour("panel")


def test_histograms_and_dead_units(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    panel = opened(qtbot, window, written(tmp_path, TRAINING)).workspace.plots
    panel.choose(panel.dead)
    standing(qtbot, window, "forward", "backward")
    qtbot.waitUntil(lambda: len(panel.dead.layers) == 1, timeout=WAIT)
    marks = panel.dead.layers[0].marks
    assert marks["now"] is not None and marks["now"] >= 0.2
    panel.choose(panel.histograms)
    standing(qtbot, window, "update", "forward", "backward")
    histograms = panel.histograms
    qtbot.waitUntil(lambda: histograms.count() == 1, timeout=WAIT)
    head, rows = histograms.table()
    assert sum(rows[0][1:]) == 15 and rows[0][1 + BINS] >= 3, "a dead unit has no gradient"
    assert head[1 + BINS] == "0" and histograms.grab().toImage().width() == histograms.width()
    assert "iteration 2" in histograms.words(0)


def test_the_curve_of_a_lesson(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    """Sample 1 of y' = w x: L(w) = (w - 2)², slope -2 at w = 1, and the update goes to 1.02."""
    opened(qtbot, window, str(resource("lessons") / "linear.py"))
    panel = window.workspace.plots
    picture = panel.landscape
    assert panel.picture() is picture
    standing(qtbot, window, "forward", "backward")
    qtbot.waitUntil(lambda: picture.target is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not np.isnan(picture.losses).any(), timeout=WAIT)
    head, rows = picture.table()
    assert head == ("w", "loss")
    for w, loss in rows:
        assert loss == pytest.approx((w - 2) ** 2, rel=1e-5, abs=1e-6)
    assert [key.words for key in picture.curve_keys()] == [
        "w = 1, loss 1",
        "slope −2, the gradient",
        "update would go to 1.02",
    ]
    axes = picture.axes(QSizeF(picture.size()))
    assert axes.x[0] < 1 < 2 < axes.x[1]
    _saved(panel, tmp_path, rows)


def _saved(panel, folder: Path, rows) -> None:
    for kind in ("svg", "png", "pdf", "csv"):
        panel.saving.save(str(folder / f"plot.{kind}"))
    with open(folder / "plot.csv", newline="") as file:
        read = list(csv.reader(file))
    assert read[0] == ["w", "loss"]
    assert [(float(w), float(loss)) for w, loss in read[1:]] == rows
    svg = ElementTree.parse(folder / "plot.svg").getroot()
    size = panel.landscape.size()
    assert svg.get("viewBox") == f"0 0 {size.width()} {size.height()}"
    texts = ["".join(t.itertext()) for t in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert any("1.02" in text for text in texts) and any("−2" in text for text in texts)
    png = (folder / "plot.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (2 * size.width(), 2 * size.height())
    pdf = (folder / "plot.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")


PLANE = """
import torch
a = torch.tensor(1.0, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)
optimizer = torch.optim.SGD([a, b], lr=0.1)
for i in range(5):
    loss = a ** 2 + 3 * b ** 2
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""


def test_contours_and_the_way(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    opened(qtbot, window, written(tmp_path, PLANE))
    picture = window.workspace.plots.landscape
    for step in range(2):
        standing(qtbot, window, "forward", "backward")
        a, b = 0.8**step, -(0.4**step)
        qtbot.waitUntil(
            lambda a=a: picture.flat and picture.trail[-1][0] == pytest.approx(a), timeout=WAIT
        )
        qtbot.waitUntil(lambda: not np.isnan(picture.losses).any(), timeout=WAIT)
        assert picture.trail[-1] == pytest.approx((a, b))
        standing(qtbot, window, "update", "zero_grad")
    assert picture.table()[0] == ("a", "b", "loss")
    for a, b, loss in picture.table()[1]:
        assert loss == pytest.approx(a * a + 3 * b * b, rel=1e-5, abs=1e-6)
    assert len(picture.trail) >= 2
    assert picture.grab().toImage().width() == picture.width()


def test_only_what_is_seen_is_gathered(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    panel = opened(qtbot, window, written(tmp_path, TRAINING)).workspace.plots
    window.resize(1000, 700)  # a tab now, and not the one on top
    qtbot.waitUntil(lambda: not panel.isVisible())
    assert panel.reader.kinds() == ()
    window.workspace.tabs.setCurrentWidget(panel)
    assert panel.isVisible() and panel.reader.kinds() != ()
    standing(qtbot, window, "forward", "backward")
    qtbot.waitUntil(lambda: len(panel.flow.rows) == 4, timeout=WAIT)
    until(qtbot, window, State.STOPPED)


# ---------------------------------------------------------------------- without a window


def test_contours_lie_where_the_height_is() -> None:
    y, x = np.mgrid[0:41, 0:41]
    grid = (x - 20.0) ** 2 + (y - 20.0) ** 2
    for level in (16.5, 100.5, 330.5):
        found = segments(grid, level)
        assert len(found) > 20
        for x0, y0, x1, y1 in found:
            for a, b in ((x0, y0), (x1, y1)):
                assert math.hypot(a - 20, b - 20) == pytest.approx(math.sqrt(level), abs=0.05)
    grid[:, 30:] = np.nan
    assert all(max(x0, x1) <= 29 for x0, _, x1, _ in segments(grid, 330.5))
    saddle = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert len(segments(saddle, 0.5)) == 2 and segments(saddle, 2.0) == []


def test_levels() -> None:
    even = levels_of(np.array([[0.0, 1.0], [0.5, math.nan]]))
    assert even == sorted(even) and all(0 < level < 1 for level in even)
    wide = levels_of(np.array([[1e-3, 1.0, 1e3]]))
    ratios = [b / a for a, b in pairwise(wide)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))
    assert levels_of(np.full((2, 2), 3.0)) == [] and levels_of(np.full((2, 2), math.nan)) == []


def test_parameters_together_have_the_norm_of_all() -> None:
    names = [f"h.{i}.{part}.{kind}" for i in range(3) for part in "ab" for kind in ("w", "b")]
    rows = [Row(name, name, {"grad": float(k)}) for k, name in enumerate(names)]
    assert fitting(rows, 12, squares) == rows
    modules = fitting(rows, 8, squares)
    assert [row.name for row in modules] == [f"h.{i}.{part}" for i in range(3) for part in "ab"]
    blocks = fitting(rows, 5, squares)
    assert [row.name for row in blocks] == ["h.0", "h.1", "h.2"] and blocks[1].count == 4
    assert blocks[1].parts["grad"] == pytest.approx(math.sqrt(16 + 25 + 36 + 49))
    assert blocks[1].ref == "h.1.a.w"


@pytest.mark.parametrize(
    ("norms", "words"),
    [
        ([1e-6, 1e-3, 1.0], "Vanishing: a gets 1·10⁶ times less than c"),
        ([2e4, 1.0, 1.0], "Exploding: a gets 20000 times more than c"),
        ([1.0, 0.0, 1.0], "b gets no gradient: 0"),
        ([1.0, math.nan, 1.0], "Not finite at b"),
        ([1.0, 0.5, 1.0], ""),
    ],
)
def test_what_the_norms_say(norms: list[float], words: str) -> None:
    assert verdict(list(zip("abc", norms, strict=True))) == words


def test_a_place_that_is_pointed_at(qtbot: QtBot, window: MainWindow) -> None:
    """Nothing to read before there is anything."""
    flow = window.workspace.plots.flow
    assert flow.nearest(QPointF(100, 50)) is None
    qtbot.keyClick(flow, Qt.Key.Key_Right)
    assert flow.hovered is None


def test_the_chosen_plot_is_remembered(qtbot: QtBot, window: MainWindow) -> None:
    """For lessons and for scripts by themselves; what nobody chose is guessed."""

    def loaded(kind: str) -> str:
        panel = PlotsPanel(window.session, Cursor())  # as after another launch
        qtbot.addWidget(panel)
        panel._guess(Loaded(kind, "x.py", "3.11", "2.6", ""))
        return panel.picture().objectName()

    assert (loaded("experiment"), loaded("script")) == ("landscape", "gradient_flow")
    plots = window.workspace.plots
    plots._guess(Loaded("script", "x.py", "3.11", "2.6", ""))
    action(window, "plots_dead_units").trigger()
    assert plots.picture() is plots.dead
    assert (loaded("experiment"), loaded("script")) == ("landscape", "dead_units")
    plots._guess(Loaded("experiment", "x.py", "3.11", "2.6", ""))
    action(window, "plots_update_ratio").trigger()
    assert (loaded("experiment"), loaded("script")) == ("update_ratio", "dead_units")
    action(window, "landscape_random").trigger()
    assert QSettings().value("plots/landscape") == "random"
