"""Sentences of the cards."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from gradstep.gui.numbers import MINUS, format_number, norm_of
from gradstep.protocol.rerun import Check, Verdict
from gradstep.protocol.training import Part
from gradstep.protocol.values import Preview
from gradstep.protocol.why import Because, Why


def words(text: str) -> str:
    return QCoreApplication.translate("Cards", text)


def number(x: float | None, digits: int = 6, dtype: str = "float32") -> str:
    """A sum or product of elements: rounded, as it has more digits than either."""
    if x is None:
        return "?"
    return format_number(x + 0.0, dtype, digits)  # no negative zero


def signed(x: float, digits: int = 6) -> str:
    """In brackets if it is negative, to stand after an operator."""
    text = number(x, digits)
    return f"({text})" if text.startswith(MINUS) else text


def size_of(part: Part | None) -> str:
    """The number itself; of many the norm."""
    return shown(part.value) if part is not None else ""


def shown(value: Preview, dtype: str = "float32") -> str:
    """One number as it is; of many the norm, between bars."""
    if value.problem:
        return value.problem
    if value.elements is not None and len(value.elements) == 1:
        return format_number(value.elements[0], dtype)
    size = norm_of(value)
    return "?" if size is None else f"‖{number(size, 4)}‖"


def at(name: str, index: tuple[int, ...]) -> str:
    """``w``; of a tensor ``w[0, 1]``."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


# What an operation does to a gradient, in one sentence each.
_TITLES = {
    "mul": "× multiplies what arrives by its other input",
    "add": "+ passes what arrives to each of its inputs",
    "sub": "− passes it on, to what was subtracted with the sign turned",
    "neg": "− turns the sign of what arrives",
    "div": "÷ divides what arrives by the divisor",
    "pow": "A power multiplies by its exponent and one power less",
    "square": "A square multiplies what arrives by 2x",
    "sum": "A sum passes what arrives to every element",
    "mean": "A mean gives every element an equal part",
    "matmul": "A product of matrices sends it through the other one, transposed",
    "linear": "A linear layer sends it through its other factor, transposed",
    "relu": "ReLU lets through where its input was positive",
    "sigmoid": "σ multiplies by its slope, at most ¼",
    "tanh": "tanh multiplies by its slope, at most 1",
    "exp": "exp multiplies by its own result",
    "log": "log divides what arrives by its input",
    "cross_entropy": "Softmax and cross-entropy together leave ŷ − y",
    "mse_loss": "The squared error passes twice the difference",
    "dropout": "Dropout lets through where it did not drop",
    "softmax": "Softmax takes away the part that all share",
}


def title_of(operation: str) -> str:
    plain = operation.rstrip("_")
    found = _TITLES.get(plain)
    return words(found) if found else words("The chain rule at {0}").format(plain)


def verdict(check: Check) -> str:
    """The result of a finite difference."""
    found = number(check.difference, 7, "float64")
    if check.verdict is Verdict.AGREES:
        if not check.error:
            return words("Finite difference {0} agrees exactly").format(found)
        error = number(float(f"{check.error:.1g}"), 1, "float64")
        return words("Finite difference {0} agrees to {1}").format(found, error)
    slopes = (number(check.left, 5, "float64"), number(check.right, 5, "float64"))
    texts = {
        Verdict.DIFFERS: words("Finite difference {0} differs").format(found),
        Verdict.KINK: words(
            "Not differentiable here: slope {0} on the left, {1} on the right; the gradient lies "
            "between them"
        ).format(*slopes),
        Verdict.OUTSIDE: words(
            "Not differentiable here: slope {0} on the left, {1} on the right; the gradient lies "
            "outside of them"
        ).format(*slopes),
        Verdict.UNTOUCHED: words(
            "The loss does not change with it: the gradient came on a way that was not recorded"
        ),
        Verdict.NO_GRADIENT: words(
            "Finite difference {0}; backward has brought nothing yet"
        ).format(found),
        Verdict.NOT_FINITE: words("The loss is not finite here: there is no slope"),
    }
    return texts[check.verdict]


_SENTENCES = {
    Because.NOT_REQUIRED: "requires_grad is False: backward passes it by.",
    Because.FROZEN: "This parameter is frozen: its requires_grad is False.",
    Because.NOT_A_LEAF: "It is the result of an operation. PyTorch keeps .grad of leaves only, "
    "unless retain_grad() was called.",
    Because.INTEGER: "Integers have no derivative.",
    Because.NO_BACKWARD: "No backward has run in this iteration yet.",
    Because.NOT_USED: "No recorded operation leads from it to the loss: it is not used there, or "
    "only under no_grad or as plain numbers.",
    Because.DETACHED: "On its way to the loss, {0} cut it off the graph.",
    Because.NO_GRAD: "On its way to the loss, {0} ran with gradients off.",
    Because.UNDIFFERENTIABLE: "On its way to the loss stands {0}, which has no derivative.",
    Because.NOT_YET: "Backward has not come so far yet.",
    Because.CLEARED: "Backward brought a gradient; zero-grad has removed it since.",
    Because.ZEROED: "Zero-grad has set it to zero.",
    Because.LOSS_CONSTANT: "The gradient was zero from the beginning, at the loss.",
    Because.LOST: "A gradient came to {0}, which passed on zero.",
    Because.CANCELLED: "Along each path comes a gradient; together they are zero.",
    Because.GREW: "On the way from the loss, {0} multiplied it most: {1} times.",
    Because.SHRANK: "On the way from the loss, {0} made it smallest: {1} times.",
    Because.ADDED_UP: ".grad was not cleared: more than the last backward is in it.",
    Because.ORDINARY: "Nothing is peculiar about its size.",
    Because.UNKNOWN: "What happened was not recorded.",
}


def sentence(why: Why) -> str:
    """Why the gradient is what it is."""
    text = words(_SENTENCES[why.because])
    hop = why.hops[why.at] if why.at is not None else None
    factor = "?"
    if hop is not None and hop.upstream and hop.downstream is not None:
        factor = number(float(f"{hop.downstream / hop.upstream:.3g}"), 3, "float64")
    place = words("{0} at line {1}").format(why.operation, why.place.line) if why.place else ""
    return text.format(place or why.operation, factor)


def question(why: Why | None) -> str:
    """What the button asks."""
    asked = {
        "none": words("Why is it None?"),
        "zero": words("Why is it zero?"),
        "huge": words("Why is it so large?"),
        "tiny": words("Why is it so small?"),
    }
    return asked.get(why.subject if why else "", words("How did it get here?"))
