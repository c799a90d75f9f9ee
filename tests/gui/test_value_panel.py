"""The value panel: what it says about the selected value is what the value is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage

from gradstep.gui import style
from gradstep.gui.cursor import Cursor
from gradstep.gui.theme import theme
from gradstep.gui.value.facts import facts_of, texts_of
from gradstep.gui.value.panel import ValuePanel
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Reason, Stop
from gradstep.protocol.values import Preview, Statistics, ValueKind
from tests.gui.fake_session import FakeSession

F32 = np.float32


@pytest.fixture
def session(qtbot) -> FakeSession:
    fake = FakeSession()
    fake.put("w", F32(1.02), F32(-7.84))
    fake.put("x", F32(2), kind=ValueKind.DATA, requires_grad=False, note="does not require grad")
    weight = np.arange(6, dtype=F32).reshape(3, 2)
    fake.put("fc.weight", weight, -weight)
    return fake


@pytest.fixture
def panel(qtbot, session: FakeSession) -> Iterator[ValuePanel]:
    widget = ValuePanel(session, Cursor())
    widget.resize(400, 512)
    qtbot.addWidget(widget)
    widget.show()
    yield widget
    theme().force(None)


def stop(iteration: int = 2, phase: Phase = Phase.BACKWARD, *changed: Change) -> Stop:
    return Stop(Reason.STEP, iteration, phase, changed=changed)


def settle(qtbot, panel: ValuePanel) -> None:
    qtbot.waitUntil(lambda: not panel.reader._open, timeout=2000)


def page(panel: ValuePanel) -> int:
    return panel._pages.currentIndex()


def has_colour(image: QImage, name: str, phase: Phase) -> bool:
    wanted = getattr(theme().phase(phase), name)
    return any(
        image.pixelColor(x, y) == wanted
        for x in range(image.width())
        for y in range(image.height())
    )


def test_nothing_is_selected(panel: ValuePanel, session: FakeSession) -> None:
    assert page(panel) == 0 and panel._sentence.text() == "Select a node."
    assert panel.names.isHidden() and panel.choose.isHidden()
    session.stop_at(stop())
    assert not panel.names.isHidden()
    rows = [panel._names.index(i).data() for i in range(panel._names.rowCount())]
    assert rows == ["w", "x", "fc.weight"]
    assert not session.asked, "nothing is read that is not shown"


def test_a_scalar(panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    panel._cursor.select("w")
    assert page(panel) == 1 and panel.title_row.text() == ("Value", "w")
    data, grad = panel.card.data, panel.card.grad
    assert data.number.text_and_font()[0] == "1.02" and grad.number.text_and_font()[0] == "−7.84"
    assert panel.header._texts() == ("w", "Parameter, leaf", "scalar · float32 · CPU")
    assert not panel.card.isHidden() and panel.tensor.isHidden() and panel.statistics.isHidden()


def test_what_it_was_before(panel: ValuePanel, session: FakeSession) -> None:
    session.put("w", F32(1), None)
    session.stop_at(stop(1, Phase.FORWARD))
    panel._cursor.select("w")
    assert panel.card.data.note.text() == ""
    session.put("w", F32(1.02), F32(-2))
    session.stop_at(stop(1, Phase.UPDATE))
    assert panel.card.data.note.text() == "was 1 before"
    assert panel.card.grad.note.text() == "was None before"
    for iteration in (2, 3):
        session.stop_at(stop(iteration, Phase.FORWARD))
        assert panel.card.data.note.text() == "was 1 in iteration\N{NO-BREAK SPACE}1"


def test_before_the_first_iteration_is_the_start(panel: ValuePanel, session: FakeSession) -> None:
    session.put("w", F32(1), None)
    session.stop_at(stop(0, None))
    panel._cursor.select("w")
    session.put("w", F32(1.1), F32(0))
    session.stop_at(stop(1, Phase.ZERO_GRAD))
    session.stop_at(stop(2, Phase.FORWARD))
    assert panel.card.data.note.text() == "was 1 at the start"


@pytest.mark.parametrize(
    ("ref", "note"),
    [("x", "does not require grad"), ("h", "no backward has reached it yet")],
)
def test_no_gradient_says_why(panel: ValuePanel, session: FakeSession, ref: str, note: str) -> None:
    session.put("h", F32(1))
    session.stop_at(stop())
    panel._cursor.select(ref)
    assert panel.card.grad.number.text_and_font()[0] == "None"
    assert panel.card.grad.note.text() == note


def test_just_changed(panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop(2, Phase.BACKWARD, Change("grad", "w", "w")))
    panel._cursor.select("w")
    grad, data = panel.card.grad.number, panel.card.data.number
    assert has_colour(grad.grab().toImage(), "tint", Phase.BACKWARD), "a chip"
    assert not has_colour(data.grab().toImage(), "tint", Phase.FORWARD)
    assert grad.accessibleName().endswith("just changed")
    session.stop_at(stop(2, Phase.BACKWARD))
    assert not has_colour(grad.grab().toImage(), "tint", Phase.BACKWARD), "until the next stop"
    session.stop_at(stop(2, Phase.UPDATE, Change("value", "w", "w")))
    assert has_colour(data.grab().toImage(), "tint", Phase.UPDATE), "in the phase's colour"
    session.stop_at(stop(2, Phase.UPDATE, Change("value", "#9:0", "y")))
    assert not has_colour(data.grab().toImage(), "tint", Phase.UPDATE), "another's change"


def test_a_matrix(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop(2, Phase.BACKWARD, Change("grad", "fc.weight", "fc.weight")))
    panel._cursor.select("fc.weight")
    settle(qtbot, panel)
    assert panel.card.isHidden() and not panel.statistics.isHidden()
    data, grad = (panel.tensor.tables[field] for field in ("data", "grad"))
    assert data.model.index(2, 1).data() == "5" and grad.model.index(2, 1).data() == "−5"
    assert grad.chip.isVisible() and not data.chip.isVisible()
    cells = [cell.text() for cell in panel.statistics._cells["grad"]]
    assert cells == ["7.4162", "1.7078", "−2.5", "−5", "0", "1, 0, 0"]
    assert panel.tensor.switch.isHidden(), "both fit"


def test_a_large_matrix_is_fetched_by_need(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    array = np.arange(10**6, dtype=F32).reshape(1000, 1000)
    session.put("big", array, array)
    session.stop_at(stop())
    panel._cursor.select("big")
    table = panel.tensor.tables["data"]
    assert not table.picture.isHidden() and table.grid.isHidden(), "first as a picture"
    qtbot.mouseClick(panel.tensor.modes._group.button(0), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: table.model.index(5, 2).data() == "5002.0" or bool(table.model.index(5, 2).data()),
        timeout=2000,
    )
    windows = [a for verb, tag, a in session.asked if tag == "value.table.data"]
    assert windows and all(a["rows"][1] - a["rows"][0] <= 128 for a in windows)
    assert not panel.tensor.switch.isHidden() and panel.tensor.tables["grad"].isHidden()
    qtbot.mouseClick(panel.tensor.switch._group.button(1), Qt.MouseButton.LeftButton)
    assert not panel.tensor.tables["grad"].isHidden() and table.isHidden()
    grad = panel.tensor.tables["grad"].model
    qtbot.waitUntil(lambda: bool(grad.index(0, 1).data()), timeout=2000)


def test_more_than_two_axes(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    array = np.arange(2 * 3 * 4 * 5, dtype=F32).reshape(2, 3, 4, 5)
    session.put("conv", array)
    session.stop_at(stop())
    panel._cursor.select("conv")
    settle(qtbot, panel)
    model = panel.tensor.tables["data"].model
    qtbot.waitUntil(lambda: model.index(1, 2).data() == "7")
    first, second = panel.tensor.slices._boxes
    first.setValue(1)
    second.setValue(2)
    qtbot.waitUntil(lambda: model.index(1, 2).data() == str(int(array[1, 2, 1, 2])))
    session.put("conv", array + 1)
    session.stop_at(stop(3))
    qtbot.waitUntil(lambda: model.index(1, 2).data() == str(int(array[1, 2, 1, 2]) + 1))
    assert panel.tensor.index == (1, 2), "the slice stays at the next stop"


def test_one_axis(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.put("bias", np.arange(40, dtype=F32), np.zeros(40, F32))
    session.stop_at(stop())
    panel._cursor.select("bias")
    data, grad = (panel.tensor.tables[field].model for field in ("data", "grad"))
    assert (data.rowCount(), data.columnCount()) == (40, 1)
    qtbot.waitUntil(lambda: data.index(3, 0).data() == "3" and grad.index(3, 0).data() == "0")


@pytest.mark.parametrize("dtype", ["int64", "bool", "float16", "complex64"])
def test_element_types(qtbot, panel: ValuePanel, session: FakeSession, dtype: str) -> None:
    array = np.arange(20).reshape(4, 5).astype(dtype)
    session.put("t", array, kind=ValueKind.DATA, requires_grad=False)
    session.stop_at(stop())
    panel._cursor.select("t")
    model = panel.tensor.tables["data"].model
    texts = {"int64": "7", "bool": "True", "float16": "7", "complex64": "7+0i"}
    qtbot.waitUntil(lambda: model.index(1, 2).data() == texts[dtype])
    panel.grab()


def test_bfloat16_arrives_widened(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.put("t", np.full((4, 5), 3.140625, F32), dtype="bfloat16")
    session.stop_at(stop())
    panel._cursor.select("t")
    model = panel.tensor.tables["data"].model
    qtbot.waitUntil(lambda: model.index(0, 0).data() == "3.14")


def test_nothing_in_it(panel: ValuePanel, session: FakeSession) -> None:
    session.put("none", np.zeros((0, 3), F32))
    session.stop_at(stop())
    panel._cursor.select("none")
    assert panel.tensor.empty.text() == "No elements: the shape is 0 × 3."
    assert panel.tensor.tables["data"].isHidden() and panel.statistics.isHidden()


def test_a_value_that_cannot_be_read(panel: ValuePanel, session: FakeSession) -> None:
    info = session.put("m", F32(0))
    problem = Preview(problem="a meta tensor has no elements")
    session.infos["m"] = replace(info, data=problem)
    session.stop_at(stop())
    panel._cursor.select("m")
    assert panel.card.data.number.text_and_font()[0] == "–"
    assert panel.card.data.note.text() == "a meta tensor has no elements"


def test_a_value_on_the_graph(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.put("#7:0", F32(2.04), F32(-3.92), kind=ValueKind.RESULT)
    session.stop_at(stop())
    panel._cursor.select("#7:0")
    assert page(panel) == 0
    qtbot.waitUntil(lambda: page(panel) == 1)
    assert panel.card.data.number.exact == "2.04"
    describe = next(a for verb, tag, a in session.asked if tag == "value.describe")
    assert describe["rows"] == describe["columns"] == (0, 0), "no elements are sent for it"
    session.put("#7:0", F32(5), F32(1), kind=ValueKind.RESULT)
    session.stop_at(stop(3))
    qtbot.waitUntil(lambda: panel.card.data.number.exact == "5")


def test_a_value_that_is_gone_is_past(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    panel._cursor.select("w")
    before = panel.card.data.number.grab().toImage()
    session.take("w")
    session.stop_at(stop(3))
    assert panel.card.data.number.exact == "1.02", "the last picture stays"
    assert panel.title_row.text()[1] == "w · past"
    assert panel.header._past == "Past: last seen in iteration 2"
    assert panel.card.data.number.grab().toImage() != before, "without its colour"
    session.put("w", F32(1.5))
    session.stop_at(stop(4))
    assert panel.title_row.text()[1] == "w" and panel.card.data.number.exact == "1.5"


def test_a_leaf_lives_on_by_its_name(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.infos["#2:0"] = replace(session.infos["w"], ref="#2:0")
    session.arrays["#2:0", "data"] = session.arrays["w", "data"]
    session.stop_at(stop())
    panel._cursor.select("#2:0")
    qtbot.waitUntil(lambda: page(panel) == 1)
    session.take("#2:0")
    session.stop_at(stop(3))
    qtbot.waitUntil(lambda: panel._cursor.ref == "w")
    assert panel.title_row.text()[1] == "w"


def test_a_lost_process_leaves_the_past(panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    panel._cursor.select("fc.weight")
    session.stopped.emit(Stop(Reason.LOST, 2))
    assert panel.title_row.text()[1] == "fc.weight · past"
    assert panel.tensor.tables["data"].grid.past


def test_a_value_that_never_was(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    panel._cursor.select("#99:0")
    qtbot.waitUntil(lambda: panel._sentence.text() == "There is no value called #99:0 now.")
    assert page(panel) == 0


def test_an_answer_about_another_value_is_dropped(
    qtbot, panel: ValuePanel, session: FakeSession
) -> None:
    session.put("#7:0", F32(7), kind=ValueKind.RESULT)
    session.stop_at(stop())
    session.held = True
    panel._cursor.select("#7:0")
    panel._cursor.select("w")
    session.reply()
    assert panel.title_row.text()[1] == "w" and panel.card.data.number.exact == "1.02"


def test_late_answers_are_announced(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    array = np.arange(400, dtype=F32).reshape(20, 20)
    session.put("m", array)
    session.stop_at(stop())
    session.held = True
    panel._cursor.select("m")
    qtbot.waitUntil(lambda: panel.title_row.text()[1] == "m · updating", timeout=2000)
    session.held = False
    session.reply()
    qtbot.waitUntil(lambda: panel.title_row.text()[1] == "m", timeout=2000)


def test_a_new_program(panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    panel._cursor.select("w")
    session.programOpened.emit("other.py")
    assert page(panel) == 0 and panel._names.rowCount() == 0
    session.put("w", F32(9))
    session.stop_at(stop(1))
    assert panel.card.data.number.exact == "9", "what is selected is still selected"
    assert panel.card.data.note.text() == "", "and has no history"
    panel._cursor.select("#7:0")
    session.programOpened.emit("third.py")
    assert panel._cursor.ref == "", "a place on the old graph is nothing on the new one"


def test_choosing_from_the_list(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    session.stop_at(stop())
    index = panel.names.list.model().index(1, 0)
    centre = panel.names.list.visualRect(index).center()
    qtbot.mouseClick(panel.names.list.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert panel._cursor.ref == "x" and page(panel) == 1
    panel.choose.click()
    assert panel.popup.isVisible()
    centre = panel.popup.names.list.visualRect(panel.popup.names.list.model().index(0, 0)).center()
    qtbot.mouseClick(panel.popup.names.list.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert panel._cursor.ref == "w" and not panel.popup.isVisible()


def test_searching_long_lists(qtbot, panel: ValuePanel, session: FakeSession) -> None:
    for k in range(20):
        session.put(f"layer{k}.bias", F32(k))
    session.stop_at(stop())
    assert not panel.names.search.isHidden()
    qtbot.keyClicks(panel.names.search, "layer13")
    assert panel.names.list.model().rowCount() == 1
    qtbot.keyClick(panel.names.search, Qt.Key.Key_Return)
    assert panel._cursor.ref == "layer13.bias"


def test_copying(panel: ValuePanel, session: FakeSession) -> None:
    session.put("w", F32(-1 / 3))
    session.stop_at(stop())
    panel._cursor.select("w")
    panel._copy.trigger()
    assert QGuiApplication.clipboard().text() == "-0.33333334"


def test_numbers_shrink_before_they_are_cut(panel: ValuePanel, session: FakeSession) -> None:
    session.put("w", F32(-1.2345678e-12), F32(math.inf))
    session.stop_at(stop())
    panel._cursor.select("w")
    panel.resize(320, 512)
    text, _ = panel.card.data.number.text_and_font()
    assert text.endswith("·10⁻¹²") and "…" not in text
    assert panel.card.grad.number.text_and_font()[0] == "✕ Inf"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 400, 900])
def test_it_paints(qtbot, panel: ValuePanel, session: FakeSession, scheme: str, width: int) -> None:
    theme().force(scheme)
    panel.setPalette(style.palette())
    panel.resize(width, 512)
    session.stop_at(stop())
    for ref in ("w", "fc.weight"):
        panel._cursor.select(ref)
        settle(qtbot, panel)
        image = panel.grab().toImage()
        if ref == "w":
            assert has_colour(panel.card.data.grab().toImage(), "text", Phase.FORWARD)
        assert image.pixelColor(4, 100) == theme().colour("panel")
        assert panel.header.width() <= width, "nothing scrolls sideways"


def test_facts_begin_with_the_shape(session: FakeSession) -> None:
    facts = facts_of(session.infos["fc.weight"])
    assert facts[0] == ("shape", "3 × 2")
    assert dict(facts) == {
        "shape": "3 × 2",
        "dtype": "float32",
        "device": "cpu",
        "requires_grad": "True",
        "is_leaf": "True",
        "layout": "strided",
        "size": "24 B",
        "kind": "Parameter",
    }


def test_statistics_in_words() -> None:
    broken = Statistics(4, 2, 1, 1, 1, -1e-6, 2.0, 0.5, None, 2.23607)
    assert texts_of(broken) == ["2.2361", "–", "0.5", "−1·10⁻⁶", "2", "✕ 1, 1, 1"]
