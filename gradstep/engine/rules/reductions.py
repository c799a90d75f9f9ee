"""Sums, means, norms, extremes; sums and products along an axis."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import (
    Derivative,
    OfResults,
    Reduction,
    Written,
    back,
    over_axes,
)
from gradstep.engine.rules.rule import TWO, Rule, yaml
from gradstep.engine.rules.shapes import axis

_DIM = "input, dim=None, keepdim=False, *, dtype=None"


def _count(c: BoundCall) -> int:
    return math.prod(c.x.shape[i] for i in over_axes(c))


def _one(c: BoundCall) -> Tensor:
    return torch.ones_like(c.x)


def _mean(c: BoundCall) -> Tensor:
    return torch.ones_like(c.x) / _count(c)


def _nansum(c: BoundCall) -> Tensor:
    return (~c.x.isnan()).to(c.x.dtype)


def _prod(c: BoundCall) -> Tensor:
    """The product of all others: from the left times from the right, so that zeros do no harm."""
    over = over_axes(c)
    if len(over) != 1:
        if len(over) != c.x.dim():
            raise Unexplained("over several axes")
        return _others(c.x.reshape(-1), 0).reshape(c.x.shape)
    return _others(c.x, over[0])


def _others(x: Tensor, dim: int) -> Tensor:
    if not x.shape[dim]:
        return x
    one = torch.ones_like(x.narrow(dim, 0, 1))
    left = torch.cat([one, x.cumprod(dim).narrow(dim, 0, x.shape[dim] - 1)], dim)
    right = x.flip(dim).cumprod(dim).narrow(dim, 0, x.shape[dim] - 1)
    return left * torch.cat([one, right], dim).flip(dim)


# ---------------------------------------------------------------------- spread


def _freedom(c: BoundCall) -> float:
    """What the sum of squares is divided by."""
    if c["correction"] is not None:
        return max(0.0, _count(c) - float(c["correction"]))
    unbiased = c["dim"] if isinstance(c["dim"], bool) else c["unbiased"]
    return _count(c) - (0 if unbiased is False else 1)


def _centred(c: BoundCall) -> Tensor:
    return c.x - c.x.mean(over_axes(c), keepdim=True)


def _var(c: BoundCall) -> Tensor:
    return 2 * _centred(c) / _freedom(c)


def _std(c: BoundCall) -> Tensor:
    y = back(c, c.y)
    return torch.where(y == 0, torch.zeros_like(c.x), _centred(c) / (_freedom(c) * y))


class _OfSpread(Reduction):
    """``dim`` may be ``unbiased``, given by place."""

    def vjp(self, call: BoundCall, slot: int, upstream: Any) -> Tensor:
        return super().vjp(_all_axes(call), slot, upstream)

    def terms(self, call: BoundCall, *rest: Any) -> Any:
        return super().terms(_all_axes(call), *rest)


def _all_axes(c: BoundCall) -> BoundCall:
    if isinstance(c.arguments["dim"], bool):
        c.arguments["unbiased"], c.arguments["dim"] = c.arguments["dim"], None
    return c


# ---------------------------------------------------------------------- norms


def _norm(c: BoundCall) -> Tensor:
    p = c.arguments.get("p", c.arguments.get("ord"))
    p = 2.0 if p is None or p == "fro" else p
    x, y = c.x, back(c, c.y)
    if not isinstance(p, (int, float)):
        raise Unexplained(f"of order {p}")
    if p == 0:
        return torch.zeros_like(x)
    if p == 1:
        return x.sign()
    if math.isinf(p):
        hit = (x.abs() == y).to(x.dtype)
        return x.sign() * hit / hit.sum(over_axes(c), keepdim=True)
    if p == 2:
        return torch.where(y == 0, torch.zeros_like(x), x / y)
    zero = (y == 0) | ((x == 0) & (p < 2))
    return torch.where(zero, torch.zeros_like(x), x.sign() * (x.abs() / y) ** (p - 1))


def _linalg_norm(c: BoundCall) -> Tensor:
    matrix = len(over_axes(c)) == 2 and (c["dim"] is not None or c["ord"] is not None)
    if matrix and c["ord"] not in (None, "fro"):
        raise Unexplained("of a matrix, of another order than Frobenius'")
    return _norm(c)


# ---------------------------------------------------------------------- extremes


def _shared(c: BoundCall) -> Tensor:
    """Equal extremes share the gradient evenly."""
    hit = (c.x == back(c, c.y)).to(c.x.dtype)
    return hit / hit.sum(over_axes(c), keepdim=True)


def _second(c: BoundCall) -> Tensor | None:
    """The other tensor of ``max(x, y)``."""
    second = c["dim"] if isinstance(c["dim"], Tensor) else c.arguments.get("other")
    return c.filled(second) if second is not None else None


def _tied(c: BoundCall) -> Tensor:
    second = _second(c)
    if second is not None:
        return c.x == second
    hit = c.x == back(c, c.y)
    return hit & (hit.sum(over_axes(c), keepdim=True) > 1)


def _at_indices(c: BoundCall, g: tuple[Tensor, ...], slot: int) -> Tensor:
    """The gradient goes to where the values were found."""
    dim, whole = axis(c["dim"], c.x.dim()), torch.zeros_like(c.x)
    indices, values = c.outputs[1], g[0]
    if c.x.dim() and values.dim() < c.x.dim():
        indices, values = indices.unsqueeze(dim), values.unsqueeze(dim)
    return whole.scatter_add(dim, indices, values) if c.x.dim() else g[0]


def _extreme(c: BoundCall, g: tuple[Tensor, ...], slot: int) -> Tensor:
    """``max(x)``, ``max(x, dim)`` and ``max(x, y)`` are three operations of one name."""
    second = _second(c)
    if second is not None:
        mine, theirs = (c.x, second) if c.place_of(slot)[0] == "input" else (second, c.x)
        ahead = mine > theirs if c.name == "max" else mine < theirs
        return g[0] * (ahead.to(g[0].dtype) + 0.5 * (mine == theirs).to(g[0].dtype))
    if c["dim"] is None:
        return g[0] * _shared(c)
    return _at_indices(c, g, slot)


def _order_statistic(c: BoundCall, g: tuple[Tensor, ...], slot: int) -> Tensor:
    if c["dim"] is not None:
        return _at_indices(c, g, slot)
    return g[0] * _shared(c)


# ---------------------------------------------------------------------- along an axis


def _logsumexp(c: BoundCall) -> Tensor:
    return torch.exp(c.x - back(c, c.y))


def _from_here(g: Tensor, dim: int) -> Tensor:
    return g.flip(dim).cumsum(dim).flip(dim)


def _cumsum(c: BoundCall, g: Tensor) -> Tensor:
    return _from_here(g, axis(c["dim"], c.x.dim())) if c.x.dim() else g


def _cumprod(c: BoundCall, g: Tensor) -> Tensor:
    """∂y_k/∂x_i for k ≥ i is the product of the first k factors without the i-th."""
    if not c.x.dim():
        return g
    dim = axis(c["dim"], c.x.dim())
    x, g = c.x.movedim(dim, -1), g.movedim(dim, -1)
    found = []
    for i in range(x.shape[-1]):
        without = torch.cat([x[..., :i], torch.ones_like(x[..., i : i + 1]), x[..., i + 1 :]], -1)
        found.append((g * without.cumprod(-1))[..., i:].sum(-1))
    return torch.stack(found, -1).movedim(-1, dim) if found else x.movedim(-1, dim)


def _logcumsumexp(c: BoundCall, g: Tensor) -> Tensor:
    if not c.x.dim():
        return g
    dim = axis(c["dim"], c.x.dim())
    x, y, g = (t.movedim(dim, -1) for t in (c.x, c.y, g))
    part = torch.exp(x[..., None] - y[..., None, :]).triu()  # [i, k]: only k ≥ i
    return (part * g[..., None, :]).sum(-1).movedim(-1, dim)


def _dist(c: BoundCall) -> Tensor:
    p, d = float(c["p"]), c.x - c["other"]
    if p != 2:
        raise Unexplained("of another order than 2")
    return torch.where(c.y == 0, torch.zeros_like(d), d / c.y)


def _reduce(names: str, parameters: str, formula: str, of: Any, **more: Any) -> Rule:
    by: dict[str, Derivative] = {"input": Reduction(formula, yaml(names.split()[0]), of)}
    return Rule(names, parameters, by, **more)


_SHARED = "equal extremes share the gradient; with dim only the one that was taken gets it"
_EVENLY = "equal extremes share the gradient evenly"
_FIRST = "of equal values only the one that was taken gets the gradient"
_TAKEN = "∂L/∂x = ∂L/∂y at the elements that were taken, 0 elsewhere"

RULES: tuple[Rule, ...] = (
    _reduce("sum", _DIM, "∂y/∂x_{i} = 1", _one),
    _reduce("nansum", _DIM, "∂y/∂x_{i} = 1, 0 for NaN", _nansum),
    _reduce("mean", _DIM, "∂y/∂x_{i} = {1}/{N}", _mean),
    _reduce("nanmean", _DIM, "∂y/∂x_{i} = {1}/{N} over the N that are numbers",
            lambda c: _nansum(c) / _nansum(c).sum(over_axes(c), keepdim=True)),
    _reduce("prod", _DIM, "∂y/∂x_{i} = Π_{j ≠ i} x_{j}", _prod),
    Rule("var", "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
         {"input": _OfSpread("∂y/∂x_{i} = {2 (x_{i} − x̄)}/{N − 1}", yaml("var"), _var)}),
    Rule("std", "input, dim=None, unbiased=None, keepdim=False, *, correction=None",
         {"input": _OfSpread("∂y/∂x_{i} = {x_{i} − x̄}/{(N − 1) y}", yaml("std"), _std)}),
    _reduce("norm", "input, p='fro', dim=None, keepdim=False, dtype=None",
            "∂y/∂x_{i} = {x_{i}}/{y}", _norm),
    _reduce("linalg_vector_norm", "input, ord=2, dim=None, keepdim=False, *, dtype=None",
            "∂y/∂x_{i} = {x_{i}}/{y}", _norm),
    _reduce("linalg_norm linalg_matrix_norm",
            "input, ord=None, dim=None, keepdim=False, *, dtype=None",
            "∂y/∂x_{i} = {x_{i}}/{y}", _linalg_norm),
    Rule("dist", "input, other, p=2",
         {"input": Written("∂z/∂x_{i} = {x_{i} − y_{i}}/{z}", yaml("dist"),
                           lambda c, g: g * _dist(c)),
          "other": Written("∂z/∂y_{i} = −{x_{i} − y_{i}}/{z}", yaml("dist"),
                           lambda c, g: -g * _dist(c))}, TWO),
    _reduce("amax", "input, dim=None, keepdim=False", "∂y/∂x_{i} = 1 at the largest, else 0",
            _shared, kink=_tied, kink_note=_EVENLY),
    _reduce("amin", "input, dim=None, keepdim=False", "∂y/∂x_{i} = 1 at the smallest, else 0",
            _shared, kink=_tied, kink_note=_EVENLY),
    *(Rule(name, "input, dim=None, keepdim=False, *, other=None",
           {"input": OfResults(_TAKEN, yaml(name), _extreme),
            "dim": OfResults(_TAKEN, yaml(name), _extreme),
            "other": OfResults(_TAKEN, yaml(name), _extreme)},
           kink=_tied, kink_note=_SHARED) for name in ("max", "min")),
    *(Rule(name, "input, dim=None, keepdim=False",
           {"input": OfResults(_TAKEN, yaml(name), _order_statistic)}, kink_note=_FIRST)
      for name in ("median", "nanmedian")),
    Rule("kthvalue", "input, k, dim=-1, keepdim=False",
         {"input": OfResults(_TAKEN, yaml("kthvalue"), _at_indices)}),
    Rule("mode", "input, dim=-1, keepdim=False",
         {"input": OfResults(_TAKEN, yaml("mode"), _at_indices)}),
    Rule("cummax", "input, dim", {"input": OfResults(_TAKEN, yaml("cummax"), _at_indices)}),
    Rule("cummin", "input, dim", {"input": OfResults(_TAKEN, yaml("cummin"), _at_indices)}),
    Rule("topk", "input, k, dim=-1, largest=True, sorted=True",
         {"input": OfResults(_TAKEN, yaml("topk"), _at_indices)}),
    Rule("sort", "input, dim=-1, descending=False, stable=False",
         {"input": OfResults(_TAKEN, yaml("sort"), _at_indices)}),
    _reduce("logsumexp special_logsumexp", "input, dim, keepdim=False",
            "∂y/∂x_{i} = e^{x_{i} − y} = softmax(x)_{i}", _logsumexp),
    Rule("cumsum", "input, dim, *, dtype=None",
         {"input": Written("∂L/∂x_{i} = Σ_{k ≥ i} ∂L/∂y_{k}", yaml("cumsum"), _cumsum)}),
    Rule("cumprod", "input, dim, *, dtype=None",
         {"input": Written("∂L/∂x_{i} = Σ_{k ≥ i} ∂L/∂y_{k} Π_{j ≤ k, j ≠ i} x_{j}",
                           yaml("cumprod"), _cumprod)}),
    Rule("logcumsumexp", "input, dim",
         {"input": Written("∂L/∂x_{i} = Σ_{k ≥ i} ∂L/∂y_{k} e^{x_{i} − y_{k}}",
                           yaml("logcumsumexp"), _logcumsumexp)}),
)  # fmt: skip
