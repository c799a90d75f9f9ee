"""Normalization: over the batch, over a layer, over groups, and by a vector's length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Derivative, Written
from gradstep.engine.rules.rule import Rule, docs, yaml
from gradstep.engine.rules.shapes import spread


@dataclass(frozen=True)
class Setting:
    """``y = γ x̂ + β`` with ``x̂ = (x − μ) / σ``. ``over``: the axes of a group; ``gamma`` and
    ``sigma`` broadcast to ``x``; ``fixed``: μ and σ do not depend on x; ``shape``: that of x while
    it is looked at, ``parameters``: axes of it that γ and β do not have."""

    hat: Tensor
    sigma: Tensor
    gamma: Tensor | None
    over: tuple[int, ...]
    fixed: bool
    parameters: tuple[int, ...]
    centred: bool = True


def _centred(x: Tensor, over: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    mean = x.mean(over, keepdim=True)
    sigma = ((x - mean).square().mean(over, keepdim=True) + eps).sqrt()
    return (x - mean) / sigma, sigma


def _channelwise(value: Tensor | None, x: Tensor) -> Tensor | None:
    others = [i for i in range(x.dim()) if i != 1]
    return None if value is None else spread(value, x.shape, others)


def _not_channels(x: Tensor) -> tuple[int, ...]:
    return tuple(i for i in range(x.dim()) if i != 1)


def _batch(c: BoundCall) -> Setting:
    x, gamma = c.x, _channelwise(c["weight"], c.x)
    over = _not_channels(x)
    if c["training"] or c["running_mean"] is None:
        return Setting(*_centred(x, over, c["eps"]), gamma, over, False, over)
    mean, var = _channelwise(c["running_mean"], x), _channelwise(c["running_var"], x)
    assert mean is not None and var is not None
    sigma = (var + c["eps"]).sqrt()
    return Setting((x - mean) / sigma, sigma, gamma, over, True, over)


def _instance(c: BoundCall) -> Setting:
    x, gamma = c.x, _channelwise(c["weight"], c.x)
    over, others = tuple(range(2, x.dim())), _not_channels(x)
    if c["use_input_stats"] or c["running_mean"] is None:
        return Setting(*_centred(x, over, c["eps"]), gamma, over, False, others)
    mean, var = _channelwise(c["running_mean"], x), _channelwise(c["running_var"], x)
    assert mean is not None and var is not None
    sigma = (var + c["eps"]).sqrt()
    return Setting((x - mean) / sigma, sigma, gamma, over, True, others)


def _layer(c: BoundCall) -> Setting:
    n = len(c["normalized_shape"])
    over = tuple(range(c.x.dim() - n, c.x.dim()))
    rows = tuple(range(c.x.dim() - n))
    return Setting(*_centred(c.x, over, c["eps"]), c["weight"], over, False, rows)


def _root_mean_square(c: BoundCall) -> Setting:
    n, eps = len(c["normalized_shape"]), c["eps"]
    over = tuple(range(c.x.dim() - n, c.x.dim()))
    if eps is None:
        eps = torch.finfo(c.given[0].dtype).eps
    sigma = (c.x.square().mean(over, keepdim=True) + eps).sqrt()
    rows = tuple(range(c.x.dim() - n))
    return Setting(c.x / sigma, sigma, c["weight"], over, False, rows, centred=False)


def _group(c: BoundCall) -> Setting:
    """x̂ in x's shape, σ repeated to it; the means over a group are taken by ``_input``."""
    x, groups = c.x, int(c["num_groups"])
    folded = x.reshape(x.shape[0], groups, -1)
    hat, sigma = _centred(folded, (2,), c["eps"])
    sigma = sigma.expand(folded.shape).reshape(x.shape)
    gamma = _channelwise(c["weight"], x)
    return Setting(hat.reshape(x.shape), sigma, gamma, (), False, _not_channels(x))


def _mean(c: BoundCall, s: Setting, value: Tensor) -> Tensor:
    if s.over:
        return value.mean(s.over, keepdim=True)
    folded = value.reshape(value.shape[0], int(c["num_groups"]), -1)
    return folded.mean(2, keepdim=True).expand(folded.shape).reshape(value.shape)


def _input(setting: Callable[[BoundCall], Setting]) -> Callable[[BoundCall, Tensor], Tensor]:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        s = setting(c)
        g = g if s.gamma is None else g * s.gamma
        if s.fixed:
            return g / s.sigma
        centre = _mean(c, s, g) if s.centred else 0
        return (g - centre - s.hat * _mean(c, s, g * s.hat)) / s.sigma

    return of


def _scale(setting: Callable[[BoundCall], Setting]) -> Callable[[BoundCall, Tensor], Tensor]:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        s = setting(c)
        whole = g * s.hat
        return (whole.sum(s.parameters) if s.parameters else whole).reshape(c["weight"].shape)

    return of


def _shift(setting: Callable[[BoundCall], Setting]) -> Callable[[BoundCall, Tensor], Tensor]:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        s = setting(c)
        return (g.sum(s.parameters) if s.parameters else g).reshape(c["bias"].shape)

    return of


def _normalize(c: BoundCall, g: Tensor) -> Tensor:
    p, dim = float(c["p"]), c["dim"]
    length = torch.linalg.vector_norm(c.x, p, dim, keepdim=True)
    by = length.clamp(min=c["eps"])
    ratio = torch.where(length == 0, torch.zeros_like(c.x), c.x.abs() / length)
    local = c.x.sign() * ratio ** (p - 1) * (length >= c["eps"])
    return g / by - (g * c.x).sum(dim, keepdim=True) / by**2 * local


def _response(c: BoundCall, g: Tensor) -> Tensor:
    """y = x · d^−β, d = k + α mean over a window of channels of x²."""
    x, size, beta = c.x, int(c["size"]), float(c["beta"])
    alpha, k = float(c["alpha"]), float(c["k"])
    channels = x.shape[1]
    window = g.new_zeros(channels, channels)
    for i in range(channels):
        window[i, max(0, i - size // 2) : i - size // 2 + size] = 1 / size
    d = k + alpha * torch.einsum("ij,bj...->bi...", window, x * x)
    through = torch.einsum("ij,bi...->bj...", window, g * x * d ** (-beta - 1))
    return g * d**-beta - 2 * alpha * beta * x * through


_INPUT = "∂L/∂x = {1}/{σ} (ĝ − mean ĝ − x̂ mean(ĝ x̂)), ĝ = γ ∂L/∂y, x̂ = {x − μ}/{σ}"
_RMS = "∂L/∂x = {1}/{σ} (ĝ − x̂ mean(ĝ x̂)), ĝ = γ ∂L/∂y, x̂ = {x}/{σ}, σ = √(mean x^{2} + ε)"
_PAPERS = {
    "batch_norm": "Ioffe & Szegedy, Batch Normalization (2015), section 3",
    "layer_norm": "Ba et al., Layer Normalization (2016)",
    "group_norm": "Wu & He, Group Normalization (2018)",
    "instance_norm": "Ulyanov et al., Instance Normalization (2016)",
    "rms_norm": "Zhang & Sennrich, Root Mean Square Layer Normalization (2019)",
}
_SYMBOLS = {"input": "x", "weight": "γ", "bias": "β", "output": "y"}


def _norm(name: str, parameters: str, setting: Callable[[BoundCall], Setting]) -> Rule:
    source = f"{yaml('native_' + name)}; {_PAPERS[name]}"
    text = _RMS if name == "rms_norm" else _INPUT
    by: dict[str, Derivative] = {
        "input": Written(text, source, _input(setting)),
        "weight": Written("∂L/∂γ = Σ ∂L/∂y x̂", source, _scale(setting)),
        "bias": Written("∂L/∂β = Σ ∂L/∂y", source, _shift(setting)),
    }
    return Rule(name, parameters, by, _SYMBOLS)


RULES: tuple[Rule, ...] = (
    _norm("batch_norm", "input, running_mean, running_var, weight=None, bias=None, "
          "training=False, momentum=0.1, eps=1e-5, cudnn_enabled=True", _batch),
    _norm("instance_norm", "input, running_mean=None, running_var=None, weight=None, bias=None, "
          "use_input_stats=True, momentum=0.1, eps=1e-5, cudnn_enabled=True", _instance),
    _norm("layer_norm", "input, normalized_shape, weight=None, bias=None, eps=1e-5, "
          "cudnn_enable=True", _layer),
    _norm("group_norm", "input, num_groups, weight=None, bias=None, eps=1e-5, "
          "cudnn_enabled=True", _group),
    _norm("rms_norm", "input, normalized_shape, weight=None, eps=None", _root_mean_square),
    Rule("normalize", "input, p=2.0, dim=1, eps=1e-12", {"input": Written(
        "∂L/∂x = {∂L/∂y}/{‖x‖} − {Σ ∂L/∂y x}/{‖x‖^{2}} ∂‖x‖/∂x", docs("normalize"), _normalize)}),
    Rule("local_response_norm", "input, size, alpha=1e-4, beta=0.75, k=1.0", {"input": Written(
        "∂L/∂x_{j} = ∂L/∂y_{j} d_{j}^{−β} − {2αβ}/{n} x_{j} Σ_{i} ∂L/∂y_{i} x_{i} d_{i}^{−β − 1}",
        docs("local_response_norm"), _response)}),
)  # fmt: skip
