"""Scaled dot-product attention: Y = softmax(s Q Kᵀ + M) V."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Written
from gradstep.engine.rules.rule import Rule, yaml
from gradstep.engine.rules.shapes import sum_to


def _heads(c: BoundCall, name: str) -> Tensor:
    """Keys or values, one for each head of the queries."""
    tensor: Tensor = c[name]
    if c["enable_gqa"]:
        tensor = tensor.repeat_interleave(c["query"].shape[-3] // tensor.shape[-3], -3)
    return tensor


def _to_heads(c: BoundCall, name: str, gradient: Tensor) -> Tensor:
    """Summed over the query heads that share one."""
    shape = c[name].shape
    if c["enable_gqa"]:
        gradient = gradient.unflatten(-3, (shape[-3], -1)).sum(-3)
    return sum_to(gradient, shape)


def _scale(c: BoundCall) -> float:
    return 1 / math.sqrt(c["query"].shape[-1]) if c["scale"] is None else float(c["scale"])


def _weights(c: BoundCall) -> Tensor:
    if c["dropout_p"]:
        raise Unexplained("with dropout: which weights were dropped is not seen in the result")
    scores = _scale(c) * c["query"] @ _heads(c, "key").mT
    mask = c["attn_mask"]
    if c["is_causal"]:
        rows, columns = scores.shape[-2:]
        mask = torch.ones(rows, columns, dtype=torch.bool, device=scores.device).tril()
    if mask is not None and mask.dtype is torch.bool:
        scores = scores.masked_fill(~mask, -math.inf)
    elif mask is not None:
        scores = scores + mask
    weights = torch.softmax(scores, -1)
    return weights.nan_to_num(0.0) if mask is not None else weights


def _by_scores(c: BoundCall, g: Tensor) -> Tensor:
    p = _weights(c)
    by_weights = g @ _heads(c, "value").mT
    return p * (by_weights - (by_weights * p).sum(-1, keepdim=True))


def _query(c: BoundCall, g: Tensor) -> Tensor:
    return _scale(c) * _by_scores(c, g) @ _heads(c, "key")


def _key(c: BoundCall, g: Tensor) -> Tensor:
    return _to_heads(c, "key", _scale(c) * _by_scores(c, g).mT @ c["query"])


def _value(c: BoundCall, g: Tensor) -> Tensor:
    return _to_heads(c, "value", _weights(c).mT @ g)


_SOURCE = yaml("_scaled_dot_product_flash_attention_for_cpu") + "; Vaswani et al. (2017), eq. 1"
_S = "∂L/∂S = P ∘ (∂L/∂P − rowsum(∂L/∂P ∘ P)), ∂L/∂P = ∂L/∂Y · V^{T}, P = softmax(S)"

RULES: tuple[Rule, ...] = (
    Rule(
        "scaled_dot_product_attention",
        "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, "
        "enable_gqa=False",
        {
            "query": Written(f"∂L/∂Q = s ∂L/∂S · K; {_S}", _SOURCE, _query),
            "key": Written(f"∂L/∂K = s (∂L/∂S)^{{T}} · Q; {_S}", _SOURCE, _key),
            "value": Written(
                "∂L/∂V = P^{T} · ∂L/∂Y, P = softmax(s Q · K^{T} + M)", _SOURCE, _value
            ),
            "attn_mask": Written(f"∂L/∂M = ∂L/∂S; {_S}", _SOURCE, _by_scores),
        },
        {"query": "Q", "key": "K", "value": "V", "attn_mask": "M", "output": "Y"},
    ),
)
