"""The next update of a parameter, taken apart line by line."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gradstep.gui.cards.equation import Equation, Term
from gradstep.gui.cards.frame import Card, Hairline, Words
from gradstep.gui.cards.rows import Row, Rows
from gradstep.gui.cards.words import at, number, size_of, words
from gradstep.phases import Phase
from gradstep.protocol.training import Update

LETTERS = {
    "lr": "η", "weight_decay": "λ", "momentum": "μ", "dampening": "τ", "eps": "ε", "alpha": "α",
    "lr_decay": "κ", "β₁": "β_{1}", "β₂": "β_{2}",
}  # fmt: skip
"""As the formulas call the optimizer's options."""


class UpdateCard(Card):
    """Before it is committed; afterwards, whether the optimizer did just that."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("card_update", parent)
        self.equation, self.steps, self.options = Equation(), Rows(), Rows()
        self.element, self.remark = Words("caption", quiet=True), Words("caption", quiet=True)
        self.line = Hairline()
        for part in (
            self.equation, self.element, self.steps, self.line, self.options, self.remark,
        ):  # fmt: skip
            self.add(part)
        self.clear()

    def clear(self, sentence: str = "") -> None:
        self.title.say(sentence)
        self.equation.hide()
        self.line.hide()
        self.steps.show_rows(())
        self.options.show_rows(())
        self.element.say("")
        self.remark.say("")

    def show_update(self, update: Update, done: bool | None = None) -> None:
        """``done``: whether the last update came out as it was told (None: not compared)."""
        if update.coming is None or update.before is None:
            self.clear(update.note)
            return
        self.title.say(_title(update))
        now, coming = update.before, update.coming
        moved = coming.element - now.element
        step = f"+{number(moved)}" if moved >= 0 else number(moved)
        self.equation.show_terms(
            (
                Term(words("now"), size_of(now), lane=Phase.FORWARD),
                Term(
                    words("next"), size_of(coming), words("{0} moves by {1}").format(
                        at(update.name, update.index), step
                    ),
                    lane=Phase.UPDATE, boxed=True, coming=True,
                ),
            ),
            ("→",),
        )  # fmt: skip
        self.equation.show()
        tensor = bool(update.shape)
        name = at(update.name, update.index)
        self.element.say(words("Line by line, for {0}:").format(name) if tensor else "")
        self.steps.show_rows(_rows(update))
        options = tuple(
            Row(f"{LETTERS.get(name, name)}  {name}", f"{value:.6g}", quiet=True)
            for name, value in update.options
        )
        self.options.show_rows(options)
        self.line.setVisible(bool(options))
        said = [update.source] if update.source else []
        if done is not None:
            told = words("The last update came out as told.")
            other = words("The last update came out differently from what was told.")
            said.insert(0, told if done else other)
        self.remark.say("\n".join(said))


def _title(update: Update) -> str:
    if update.rule == "by hand":
        return words("The update goes against the gradient")
    if update.count is not None:
        return words("{0}, step {1}, taken apart").format(update.rule, update.count)
    return words("{0} taken apart").format(update.rule)


def _rows(update: Update) -> tuple[Row, ...]:
    rows = []
    last = len(update.steps) - 1
    for i, step in enumerate(update.steps):
        lane = Phase.UPDATE if i == last else None
        symbol = "w_{next}" if i == last else step.symbol
        result = number(step.result.element)
        below = "" if step.numbers.strip("()") == result else step.numbers
        rows.append(Row(f"{symbol} = {step.formula}", result, below, lane, strong=i == last))
    return tuple(rows)
