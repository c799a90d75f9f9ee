"""Backward adds to ``.grad``: old + this backward = new, as numbers and as bars."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gradstep.gui.cards.bars import Bar, Bars
from gradstep.gui.cards.equation import Equation, Term
from gradstep.gui.cards.frame import Card, Hairline, Words
from gradstep.gui.cards.rows import Row, Rows
from gradstep.gui.cards.words import at, number, size_of, words
from gradstep.phases import Phase
from gradstep.protocol.training import Accumulation, Part, Update

BACK, UPDATE = Phase.BACKWARD, Phase.UPDATE


class AccumulationCard(Card):
    """Of one parameter; of a tensor the norms, and one element as bars."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("card_accumulation", parent)
        self.equation, self.bars, self.rows = Equation(), Bars(), Rows()
        self.element, self.remark = Words("caption", quiet=True), Words("caption", quiet=True)
        self.line = Hairline()
        for part in (self.equation, self.element, self.bars, self.line, self.rows, self.remark):
            self.add(part)
        self.clear()

    def clear(self, sentence: str = "") -> None:
        self.title.say(sentence)
        for part in (self.equation, self.bars, self.line):
            part.hide()
        self.element.say("")
        self.remark.say("")
        self.rows.show_rows(())

    def show_accumulation(self, card: Accumulation, update: Update | None) -> None:
        """``update``: what the next update will make of it, if that is known."""
        if card.added is None:
            self.clear(card.note)
            return
        self.title.say(words("backward adds to .grad; it does not replace it"))
        new = card.after or card.coming
        self.equation.show_terms(*_equation(card, new))
        self.equation.show()
        many = bool(card.shape) and not _single(card.added)
        self.element.say(
            words("The element {0}:").format(at(card.name, card.index)) if many else ""
        )
        self.bars.show_bars(_bars(card, new))
        self.bars.show()
        rows = _next_update(card, update)
        self.line.setVisible(bool(rows))
        self.rows.show_rows(rows)
        self.remark.say(_remark(card))


def _single(part: Part) -> bool:
    elements = part.value.elements
    return elements is not None and len(elements) == 1


def _equation(card: Accumulation, new: Part | None) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    old = "None" if card.before is None else size_of(card.before)
    since = words("iteration {0}").format(card.since)
    if card.before is not None and card.since < card.iteration - 1:
        since = words("iterations {0} to {1}").format(card.since, card.iteration - 1)
    terms = (
        Term(words("old .grad"), old, "" if card.before is None else since, lane=BACK),
        Term(
            words("this backward"), size_of(card.added),
            words("iteration {0}").format(card.iteration), lane=BACK,
        ),
        Term(
            words("new .grad"), size_of(new), "" if card.after else words("in the next step"),
            lane=BACK, boxed=True, coming=card.after is None,
        ),
    )  # fmt: skip
    return terms, ("+", "=")


def _bars(card: Accumulation, new: Part | None) -> tuple[Bar, ...]:
    old = card.before.element if card.before is not None else 0.0
    assert card.added is not None
    added = card.added.element
    return (
        Bar(words("old .grad"), 0.0, old),
        Bar(words("this backward"), old, old + added, filled=True),
        Bar(words("new .grad"), 0.0, old + added, filled=True, strong=True, also=(0.0, old)),
        Bar(words("if zeroed before"), 0.0, added, supposed=True),
    )


def _next_update(card: Accumulation, update: Update | None) -> tuple[Row, ...]:
    if update is None or update.coming is None or update.before is None or card.cleared:
        return ()
    name = at(update.name, update.index)
    now, coming = update.before.element, update.coming.element
    rows = [
        Row(words("{0} after the next update").format(name), number(coming), lane=UPDATE),
        Row(words("moves it by"), number(coming - now), quiet=True),
    ]
    if update.if_zeroed is not None:
        other = update.if_zeroed.element
        rows.insert(1, Row(words("if zeroed before"), number(other), lane=UPDATE, quiet=True))
        moved, alone = coming - now, other - now
        if alone:
            text = words("moves it by, {0} times as far").format(number(moved / alone, 3))
            rows[2] = Row(text, number(moved), quiet=True)
    return tuple(rows)


def _remark(card: Accumulation) -> str:
    said = []
    if card.scaled is not None:
        text = words("Since then .grad was multiplied by {0} (clipping or unscaling).")
        said.append(text.format(number(card.scaled, 4)))
    if card.cleared:
        said.append(words("Since then zero-grad has cleared it."))
    if card.note:
        said.append(card.note)
    return "\n".join(said)
