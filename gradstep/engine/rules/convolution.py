"""Convolutions and their transposes, of one to three spatial axes, as sums over the kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Names, Written
from gradstep.engine.rules.rule import Rule, yaml
from gradstep.engine.rules.shapes import Index, pair
from gradstep.engine.rules.windows import Windows, spatial


def _rank(c: BoundCall) -> int:
    rank: int = c["weight"].dim() - 2
    return rank


def _windows(c: BoundCall, transposed: bool) -> Windows:
    """From the side of the plain convolution: for a transposed one, input and output change
    places."""
    n = _rank(c)
    kernel = spatial(c["weight"], n)
    stride, dilation = pair(c["stride"], n), pair(c["dilation"], n)
    padding = c["padding"]
    if padding == "valid":
        padding = 0
    elif padding == "same":  # with an even kernel the odd one is put at the end
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    elif isinstance(padding, str):
        raise Unexplained(f"with padding {padding!r}")
    near, far = spatial(c["input"], n), spatial(c.y, n)
    seen, seeing = (far, near) if transposed else (near, far)
    return Windows(seen, seeing, kernel, stride, pair(padding, n), dilation)


def _grouped(tensor: Tensor, groups: int, n: int) -> Tensor:
    """Batch × groups × channels of a group × positions; a missing batch is put in."""
    if tensor.dim() == n + 1:
        tensor = tensor.unsqueeze(0)
    return tensor.unflatten(1, (groups, -1))


def _to_seen(c: BoundCall, seeing: Tensor, w: Windows, like: Tensor) -> Tensor:
    """Σ over the kernel of what looks, times the weight: back to what was looked at."""
    n, groups = _rank(c), int(c["groups"])
    weight = c["weight"].unflatten(0, (groups, -1))  # group, out, in, *kernel
    source = _grouped(seeing, groups, n)
    shape = (source.shape[0], groups, weight.shape[2], *w.inputs)
    found = source.new_zeros(shape)
    for place, inputs, outputs in w.taps():
        tap = weight[(..., *place)]
        found[(..., *inputs)] += torch.einsum("bgo...,goi->bgi...", source[(..., *outputs)], tap)
    return found.flatten(1, 2).reshape(like.shape)


def _to_seeing(c: BoundCall, seen: Tensor, w: Windows, like: Tensor) -> Tensor:
    """The convolution itself."""
    n, groups = _rank(c), int(c["groups"])
    weight = c["weight"].unflatten(0, (groups, -1))
    source = _grouped(seen, groups, n)
    found = source.new_zeros((source.shape[0], groups, weight.shape[1], *w.outputs))
    for place, inputs, outputs in w.taps():
        tap = weight[(..., *place)]
        found[(..., *outputs)] += torch.einsum("bgi...,goi->bgo...", source[(..., *inputs)], tap)
    return found.flatten(1, 2).reshape(like.shape)


def _to_weight(c: BoundCall, seen: Tensor, seeing: Tensor, w: Windows) -> Tensor:
    n, groups = _rank(c), int(c["groups"])
    near, far = _grouped(seen, groups, n), _grouped(seeing, groups, n)
    found = torch.zeros_like(c["weight"]).unflatten(0, (groups, -1))
    for place, inputs, outputs in w.taps():
        found[(..., *place)] = torch.einsum(
            "bgix,bgox->goi",
            near[(..., *inputs)].flatten(3),
            far[(..., *outputs)].flatten(3),
        )
    return found.flatten(0, 1)


def _input(c: BoundCall, g: Tensor) -> Tensor:
    return _to_seen(c, g, _windows(c, False), c.x)


def _weight(c: BoundCall, g: Tensor) -> Tensor:
    return _to_weight(c, c.x, g, _windows(c, False))


def _bias(c: BoundCall, g: Tensor) -> Tensor:
    channel = g.dim() - _rank(c) - 1
    return g.sum([i for i in range(g.dim()) if i != channel])


def _input_t(c: BoundCall, g: Tensor) -> Tensor:
    return _to_seeing(c, g, _windows(c, True), c.x)


def _weight_t(c: BoundCall, g: Tensor) -> Tensor:
    return _to_weight(c, g, c.x, _windows(c, True))


def _partner(transposed: bool) -> Names:
    """Names of the factors: an input element meets the weight, the weight an input element."""

    def names(c: BoundCall, slot: int, index: Index, at: Index) -> tuple[str, Index]:
        n, w = _rank(c), _windows(c, transposed)
        groups = int(c["groups"])
        rows, columns = c["weight"].shape[0] // groups, c["weight"].shape[1]
        if c.place_of(slot)[0] == "input":
            seen, seeing = (at, index) if transposed else (index, at)
            place = w.place(seeing[len(seeing) - n :], seen[len(seen) - n :])
            out, into = seeing[len(seeing) - n - 1], seen[len(seen) - n - 1] % columns
            return "W", (out, into, *place)
        batch = at[: len(at) - n - 1]
        channel, place = index[0], index[2:]
        if not transposed:
            into = channel // rows * columns + index[1]
            return "X", (*batch, into, *w.seen(at[len(at) - n :], place))
        spot = tuple(
            (o + p - k * d) // s
            for o, k, s, p, d in zip(
                at[len(at) - n :], place, w.stride, w.padding, w.dilation, strict=True
            )
        )
        return "X", (*batch, channel, *spot)

    return names


_SYMBOLS = {"input": "X", "weight": "W", "bias": "b", "output": "Y"}
_TEXTS = (
    "∂L/∂X[i, q] = Σ_{o} Σ_{k} ∂L/∂Y[o, p] W[o, i, k], p s + k d − pad = q",
    "∂L/∂W[o, i, k] = Σ_{batch} Σ_{p} ∂L/∂Y[o, p] X[i, p s + k d − pad]",
    "∂L/∂X[i, p] = Σ_{o} Σ_{k} ∂L/∂Y[o, p s + k d − pad] W[i, o, k]",
    "∂L/∂W[i, o, k] = Σ_{batch} Σ_{p} X[i, p] ∂L/∂Y[o, p s + k d − pad]",
)
_SOURCE = yaml("convolution") + "; Dumoulin & Visin, A guide to convolution arithmetic (2016)"


def _convolution(n: int) -> Rule:
    names = _partner(False)
    by = {
        "input": Written(_TEXTS[0], _SOURCE, _input, names),
        "weight": Written(_TEXTS[1], _SOURCE, _weight, names),
        "bias": Written("∂L/∂b = Σ_{batch, p} ∂L/∂Y", _SOURCE, _bias),
    }
    parameters = "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1"
    return Rule(f"conv{n}d", parameters, by, _SYMBOLS)


def _transposed(n: int) -> Rule:
    names = _partner(True)
    by = {
        "input": Written(_TEXTS[2], _SOURCE, _input_t, names),
        "weight": Written(_TEXTS[3], _SOURCE, _weight_t, names),
        "bias": Written("∂L/∂b = Σ_{batch, p} ∂L/∂Y", _SOURCE, _bias),
    }
    parameters = (
        "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1"
    )
    return Rule(f"conv_transpose{n}d", parameters, by, _SYMBOLS)


RULES: tuple[Rule, ...] = (
    *(_convolution(n) for n in (1, 2, 3)),
    *(_transposed(n) for n in (1, 2, 3)),
)
