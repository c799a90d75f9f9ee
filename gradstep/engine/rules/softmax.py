"""Softmax and its logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Upstream
from gradstep.engine.rules.families import Derivative, Terms, only, product
from gradstep.engine.rules.rule import Rule, yaml
from gradstep.engine.rules.shapes import Index, axis
from gradstep.protocol.cards import Factor, Term

Factors = Callable[[float, float, Index, Index], list[Factor]]
"""∂y_k/∂x_i as factors, from y_i, y_k and the two places."""


@dataclass(frozen=True)
class AlongAxis(Derivative):
    """Each result depends on the inputs that share its row along ``dim``."""

    of: Callable[[BoundCall, Tensor, int], Tensor]
    factors: Factors

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return self.of(call, only(upstream), dim_of(call)) if call.x.dim() else self._scalar(call)

    def _scalar(self, call: BoundCall) -> Tensor:
        return torch.zeros_like(call.x)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        if not index:
            return 0, iter(())
        g, y, dim = only(upstream), call.y, dim_of(call)

        def each() -> Iterator[Term]:
            for k in range(y.shape[dim]):
                at = (*index[:dim], k, *index[dim + 1 :])
                factors = self.factors(float(y[index]), float(y[at]), index, at)
                yield product(symbols[0], at, g, factors)

        return y.shape[dim], each()


def dim_of(c: BoundCall) -> int:
    """Without ``dim`` the last axis of 2 and more than 3, the first of others."""
    dim, rank = c["dim"], c.x.dim()
    if dim is None:
        dim = 0 if rank in (0, 1, 3) else 1
    return axis(dim, rank)


def _softmax(c: BoundCall, g: Tensor, dim: int) -> Tensor:
    return c.y * (g - (g * c.y).sum(dim, keepdim=True))


def _softmin(c: BoundCall, g: Tensor, dim: int) -> Tensor:
    return -_softmax(c, g, dim)


def _log_softmax(c: BoundCall, g: Tensor, dim: int) -> Tensor:
    return g - c.y.exp() * g.sum(dim, keepdim=True)


def _factors(sign: float) -> Factors:
    def factors(yi: float, yk: float, i: Index, k: Index) -> list[Factor]:
        same = float(i == k)
        first = Factor("y" if sign > 0 else "−y", i, sign * yi)
        return [first, Factor("1 − y" if same else "−y", k, same - yk)]

    return factors


def _log_factors(yi: float, yk: float, i: Index, k: Index) -> list[Factor]:
    same = float(i == k)
    return [Factor("1 − e^{y}" if same else "−e^{y}", i, same - math.exp(yi))]


_ARGUMENTS = "input, dim=None, _stacklevel=3, dtype=None"

RULES: tuple[Rule, ...] = (
    Rule("softmax special_softmax", _ARGUMENTS, {"input": AlongAxis(
        "∂L/∂x_{i} = y_{i} (∂L/∂y_{i} − Σ_{k} ∂L/∂y_{k} y_{k})",
        yaml("_softmax"), _softmax, _factors(1))}),
    Rule("softmin", _ARGUMENTS, {"input": AlongAxis(
        "∂L/∂x_{i} = −y_{i} (∂L/∂y_{i} − Σ_{k} ∂L/∂y_{k} y_{k})",
        yaml("_softmax"), _softmin, _factors(-1))}),
    Rule("log_softmax special_log_softmax", _ARGUMENTS, {"input": AlongAxis(
        "∂L/∂x_{i} = ∂L/∂y_{i} − e^{y_{i}} Σ_{k} ∂L/∂y_{k}",
        yaml("_log_softmax"), _log_softmax, _log_factors)}),
)  # fmt: skip
