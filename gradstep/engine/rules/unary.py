"""Element-wise functions of one tensor: y = f(x), each with its local derivative."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Elementwise, Of
from gradstep.engine.rules.rule import Mask, Rule, yaml

_X = "input"


def _row(
    names: str, formula: str, of: Of, kink: Mask | None = None, note: str = "", extra: str = ""
) -> Rule:
    parameters = f"input, {extra}" if extra else "input"
    derivative = Elementwise(f"∂y/∂x = {formula}", yaml(names.split()[0]), of)
    return Rule(names, parameters, {_X: derivative}, kink=kink, kink_note=note)


def _ones(c: BoundCall) -> Tensor:
    return torch.ones_like(c.y)


def _zeros(c: BoundCall) -> Tensor:
    return torch.zeros_like(c.y)


def _at_zero(c: BoundCall) -> Tensor:
    return c.x == 0


def _logit(c: BoundCall) -> Tensor:
    local = 1 / (c.x * (1 - c.x))
    if c["eps"] is None:
        return torch.where((c.x < 0) | (c.x > 1), torch.full_like(local, math.nan), local)
    eps = c["eps"]
    return torch.where((c.x < eps) | (c.x > 1 - eps), torch.zeros_like(local), local)


def _sinc(c: BoundCall) -> Tensor:
    px = math.pi * c.x
    local = (px * torch.cos(px) - torch.sin(px)) / (px * c.x)
    return torch.where(c.x == 0, torch.zeros_like(local), local)


def _nan_to_num(c: BoundCall) -> Tensor:
    return torch.isfinite(c.x).to(c.y.dtype)


_STEP = "y is constant between its steps"
_PI = 2 / math.sqrt(math.pi)

RULES: tuple[Rule, ...] = (
    _row("abs absolute", "sign x", lambda c: c.x.sign(), _at_zero, "|x|′(0) is taken as 0"),
    _row("neg negative", "−1", lambda c: -_ones(c)),
    _row("positive", "1", _ones),
    _row("exp", "e^{x} = y", lambda c: c.y),
    _row("exp2", "y · ln 2", lambda c: c.y * math.log(2)),
    _row("expm1", "e^{x} = y + 1", lambda c: c.y + 1),
    _row("log", "{1}/{x}", lambda c: 1 / c.x),
    _row("log2", "{1}/{x · ln 2}", lambda c: 1 / (c.x * math.log(2))),
    _row("log10", "{1}/{x · ln 10}", lambda c: 1 / (c.x * math.log(10))),
    _row("log1p", "{1}/{1 + x}", lambda c: 1 / (1 + c.x)),
    _row("sqrt", "{1}/{2√x} = {1}/{2y}", lambda c: 1 / (2 * c.y)),
    _row("rsqrt", "−½ x^{−3/2} = −½ y^{3}", lambda c: -0.5 * c.y**3),
    _row("reciprocal", "−{1}/{x^{2}} = −y^{2}", lambda c: -c.y * c.y),
    _row("square", "2x", lambda c: 2 * c.x),
    _row("sin", "cos x", lambda c: c.x.cos()),
    _row("cos", "−sin x", lambda c: -c.x.sin()),
    _row("tan", "1 + tan^{2} x = 1 + y^{2}", lambda c: 1 + c.y * c.y),
    _row("sinh", "cosh x", lambda c: c.x.cosh()),
    _row("cosh", "sinh x", lambda c: c.x.sinh()),
    _row("tanh", "1 − y^{2}", lambda c: 1 - c.y * c.y),
    _row("asin arcsin", "{1}/{√(1 − x^{2})}", lambda c: (1 - c.x * c.x).rsqrt()),
    _row("acos arccos", "−{1}/{√(1 − x^{2})}", lambda c: -(1 - c.x * c.x).rsqrt()),
    _row("atan arctan", "{1}/{1 + x^{2}}", lambda c: 1 / (1 + c.x * c.x)),
    _row("asinh arcsinh", "{1}/{√(x^{2} + 1)}", lambda c: (c.x * c.x + 1).rsqrt()),
    _row(
        "acosh arccosh",
        "{1}/{√(x − 1) √(x + 1)}",
        lambda c: 1 / ((c.x - 1).sqrt() * (c.x + 1).sqrt()),
    ),
    _row("atanh arctanh", "{1}/{1 − x^{2}}", lambda c: 1 / (1 - c.x * c.x)),
    _row("sigmoid special_expit expit", "y (1 − y)", lambda c: c.y * (1 - c.y)),
    _row("logit special_logit", "{1}/{x (1 − x)}", _logit, extra="eps=None"),
    _row("erf special_erf", "{2}/{√π} e^{−x^{2}}", lambda c: _PI * (-c.x * c.x).exp()),
    _row("erfc special_erfc", "−{2}/{√π} e^{−x^{2}}", lambda c: -_PI * (-c.x * c.x).exp()),
    _row("erfinv special_erfinv", "{√π}/{2} e^{y^{2}}", lambda c: (c.y * c.y).exp() / _PI),
    _row("lgamma special_gammaln", "ψ(x) = digamma x", lambda c: torch.digamma(c.x)),
    _row("digamma special_digamma", "ψ′(x)", lambda c: torch.polygamma(1, c.x)),
    _row("i0 special_i0", "I_{1}(x)", lambda c: torch.special.i1(c.x)),
    _row("sinc special_sinc", "{cos πx}/{x} − {sin πx}/{πx^{2}}", _sinc),
    _row("floor", "0", _zeros, lambda c: c.x == c.x.floor(), _STEP),
    _row("ceil", "0", _zeros, lambda c: c.x == c.x.ceil(), _STEP),
    _row("round", "0", _zeros, lambda c: (c.x - c.x.floor()) == 0.5, _STEP, "decimals=0"),
    _row("trunc fix", "0", _zeros, lambda c: (c.x == c.x.trunc()) & (c.x != 0), _STEP),
    _row("sign", "0", _zeros, _at_zero, "sign jumps at 0; PyTorch takes 0"),
    _row("frac", "1", _ones, lambda c: c.x == c.x.trunc(), "x − trunc x jumps here"),
    _row("deg2rad", "{π}/{180}", lambda c: _ones(c) * math.pi / 180),
    _row("rad2deg", "{180}/{π}", lambda c: _ones(c) * 180 / math.pi),
    _row(
        "nan_to_num",
        "1 where x is finite, else 0",
        _nan_to_num,
        extra="nan=0.0, posinf=None, neginf=None",
    ),
)
