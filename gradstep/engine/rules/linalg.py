"""A few functions of whole matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Written
from gradstep.engine.rules.rule import TWO, Rule, yaml
from gradstep.engine.rules.shapes import sum_to

_AY = {"input": "A", "output": "Y"}
_Ay = {"input": "A", "output": "y"}


def _inverse(c: BoundCall, g: Tensor) -> Tensor:
    return -c.y.mT @ g @ c.y.mT


def _det(c: BoundCall, g: Tensor) -> Tensor:
    return (g * c.y)[..., None, None] * torch.linalg.inv(c.x).mT


def _logdet(c: BoundCall, g: Tensor) -> Tensor:
    return g[..., None, None] * torch.linalg.inv(c.x).mT


def _solve_b(c: BoundCall, g: Tensor) -> Tensor:
    return torch.linalg.solve(c.x.mT, g)


def _solve_a(c: BoundCall, g: Tensor) -> Tensor:
    upstream, result = _solve_b(c, g), c.y
    if c["B"].dim() == 1 or c["B"].dim() < c.x.dim():
        upstream, result = upstream[..., None], result[..., None]
    return sum_to(-upstream @ result.mT, c.x.shape)


def _trace(c: BoundCall, g: Tensor) -> Tensor:
    rows, columns = c.x.shape
    return g * torch.eye(rows, columns, dtype=g.dtype, device=g.device)


def _cross(c: BoundCall, g: Tensor) -> Tensor:
    return torch.linalg.cross(c["other"].expand(g.shape), g, dim=_axis(c, g))


def _cross_other(c: BoundCall, g: Tensor) -> Tensor:
    return torch.linalg.cross(g, c.x.expand(g.shape), dim=_axis(c, g))


def _axis(c: BoundCall, g: Tensor) -> int:
    dim = c["dim"]
    return next(i for i, n in enumerate(g.shape) if n == 3) if dim is None else int(dim)


RULES: tuple[Rule, ...] = (
    Rule("inverse linalg_inv", "input",
         {"input": Written("∂L/∂A = −Y^{T} · ∂L/∂Y · Y^{T}", yaml("linalg_inv_ex"), _inverse)},
         _AY),
    Rule("det linalg_det", "input",
         {"input": Written("∂L/∂A = ∂L/∂y · y · A^{−T}", yaml("_linalg_det"), _det)}, _Ay),
    Rule("logdet", "input",
         {"input": Written("∂L/∂A = ∂L/∂y · A^{−T}", yaml("_linalg_slogdet"), _logdet)}, _Ay),
    Rule("linalg_solve", "input, B",
         {"input": Written("∂L/∂A = −(∂L/∂B) · X^{T}", yaml("_linalg_solve_ex"), _solve_a),
          "B": Written("∂L/∂B = A^{−T} · ∂L/∂X", yaml("_linalg_solve_ex"), _solve_b)},
         {"input": "A", "B": "B", "output": "X"}),
    Rule("trace", "input", {"input": Written("∂L/∂A = ∂L/∂y · I", yaml("trace"), _trace)}, _Ay),
    Rule("cross linalg_cross", "input, other, dim=None",
         {"input": Written("∂L/∂x = y × ∂L/∂z", yaml("linalg_cross"), _cross),
          "other": Written("∂L/∂y = ∂L/∂z × x", yaml("linalg_cross"), _cross_other)}, TWO),
)  # fmt: skip
