"""The console: two streams in order, progress bars, floods, and a reader who has scrolled up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from gradstep.gui.panels.console import CAPACITY, ConsolePanel
from gradstep.gui.panels.terminal import LONGEST, Line, Terminal
from gradstep.gui.session import Session
from gradstep.gui.theme import theme


def lines(*writes: tuple[str, str]) -> tuple[list[str], list[str]]:
    """What a terminal shows of texts written one after the other: finished, unfinished."""
    terminal = Terminal(100)
    for stream, text in writes:
        terminal.write(stream, text)
    batch = terminal.take()
    return [line.text for line in batch.finished], [line.text for line in batch.unfinished]


@pytest.mark.parametrize(
    ("text", "finished", "unfinished"),
    [
        ("a\nb\n", ["a", "b"], []),
        ("a\n\nb", ["a", ""], ["b"]),
        ("a\r\nb\r\n", ["a", "b"], []),
        ("10%\r20%\r30%", [], ["30%"]),
        ("10%\r20%\r\ndone\n", ["20%", "done"], []),
        ("10%\r", [], ["10%"]),
        ("\r10%\r20%\n", ["20%"], []),
        ("\x1b[31mred\x1b[0m\n", ["red"], []),
        ("\x1b]0;title\x07text\n", ["text"], []),
        ("bell\x07 and null\x00\n", ["bell and null"], []),
        ("tab\tstays\n", ["tab\tstays"], []),
        ("梯度 ∂w\n", ["梯度 ∂w"], []),
    ],
)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "in pieces"])
def test_what_a_terminal_shows(
    text: str, finished: list[str], unfinished: list[str], cut: bool
) -> None:
    pieces = list(text) if cut else [text]
    assert lines(*(("stdout", piece) for piece in pieces)) == (finished, unfinished)


def test_a_line_is_whole_even_when_the_other_stream_speaks_in_its_middle() -> None:
    finished, unfinished = lines(
        ("stdout", "loss "), ("stderr", "warning\n"), ("stdout", "0.5\nnext"), ("stderr", "w")
    )
    assert finished == ["warning", "loss 0.5"]
    assert unfinished == ["next", "w"]


def test_a_line_without_end_is_cut() -> None:
    terminal = Terminal(10)
    for _ in range(100):
        terminal.write("stdout", "x" * 1000)
    (line,) = terminal.take().unfinished
    assert line.text == "x" * LONGEST + "…"


def test_only_what_can_be_kept_is_kept() -> None:
    terminal = Terminal(3)
    terminal.write("stdout", "".join(f"{i}\n" for i in range(10)))
    assert terminal.take().finished == [Line("stdout", str(i)) for i in (7, 8, 9)]
    assert terminal.take().finished == []


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


@pytest.fixture
def console(qtbot: QtBot, session: Session) -> ConsolePanel:
    console = ConsolePanel(session)
    qtbot.addWidget(console)
    console.resize(400, 200)
    console.show()
    return console


def text_of(console: ConsolePanel) -> str:
    return console.text.toPlainText()


def test_text_appears_with_the_beat(qtbot: QtBot, session: Session, console: ConsolePanel) -> None:
    session.outputArrived.emit("stdout", "hel")
    session.outputArrived.emit("stdout", "lo\nworld")
    assert text_of(console) == ""
    qtbot.waitUntil(lambda: text_of(console) == "hello\nworld", timeout=1000)
    session.outputArrived.emit("stdout", "!\n")
    qtbot.waitUntil(lambda: text_of(console) == "hello\nworld!", timeout=1000)


def test_a_progress_bar_stays_one_line(console: ConsolePanel) -> None:
    for percent in range(0, 101, 10):
        console.write("stderr", f"\r{percent}%")
        console.show_arrived()
    console.write("stderr", "\n")
    console.write("stdout", "done\n")
    console.show_arrived()
    assert text_of(console) == "100%\ndone"


def test_two_unfinished_lines_are_both_replaced(console: ConsolePanel) -> None:
    for stream, text in (("stdout", "a"), ("stderr", "b"), ("stdout", "A\n"), ("stderr", "B\n")):
        console.write(stream, text)
        console.show_arrived()
    assert text_of(console) == "aA\nbB"


def colour_of_line(console: ConsolePanel, line: int) -> str:
    cursor = QTextCursor(console.text.document().findBlockByNumber(line))
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    return cursor.charFormat().foreground().color().name()


def test_errors_stand_in_their_own_colour_in_either_theme(console: ConsolePanel) -> None:
    console.write("stdout", "plain\n")
    console.write("stderr", "wrong\n")
    console.show_arrived()
    try:
        for scheme in ("light", "dark"):
            theme().force(scheme)
            plain, wrong = colour_of_line(console, 0), colour_of_line(console, 1)
            assert wrong == theme().colour("warning_text").name()
            assert plain != wrong
    finally:
        theme().force(None)


def test_a_flood_is_bounded_and_its_end_is_seen(console: ConsolePanel) -> None:
    for i in range(3):
        console.write("stdout", "".join(f"line {i} {j}\n" for j in range(CAPACITY)))
        console.show_arrived()
    shown = text_of(console).splitlines()
    assert len(shown) == CAPACITY
    assert (shown[0], shown[-1]) == ("line 2 0", f"line 2 {CAPACITY - 1}")
    bar = console.text.verticalScrollBar()
    assert bar.value() == bar.maximum()


def test_it_follows_the_end_unless_the_person_has_scrolled_up(console: ConsolePanel) -> None:
    console.write("stdout", "".join(f"{i}\n" for i in range(200)))
    console.show_arrived()
    bar = console.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(20)
    console.write("stdout", "more\n" * 50)
    console.show_arrived()
    assert bar.value() == 20
    bar.setValue(bar.maximum())
    console.write("stdout", "more\n" * 50)
    console.show_arrived()
    assert bar.value() == bar.maximum()


def test_what_is_read_stays_in_place_when_lines_fall_out_above(console: ConsolePanel) -> None:
    console.write("stdout", "".join(f"{i}\n" for i in range(CAPACITY)))
    console.show_arrived()
    bar = console.text.verticalScrollBar()
    bar.setValue(1000)
    console.write("stdout", "more\n" * 300)
    console.show_arrived()
    assert console.text.firstVisibleBlock().text() == "1000"


def test_a_new_program_clears_it(session: Session, console: ConsolePanel) -> None:
    console.write("stdout", "old\nunfinished")
    console.show_arrived()
    session.programOpened.emit("b.py")
    console.write("stdout", "new\n")
    console.show_arrived()
    assert text_of(console) == "new"
