"""What the phase watch found: once above the graph, then in the log; errors go first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gradstep.gui.cursor import Cursor
from gradstep.gui.message_bar import Kind, MessageBar
from gradstep.gui.panels.log import LogPanel
from gradstep.gui.tabs import Tabs, Tone
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Failure, Goal, Place, Reason
from tests.gui.fakes import Scripted, opened

ZEROED = Finding(
    "never_zeroed",
    "Gradients were never zeroed",
    "7 updates, 0 zero-grads: each .grad is the sum of every backward so far.",
    "Call opt.zero_grad() before loss.backward().",
    Place("/x/train.py", 54),
    8,
    Phase.BACKWARD,
)
SCHEDULER = Finding("scheduler_per_batch", "The scheduler is stepped in every iteration")


@pytest.fixture
def scripted(qtbot: QtBot) -> Iterator[Scripted]:
    scripted = Scripted()
    yield opened(scripted, qtbot)
    scripted.session.close()


@pytest.fixture
def bar(qtbot: QtBot, scripted: Scripted) -> MessageBar:
    bar = MessageBar(scripted.session)
    qtbot.addWidget(bar)
    bar.resize(700, 60)
    return bar


@pytest.fixture
def log(qtbot: QtBot, scripted: Scripted) -> LogPanel:
    log = LogPanel(scripted.session, Cursor(scripted.session))
    qtbot.addWidget(log)
    log.resize(500, 200)
    log.show()
    return log


def find(qtbot: QtBot, scripted: Scripted, *findings: Finding) -> None:
    for finding in findings:
        with qtbot.waitSignal(scripted.session.found):
            scripted.program.tell(finding)


def dismiss(qtbot: QtBot, bar: MessageBar) -> None:
    qtbot.mouseClick(bar.dismiss, Qt.MouseButton.LeftButton)


# ---------------------------------------------------------------------- the log


def test_an_empty_log_says_so(log: LogPanel) -> None:
    assert log.stack.currentWidget() is log.empty
    assert log.empty.text().startswith("Nothing to report")
    assert (log.objectName(), log.accessibleName()) == ("log", "Log")


def test_a_finding_is_kept_with_all_it_says(
    qtbot: QtBot, scripted: Scripted, log: LogPanel
) -> None:
    counts: list[int] = []
    log.countChanged.connect(counts.append)
    find(qtbot, scripted, ZEROED, SCHEDULER)
    assert counts == [1, 2]
    first, second = log.entries
    assert first.title.text() == ZEROED.title
    assert first.text.text() == ZEROED.text
    assert first.suggestion.text() == ZEROED.suggestion
    assert first.when.text().endswith(" · iteration 8 · Backward")
    assert first.button.text() == "Show line 54"
    for words in (ZEROED.title, ZEROED.text, ZEROED.suggestion):
        assert words in first.accessibleName()
    assert second.button.isHidden()
    assert second.text.isHidden()
    qtbot.waitUntil(lambda: first.geometry().bottom() < second.y())


def test_its_line_is_shown(qtbot: QtBot, scripted: Scripted) -> None:
    cursor = Cursor()
    log = LogPanel(scripted.session, cursor)
    qtbot.addWidget(log)
    log.show()
    find(qtbot, scripted, ZEROED)
    with qtbot.waitSignal(cursor.lineSelected) as selected:
        qtbot.keyClick(log.entries[0].button, Qt.Key.Key_Space)
    assert selected.args == ["/x/train.py", 54]


def test_a_restart_begins_an_empty_log(qtbot: QtBot, scripted: Scripted, log: LogPanel) -> None:
    find(qtbot, scripted, ZEROED)
    with qtbot.waitSignal(log.countChanged) as told:
        scripted.session.restart()
    assert told.args == [0]
    assert log.stack.currentWidget() is log.empty
    assert scripted.session.findings == ()


# ---------------------------------------------------------------------- the bar


def test_the_bar_says_it_once_and_shows_its_line(
    qtbot: QtBot, scripted: Scripted, bar: MessageBar
) -> None:
    find(qtbot, scripted, ZEROED)
    assert bar.notice is not None
    assert (bar.notice.kind, bar.notice.title) == (Kind.WARNING, ZEROED.title)
    assert bar.text().endswith(ZEROED.text)
    assert bar.isVisible()
    with qtbot.waitSignal(bar.lineRequested) as line:
        qtbot.mouseClick(bar.line, Qt.MouseButton.LeftButton)
    assert line.args == ["/x/train.py", 54]
    scripted.session.advance(Goal.STEP)
    scripted.stand(qtbot)
    assert bar.isVisible()  # going on is not reading
    dismiss(qtbot, bar)
    assert not bar.isVisible()
    scripted.session.advance(Goal.STEP)
    scripted.stand(qtbot)
    assert not bar.isVisible()


def test_findings_wait_for_each_other(qtbot: QtBot, scripted: Scripted, bar: MessageBar) -> None:
    find(qtbot, scripted, ZEROED, SCHEDULER)
    assert bar.text().startswith(ZEROED.title)
    dismiss(qtbot, bar)
    assert bar.text() == SCHEDULER.title
    assert not bar.line.isVisible()
    dismiss(qtbot, bar)
    assert bar.notice is None


def test_what_failed_goes_first_and_the_finding_comes_after_it(
    qtbot: QtBot, scripted: Scripted, bar: MessageBar
) -> None:
    find(qtbot, scripted, ZEROED)
    scripted.session.advance(Goal.RUN)
    scripted.stand(qtbot, Reason.EXCEPTION, failure=Failure("ValueError", "no"))
    assert bar.notice is not None
    assert (bar.notice.kind, bar.notice.title) == (Kind.ERROR, "ValueError")
    find(qtbot, scripted, SCHEDULER)
    assert bar.notice.title == "ValueError"
    dismiss(qtbot, bar)
    assert bar.notice.title == ZEROED.title
    dismiss(qtbot, bar)
    assert bar.notice.title == SCHEDULER.title
    dismiss(qtbot, bar)
    assert not bar.isVisible()
    bar.refresh()
    assert not bar.isVisible()  # the failure was read, too


def test_another_program_has_none_of_it(qtbot: QtBot, scripted: Scripted, bar: MessageBar) -> None:
    find(qtbot, scripted, ZEROED)
    scripted.session.open("b.py")
    assert bar.notice is None
    assert not bar.isVisible()


# ---------------------------------------------------------------------- the tab


def test_a_tab_makes_room_for_its_count(qtbot: QtBot, log: LogPanel) -> None:
    tabs = Tabs("tabs")
    qtbot.addWidget(tabs)
    tabs.addTab(log, "Log")
    tabs.resize(300, 200)
    tabs.show()
    qtbot.waitExposed(tabs)
    bar, amber = tabs.tabBar(), theme().colour("warning_tint").rgb()

    def pixels() -> set[int]:
        image = bar.grab().toImage()
        box = bar.tabRect(0)
        y = box.center().y() - 5
        return {image.pixel(x, y) for x in range(box.left(), box.right())}

    without = bar.tabRect(0).width()
    assert amber not in pixels()
    tabs.set_count(log, 12, Tone.WARNING)
    assert bar.tabRect(0).width() > without + 16
    assert amber in pixels()
    assert bar.accessibleTabName(0) == "Log 12"
    tabs.set_count(log, 0, Tone.WARNING)
    assert bar.tabRect(0).width() == without
    assert bar.accessibleTabName(0) == "Log"
