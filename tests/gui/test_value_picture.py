"""Tensors as pictures: every pixel is its element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from gradstep.gui.cursor import Cursor
from gradstep.gui.theme import theme
from gradstep.gui.value.heat import STEPS, heat
from gradstep.gui.value.panel import ValuePanel
from gradstep.gui.value.picture import (
    MAX_ELEMENTS,
    Mode,
    Picture,
    first_mode,
    heat_image,
    image_of,
    modes_of,
    normalisation,
    palette,
    step_of,
)
from gradstep.protocol.examination import Axes
from gradstep.protocol.trace import Reason, Stop
from gradstep.protocol.values import ValueKind
from tests.gui.fake_session import FakeSession


def test_where_the_shape_allows() -> None:
    table, both = (Mode.TABLE,), (Mode.TABLE, Mode.HEAT)
    assert modes_of(()) == modes_of((5,)) == modes_of((7, 100)) == table
    assert modes_of((8, 8)) == modes_of((2, 8, 8)) == modes_of((1, 1, 3, 8, 8)) == both
    assert modes_of((3, 8, 8)) == modes_of((4, 1, 28, 28)) == tuple(Mode)
    assert first_mode((4, 1, 28, 28), True) is Mode.IMAGE
    assert first_mode((16, 1, 28, 28), False) is Mode.TABLE
    assert first_mode((768, 768), False) is Mode.HEAT
    assert step_of((1024, 1024)) == 1 and step_of((4000, 4000)) == 4
    assert 4000 // 4 * (4000 // 4) <= MAX_ELEMENTS < (4000 // 3) ** 2


def test_heat_is_that_of_the_table() -> None:
    elements = np.array([[-2.0, -0.5, 0.0], [0.5, 2.0, np.nan]], np.float32)
    found, colours = heat_image(elements, 1.0, palette()), heat(False)
    for place, x in np.ndenumerate(elements):
        colour = theme().colour("error")
        if np.isfinite(x):
            colour = colours.grounds[colours.index(float(x), 1.0)]
        assert tuple(found[place]) == (colour.red(), colour.green(), colour.blue())
    assert colours.index(0.0, 1.0) == STEPS


def test_images_and_what_black_and_white_are() -> None:
    grey = np.array([[[0, 128, 255]]], np.uint8)
    assert normalisation(grey) == (0, 255)
    assert image_of(grey, 0, 255, palette()).tolist() == [[[0] * 3, [128] * 3, [255] * 3]]
    colour = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    low, high = normalisation(colour)
    assert (low, high) == (colour.min(), colour.max())
    expected = np.rint((colour.astype(np.float64) - low) / (high - low) * 255)
    assert (image_of(colour, low, high, palette()) == expected.transpose(1, 2, 0)).all()
    assert normalisation(np.array([0.25, 0.5])) == (0, 1)


def test_the_pointer_tells_the_element(qtbot) -> None:
    picture = Picture("data")
    qtbot.addWidget(picture)
    elements = np.arange(80, dtype=np.float32).reshape(8, 10)
    picture.show_elements(elements, Mode.HEAT, 80, "float32", step=3, prefix=(2,))
    picture.resize(100, 80 + 16)
    assert picture.height_for(100) == 96
    assert picture.told_at(0, 0) == "[2, 0, 0]  0"
    assert picture.told_at(95, 75) == "[2, 21, 27]  79"
    assert picture.told_at(50, 90) == ""


def test_a_large_picture_is_made_beside_the_window_and_the_latest_wins(qtbot) -> None:
    picture = Picture("data")
    qtbot.addWidget(picture)
    rng = np.random.default_rng(2)
    first, last = (rng.normal(size=(600, 500)).astype(np.float32) for _ in range(2))
    with qtbot.waitSignal(picture.shown, timeout=5000):
        picture.show_elements(first, Mode.HEAT, 3.0, "float32")
        assert picture.elements is None, "not in this thread"
        picture.show_elements(last, Mode.HEAT, 3.0, "float32")
    assert picture.elements is last
    for scheme in ("dark", "light"):  # and in the colours of the theme of the moment
        with qtbot.waitSignal(picture.shown, timeout=5000):
            theme().force(scheme)
        assert (picture._bytes == heat_image(last, 3.0, palette())).all()
    theme().force(None)
    picture.show_elements(first, Mode.HEAT, 3.0, "float32")
    picture.clear()
    qtbot.wait(200)
    assert picture.elements is None


@pytest.fixture
def panel(qtbot) -> Iterator[ValuePanel]:
    session = FakeSession()
    images = np.random.default_rng(1).random((5, 3, 12, 16)).astype(np.float32)
    session.put("x", images, kind=ValueKind.DATA, requires_grad=False)
    session.put("w", images[0, 0].repeat(8, 0).repeat(8, 1), images[0, 1].repeat(8, 0).repeat(8, 1))
    widget = ValuePanel(session, Cursor())
    widget.resize(400, 700)
    qtbot.addWidget(widget)
    widget.show()
    session.stop_at(Stop(Reason.STEP, 1))
    yield widget
    theme().force(None)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_the_panel(qtbot, panel: ValuePanel, scheme: str) -> None:
    theme().force(scheme)
    session = panel._session
    panel._cursor.select("x")
    picture = panel.tensor.tables["data"].picture
    qtbot.waitUntil(lambda: picture.elements is not None, timeout=2000)
    assert panel.tensor.mode is Mode.IMAGE
    assert (picture.elements == session.arrays["x", "data"][0]).all()
    assert picture.caption == "black 0, white 1"
    panel.tensor.slices._boxes[0].setValue(3)
    qtbot.waitUntil(lambda: (picture.elements == session.arrays["x", "data"][3]).all())
    panel._cursor.select("w")
    qtbot.waitUntil(lambda: panel.tensor.tables["grad"].picture.elements is not None, timeout=2000)
    data, grad = (panel.tensor.tables[field].picture for field in ("data", "grad"))
    qtbot.waitUntil(lambda: data.elements is not None and data.elements.shape == (96, 128))
    assert (grad.elements == session.arrays["w", "grad"]).all()
    qtbot.waitUntil(lambda: abs(data.width() - grad.width()) <= 1 and data.x() == grad.x())
    qtbot.waitUntil(lambda: not panel.reader._open, timeout=2000)
    qtbot.wait(50)
    image, box = data.grab().toImage(), data._box()
    colours, bound = heat(False), panel.tensor.tables["data"].grid.bound
    expected = colours.grounds[colours.index(float(data.elements[52, 68]), bound)]
    at = image.pixelColor(int(68.5 * box.width() / 128), int(52.5 * box.height() / 96))
    assert at.rgb() == expected.rgb()


def test_axes_by_name(panel: ValuePanel) -> None:
    panel._cursor.select("x")
    slices = panel.tensor.slices
    assert [label.text() for label in slices._labels] == ["axis 0", "axis 1"]
    slices.set_names(Axes(("batch", "", "height", "width"), "conv2d"))
    assert [label.text() for label in slices._labels] == ["batch", "axis 1"]
    assert slices._note is not None and "height (down)" in slices._note.text()
