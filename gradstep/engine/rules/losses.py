"""Losses that are taken element by element and then averaged or summed."""

from __future__ import annotations

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Derivative, Of, PointLoss
from gradstep.engine.rules.rule import Rule, docs, yaml

_TAIL = "size_average=None, reduce=None, reduction='mean'"
_SYMBOLS = {"input": "x", "target": "t", "output": "ℓ"}


def _difference(c: BoundCall) -> Tensor:
    return c["input"] - c["target"]


def _weighted(c: BoundCall, local: Tensor) -> Tensor:
    weight = c.arguments.get("weight")
    return local if weight is None else local * c["weight"]


def _weights(c: BoundCall) -> Tensor:
    """What the mean of a weighted loss divides by."""
    shape = _difference(c)
    return shape.new_tensor(float(shape.numel()))


def _weight_sum(c: BoundCall) -> Tensor:
    if c["weight"] is None:
        return _weights(c)
    total: Tensor = c["weight"].expand(_difference(c).shape).sum()
    return total


def _mse(c: BoundCall) -> Tensor:
    return _weighted(c, 2 * _difference(c))


def _l1(c: BoundCall) -> Tensor:
    return _weighted(c, _difference(c).sign())


def _smooth(c: BoundCall) -> Tensor:
    d, beta = _difference(c), c["beta"]
    return d.sign() if beta == 0 else (d / beta).clamp(-1, 1)


def _huber(c: BoundCall) -> Tensor:
    return _weighted(c, _difference(c).clamp(-c["delta"], c["delta"]))


def _bce(c: BoundCall) -> Tensor:
    p, t = c["input"], c["target"]
    return _weighted(c, (p - t) / (p * (1 - p)).clamp(min=1e-12))


def _bce_target(c: BoundCall) -> Tensor:
    p = c["input"]
    return _weighted(c, (1 - p).log().clamp(min=-100) - p.log().clamp(min=-100))


def _bce_logits(c: BoundCall) -> Tensor:
    x, t, w = c["input"], c["target"], c["pos_weight"]
    s = torch.sigmoid(x)
    if w is None:
        return _weighted(c, s - t)
    return _weighted(c, (1 - t) * s - w * t * (1 - s))


def _log_sigmoid(x: Tensor) -> Tensor:
    return -torch.logaddexp(-x, torch.zeros_like(x))


def _bce_logits_target(c: BoundCall) -> Tensor:
    x, w = c["input"], c["pos_weight"]
    if w is None:
        return _weighted(c, -x.expand(_difference(c).shape))
    return _weighted(c, _log_sigmoid(-x) - w * _log_sigmoid(x))


def _kl(c: BoundCall) -> Tensor:
    t = c["target"].expand(_difference(c).shape)
    return -t.exp() if c["log_target"] else -t


def _kl_target(c: BoundCall) -> Tensor:
    x, t = c["input"], c["target"]
    if c["log_target"]:
        return t.exp() * (t - x + 1)
    return torch.where(t > 0, t.log() + 1 - x, torch.where(t == 0, -x, torch.zeros_like(x * t)))


def _kl_count(c: BoundCall) -> Tensor:
    shape = _difference(c)
    n = c["input"].shape[0] if c["reduction"] == "batchmean" else shape.numel()
    return shape.new_tensor(float(n))


def _soft_margin(c: BoundCall) -> Tensor:
    t = c["target"]
    return -t * torch.sigmoid(-t * c["input"])


def _hinge(c: BoundCall) -> Tensor:
    x, t = c["input"], c["target"]
    one = torch.ones_like(x)
    inside = (c["margin"] - x) > 0
    if bool(((t != 1) & (t != -1)).any()):
        raise Unexplained("with targets other than 1 and −1")
    return torch.where(t == 1, one, torch.where(inside, -one, torch.zeros_like(x)))


def _poisson(c: BoundCall) -> Tensor:
    x, t = c["input"], c["target"]
    return x.exp() - t if c["log_input"] else 1 - t / (x + c["eps"])


def _poisson_target(c: BoundCall) -> Tensor:
    x, t = c["input"], c["target"]
    found = -x if c["log_input"] else -(x + c["eps"]).log()
    if c["full"]:
        stirling = t.log() + 0.5 / t
        found = found + torch.where(t > 1, stirling, torch.zeros_like(stirling))
    return found.expand(_difference(c).shape)


def _variance(c: BoundCall) -> tuple[Tensor, Tensor]:
    """As given, with the axis that may be missing; and not below eps."""
    var = c.tensor("var")
    shape = c["input"].shape
    if var.shape != shape and var.shape == shape[:-1]:
        var = var.unsqueeze(-1)
    return var, var.clamp(min=c["eps"])


def _gaussian(c: BoundCall) -> Tensor:
    return _difference(c) / _variance(c)[1]


def _gaussian_variance(c: BoundCall) -> Tensor:
    v = _variance(c)[1]
    return 0.5 / v - 0.5 * _difference(c) ** 2 / v**2


def _ranking(c: BoundCall, sign: int) -> Tensor:
    t = c["target"]
    over = -t * (c["input1"] - c["input2"]) + c["margin"]
    return torch.where(over > 0, -sign * t * torch.ones_like(over), torch.zeros_like(over))


def _of(formula: str, source: str, of: Of, count: Of | None = None) -> Derivative:
    return PointLoss(f"∂ℓ/∂{formula}, averaged or summed as ℓ is", source, of, count)


def _with_target(
    names: str, parameters: str, text: str, of: Of, entry: str = "", count: Of | None = None
) -> Rule:
    """A loss of the difference: the target's derivative is the negative of the input's."""
    source = yaml(entry) if entry else docs(names)
    by = {
        "input": _of(f"x = {text}", source, of, count),
        "target": _of(f"t = −({text})", source, lambda c: -of(c), count),
    }
    return Rule(names, parameters, by, _SYMBOLS)


def _corner(c: BoundCall) -> Tensor:
    return _difference(c) == 0


RULES: tuple[Rule, ...] = (
    _with_target("mse_loss", f"input, target, {_TAIL}, weight=None", "2 (x − t)", _mse,
                 "mse_loss", _weight_sum),
    Rule("l1_loss", f"input, target, {_TAIL}, weight=None",
         {"input": _of("x = sign(x − t)", docs("l1_loss"), _l1, _weight_sum),
          "target": _of("t = −sign(x − t)", docs("l1_loss"), lambda c: -_l1(c), _weight_sum)},
         _SYMBOLS, _corner, "0 where x = t"),
    _with_target("smooth_l1_loss", f"input, target, {_TAIL}, beta=1.0",
                 "{x − t}/{β} where |x − t| < β, else sign(x − t)", _smooth, "smooth_l1_loss"),
    _with_target("huber_loss", "input, target, reduction='mean', delta=1.0, weight=None",
                 "x − t where |x − t| < δ, else δ sign(x − t)", _huber, "huber_loss",
                 _weight_sum),
    Rule("binary_cross_entropy", "input, target, weight=None, " + _TAIL,
         {"input": _of("x = {x − t}/{x (1 − x)}", yaml("binary_cross_entropy"), _bce),
          "target": _of("t = ln(1 − x) − ln x", yaml("binary_cross_entropy"), _bce_target)},
         _SYMBOLS),
    Rule("binary_cross_entropy_with_logits",
         f"input, target, weight=None, {_TAIL}, pos_weight=None",
         {"input": _of("x = σ(x) − t", yaml("binary_cross_entropy_with_logits"), _bce_logits),
          "target": _of("t = −x", yaml("binary_cross_entropy_with_logits"), _bce_logits_target)},
         _SYMBOLS),
    Rule("kl_div", f"input, target, {_TAIL}, log_target=False",
         {"input": _of("x = −t", docs("kl_div"), _kl, _kl_count),
          "target": _of("t = ln t + 1 − x", docs("kl_div"), _kl_target, _kl_count)}, _SYMBOLS),
    Rule("soft_margin_loss", f"input, target, {_TAIL}",
         {"input": _of("x = −t σ(−t x)", yaml("soft_margin_loss"), _soft_margin)}, _SYMBOLS),
    Rule("hinge_embedding_loss", f"input, target, margin=1.0, {_TAIL}",
         {"input": _of("x = 1 where t = 1; where t = −1: −1 if x < margin, else 0",
                       docs("hinge_embedding_loss"), _hinge)}, _SYMBOLS,
         lambda c: (c["margin"] - c["input"] == 0) & (c["target"] == -1), "0 at the margin"),
    Rule("poisson_nll_loss",
         "input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, "
         "reduction='mean'",
         {"input": _of("x = e^{x} − t", docs("poisson_nll_loss"), _poisson),
          "target": _of("t = −x", docs("poisson_nll_loss"), _poisson_target)}, _SYMBOLS),
    Rule("gaussian_nll_loss", "input, target, var, full=False, eps=1e-6, reduction='mean'",
         {"input": _of("x = {x − t}/{v}", docs("gaussian_nll_loss"), _gaussian),
          "target": _of("t = −{x − t}/{v}", docs("gaussian_nll_loss"), lambda c: -_gaussian(c)),
          "var": _of("v = {1}/{2v} − {(x − t)^{2}}/{2v^{2}}", docs("gaussian_nll_loss"),
                     _gaussian_variance)}, {**_SYMBOLS, "var": "v"}),
    Rule("margin_ranking_loss", f"input1, input2, target, margin=0, {_TAIL}",
         {"input1": _of("x_{1} = −t where −t (x_{1} − x_{2}) + margin > 0, else 0",
                        docs("margin_ranking_loss"), lambda c: _ranking(c, 1)),
          "input2": _of("x_{2} = t where −t (x_{1} − x_{2}) + margin > 0, else 0",
                        docs("margin_ranking_loss"), lambda c: _ranking(c, -1))},
         {"input1": "x_{1}", "input2": "x_{2}", "target": "t", "output": "ℓ"}),
)  # fmt: skip
