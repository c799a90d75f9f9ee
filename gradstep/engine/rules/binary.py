"""Element-wise operations on several tensors, all of which broadcast."""

from __future__ import annotations

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Arguments, Slot
from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Elementwise, Of
from gradstep.engine.rules.rule import TWO, Mask, Rule, yaml


def _two(
    names: str,
    x: tuple[str, Of],
    y: tuple[str, Of],
    parameters: str = "input, other",
    kink: Mask | None = None,
    note: str = "",
) -> Rule:
    source = yaml(names.split()[0])
    by = {
        "input": Elementwise(f"∂z/∂x = {x[0]}", source, x[1]),
        "other": Elementwise(f"∂z/∂y = {y[0]}", source, y[1]),
    }
    return Rule(names, parameters, by, TWO, kink, note)


def _one(c: BoundCall) -> Tensor:
    return torch.ones_like(c.y)


def _zero(c: BoundCall) -> Tensor:
    return torch.zeros_like(c.y)


def _x(c: BoundCall) -> Tensor:
    return c.tensor("input")


def _y(c: BoundCall) -> Tensor:
    return c.tensor("other")


def _mode(c: BoundCall, local: Tensor) -> Tensor:
    return local if c["rounding_mode"] is None else torch.zeros_like(local)


def _power_rule(x: Tensor, n: Tensor) -> Tensor:
    """∂xⁿ/∂x: 0 for n = 0, also at x = 0."""
    return torch.where(n == 0, torch.zeros_like(x * n), n * torch.pow(x, n - 1))


def _exponent_rule(x: Tensor, n: Tensor, y: Tensor) -> Tensor:
    """∂xⁿ/∂n: 0 at x = 0 for n ≥ 0."""
    return torch.where((x == 0) & (n >= 0), torch.zeros_like(y), y * torch.log(x))


def _half(c: BoundCall, mine: Tensor, theirs: Tensor) -> Tensor:
    """1 where mine is larger, ½ where both are equal."""
    return (mine > theirs).to(c.y.dtype) + 0.5 * (mine == theirs).to(c.y.dtype)


def _quotient(c: BoundCall, floor: bool) -> Tensor:
    ratio = _x(c) / _y(c)
    return -(ratio.floor() if floor else ratio.trunc())


def _equal(c: BoundCall) -> Tensor:
    return _x(c) == _y(c)


def _condition_first(given: Arguments, tensors: tuple[Tensor, ...]) -> Arguments:
    """``x.where(condition, y)`` is ``torch.where(condition, x, y)``."""
    args = given.args
    second = args[1] if len(args) > 1 else None
    if isinstance(second, Slot) and tensors[second.index].dtype is torch.bool:
        return Arguments((second, args[0], *args[2:]), given.kwargs)
    return given


def _where(c: BoundCall) -> Tensor:
    return c["condition"].to(c.y.dtype)


def _hypot(c: BoundCall, part: Tensor) -> Tensor:
    return torch.where(c.y == 0, torch.zeros_like(c.y), part / c.y)


def _xlogy(c: BoundCall) -> Tensor:
    x, y = _x(c), _y(c)
    return torch.where((x == 0) & (y <= 0), torch.zeros_like(c.y), torch.log(y))


_ALPHA = "input, other, *, alpha=1"
_THREE = {"input": "x", "tensor1": "a", "tensor2": "b", "value": "v", "output": "z"}
_LERP = {"input": "x", "end": "e", "weight": "w", "output": "z"}
_TIE = "of equal elements each gets half"


def _triple(name: str, a: tuple[str, Of], b: tuple[str, Of]) -> Rule:
    source = yaml(name)
    by = {
        "input": Elementwise("∂z/∂x = 1", source, _one),
        "tensor1": Elementwise(f"∂z/∂a = {a[0]}", source, a[1]),
        "tensor2": Elementwise(f"∂z/∂b = {b[0]}", source, b[1]),
    }
    return Rule(name, "input, tensor1, tensor2, *, value=1", by, _THREE)


RULES: tuple[Rule, ...] = (
    _two("add", ("1", _one), ("α", lambda c: _one(c) * c["alpha"]), _ALPHA),
    _two("sub subtract", ("1", _one), ("−α", lambda c: -_one(c) * c["alpha"]), _ALPHA),
    _two("rsub", ("−α", lambda c: -_one(c) * c["alpha"]), ("1", _one), _ALPHA),
    _two("mul multiply", ("y", _y), ("x", _x)),
    _two(
        "div divide true_divide",
        ("{1}/{y}", lambda c: _mode(c, 1 / _y(c))),
        ("−{x}/{y^{2}}", lambda c: _mode(c, -_x(c) / _y(c) ** 2)),
        "input, other, *, rounding_mode=None",
    ),
    _two("floor_divide floordiv", ("0", _zero), ("0", _zero)),
    # y divided by x: Python's operator with a number on the left.
    _two("rdiv", ("−{y}/{x^{2}}", lambda c: -_y(c) / _x(c) ** 2), ("{1}/{x}", lambda c: 1 / _x(c))),
    Rule(
        "pow float_power special_pow",
        "input, exponent",
        {
            "input": Elementwise(
                "∂z/∂x = n x^{n − 1}",
                yaml("pow"),
                lambda c: _power_rule(c.tensor("input"), c.tensor("exponent")),
            ),
            "exponent": Elementwise(
                "∂z/∂n = z ln x",
                yaml("pow"),
                lambda c: _exponent_rule(c.tensor("input"), c.tensor("exponent"), c.y),
            ),
        },
        {"input": "x", "exponent": "n", "output": "z"},
    ),
    _two(  # y to the power of x
        "rpow",
        ("z ln y", lambda c: _exponent_rule(_y(c), _x(c), c.y)),
        ("x y^{x − 1}", lambda c: _power_rule(_y(c), _x(c))),
    ),
    _two(
        "maximum",
        ("1 where x > y, ½ where x = y, else 0", lambda c: _half(c, _x(c), _y(c))),
        ("1 where y > x, ½ where x = y, else 0", lambda c: _half(c, _y(c), _x(c))),
        kink=_equal,
        note=_TIE,
    ),
    _two(
        "minimum",
        ("1 where x < y, ½ where x = y, else 0", lambda c: _half(c, _y(c), _x(c))),
        ("1 where y < x, ½ where x = y, else 0", lambda c: _half(c, _x(c), _y(c))),
        kink=_equal,
        note=_TIE,
    ),
    _two(
        "fmax",
        ("1 where x ≥ y, else 0", lambda c: (_x(c) >= _y(c)).to(c.y.dtype)),
        ("1 where y > x, else 0", lambda c: (_y(c) > _x(c)).to(c.y.dtype)),
        kink=_equal,
        note="of equal elements the first gets all",
    ),
    _two(
        "fmin",
        ("1 where x ≤ y, else 0", lambda c: (_x(c) <= _y(c)).to(c.y.dtype)),
        ("1 where y < x, else 0", lambda c: (_y(c) < _x(c)).to(c.y.dtype)),
        kink=_equal,
        note="of equal elements the first gets all",
    ),
    _two(
        "atan2 arctan2",
        ("{y}/{x^{2} + y^{2}}", lambda c: _y(c) / (_x(c) ** 2 + _y(c) ** 2)),
        ("−{x}/{x^{2} + y^{2}}", lambda c: -_x(c) / (_x(c) ** 2 + _y(c) ** 2)),
    ),
    _two(
        "hypot",
        ("{x}/{z}", lambda c: _hypot(c, _x(c))),
        ("{y}/{z}", lambda c: _hypot(c, _y(c))),
    ),
    _two("fmod", ("1", _one), ("−trunc({x}/{y})", lambda c: _quotient(c, False))),
    _two("remainder", ("1", _one), ("−⌊{x}/{y}⌋", lambda c: _quotient(c, True))),
    _two("xlogy special_xlogy", ("ln y", _xlogy), ("{x}/{y}", lambda c: _x(c) / _y(c))),
    _two(
        "logaddexp",
        ("e^{x − z}", lambda c: torch.exp(_x(c) - c.y)),
        ("e^{y − z}", lambda c: torch.exp(_y(c) - c.y)),
    ),
    _two(
        "copysign",
        ("sign x · sign y", lambda c: torch.where(_x(c) == 0, _zero(c), c.y / _x(c))),
        ("0", _zero),
    ),
    Rule(
        "where",
        "condition, input, other",
        {
            "input": Elementwise("∂z/∂x = 1 where the condition holds", yaml("where"), _where),
            "other": Elementwise(
                "∂z/∂y = 1 where it does not hold", yaml("where"), lambda c: 1 - _where(c)
            ),
        },
        {**TWO, "condition": "c"},
        arrange=_condition_first,
    ),
    Rule(
        "lerp",
        "input, end, weight",
        {
            "input": Elementwise("∂z/∂x = 1 − w", yaml("lerp"), lambda c: 1 - c.tensor("weight")),
            "end": Elementwise("∂z/∂e = w", yaml("lerp"), lambda c: c.tensor("weight")),
            "weight": Elementwise("∂z/∂w = e − x", yaml("lerp"), lambda c: c["end"] - c.x),
        },
        _LERP,
    ),
    _triple(
        "addcmul",
        ("v b", lambda c: c["value"] * c["tensor2"]),
        ("v a", lambda c: c["value"] * c["tensor1"]),
    ),
    _triple(
        "addcdiv",
        ("{v}/{b}", lambda c: c["value"] / c["tensor2"]),
        ("−{v a}/{b^{2}}", lambda c: -c["value"] * c["tensor1"] / c["tensor2"] ** 2),
    ),
)
