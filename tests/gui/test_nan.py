"""A number that is none, explained: what went in, and the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gradstep.gui.message_bar import Kind, MessageBar
from gradstep.gui.nan_words import bad, cells, element, place_words, way
from gradstep.gui.panels.gutter import Arrow
from gradstep.gui.panels.marks import marked_files
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Cause, Link, Nonfinite, NotFinite, Operand
from gradstep.protocol.trace import Failure, Goal, Operation, Place, Reason, Stop
from gradstep.protocol.values import Preview, TensorInfo
from tests.gui.fakes import Scripted, opened

FOUR = TensorInfo((4,), "float32", "cpu")
UPSTREAM = Operand("grad of logs", "upstream", FOUR, index=(2,), element=0.0)
INPUT = Operand("p", "input", FOUR, inf=1, index=(2,), element=math.inf)
RESULT = Operand("p.grad", "result", FOUR, nan=2, inf=1, index=(2,), element=math.nan)
LOG = Link("log", NotFinite.INF, Phase.FORWARD, Place("/x/a.py", 9), name="logs")
MUL = Link("MulBackward0", NotFinite.NAN, Phase.BACKWARD, Place("/x/a.py", 12))
FOUND = Nonfinite(
    NotFinite.NAN,
    Cause.OPERATION,
    Phase.BACKWARD,
    "MulBackward0",
    Place("/x/a.py", 12),
    result=RESULT,
    inputs=(UPSTREAM, INPUT),
    words="0 × Inf = NaN at [2].",
    chain=(MUL, LOG),
)


def test_operands_in_words() -> None:
    assert cells(UPSTREAM) == ("arriving gradient", "grad of logs", "4 · float32", "[2] 0", "")
    assert cells(RESULT)[3:] == ("[2] NaN", "2 NaN, 1 Inf")
    assert bad(INPUT) == "1 Inf"
    assert element(Operand("eps", "input", element=0.5)) == "0.5"
    assert element(Operand("x", "input", TensorInfo((), "float32", "cpu"), Preview((3.0,)))) == "3"
    assert cells(Operand("?", "input"))[2:] == ("", "", "")


def test_the_way_in_words() -> None:
    assert way(LOG, True) == "Inf begins here, in logs"
    assert way(MUL, False) == "hands NaN on"
    assert place_words(LOG) == "a.py, line 9"
    assert place_words(MUL) == "backward of a.py, line 12"
    assert place_words(Link("data", NotFinite.NAN)) == ""


@pytest.fixture
def scripted(qtbot: QtBot) -> Iterator[Scripted]:
    scripted = Scripted()
    yield opened(scripted, qtbot)
    scripted.session.close()


@pytest.fixture
def bar(qtbot: QtBot, scripted: Scripted) -> MessageBar:
    bar = MessageBar(scripted.session)
    qtbot.addWidget(bar)
    bar.resize(680, 300)
    scripted.session.advance(Goal.NAN)
    scripted.stand(qtbot, Reason.NAN, place=Place("/x/a.py", 20), nonfinite=FOUND)
    return bar


def test_the_bar_says_it_and_unfolds_why(qtbot: QtBot, bar: MessageBar) -> None:
    assert bar.notice is not None
    assert (bar.notice.kind, bar.notice.title) == (Kind.ERROR, FOUND.words)
    assert bar.line.text() == "Show line 12"  # of the operation, not of backward()
    assert not bar.nan.isVisible()
    qtbot.keyClick(bar.unfold, Qt.Key.Key_Space)
    assert bar.nan.isVisible()
    assert not bar.details.isVisible()
    shown = [label.text() for label in bar.nan.findChildren(QLabel)]
    for operand in (*FOUND.inputs, RESULT):
        assert set(filter(None, cells(operand))) <= set(shown)


def test_each_step_of_the_way_leads_to_its_line(qtbot: QtBot, bar: MessageBar) -> None:
    bar.unfold.click()
    assert [step.link for step in bar.nan.steps] == [MUL, LOG]
    assert [step.first for step in bar.nan.steps] == [False, True]
    last = bar.nan.steps[-1]
    assert last.accessibleName() == "log, Inf begins here, in logs, a.py, line 9"
    with qtbot.waitSignal(bar.lineRequested) as line:
        qtbot.keyClick(last, Qt.Key.Key_Space)
    assert line.args == ["/x/a.py", 9]


def test_the_operation_has_a_cross_and_nothing_is_called_next() -> None:
    here = Place("/x/a.py", 20)
    stop = Stop(Reason.NAN, 1, Phase.BACKWARD, here, nonfinite=FOUND)
    (file,) = marked_files(stop)
    assert [(m.line, m.arrow, m.words) for m in file.marks] == [
        (12, Arrow.CROSS, "its backward made NaN"),
        (20, Arrow.HOLLOW, "Python is here"),
    ]
    alone = marked_files(replace(stop, place=None))
    assert [(m.line, m.arrow) for m in alone[0].marks] == [(12, Arrow.CROSS)]
    elsewhere = marked_files(replace(stop, place=Place("/x/b.py", 3)))
    assert [file.file for file in elsewhere] == ["/x/a.py", "/x/b.py"]
    forward = replace(FOUND, phase=Phase.FORWARD, kind=NotFinite.INF)
    assert marked_files(replace(stop, nonfinite=forward))[0].marks[0].words == "made Inf"


def test_what_made_it_has_run_and_is_not_the_next_operation(
    qtbot: QtBot, scripted: Scripted
) -> None:
    made = Operation("LogBackward0", Phase.BACKWARD)
    scripted.session.advance(Goal.NAN)
    scripted.stand(qtbot, Reason.NAN, operation=made, nonfinite=FOUND)
    assert scripted.session.stop is not None
    assert scripted.session.stop.operation is None
    assert scripted.session.stop.nonfinite == FOUND


def test_a_traceback_is_not_mixed_up_with_it(
    qtbot: QtBot, scripted: Scripted, bar: MessageBar
) -> None:
    assert bar.unfold.text() == "Why"
    scripted.session.advance(Goal.RUN)
    assert not bar.isVisible()
    scripted.stand(qtbot, Reason.EXCEPTION, failure=Failure("ValueError", "no", text="Trace"))
    assert bar.unfold.text() == "Traceback"
    bar.unfold.click()
    assert bar.details.isVisible()
    assert not bar.nan.isVisible()
