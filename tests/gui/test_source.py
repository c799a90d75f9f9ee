"""The source panel: reading any file, marking where the program stands, and what lines computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.cursor import Cursor
from gradstep.gui.panels.code import Style, read_code
from gradstep.gui.panels.code_view import CodeView
from gradstep.gui.panels.gutter import ARROW_LEFT, Mark
from gradstep.gui.panels.gutter import Arrow as A
from gradstep.gui.panels.line_values import LineValues
from gradstep.gui.panels.marks import marked_files
from gradstep.gui.panels.source import SourcePanel
from gradstep.gui.session import Session
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.trace import (
    Edge,
    Failure,
    Graph,
    Node,
    NodeState,
    Operation,
    Place,
    Reason,
    Stop,
)
from gradstep.protocol.values import Preview, TensorInfo, ValueKind

# ---------------------------------------------------------------------- reading


def written(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "program.py"
    path.write_bytes(data)
    return str(path)


def styles(path: str) -> list[list[tuple[str, str]]]:
    return [[(span.text, span.style.value) for span in line] for line in read_code(path).lines]


def test_keywords_comments_and_docstrings_are_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path, b'def f(x):\n    """Twice."""\n    return "s", x, None  # why\n')
    assert styles(path) == [
        [("def", "keyword"), (" f(x):", "plain")],
        [("    ", "plain"), ('"""Twice."""', "remark")],
        [
            ("    ", "plain"),
            ("return", "keyword"),
            (' "s", x, None  ', "plain"),
            ("# why", "remark"),
        ],
    ]


def test_a_docstring_over_several_lines_is_one_remark(tmp_path: Path) -> None:
    path = written(tmp_path, b'"""One\ntwo\nthree"""\nx = 1\n')
    assert [line[0][1] for line in styles(path)] == ["remark", "remark", "remark", "plain"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("# Größe ∂w\n".encode(), "# Größe ∂w"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1"),
        (b"# -*- coding: latin-1 -*-\n# Gr\xf6\xdfe\n", "# Größe"),
        ("# 梯度\n".encode(), "# 梯度"),
        (b"# coding: nonsense\n# \xff\n", "# \N{REPLACEMENT CHARACTER}"),
        (b"# \xff not utf-8\n", "# \N{REPLACEMENT CHARACTER} not utf-8"),
        (b"x = 1\r\ny = 2\r\n", "y = 2"),
        (b"if 1:\n\tx = 1\n", "    x = 1"),
        (b"def broken(:\n", "def broken(:"),
        (b"'''never closed\n", "'''never closed"),
    ],
)
def test_any_file_can_be_looked_at(tmp_path: Path, data: bytes, text: str) -> None:
    code = read_code(written(tmp_path, data))
    assert code.problem == ""
    assert "".join(span.text for span in code.lines[-1]) == text


def test_lines_are_counted_as_python_counts_them(tmp_path: Path) -> None:
    code = read_code(written(tmp_path, "a = 1\n\x0c\nb = '\u2028'\nc = 3".encode()))
    assert len(code.lines) == 4
    assert code.texts[3] == "c = 3"


@pytest.mark.parametrize("data", [b"", b"\n", b"x"])
def test_small_files(tmp_path: Path, data: bytes) -> None:
    assert len(read_code(written(tmp_path, data)).lines) == min(1, len(data))


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert "cannot be read" in read_code(str(tmp_path / "missing.py")).problem
    assert "cannot be read" in read_code(str(tmp_path)).problem


def test_columns_of_python_are_bytes(tmp_path: Path) -> None:
    code = read_code(written(tmp_path, "\té = w * x\n".encode()))
    offset = len("\té = ".encode())
    assert code.column(1, offset) == len("    é = ")


# ---------------------------------------------------------------------- marks

HERE, THERE = Place("a.py", 20), Place("a.py", 10, column=4, end_column=9)
OTHER = Place("b.py", 7)


def backward(place: Place | None, python: Place | None) -> Stop:
    operation = Operation("MulBackward0", Phase.BACKWARD, place=place)
    return Stop(Reason.STEP, 1, Phase.BACKWARD, place=python, operation=operation)


def seen(stop: Stop) -> list[tuple[str, list[tuple[int, str, str, bool]]]]:
    return [
        (file.file, [(m.line, m.arrow.value, m.words, m.tinted) for m in file.marks])
        for file in marked_files(stop)
    ]


def test_outside_backward_there_is_one_line() -> None:
    operation = Operation("mul", Phase.FORWARD, place=THERE)
    stop = Stop(Reason.STEP, 1, Phase.FORWARD, place=THERE, operation=operation)
    assert seen(stop) == [("a.py", [(10, "solid", "next", True)])]


def test_inside_backward_there_are_two() -> None:
    assert seen(backward(THERE, HERE)) == [
        (
            "a.py",
            [(10, "solid", "its backward is next", False), (20, "hollow", "Python is here", True)],
        )
    ]


def test_in_an_experiment_python_stands_nowhere() -> None:
    assert seen(backward(THERE, None)) == [("a.py", [(10, "solid", "its backward is next", True)])]


def test_on_one_line_there_is_one_mark() -> None:
    assert seen(backward(THERE, THERE)) == [("a.py", [(10, "solid", "its backward is next", True)])]


def test_in_two_files_each_has_its_own_and_nothing_is_said_twice() -> None:
    files = marked_files(backward(OTHER, HERE))
    assert [file.file for file in files] == ["b.py", "a.py"]
    assert files[0].caption == "backward of line 7 is next"
    assert [mark.words for file in files for mark in file.marks] == ["", "Python is here"]


def test_a_failure_is_a_cross_at_its_innermost_line() -> None:
    stop = Stop(Reason.EXCEPTION, failure=Failure("ValueError", "no", frames=(HERE, OTHER)))
    assert seen(stop) == [("b.py", [(7, "cross", "ValueError", True)])]


@pytest.mark.parametrize("reason", [Reason.END, Reason.LOST])
def test_where_nothing_is_next_nothing_is_marked(reason: Reason) -> None:
    assert marked_files(Stop(reason, 1, place=HERE)) == ()


# ---------------------------------------------------------------------- values of lines

SCALAR = TensorInfo((), "float32", "cpu")


def graph(*lines: tuple[int, float], reset: bool = False) -> Graph:
    nodes, edges = [], []
    for i, (line, x) in enumerate(lines):
        place = Place("a.py", line)
        nodes.append(Node(i, 1, ValueKind.RESULT, "mul", i, NodeState.DONE, place=place))
        value = Preview((x,))
        edges.append(Edge(i, 1, i, 0, -1, 0, tensor=SCALAR, value=value))
    return Graph(1, 1, reset, tuple(nodes), tuple(edges))


def test_a_line_shows_what_it_computed_last() -> None:
    values = LineValues()
    values.add(graph((3, 2.0), (5, 2.0399999618530273), (3, -1.5)))
    assert values.of("a.py") == {3: "\N{MINUS SIGN}1.5", 5: "2.04"}
    assert values.of("b.py") == {}
    first_again = Graph(1, 2, False, (), graph((3, 9.0)).edges)
    values.add(first_again)  # news of an older operation of that line
    assert values.of("a.py")[3] == "\N{MINUS SIGN}1.5"
    values.add(graph((5, 7.0), reset=True))
    assert values.of("a.py") == {5: "7"}


def test_a_value_that_comes_after_its_node_is_shown() -> None:
    values, whole = LineValues(), graph((3, 2.0))
    values.add(Graph(1, 1, True, whole.nodes, ()))
    assert values.of("a.py") == {}
    values.add(Graph(1, 2, False, (), whole.edges))
    assert values.of("a.py") == {3: "2"}


# ---------------------------------------------------------------------- the view


@pytest.fixture
def view(qtbot: QtBot, tmp_path: Path) -> CodeView:
    view = CodeView()
    qtbot.addWidget(view)
    view.resize(360, 200)
    text = "".join(f"x{i} = {i}  {'# long ' * 20 if i == 4 else ''}\n" for i in range(1, 101))
    view.show_code(read_code(written(tmp_path, text.encode())))
    view.show()
    return view


def pixels(view: CodeView) -> QImage:
    return view.viewport().grab().toImage()


def colours_in_row(view: CodeView, line: int, left: int, right: int) -> set[str]:
    image, row = pixels(view), view.rect_of(line)
    return {
        QColor(image.pixel(x, y)).name()
        for x in range(left, right)
        for y in range(row.top(), row.bottom())
    }


def test_clicking_a_line_tells_its_number(qtbot: QtBot, view: CodeView) -> None:
    with qtbot.waitSignal(view.lineAsked) as selected:
        middle = view.rect_of(3).center()
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(80, middle.y()))
    assert selected.args == [3, 1]


def test_pointing_at_a_line_tells_it_and_leaving_takes_it_back(
    qtbot: QtBot, view: CodeView
) -> None:
    told: list[int] = []
    view.lineHovered.connect(told.append)
    view.lineHovered.connect(view.show_hovered)
    qtbot.mouseMove(view.viewport(), QPoint(80, view.rect_of(2).center().y()))
    qtbot.waitUntil(lambda: told == [2])


def test_the_marked_line_is_brought_into_view(view: CodeView) -> None:
    view.show_marks((Mark(80, A.SOLID, Phase.FORWARD, "next"),))
    row = view.rect_of(80)
    assert view.viewport().rect().contains(row)
    assert view.verticalScrollBar().value() % row.height() == 8  # whole lines at the top
    at = view.verticalScrollBar().value()
    view.show_marks((Mark(81, A.SOLID, Phase.FORWARD, "next"),))
    assert view.verticalScrollBar().value() == at  # already seen: nothing moves


def test_the_next_line_is_tinted_and_its_arrow_solid(view: CodeView) -> None:
    view.show_marks((Mark(3, A.SOLID, Phase.BACKWARD, "its backward is next"),))
    colours = theme().phase(Phase.BACKWARD)
    row = colours_in_row(view, 3, 0, 360)
    assert {colours.tint.name(), colours.solid.name()} <= row
    assert colours.tint.name() not in colours_in_row(view, 5, 0, 360)


def test_solid_and_hollow_arrows_differ_inside(view: CodeView) -> None:
    view.show_marks(
        (Mark(2, A.SOLID, Phase.BACKWARD, back=True), Mark(4, A.HOLLOW, Phase.BACKWARD))
    )
    image, colours = pixels(view), theme().phase(Phase.BACKWARD)
    solid = QColor(image.pixel(ARROW_LEFT + 6, view.rect_of(2).center().y()))
    hollow = QColor(image.pixel(ARROW_LEFT + 3, view.rect_of(4).center().y()))
    assert solid.name() == colours.solid.name()
    assert hollow.name() == colours.tint.name()


def test_a_long_line_does_not_run_under_its_words(view: CodeView) -> None:
    plain = theme().colour("text_tertiary").name()
    assert plain in colours_in_row(view, 4, 300, 350)
    view.show_marks((Mark(4, A.SOLID, Phase.UPDATE, "next"),))
    assert plain not in colours_in_row(view, 4, 300, 350)


def test_values_stand_at_the_right_unless_the_code_needs_the_room(view: CodeView) -> None:
    ink = theme().phase(Phase.FORWARD).text.name()
    view.show_values({3: "2.04", 4: "3.14"})
    assert ink in colours_in_row(view, 3, 250, 350)
    assert ink not in colours_in_row(view, 4, 250, 350)


# ---------------------------------------------------------------------- the panel


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> SourcePanel:
    panel = SourcePanel(session, Cursor(), Breakpoints(session))
    qtbot.addWidget(panel)
    panel.resize(360, 500)
    panel.show()
    return panel


def shown(panel: SourcePanel) -> list[str]:
    return [Path(section.file).name for section in panel.sections if section.isVisible()]


def test_before_any_program_it_says_how_to_open_one(qtbot: QtBot, panel: SourcePanel) -> None:
    assert panel.empty.isVisible()
    with qtbot.waitSignal(panel.openRequested):
        panel.empty.button.click()


def test_the_file_is_shown_before_torch_has_loaded(
    qtbot: QtBot, session: Session, panel: SourcePanel
) -> None:
    session.programOpened.emit(str(resource("lessons", "linear.py")))
    qtbot.waitUntil(lambda: shown(panel) == ["linear.py"])
    assert not panel.empty.isVisible()
    assert panel.title_row.text() == ("Source", "linear.py")
    assert panel.view.code.texts[12] == "    return w * x"
    assert any(span.style is Style.KEYWORD for line in panel.view.code.lines for span in line)


def test_it_follows_into_a_second_file_and_back(
    qtbot: QtBot, session: Session, panel: SourcePanel
) -> None:
    one, two = (str(resource("lessons", f"{name}.py")) for name in ("linear", "product"))
    session.programOpened.emit(one)
    session.stopped.emit(backward(Place(two, 13), Place(one, 18)))
    qtbot.waitUntil(lambda: shown(panel) == ["product.py", "linear.py"])
    session.stopped.emit(Stop(Reason.STEP, 1, Phase.UPDATE, place=Place(one, 18)))
    qtbot.waitUntil(lambda: shown(panel) == ["linear.py"])
    assert [mark.line for mark in panel.view.marks] == [18]


def test_lines_and_cursor_are_one(qtbot: QtBot, session: Session) -> None:
    cursor = Cursor()
    panel = SourcePanel(session, cursor, Breakpoints(session))
    qtbot.addWidget(panel)
    path = str(resource("lessons", "linear.py"))
    session.programOpened.emit(path)
    qtbot.waitUntil(lambda: bool(panel.view.code.lines))
    with qtbot.waitSignal(cursor.lineSelected) as selected:
        panel.view.lineAsked.emit(13, 1)
    assert selected.args == [path, 13]
    assert panel.view.selected == 13
    cursor.hover_line(path, 9)
    assert panel.view.hovered == 9
    cursor.hover_line("elsewhere.py", 5)
    assert panel.view.hovered == 0


def test_a_missing_file_leaves_the_way_to_open_another(
    qtbot: QtBot, session: Session, panel: SourcePanel
) -> None:
    session.programOpened.emit(str(resource("lessons", "linear.py")))
    qtbot.waitUntil(lambda: shown(panel) == ["linear.py"])
    session.programOpened.emit("/nowhere/missing.py")
    assert shown(panel) == []
    assert panel.empty.isVisible()


# ---------------------------------------------------------------------- words beside the code


def test_words_make_way_for_the_code(qtbot: QtBot, tmp_path: Path) -> None:
    """Where the code would be cut, fewer words say that its backward is next."""
    view = CodeView()
    qtbot.addWidget(view)
    view.resize(360, 200)
    view.show_code(read_code(written(tmp_path, b"y = w * x\n        return self.output(h)\n")))
    short, long = (
        Mark(line, A.SOLID, Phase.BACKWARD, "its backward is next", few="backward")
        for line in (1, 2)
    )
    edge = 360.0 - 12
    assert view._words_of(short, edge) == "its backward is next"
    assert view._words_of(long, edge) == "backward"
    view.show_marks((short, long))
    assert view._right_of_code(2) > 52 + view._width(2), "and all of the code is seen"
    assert view.accessibleDescription() == (
        "line 1: y = w * x, its backward is next; "
        "line 2: return self.output(h), its backward is next"
    )


def test_words_stay_near_their_code_in_a_wide_view(qtbot: QtBot, tmp_path: Path) -> None:
    view = CodeView()
    qtbot.addWidget(view)
    view.resize(1900, 200)
    view.show_code(read_code(written(tmp_path, b"y = w * x\n")))
    view.show_marks((Mark(1, A.SOLID, Phase.BACKWARD, "its backward is next"),))
    assert view._right_of_code(1) < 600


def test_the_first_line_is_whole_at_the_end_too(qtbot: QtBot, tmp_path: Path) -> None:
    view = CodeView()
    qtbot.addWidget(view)
    view.show_code(read_code(written(tmp_path, b"x = 1\n" * 100)))
    view.show()
    for height in (200, 213, 487):
        view.resize(360, height)
        bar = view.verticalScrollBar()
        bar.setValue(bar.maximum())
        assert view.rect_of(view.line_at(QPoint(60, 1))).top() == 0
        assert view.rect_of(100).bottom() <= height
