"""Activation functions, clamps, and dropout."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Elementwise, Of, Written
from gradstep.engine.rules.rule import Mask, Rule, docs, yaml
from gradstep.engine.rules.shapes import axis


def _row(
    names: str,
    parameters: str,
    formula: str,
    of: Of,
    kink: Mask | None = None,
    note: str = "",
    entry: str = "",
    unknown: Mask | None = None,
) -> Rule:
    source = yaml(entry) if entry else docs(names.split()[0])
    derivative = Elementwise(f"∂y/∂x = {formula}", source, of)
    by = {"input": derivative}
    return Rule(names, parameters, by, kink=kink, kink_note=note, unknown=unknown)


def _if(mask: Tensor, yes: Tensor | float, no: Tensor | float, like: Tensor) -> Tensor:
    yes = yes if isinstance(yes, Tensor) else torch.full_like(like, yes)
    no = no if isinstance(no, Tensor) else torch.full_like(like, no)
    return torch.where(mask, yes, no)


def _at_zero(c: BoundCall) -> Tensor:
    return c.x == 0


def _relu(c: BoundCall) -> Tensor:
    return (c.x > 0).to(c.y.dtype)


def _elu(c: BoundCall) -> Tensor:
    alpha = c["alpha"]
    return _if(c.x > 0, 1.0, alpha * c.x.clamp(max=0).exp(), c.y)


def _celu(c: BoundCall) -> Tensor:
    return _if(c.x > 0, 1.0, (c.x.clamp(max=0) / c["alpha"]).exp(), c.y)


_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
"""Klambauer et al., Self-Normalizing Neural Networks (2017), appendix A.2."""


def _selu(c: BoundCall) -> Tensor:
    return _SCALE * _if(c.x > 0, 1.0, _ALPHA * c.x.clamp(max=0).exp(), c.y)


def _gelu(c: BoundCall) -> Tensor:
    x = c.x
    if c["approximate"] == "tanh":
        # y = ½ x (1 + tanh u), u = √(2/π) (x + 0.044715 x³)
        k = math.sqrt(2 / math.pi)
        t = torch.tanh(k * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x)
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * density


def _silu(c: BoundCall) -> Tensor:
    s = torch.sigmoid(c.x)
    return s * (1 + c.x * (1 - s))


def _mish(c: BoundCall) -> Tensor:
    t = torch.tanh(torch.logaddexp(c.x, torch.zeros_like(c.x)))
    return t + c.x * torch.sigmoid(c.x) * (1 - t * t)


def _softplus(c: BoundCall) -> Tensor:
    bx = c["beta"] * c.x
    return _if(bx > c["threshold"], 1.0, torch.sigmoid(bx), c.y)


def _softsign(c: BoundCall) -> Tensor:
    return 1 / (1 + c.x.abs()) ** 2


def _hardsigmoid(c: BoundCall) -> Tensor:
    return _if(c.x.abs() < 3, 1 / 6, 0.0, c.y)


def _hardswish(c: BoundCall) -> Tensor:
    inner = c.x / 3 + 0.5
    return _if(c.x <= -3, 0.0, _if(c.x < 3, inner, 1.0, c.y), c.y)


def _hardtanh(c: BoundCall) -> Tensor:
    low, high = c["min_val"], c["max_val"]
    return ((c.x > low) & (c.x < high)).to(c.y.dtype)


def _relu6(c: BoundCall) -> Tensor:
    return ((c.x > 0) & (c.x < 6)).to(c.y.dtype)


def _outside(c: BoundCall) -> Tensor:
    return (c.x.abs() > c["lambd"]).to(c.y.dtype)


def _leaky(c: BoundCall) -> Tensor:
    return _if(c.x > 0, 1.0, float(c["negative_slope"]), c.y)


def _rrelu(c: BoundCall) -> Tensor:
    """In training the slope was drawn; it is y/x."""
    if c["training"]:
        return _if((c.x <= 0) & (c.x != 0), c.y / c.x, 1.0, c.y)
    return _if(c.x > 0, 1.0, (c["lower"] + c["upper"]) / 2, c.y)


def _threshold(c: BoundCall) -> Tensor:
    return (c.x > c["threshold"]).to(c.y.dtype)


def _prelu_weight(c: BoundCall, g: Tensor) -> Tensor:
    whole = g * c.x.clamp(max=0)
    weight = c["weight"]
    if weight.numel() == 1 or c.x.dim() < 2:
        return whole.sum().reshape(weight.shape) if weight.numel() == 1 else whole
    others = [i for i in range(c.x.dim()) if i != 1]
    return whole.sum(others)


def _prelu(c: BoundCall) -> Tensor:
    weight = c["weight"]
    if weight.numel() > 1 and c.x.dim() > 1:
        weight = weight.reshape(1, -1, *[1] * (c.x.dim() - 2))
    return torch.where(c.x > 0, torch.ones_like(c.y), weight.expand(c.y.shape))


def _glu(c: BoundCall, g: Tensor) -> Tensor:
    dim = axis(c["dim"], c.x.dim())
    a, b = c.x.chunk(2, dim)
    s = torch.sigmoid(b)
    return torch.cat([g * s, g * a * s * (1 - s)], dim)


# ---------------------------------------------------------------------- clamps


def _bound_of(c: BoundCall, name: str, fill: float) -> Tensor:
    return torch.full_like(c.y, fill) if c[name] is None else c.tensor(name).expand(c.y.shape)


def _inside(c: BoundCall) -> Tensor:
    low, high = _bound_of(c, "min", -math.inf), _bound_of(c, "max", math.inf)
    return ((c.x >= low) & (c.x <= high)).to(c.y.dtype)


def _below(c: BoundCall) -> Tensor:
    low, high = _bound_of(c, "min", -math.inf), _bound_of(c, "max", math.inf)
    return ((c.x < low) & (low < high)).to(c.y.dtype)


def _above(c: BoundCall) -> Tensor:
    low, high = _bound_of(c, "min", -math.inf), _bound_of(c, "max", math.inf)
    return ((c.x > high) | (low > high)).to(c.y.dtype)


def _at_bound(c: BoundCall) -> Tensor:
    low, high = _bound_of(c, "min", -math.inf), _bound_of(c, "max", math.inf)
    return (c.x == low) | (c.x == high)


_LIMITS = {"input": "x", "min": "a", "max": "b", "output": "y"}


def _clamp(names: str, parameters: str) -> Rule:
    source = yaml("clamp")
    by = {
        "input": Elementwise("∂y/∂x = 1 where a ≤ x ≤ b, else 0", source, _inside),
        "min": Elementwise("∂y/∂a = 1 where x < a, else 0", source, _below),
        "max": Elementwise("∂y/∂b = 1 where x > b, else 0", source, _above),
    }
    return Rule(names, parameters, by, _LIMITS, _at_bound, "on a bound PyTorch takes 1")


def _clamp_min(c: BoundCall) -> Tensor:
    return (c.x >= c.tensor("min")).to(c.y.dtype)


def _clamp_max(c: BoundCall) -> Tensor:
    return (c.x <= c.tensor("max")).to(c.y.dtype)


# ---------------------------------------------------------------------- dropout


def _dropout(c: BoundCall) -> Tensor:
    """What was kept is seen in the result: the mask is not zero there."""
    if not c["training"] or not c["p"]:
        return torch.ones_like(c.y)
    scale = 1 / (1 - c["p"]) if c["p"] < 1 else 0.0
    return (c.y != 0).to(c.y.dtype) * scale


def _channels(c: BoundCall) -> Tensor:
    """Whole channels: kept where any element of the channel is not zero."""
    if not c["training"] or not c["p"]:
        return torch.ones_like(c.y)
    inner = tuple(range(2, c.y.dim())) if c.y.dim() > 2 else (c.y.dim() - 1,)
    scale = 1 / (1 - c["p"]) if c["p"] < 1 else 0.0
    return (c.y != 0).any(inner, keepdim=True).to(c.y.dtype).expand(c.y.shape) * scale


def _undecided(c: BoundCall) -> Tensor:
    drawn = bool(c["training"]) and 0 < c["p"] < 1
    return (c.x == 0) if drawn else torch.zeros_like(c.x, dtype=torch.bool)


_KEPT = "{1}/{1 − p} where the element was kept, 0 where it was dropped"
_DROP = "input, p=0.5, training=True"

RULES: tuple[Rule, ...] = (
    _row("relu", "input", "1 where x > 0, else 0", _relu, _at_zero, "relu′(0) = 0", "relu"),
    _row(
        "relu6", "input", "1 where 0 < x < 6, else 0", _relu6,
        lambda c: (c.x == 0) | (c.x == 6), "0 at the corners", "hardtanh",
    ),
    _row(
        "leaky_relu", "input, negative_slope=0.01", "1 where x > 0, else the slope", _leaky,
        _at_zero, "the slope is taken at 0", "leaky_relu",
    ),
    _row(
        "rrelu", "input, lower=0.125, upper=0.3333333333333333, training=False",
        "1 where x > 0, else the slope that was drawn", _rrelu, _at_zero, "", "rrelu_with_noise",
    ),
    Rule(
        "prelu", "input, weight",
        {
            "input": Elementwise("∂y/∂x = 1 where x > 0, else w", yaml("_prelu_kernel"), _prelu),
            "weight": Written(
                "∂L/∂w = Σ ∂L/∂y · min(x, 0)", yaml("_prelu_kernel"), _prelu_weight
            ),
        },
        {"input": "x", "weight": "w", "output": "y"}, _at_zero, "w is taken at 0",
    ),
    _row("elu", "input, alpha=1.0", "1 where x > 0, else α e^{x}", _elu, entry="elu"),
    _row("selu", "input", "λ where x > 0, else λ α e^{x}", _selu, _at_zero, "λ α at 0", "elu"),
    _row("celu", "input, alpha=1.0", "1 where x > 0, else e^{x/α}", _celu, entry="elu"),
    _row(
        "gelu", "input, approximate='none'", "Φ(x) + x φ(x)", _gelu, entry="gelu",
    ),
    _row("silu swish", "input", "σ(x) (1 + x (1 − σ(x)))", _silu, entry="silu"),
    _row("mish", "input", "tanh s + x σ(x) (1 − tanh^{2} s), s = ln(1 + e^{x})", _mish,
         entry="mish"),
    _row(
        "softplus", "input, beta=1, threshold=20", "σ(βx)", _softplus, entry="softplus",
    ),
    _row("softsign", "input", "{1}/{(1 + |x|)^{2}}", _softsign),
    _row("logsigmoid log_sigmoid", "input", "1 − σ(x) = σ(−x)", lambda c: torch.sigmoid(-c.x),
         entry="log_sigmoid_forward"),
    _row("tanhshrink", "input", "tanh^{2} x", lambda c: torch.tanh(c.x) ** 2),
    _row(
        "hardsigmoid", "input", "{1}/{6} where |x| < 3, else 0", _hardsigmoid,
        lambda c: c.x.abs() == 3, "0 at ±3", "hardsigmoid",
    ),
    _row(
        "hardswish", "input", "0 below −3, {x}/{3} + ½ to 3, 1 above", _hardswish,
        lambda c: c.x.abs() == 3, "0 at −3, 1 at 3", "hardswish",
    ),
    _row(
        "hardtanh", "input, min_val=-1.0, max_val=1.0", "1 where a < x < b, else 0", _hardtanh,
        lambda c: (c.x == c["min_val"]) | (c.x == c["max_val"]), "0 on a bound", "hardtanh",
    ),
    _row(
        "hardshrink", "input, lambd=0.5", "1 where |x| > λ, else 0", _outside,
        lambda c: c.x.abs() == c["lambd"], "0 at ±λ", "hardshrink",
    ),
    _row(
        "softshrink", "input, lambd=0.5", "1 where |x| > λ, else 0", _outside,
        lambda c: c.x.abs() == c["lambd"], "0 at ±λ", "softshrink",
    ),
    _row(
        "threshold", "input, threshold, value", "1 where x > t, else 0", _threshold,
        lambda c: c.x == c["threshold"], "0 at t", "threshold",
    ),
    Rule(
        "glu", "input, dim=-1",
        {"input": Written(
            "∂L/∂a = ∂L/∂y σ(b), ∂L/∂b = ∂L/∂y a σ(b) (1 − σ(b)); x = (a, b)", yaml("glu"), _glu
        )},
    ),
    _clamp("clamp clip", "input, min=None, max=None"),
    Rule(
        "clamp_min", "input, min",
        {"input": Elementwise("∂y/∂x = 1 where x ≥ a, else 0", yaml("clamp_min"), _clamp_min),
         "min": Elementwise("∂y/∂a = 1 where x < a, else 0", yaml("clamp_min"),
                            lambda c: 1 - _clamp_min(c))},
        _LIMITS, lambda c: c.x == c.tensor("min"), "on the bound PyTorch takes 1",
    ),
    Rule(
        "clamp_max", "input, max",
        {"input": Elementwise("∂y/∂x = 1 where x ≤ b, else 0", yaml("clamp_max"), _clamp_max),
         "max": Elementwise("∂y/∂b = 1 where x > b, else 0", yaml("clamp_max"),
                            lambda c: 1 - _clamp_max(c))},
        _LIMITS, lambda c: c.x == c.tensor("max"), "on the bound PyTorch takes 1",
    ),
    _row("dropout", _DROP, _KEPT, _dropout, entry="native_dropout", unknown=_undecided),
    _row(
        "dropout1d dropout2d dropout3d feature_dropout", _DROP,
        "{1}/{1 − p} where the channel was kept, 0 where it was dropped", _channels,
        entry="native_dropout", unknown=_undecided,
    ),
)  # fmt: skip
