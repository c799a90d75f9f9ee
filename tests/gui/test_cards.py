"""The cards in a real window on real programs; their numbers are computed a second time."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.cards import typeset
from gradstep.gui.cards.bars import Bar, Bars
from gradstep.gui.cards.panel import ACCUMULATION, UPDATE, Cards
from gradstep.gui.window import MainWindow
from gradstep.phases import Phase
from gradstep.protocol.messages import Problem
from tests.gui.windows import WAIT, action, opened, written


@pytest.fixture
def lesson(qtbot: QtBot, window: MainWindow) -> MainWindow:
    window = opened(qtbot, window, str(resource("lessons", "linear.py")))
    window.cursor_.select("w")
    return window


def run(qtbot: QtBot, window: MainWindow, *phases: Phase) -> None:
    for phase in phases:
        with qtbot.waitSignal(window.session.stopped, timeout=WAIT):
            action(window, phase.value).trigger()


def turn(qtbot: QtBot, cards: Cards, index: int) -> None:
    segment = cards.segments._group.button(index)
    qtbot.mouseClick(segment, Qt.MouseButton.LeftButton)


F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD


# ---------------------------------------------------------------------- formulas


@given(st.text(alphabet="ab_^{}/ ∂Σ1", max_size=24))
def test_any_text_is_a_formula(text: str) -> None:
    def letters(pieces: tuple[typeset.Piece, ...]) -> str:
        found = ""
        for piece in pieces:
            if isinstance(piece, typeset.Word):
                found += piece.text
            elif isinstance(piece, typeset.Script):
                found += letters(piece.pieces)
            else:
                found += letters(piece.above) + letters(piece.below)
        return found

    kept = [c for c in text if c not in "_^{}/"]
    assert [c for c in letters(typeset.parse(text)) if c not in "_^{}/"] == kept


def test_scripts_and_fractions() -> None:
    (x, below, space, fraction) = typeset.parse("x_{i} {∂L}/{∂y^{2}}")
    assert x == typeset.Word("x") and space == typeset.Word(" ")
    assert below == typeset.Script((typeset.Word("i"),), above=False)
    assert isinstance(fraction, typeset.Fraction)
    assert fraction.above == typeset.parse("∂L")
    assert fraction.below[-1] == typeset.Script((typeset.Word("2"),), above=True)


def test_a_long_formula_takes_more_lines(qtbot: QtBot, window: MainWindow) -> None:
    formula = typeset.Formula()
    qtbot.addWidget(formula)
    formula.set_text("∂L/∂x = {1}/{σ} (ĝ − mean ĝ − x̂ mean(ĝ x̂)), ĝ = γ ∂L/∂y")
    assert len(formula.lines(1000)) == 1 < len(formula.lines(120))
    assert formula.heightForWidth(120) > formula.heightForWidth(1000)
    pieces = [piece for line in formula.lines(120) for piece in line]
    words = [p.text for p in pieces if isinstance(p, typeset.Word) and p.text.strip()]
    whole = typeset.parse(formula.text)
    assert words == [p.text for p in whole if isinstance(p, typeset.Word) and p.text.strip()]


# ---------------------------------------------------------------------- cards


def test_there_are_none_before_anything_ran(lesson: MainWindow) -> None:
    assert lesson.workspace.cards.isHidden()


def test_accumulation_shows_the_sum_and_what_zeroing_would_change(
    qtbot: QtBot, lesson: MainWindow
) -> None:
    w = torch.tensor(1.0, requires_grad=True)
    (w * 1 - 2).square().backward()
    assert w.grad is not None
    first = w.grad.item()
    with torch.no_grad():
        w -= 0.01 * w.grad
    (w * 2 - 4).square().backward()
    second = w.grad.item() - first
    cards = lesson.workspace.cards
    run(qtbot, lesson, F, B, U, F, B)
    turn(qtbot, cards, ACCUMULATION)
    qtbot.waitUntil(lambda: len(cards.accumulation.equation.terms) == 3, timeout=WAIT)
    terms = cards.accumulation.equation.terms
    assert [t.number for t in terms] == ["−2", "−7.84", "−9.84"]
    ends = [bar.end for bar in cards.accumulation.bars.bars]
    assert ends == pytest.approx([first, first + second, first + second, second], rel=1e-6)
    after, zeroed = w.item() - 0.01 * (first + second), w.item() - 0.01 * second
    rows = {row.left: row.right for row in cards.accumulation.rows.rows}
    assert rows["w after the next update"] == f"{after:.4f}"
    assert rows["if zeroed before"] == f"{zeroed:.4f}"
    assert "1.26 times as far" in cards.accumulation.rows.accessibleName()
    # Read aloud, the card says the same.
    assert cards.accumulation.equation.accessibleName() == (
        "old .grad −2 + this backward −7.84 = new .grad −9.84"
    )


def test_an_update_is_told_before_and_compared_after(qtbot: QtBot, lesson: MainWindow) -> None:
    cards = lesson.workspace.cards
    run(qtbot, lesson, F, B)
    turn(qtbot, cards, UPDATE)
    qtbot.waitUntil(lambda: len(cards.update_.equation.terms) == 2, timeout=WAIT)
    assert [t.number for t in cards.update_.equation.terms] == ["1", "1.02"]
    assert [(r.left, r.right) for r in cards.update_.steps.rows] == [
        ("g = .grad", "−2"), ("w_{next} = w − η g", "1.02"),
    ]  # fmt: skip
    assert cards.update_.steps.rows[-1].below == "1 − 0.01 × (−2)"
    run(qtbot, lesson, U)
    qtbot.waitUntil(lambda: "as told" in cards.update_.remark.text(), timeout=WAIT)


def test_check_and_why_answer_when_they_are_asked(qtbot: QtBot, lesson: MainWindow) -> None:
    cards = lesson.workspace.cards
    run(qtbot, lesson, F, B)
    check, why = (cards.findChild(QPushButton, name) for name in ("cards_check", "cards_why"))
    assert check is not None and why is not None
    qtbot.waitUntil(lambda: check.isVisible(), timeout=WAIT)
    qtbot.mouseClick(check, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "agrees" in cards.below.verdict.text(), timeout=WAIT)
    assert "−2" in cards.below.verdict.text()
    qtbot.mouseClick(why, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(cards.below.answer.text()), timeout=WAIT)
    assert cards.below.answer.text().endswith("Nothing is peculiar about its size.")
    run(qtbot, lesson, U)  # what was answered is about other numbers now
    qtbot.waitUntil(lambda: not cards.below.verdict.text(), timeout=WAIT)
    run(qtbot, lesson, Z)
    qtbot.waitUntil(why.isVisible, timeout=WAIT)
    qtbot.keyClick(why, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: "Zero-grad" in cards.below.answer.text(), timeout=WAIT)
    assert cards.below.answer.text().startswith("Why is it zero?")


def test_the_keyboard_reaches_the_cards(qtbot: QtBot, lesson: MainWindow) -> None:
    run(qtbot, lesson, F, B)
    cards = lesson.workspace.cards
    qtbot.waitUntil(lambda: cards.isVisible(), timeout=WAIT)
    reached: list[QWidget] = []
    start = cards.segments._group.button(0)
    widget: QWidget | None = start
    for _ in range(200):
        widget = widget.nextInFocusChain() if widget is not None else None
        if widget is None or widget is start:
            break
        reached.append(widget)
    assert cards.below.check in reached and cards.below.why in reached
    start.setFocus()
    qtbot.keyClick(start, Qt.Key.Key_Right)
    assert cards.segments.index == ACCUMULATION


def test_the_chain_rule_of_the_lesson(qtbot: QtBot, lesson: MainWindow) -> None:
    cards = lesson.workspace.cards
    run(qtbot, lesson, F, B, U, Z, F)
    card = cards.chain
    qtbot.waitUntil(lambda: len(card.equation.terms) == 3, timeout=WAIT)
    assert [t.number for t in card.equation.terms] == ["?", "2", "?"]
    with qtbot.waitSignal(lesson.session.stopped, timeout=WAIT):
        action(lesson, "backward").trigger()
    w = torch.tensor(1.02)
    upstream = 2 * (w * 2 - 4)
    assert f"{upstream.item():.2f}" == "-3.92"
    qtbot.waitUntil(lambda: card.equation.terms[0].number == "−3.92", timeout=WAIT)
    assert [t.number for t in card.equation.terms] == ["−3.92", "2", "−7.84"]
    # In the program's own words.
    assert [t.symbol for t in card.equation.terms] == [
        "{∂loss}/{∂y_pred}", "{∂y_pred}/{∂w}", "{∂loss}/{∂w}",
    ]  # fmt: skip
    assert card.formula.accessibleName() == "∂y_pred/∂w = x"
    qtbot.waitUntil(lambda: len(card.way.spots) == 4, timeout=WAIT)
    assert [(s.number, s.name) for s in card.way.spots] == [
        ("1", "loss"), ("−3.92", "r"), ("−3.92", "y_pred"), ("−7.84", "w"),
    ]  # fmt: skip
    assert "the same" in card.remark.text()


def test_the_element_that_is_chosen_in_the_table_is_traced(
    qtbot: QtBot, window: MainWindow
) -> None:
    opened(qtbot, window, str(resource("lessons", "two_layers.py")))
    run(qtbot, window, F, B)
    window.cursor_.select("hidden.weight")
    card, tensor = window.workspace.cards.chain, window.workspace.value.tensor
    qtbot.waitUntil(lambda: bool(card.traced.rows), timeout=WAIT)
    assert card.traced_title.text() == "One element, hidden.weight[0, 0]: a sum of 4"
    grid = tensor.tables["grad"].grid
    qtbot.waitUntil(lambda: tensor.tables["grad"].model.element(2, 1) is not None, timeout=WAIT)
    at = grid.visualRect(grid.model().index(2, 1)).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: "[2, 1]" in card.traced_title.text(), timeout=WAIT)
    plain = runpy.run_path(str(resource("lessons", "two_layers.py")))["experiment"]()
    plain.forward(0)
    plain.backward()
    wanted = plain.model.hidden.weight.grad[2, 1].item()
    total = card.traced.rows[-1].right.replace("−", "-")
    assert float(total) == pytest.approx(wanted, rel=1e-5)


def test_every_use_of_a_value_can_be_looked_at(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    text = """
import torch
w = torch.tensor(2.0, requires_grad=True)
loss = w.exp() + w * 3
loss.backward()
"""
    opened(qtbot, window, written(tmp_path, text))
    run(qtbot, window, B)
    window.cursor_.select("w")
    card = window.workspace.cards.chain
    qtbot.waitUntil(lambda: card.next_use.isVisible(), timeout=WAIT)
    assert [row.right for row in card.paths.rows] == ["7.38906", "3", "10.3891"]
    seen = {card.equation.terms[-1].number}
    qtbot.mouseClick(card.next_use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: card.equation.terms[-1].number not in seen, timeout=WAIT)
    seen.add(card.equation.terms[-1].number)
    w = torch.tensor(2.0)
    wanted = [3.0, w.exp().item()]
    assert sorted(map(float, seen)) == pytest.approx(wanted, rel=1e-5)


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=4))
def test_an_axis_holds_its_bars_and_zero(ends: list[float]) -> None:
    bars = Bars.__new__(Bars)
    bars.bars = tuple(Bar("", 0.0, end) for end in ends)
    low, high, step = Bars.span(bars)
    assert low <= min(0.0, *ends) <= max(0.0, *ends) <= high
    assert 1 <= (high - low) / step <= 7


def test_an_overtaken_reading_leaves_the_card_as_it_was(qtbot: QtBot, lesson: MainWindow) -> None:
    """The program goes on: at the next stop it is asked again, and nothing flickers meanwhile."""
    cards = lesson.findChild(Cards)
    assert isinstance(cards, Cards)
    page = cards.pages[cards._page]
    page.clear("what was there")
    for kind in ("overtaken", "busy"):
        cards._no_card(Problem(kind, "Not read to the end."))
        assert page.title.text() == "what was there"
    cards._no_card(Problem("unavailable", "It was not kept."))
    assert page.title.text() == "It was not kept."
