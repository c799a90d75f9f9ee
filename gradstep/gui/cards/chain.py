"""The chain rule at one use of a value, with its numbers."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from gradstep.gui.cards.equation import Equation, Term
from gradstep.gui.cards.frame import Card, Hairline, Words
from gradstep.gui.cards.path import PathStrip, Spot
from gradstep.gui.cards.rows import Row, Rows
from gradstep.gui.cards.typeset import Formula
from gradstep.gui.cards.words import at, number, shown, signed, title_of, words
from gradstep.gui.numbers import format_shape
from gradstep.phases import Phase
from gradstep.protocol.cards import Chain, FanOut, Quantity, Traced

BACK, AHEAD = Phase.BACKWARD, Phase.FORWARD


class ChainCard(Card):
    """Upstream × local = downstream; of tensors the rule, and one element in full."""

    edgeChosen = Signal(int)
    """Another use of the value is to be explained."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("card_chain", parent)
        self._next = -1
        self.formula = Formula()
        self.equation = Equation()
        self.letters, self.steps = Words("caption", quiet=True), Words(quiet=True)
        self.traced_title, self.traced = Words(weight=600), Rows()
        self.paths_title, self.paths = Words(weight=600), Rows()
        self.next_use = QPushButton(words("Next use"))
        self.next_use.setObjectName("cards_next_use")
        self.next_use.setProperty("small", True)
        self.next_use.setToolTip(words("The same at another operation that uses the value"))
        self.next_use.clicked.connect(lambda: self.edgeChosen.emit(self._next))
        self.way_line, self.way_title, self.way = (
            Hairline(),
            Words("caption", quiet=True),
            PathStrip(),
        )
        self.remark = Words("caption", quiet=True)
        for part in (
            self.formula, self.letters, self.equation, self.steps, self.traced_title, self.traced,
            self.paths_title, self.paths, self.next_use, self.way_line, self.way_title,
            self.way, self.remark,
        ):  # fmt: skip
            self.add(part)
        self.clear()

    def clear(self, sentence: str = "") -> None:
        """Only a sentence: there is nothing to compute with yet."""
        self.title.say(sentence)
        for part in (self.formula, self.equation, self.next_use, self.way_line, self.way):
            part.hide()
        for text in (
            self.letters,
            self.steps,
            self.traced_title,
            self.paths_title,
            self.way_title,
            self.remark,
        ):
            text.say("")
        self.traced.show_rows(())
        self.paths.show_rows(())

    def _offer_next(self, fan_out: FanOut | None) -> None:
        several = fan_out is not None and len(fan_out.paths) > 1
        self.next_use.setVisible(several)
        self._next = _after(fan_out) if fan_out is not None and several else -1

    def show_chain(self, chain: Chain, loss: str, way: tuple[Spot, ...]) -> None:
        """``loss``: its name; ``way``: from it to the value."""
        self.title.say(title_of(chain.operation))
        # Of single numbers the program's own names; of tensors letters, and what they stand for.
        alone, names = _alone(chain), _names(chain)
        self.formula.set_text(chain.formula, names if alone else None)
        self.formula.setVisible(bool(chain.formula))
        letters = [f"{letter} = {name}" for letter, name in names.items() if letter != name]
        self.letters.say("" if alone or not chain.formula else ",  ".join(letters))
        self.equation.show_terms(*_equation(chain, loss))
        self.equation.show()
        self.steps.say(_steps(chain))
        traced = chain.traced if not (_alone(chain) and chain.in_table) else None
        self.traced_title.say(_traced_title(chain, loss) if traced else "")
        self.traced.show_rows(_traced(traced) if traced else ())
        self._offer_next(chain.fan_out)
        several = chain.fan_out if chain.fan_out and len(chain.fan_out.paths) > 1 else None
        self.paths_title.say(_paths_title(several, chain) if several else "")
        self.paths.show_rows(_paths(several) if several else ())
        self.way_line.setVisible(len(way) > 1)
        name = chain.operands[chain.input].name or chain.symbol
        self.way_title.say(words("From the loss to {0}").format(name) if len(way) > 1 else "")
        self.way.show_spots(way)
        self.way.setVisible(len(way) > 1)
        self.remark.say(_remark(chain))
        self.remark.setToolTip(chain.source)
        self.formula.setToolTip(chain.source)


def _after(fan_out: FanOut) -> int:
    """The edge of the use that comes after the one that is shown."""
    edges = [path.edge for path in fan_out.paths]
    shown = next((i for i, path in enumerate(fan_out.paths) if path.chosen), -1)
    return edges[(shown + 1) % len(edges)]


def _names(chain: Chain) -> dict[str, str]:
    """What the program calls that for which the formula has a letter."""
    quantities = (*chain.operands, *chain.result)
    return {q.symbol: q.name for q in quantities if q.symbol and q.name}


def _alone(chain: Chain) -> bool:
    """Whether one number stands for the whole."""
    operand = chain.operands[chain.input].value.elements
    result = chain.result[0].value.elements if chain.result else None
    return operand is not None and len(operand) == 1 and result is not None and len(result) == 1


def _shown(quantity: Quantity | None) -> str:
    return shown(quantity.value, quantity.dtype) if quantity is not None else "?"


def _equation(chain: Chain, loss: str) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    alone, operand = _alone(chain), chain.operands[chain.input]
    result = chain.result[0] if chain.result else None
    below = (result.name if alone and result else "") or (result.symbol if result else "y")
    name = (operand.name if alone else "") or chain.symbol
    loss = loss if alone else "L"
    upstream = chain.upstream[0] if chain.upstream else None
    arrived = Term(
        words("upstream"),
        _shown(upstream),
        words("arrived") if alone and upstream else _note(upstream, words("has not come yet")),
        f"{{∂{loss}}}/{{∂{below}}}",
        BACK,
    )
    down = chain.downstream or chain.coming
    passed = Term(
        words("downstream"),
        _shown(down),
        words("for {0}").format(name) if alone else _note(down, ""),
        f"{{∂{loss}}}/{{∂{name}}}",
        BACK,
        boxed=True,
        coming=chain.downstream is None,
    )
    if chain.local is None:
        return (arrived, passed), ("→",)
    local = Term(
        words("local"),
        _shown(chain.local),
        "" if alone else _note(chain.local, ""),
        f"{{∂{below}}}/{{∂{name}}}",
        AHEAD,
    )
    return (arrived, local, passed), ("×", "=")


def _note(quantity: Quantity | None, missing: str) -> str:
    return missing if quantity is None else format_shape(quantity.shape)


def _steps(chain: Chain) -> str:
    if not chain.summed:
        return ""
    axes = ", ".join(map(str, chain.summed))
    shape = format_shape(chain.unreduced.shape) if chain.unreduced else ""
    own = format_shape(chain.operands[chain.input].shape)
    return words(
        "It was broadcast from {0} to {1}: upstream × local is summed over axis {2}."
    ).format(own, shape, axes)


def _traced_title(chain: Chain, loss: str) -> str:
    assert chain.traced is not None
    name = at(chain.operands[chain.input].name or chain.symbol, chain.traced.index)
    count = len(chain.traced.terms) + chain.traced.left
    if not count:
        return words("One element, {0}, measured").format(name)
    if count == 1:
        return words("One element: {0}").format(name)
    return words("One element, {0}: a sum of {1}").format(name, count)


def _traced(traced: Traced) -> tuple[Row, ...]:
    if not traced.terms:
        # As ``explain/numeric`` has it: u is the upstream, e the element's direction.
        product = words("(⟨u, f(x + h e)⟩ − ⟨u, f(x − h e)⟩) / 2h")
        return (Row(product, number(traced.total), lane=BACK, strong=True),)
    rows = []
    for term in traced.terms:
        left = " · ".join(_factor(f.symbol, f.index) for f in term.factors)
        below = " × ".join(
            number(f.value) if i == 0 else signed(f.value) for i, f in enumerate(term.factors)
        )
        rows.append(Row(left, number(term.value), below, BACK))
    if traced.left:
        text = words("{0} more, together").format(traced.left)
        rows.append(Row(text, number(traced.rest), lane=BACK, quiet=True))
    if len(rows) > 1:
        rows.append(Row(words("sum"), number(traced.total), lane=BACK, strong=True))
    return tuple(rows)


def _factor(symbol: str, index: tuple[int, ...]) -> str:
    return f"{symbol}[{', '.join(map(str, index))}]" if index else symbol


def _paths_title(fan_out: FanOut, chain: Chain) -> str:
    name = chain.operands[chain.input].name or chain.symbol
    return words("{0} is used {1} times: the paths add up").format(name, len(fan_out.paths))


def _paths(fan_out: FanOut) -> tuple[Row, ...]:
    rows = []
    for path in fan_out.paths:
        text = words("through {0}").format(path.operation)
        text += words(" (this card)") if path.chosen else ""
        shown = number(path.element) if path.element is not None else "?"
        rows.append(Row(text, shown, lane=BACK, quiet=not path.chosen))
    total = number(fan_out.element) if fan_out.element is not None else "?"
    rows.append(Row(words("sum"), total, lane=BACK, strong=True))
    return tuple(rows)


def _remark(chain: Chain) -> str:
    said = [chain.note] if chain.note else []
    agreement = chain.agreement
    if not chain.in_table:
        text = words("No formula is kept for {0}: shown is the vector–Jacobian product uᵀ·∂y/∂x.")
        said.insert(0, text.format(chain.operation))
        if chain.traced is not None:
            said.append(words("The call was made again, in float64, and differentiated anew."))
    if agreement.agrees is True:
        error = number(float(f"{agreement.error or 0:.1g}"), 1, "float64")
        text = words("Computed anew from the formula: autograd sent the same, to {0}.")
        exactly = words("Computed anew from the formula: autograd sent exactly the same.")
        if not chain.in_table:
            text, exactly = (
                words("Autograd sent the same, to {0}."),
                words("Autograd sent exactly the same."),
            )
        said.append(text.format(error) if agreement.error else exactly)
    elif agreement.agrees is False:
        error = number(float(f"{agreement.error or 0:.2g}"), 2, "float64")
        said.append(
            words(
                "Autograd sent something else than the formula gives ({0} apart): a hook?"
            ).format(error)
        )
    if chain.kinks:
        said.append(
            words("At {0} elements there is no derivative: {1}").format(chain.kinks, chain.kink)
        )
    return "\n".join(said)
