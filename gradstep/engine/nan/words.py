"""What made it not finite, in a sentence with the numbers that did it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from gradstep.protocol.nonfinite import NotFinite, Operand


def number(value: float | None) -> str:
    """``0``, ``-2.5``, ``1.2e+06``, ``NaN``, ``Inf``, ``-Inf``."""
    if value is None:
        return "?"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "−Inf"
    return f"{value:.6g}".replace("-", "−", 1) if value < 0 else f"{value:.6g}"


def at(index: tuple[int, ...] | None) -> str:
    return "" if not index else f" at [{', '.join(map(str, index))}]"


def forward(operation: str, kind: NotFinite, result: Operand, inputs: tuple[Operand, ...]) -> str:
    """What a call did. ``inputs`` in the order of its arguments, numbers among them."""
    name = operation.rstrip("_")
    values = [o.element for o in inputs]
    gave = number(result.element) if result.element is not None else kind.word
    told = ""
    if values and None not in values:
        told = _elementwise(name, [v for v in values if v is not None], gave)
    return (
        told
        or _reduced(name, result, inputs)
        or _narrowed(result, inputs)
        or _generic(operation, kind, result, inputs)
    )


def _elementwise(name: str, values: list[float], gave: str) -> str:
    sign = _SIGNS.get(name)
    if name in _REFLECTED and len(values) == 2:
        values, sign = values[::-1], _REFLECTED[name]
    if sign and len(values) >= 2:
        left, right = map(number, values[:2])
        return f"{left} {sign} {right} = {gave}"
    if name in _OF_ONE and len(values) == 1:
        return f"{_OF_ONE[name]}({number(values[0])}) = {gave}"
    if name == "reciprocal" and len(values) == 1:
        return f"1 / {number(values[0])} = {gave}"
    if name in ("atan2", "fmod", "remainder", "xlogy") and len(values) == 2:
        return f"{name}({number(values[0])}, {number(values[1])}) = {gave}"
    return ""


_SIGNS = {
    "add": "+", "sub": "−", "subtract": "−", "mul": "×", "multiply": "×", "div": "/",
    "divide": "/", "true_divide": "/", "pow": "**", "float_power": "**",
}  # fmt: skip
_REFLECTED = {"rdiv": "/", "rsub": "−", "rpow": "**"}
_OF_ONE = {
    n: n
    for n in (
        "sqrt", "rsqrt", "log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "acos", "asin",
        "atanh", "acosh", "cosh", "sinh", "tan", "lgamma", "digamma", "erfinv", "logit", "square",
        "sin", "cos",
    )
} | {"arccos": "acos", "arcsin": "asin", "special_logit": "logit"}  # fmt: skip


def _reduced(name: str, result: Operand, inputs: tuple[Operand, ...]) -> str:
    """Reductions that have no answer."""
    first = inputs[0] if inputs else None
    if first is None or first.tensor is None:
        return ""
    whole = first.inf + first.nan
    if name in ("mean", "nanmean", "median") and first.tensor.numel == 0:
        return f"{name} over no elements is 0 / 0 = NaN"
    if name in ("std", "var") and first.tensor.numel > 0 and not whole:
        return f"{name} over one element divides by 1 − 1 = 0 and gives NaN"
    if name in ("softmax", "log_softmax", "scaled_dot_product_attention") and first.inf:
        return f"{name} of a row whose scores are all −Inf (or one is Inf) is 0 / 0 = NaN"
    if name in ("cross_entropy", "nll_loss") and not whole and result.nan:
        return f"{name} averages over no target (all are ignored): 0 / 0 = NaN"
    return ""


def _narrowed(result: Operand, inputs: tuple[Operand, ...]) -> str:
    """A number that does not fit into the type of the result."""
    if result.tensor is None:
        return ""
    kind = getattr(torch, result.tensor.dtype, None)
    if kind is None or not kind.is_floating_point:
        return ""
    limit = number(torch.finfo(kind).max)
    for operand in inputs:
        value = operand.element
        if value is not None and math.isfinite(value) and abs(value) > torch.finfo(kind).max:
            return f"{number(value)} does not fit into {result.tensor.dtype} (at most {limit})"
    if any(o.inf or o.nan for o in inputs):
        return ""
    if result.nan:
        small = kind.itemsize < 4 and inputs
        return f"its sums overflow {result.tensor.dtype} (at most {limit})" if small else ""
    return f"the result is too large for {result.tensor.dtype} (at most {limit})"


def _generic(operation: str, kind: NotFinite, result: Operand, inputs: tuple[Operand, ...]) -> str:
    went_in = ", ".join(f"{o.name or o.role} = {number(o.element)}" for o in inputs[:4] if
                        o.element is not None)  # fmt: skip
    given = f" from {went_in}" if went_in else ""
    inf = next((o for o in inputs if o.inf), None)
    if kind is NotFinite.NAN and inf is not None:
        what = f"gave NaN{at(result.index)}{given}: {inf.name or 'an input'} holds Inf"
        return f"{operation} {what}"
    return f"{operation} gave {kind.word}{at(result.index)}{given}, and every input is finite"


# ---------------------------------------------------------------------- backward

Slope = tuple[str, float]
"""A local derivative written out with its number, and what it comes to."""


def backward(
    node: str, kind: NotFinite, result: Operand, upstream: Operand | None, x: Operand | None,
    other: Operand | None = None, output: Operand | None = None,
) -> str:  # fmt: skip
    """What a node did: upstream gradient times local derivative at ``x``. ``other``: the second
    input of the call, ``output`` its result."""
    name = node.partition("Backward")[0].lower().rstrip("_")
    above = upstream.element if upstream is not None else None
    gave = number(result.element) if result.element is not None else kind.word
    rule = _SLOPES.get(name)
    second = other.element if other is not None else None
    slope = None
    if rule is not None and x is not None and x.element is not None:
        slope = rule(x.element, second, output.element if output is not None else None)
    if name in ("norm", "linalgvectornorm") and output is not None and output.element == 0:
        slope = (f"norm'(0) = x / ‖x‖ = {number(x.element if x else None)} / 0", math.nan)
        return f"{slope[0]} = NaN: the norm of a vector of zeros has no derivative"
    if slope is None:
        return _generic_node(node, kind, result, upstream, x)
    words, value = slope
    if above is None:
        return f"{words} = {number(value)}"
    if value == value and abs(value) != math.inf and math.isfinite(above):
        dtype = result.tensor.dtype if result.tensor is not None else "its type"
        return (
            f"{words} = {number(value)}, and {number(value)} × {number(above)} "
            f"is too large for {dtype}: {gave}"
        )
    return f"{words} = {number(value)}, and {number(value)} × {number(above)} = {gave}"


def quotient(
    kind: NotFinite,
    result: Operand,
    upstream: Operand | None,
    divisor: Operand | None,
    dividend: Operand | None,
) -> str:
    """The gradient of the second operand of a division."""
    a = dividend.element if dividend is not None else None
    b = divisor.element if divisor is not None else None
    above = upstream.element if upstream is not None else None
    if a is None or b is None or above is None:
        return _generic_node("DivBackward0", kind, result, upstream, divisor)
    value = -_divide(a, b * b)
    gave = number(result.element) if result.element is not None else kind.word
    words = f"the slope in b of a/b is −a/b² = −{number(a)}/{number(b)}² = {number(value)}"
    return f"{words}, and {number(value)} × {number(above)} = {gave}"


def _generic_node(
    node: str, kind: NotFinite, result: Operand, upstream: Operand | None, x: Operand | None
) -> str:
    parts = []
    if upstream is not None and upstream.element is not None:
        parts.append(f"the upstream gradient is {number(upstream.element)}")
    if x is not None and x.element is not None:
        parts.append(f"{x.name or 'the input'} is {number(x.element)}")
    where = f" where {' and '.join(parts)}" if parts else ""
    return f"{node} sent {kind.word}{at(result.index)}{where}"


def _divide(a: float, b: float) -> float:
    """As IEEE 754 does, where Python raises."""
    if b == 0:
        if a == 0 or math.isnan(a):
            return math.nan
        return math.copysign(math.inf, a) * math.copysign(1.0, b)
    return a / b


def _sqrt(x: float, _: float | None, __: float | None) -> Slope:
    root = math.sqrt(x) if x >= 0 else math.nan
    return f"sqrt'({number(x)}) = 1/(2·{number(root)})", _divide(1.0, 2 * root)


def _rsqrt(x: float, _: float | None, __: float | None) -> Slope:
    value = -0.5 * _divide(1.0, x * math.sqrt(x)) if x >= 0 else math.nan
    return f"rsqrt'({number(x)}) = −1/(2·{number(x)}·√{number(x)})", value


def _logarithm(name: str, base: str, scale: float) -> Callable[..., Slope]:
    def slope(x: float, _: float | None, __: float | None) -> Slope:
        return f"{name}'({number(x)}) = 1/({base}{number(x)})", _divide(1.0, x * scale)

    return slope


def _log(x: float, _: float | None, __: float | None) -> Slope:
    return f"log'({number(x)}) = 1/{number(x)}", _divide(1.0, x)


def _log1p(x: float, _: float | None, __: float | None) -> Slope:
    return f"log1p'({number(x)}) = 1/(1 + {number(x)})", _divide(1.0, 1.0 + x)


def _reciprocal(x: float, _: float | None, __: float | None) -> Slope:
    return f"(1/x)'({number(x)}) = −1/{number(x)}²", -_divide(1.0, x * x)


def _pow(x: float, exponent: float | None, _: float | None) -> Slope | None:
    if exponent is None:
        return None
    try:
        power = math.pow(x, exponent - 1)
    except ZeroDivisionError:
        power = math.inf
    except ValueError:
        power = math.nan
    except OverflowError:
        power = math.inf
    n = number(exponent)
    return f"(x**{n})'({number(x)}) = {n}·{number(x)}**{number(exponent - 1)}", exponent * power


def _exp(x: float, _: float | None, y: float | None) -> Slope:
    if y is None:
        try:
            y = math.exp(x)
        except OverflowError:
            y = math.inf
    return f"exp'({number(x)}) = exp({number(x)})", y


def _arc(name: str, sign: float) -> Callable[..., Slope]:
    def slope(x: float, _: float | None, __: float | None) -> Slope:
        inside = 1 - x * x
        root = math.sqrt(inside) if inside >= 0 else math.nan
        minus = "−" if sign < 0 else ""
        words = f"{name}'({number(x)}) = {minus}1/√(1 − {number(x)}²)"
        return words, sign * _divide(1.0, root)

    return slope


def _atan2(y: float, x: float | None, _: float | None) -> Slope | None:
    if x is None:
        return None
    words = f"atan2'({number(y)}, {number(x)}) = x/(x² + y²) = {number(x)}/{number(x * x + y * y)}"
    return words, _divide(x, x * x + y * y)


def _div(x: float, divisor: float | None, _: float | None) -> Slope | None:
    if divisor is None:
        return None
    return f"(a/b)' = 1/b = 1/{number(divisor)}", _divide(1.0, divisor)


def _mul(x: float, factor: float | None, _: float | None) -> Slope | None:
    return None if factor is None else ("(a·b)' = b", factor)


_SLOPES: dict[str, Callable[[float, float | None, float | None], Slope | None]] = {
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "log": _log,
    "log2": _logarithm("log2", "ln 2·", math.log(2)),
    "log10": _logarithm("log10", "ln 10·", math.log(10)),
    "log1p": _log1p,
    "reciprocal": _reciprocal,
    "pow": _pow,
    "exp": _exp,
    "acos": _arc("acos", -1.0),
    "asin": _arc("asin", 1.0),
    "atan2": _atan2,
    "div": _div,
    "mul": _mul,
}
