"""Losses and likenesses of whole rows: cross entropy, margins over classes, cosines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.families import Derivative, Terms, Written, only, product
from gradstep.engine.rules.rule import Rule, docs, yaml
from gradstep.engine.rules.shapes import Index, axis, spread, sum_to
from gradstep.protocol.cards import Factor

_TAIL = "size_average=None, reduce=None, reduction='mean'"
_SYMBOLS = {"input": "x", "target": "t", "weight": "w", "output": "ℓ"}


def _classes(x: Tensor) -> int:
    """The axis of the classes."""
    return 0 if x.dim() == 1 else 1


def _class_weights(c: BoundCall, x: Tensor) -> Tensor:
    weight = c["weight"]
    count = x.shape[_classes(x)]
    weight = x.new_ones(count) if weight is None else weight
    return spread(weight, x.shape, [i for i in range(x.dim()) if i != _classes(x)])


def _shares(c: BoundCall) -> tuple[Tensor, Tensor]:
    """What each class counts in its row's loss −Σ a ln p, and what the mean divides by."""
    x, t, dim = c["input"], c["target"], _classes(c["input"])
    w = _class_weights(c, x)
    eps = float(c.arguments.get("label_smoothing", 0.0))
    count = x.shape[dim]
    if t.is_floating_point():
        rows = x.numel() / count
        return w * (t * (1 - eps) + eps / count), x.new_tensor(rows)
    used = (t != c["ignore_index"]).unsqueeze(dim)
    safe = torch.where(used, t.unsqueeze(dim), torch.zeros_like(t.unsqueeze(dim)))
    hot = torch.zeros_like(x).scatter(dim, safe, 1.0)
    chosen = hot * w * used
    shares = (1 - eps) * chosen + eps / count * w * used
    return shares, chosen.sum()


def _scaled(c: BoundCall, g: Tensor, divisor: Tensor) -> Tensor:
    """Upstream for each row, so that it broadcasts over the classes."""
    x = c["input"]
    if c["reduction"] == "none":
        return g.unsqueeze(_classes(x))
    return g / divisor if c["reduction"] == "mean" else g


def _cross_entropy(c: BoundCall) -> Tensor:
    """∂(row's loss)/∂x, before averaging."""
    x, dim = c["input"], _classes(c["input"])
    shares, _ = _shares(c)
    return x.softmax(dim) * shares.sum(dim, keepdim=True) - shares


def _nll(c: BoundCall) -> Tensor:
    return -_shares(c)[0]


@dataclass(frozen=True)
class OfRows(Derivative):
    """``of`` gives the derivative of each row's loss by the row's elements."""

    of: Callable[[BoundCall], Tensor]
    name: str

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return _scaled(call, only(upstream), _shares(call)[1]) * self.of(call)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        g, how, dim = only(upstream), call["reduction"], _classes(call["input"])
        factors = [Factor(self.name, index, float(self.of(call)[index]))]
        if how == "mean":
            factors.append(Factor("{1}/{N}", (), 1 / float(_shares(call)[1])))
        at = (*index[:dim], *index[dim + 1 :]) if how == "none" else ()
        return 1, iter([product(symbols[0], at, g, factors)])


def _cross_entropy_target(c: BoundCall, g: Tensor) -> Tensor:
    x, dim = c["input"], _classes(c["input"])
    eps = float(c["label_smoothing"])
    logs = x - x.logsumexp(dim, keepdim=True)
    return -_scaled(c, g, _shares(c)[1]) * _class_weights(c, x) * (1 - eps) * logs


# ---------------------------------------------------------------------- margins over classes


def _spread_rows(c: BoundCall, g: Tensor, rows: int) -> Tensor:
    """Upstream for each row, averaging included; a trailing axis of 1."""
    if c["reduction"] == "none":
        return g.reshape(rows, 1)
    return (g / rows if c["reduction"] == "mean" else g).expand(rows, 1)


def _multi_margin(c: BoundCall, g: Tensor) -> Tensor:
    x = c["input"].reshape(-1, c["input"].shape[-1])
    t = c["target"].reshape(-1, 1)
    p, margin = c["p"], c["margin"]
    over = (margin - x.gather(1, t) + x).clamp(min=0)
    local = (over > 0).to(x.dtype) if p == 1 else 2 * over
    if c["weight"] is not None:
        local = local * c["weight"][t]
    local = local.scatter(1, t, 0.0) / x.shape[1]
    local = local.scatter(1, t, -local.sum(1, keepdim=True))
    return (_spread_rows(c, g, x.shape[0]) * local).reshape(c["input"].shape)


def _multilabel_soft(c: BoundCall, g: Tensor) -> Tensor:
    x, t = c["input"], c["target"]
    local = (torch.sigmoid(x) - t) / x.shape[-1]
    if c["weight"] is not None:
        local = local * c["weight"]
    rows = x.numel() // x.shape[-1]
    flat = local.reshape(rows, -1)
    return (_spread_rows(c, g, rows) * flat).reshape(x.shape)


# ---------------------------------------------------------------------- likenesses


def _cosine(c: BoundCall, g: Tensor) -> Tensor:
    """By the first of the two."""
    return _cosine_by(c["x1"], c["x2"], g, c["dim"], c["eps"])


def _cosine_other(c: BoundCall, g: Tensor) -> Tensor:
    return _cosine_by(c["x2"], c["x1"], g, c["dim"], c["eps"])


def _cosine_by(a: Tensor, b: Tensor, g: Tensor, dim: int, eps: float) -> Tensor:
    a, b = torch.broadcast_tensors(a, b)
    g, dim = g.unsqueeze(axis(dim, a.dim())), axis(dim, a.dim())
    na = a.norm(dim=dim, keepdim=True).clamp(min=eps)
    nb = b.norm(dim=dim, keepdim=True).clamp(min=eps)
    y = (a * b).sum(dim, keepdim=True) / (na * nb)
    return g * (b / (na * nb) - y * a / (na * na))


def _distance(c: BoundCall, g: Tensor) -> Tensor:
    p, keep = float(c["p"]), c["keepdim"]
    d = c["x1"] - c["x2"] + c["eps"]
    y = c.y if keep else c.y.unsqueeze(-1)
    g = g if keep else g.unsqueeze(-1)
    return g * _by_norm(d, y, p)


def _by_norm(d: Tensor, y: Tensor, p: float) -> Tensor:
    if math.isinf(p) or p < 1:
        raise Unexplained(f"of order {p:g}")
    local = d.sign() * (d.abs() / y) ** (p - 1)
    return torch.where(y == 0, torch.zeros_like(d), local)


def _triplet(c: BoundCall, g: Tensor, which: str) -> Tensor:
    a, p, n = c["anchor"], c["positive"], c["negative"]
    if c["swap"]:
        raise Unexplained("with swap")
    order, eps = float(c["p"]), c["eps"]
    near, far = a - p + eps, a - n + eps
    dn, df = (torch.linalg.vector_norm(d, order, -1, keepdim=True) for d in (near, far))
    by_near, by_far = _by_norm(near, dn, order), _by_norm(far, df, order)
    local = {"anchor": by_near - by_far, "positive": -by_near, "negative": by_far}[which]
    local = local * ((dn - df + c["margin"]) > 0)
    rows = dn.numel()
    if c["reduction"] == "none":
        return g.unsqueeze(-1) * local
    return (g / rows if c["reduction"] == "mean" else g) * local


def _cosine_loss(c: BoundCall, g: Tensor, first: bool) -> Tensor:
    a, b, t = c["input1"], c["input2"], c["target"]
    a, b = (a, b) if first else (b, a)
    eps = 1e-12  # torch adds it to the squares of the norms
    na = ((a * a).sum(-1, keepdim=True) + eps).sqrt()
    nb = ((b * b).sum(-1, keepdim=True) + eps).sqrt()
    y = (a * b).sum(-1, keepdim=True) / (na * nb)
    t = t.unsqueeze(-1)
    by_cosine = torch.where(t == 1, -torch.ones_like(y), (y > c["margin"]).to(y.dtype))
    local = by_cosine * (b / (na * nb) - y * a / (na * na))
    if c["reduction"] == "none":
        return sum_to(g.unsqueeze(-1) * local, a.shape)
    return (g / y.numel() if c["reduction"] == "mean" else g) * local


_COSINE = "∂y/∂{0} = {{{1}}}/{{‖a‖ ‖b‖}} − y {{{0}}}/{{‖{0}‖^{{2}}}}"
_FAR = "∂ℓ/∂{} = {} where d(a, p) − d(a, n) + margin > 0, else 0; d′ = the unit vector between"

RULES: tuple[Rule, ...] = (
    Rule("cross_entropy",
         "input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, "
         "reduction='mean', label_smoothing=0.0",
         {"input": OfRows("∂L/∂x = {∂L/∂ℓ}/{N} (softmax(x) − t), t as one-hot rows",
                          "Goodfellow et al., Deep Learning (2016), eq. 6.30; "
                          + docs("cross_entropy"), _cross_entropy, "softmax(x) − t"),
          "target": Written("∂L/∂t = −{∂L/∂ℓ}/{N} ln softmax(x)", docs("cross_entropy"),
                            _cross_entropy_target)}, _SYMBOLS),
    Rule("nll_loss nll_loss2d nll_loss_nd",
         "input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, "
         "reduction='mean'",
         {"input": OfRows("∂L/∂x = −{∂L/∂ℓ}/{Σ w} w_{t} at the target class, else 0",
                          yaml("nll_loss_forward"), _nll, "−w t")}, _SYMBOLS),
    Rule("multi_margin_loss", f"input, target, p=1, margin=1.0, weight=None, {_TAIL}",
         {"input": Written("∂ℓ/∂x_{i} = {p}/{C} max(0, m − x_{t} + x_{i})^{p − 1} for i ≠ t; "
                           "minus their sum for i = t", yaml("multi_margin_loss"),
                           _multi_margin)}, _SYMBOLS),
    Rule("multilabel_soft_margin_loss", f"input, target, weight=None, {_TAIL}",
         {"input": Written("∂ℓ/∂x = {σ(x) − t}/{C}", docs("multilabel_soft_margin_loss"),
                           _multilabel_soft)}, _SYMBOLS),
    Rule("cosine_similarity", "x1, x2, dim=1, eps=1e-8",
         {"x1": Written(_COSINE.format("a", "b"), docs("cosine_similarity"), _cosine),
          "x2": Written(_COSINE.format("b", "a"), docs("cosine_similarity"), _cosine_other)},
         {"x1": "a", "x2": "b", "output": "y"}),
    Rule("pairwise_distance", "x1, x2, p=2.0, eps=1e-6, keepdim=False",
         {"x1": Written("∂y/∂a = {a − b + ε}/{y}", docs("pairwise_distance"), _distance),
          "x2": Written("∂y/∂b = −{a − b + ε}/{y}", docs("pairwise_distance"),
                        lambda c, g: -_distance(c, g))},
         {"x1": "a", "x2": "b", "output": "y"}),
    Rule("triplet_margin_loss",
         f"anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, {_TAIL}",
         {"anchor": Written(_FAR.format("a", "d′(a, p) − d′(a, n)"), docs("triplet_margin_loss"),
                            lambda c, g: _triplet(c, g, "anchor")),
          "positive": Written(_FAR.format("p", "−d′(a, p)"), docs("triplet_margin_loss"),
                              lambda c, g: _triplet(c, g, "positive")),
          "negative": Written(_FAR.format("n", "d′(a, n)"), docs("triplet_margin_loss"),
                              lambda c, g: _triplet(c, g, "negative"))},
         {"anchor": "a", "positive": "p", "negative": "n", "output": "ℓ"}),
    Rule("cosine_embedding_loss", f"input1, input2, target, margin=0, {_TAIL}",
         {"input1": Written("∂ℓ/∂a = −∂cos/∂a where t = 1; where t = −1: ∂cos/∂a if cos > margin",
                            docs("cosine_embedding_loss"),
                            lambda c, g: _cosine_loss(c, g, True)),
          "input2": Written("∂ℓ/∂b = −∂cos/∂b where t = 1; where t = −1: ∂cos/∂b if cos > margin",
                            docs("cosine_embedding_loss"),
                            lambda c, g: _cosine_loss(c, g, False))},
         {"input1": "a", "input2": "b", "target": "t", "output": "ℓ"}),
)  # fmt: skip
