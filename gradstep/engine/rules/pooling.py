"""Pooling and resizing."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Derivative, Written
from gradstep.engine.rules.movement import Movement
from gradstep.engine.rules.rule import Rule, docs, yaml
from gradstep.engine.rules.shapes import pair
from gradstep.engine.rules.windows import Windows, spatial


def _windows(c: BoundCall, n: int, dilation: Any = 1) -> Windows:
    kernel = pair(c["kernel_size"], n)
    stride = c["stride"]
    stride = kernel if stride is None or stride == [] else pair(stride, n)
    seen, seeing = spatial(c.x, n), spatial(c.y, n)
    return Windows(seen, seeing, kernel, stride, pair(c["padding"], n), pair(dilation, n))


# ---------------------------------------------------------------------- maximum


def _largest(c: BoundCall, w: Windows) -> Tensor:
    """The first place of the kernel, in row-major order, at which each window has its maximum."""
    best = torch.full_like(c.y, -math.inf)
    where = torch.full(c.y.shape, -1, dtype=torch.long, device=c.y.device)
    for number, (_, inputs, outputs) in enumerate(w.taps()):
        at = (..., *outputs)
        seen = c.x[(..., *inputs)]
        better = (seen > best[at]) | ((where[at] < 0) | seen.isnan())
        best[at] = torch.where(better, seen, best[at])
        where[at] = torch.where(better, torch.full_like(where[at], number), where[at])
    return where


def _max_pool(n: int) -> Rule:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        w = _windows(c, n, c["dilation"])
        where, found = _largest(c, w), torch.zeros_like(c.x)
        for number, (_, inputs, outputs) in enumerate(w.taps()):
            at = (..., *outputs)
            found[(..., *inputs)] += g[at] * (where[at] == number)
        return found

    text = "∂L/∂x[q] = Σ ∂L/∂y[p] over the windows p whose (first) maximum is x[q]"
    by: dict[str, Derivative] = {"input": Written(text, yaml("max_pool2d_with_indices"), of)}
    parameters = "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False"
    return Rule(f"max_pool{n}d max_pool{n}d_with_indices", parameters, by)


def _regions(size: int, count: int) -> list[tuple[int, int]]:
    """Adaptive pooling: output ``o`` sees the inputs from ⌊o·size/count⌋ to ⌈(o+1)·size/count⌉."""
    return [(o * size // count, -(-(o + 1) * size // count)) for o in range(count)]


def _adaptive_max(n: int) -> Rule:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        found = torch.zeros_like(c.x)
        sizes, counts = spatial(c.x, n), spatial(c.y, n)
        regions = [_regions(s, k) for s, k in zip(sizes, counts, strict=True)]
        for place in itertools.product(*(range(k) for k in counts)):
            cut: Any = (..., *(slice(*regions[i][o]) for i, o in enumerate(place)))
            window = c.x[cut].flatten(-n)
            hit = torch.zeros_like(window).scatter(-1, window.argmax(-1, keepdim=True), 1.0)
            at: Any = (..., *place)
            found[cut] += (g[at][..., None] * hit).reshape(c.x[cut].shape)
        return found

    text = "∂L/∂x[q] = Σ ∂L/∂y[p] over the regions p whose (first) maximum is x[q]"
    names = f"adaptive_max_pool{n}d adaptive_max_pool{n}d_with_indices"
    by: dict[str, Derivative] = {"input": Written(text, yaml(f"adaptive_max_pool{max(2, n)}d"), of)}
    return Rule(names, "input, output_size", by)


# ---------------------------------------------------------------------- average


def _divisor(c: BoundCall, w: Windows, n: int) -> Tensor:
    """By how much each window's sum is divided."""
    override = c.arguments.get("divisor_override")
    if override is not None:
        return c.y.new_full(w.outputs, float(override))
    counts = []
    for axis in range(n):
        start = torch.arange(w.outputs[axis]) * w.stride[axis] - w.padding[axis]
        end = (start + w.kernel[axis]).clamp(max=w.inputs[axis] + w.padding[axis])
        if not c["count_include_pad"]:
            start, end = start.clamp(min=0), end.clamp(max=w.inputs[axis])
        counts.append((end - start).to(c.y.device, c.y.dtype))
    found = counts[0]
    for other in counts[1:]:
        found = found[..., None] * other
    return found


def _avg_pool(n: int) -> Rule:
    def of(c: BoundCall, g: Tensor) -> Tensor:
        w, found = _windows(c, n), torch.zeros_like(c.x)
        share = g / _divisor(c, w, n)
        for _, inputs, outputs in w.taps():
            found[(..., *inputs)] += share[(..., *outputs)]
        return found

    text = "∂L/∂x[q] = Σ {∂L/∂y[p]}/{N_{p}} over the windows p that see x[q]"
    by: dict[str, Derivative] = {"input": Written(text, yaml(f"avg_pool{max(2, n)}d"), of)}
    parameters = (
        "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
    )
    return Rule(f"avg_pool{n}d", parameters + (", divisor_override=None" if n > 1 else ""), by)


def _along(g: Tensor, matrices: list[Tensor]) -> Tensor:
    """``g`` times a matrix (outputs × inputs) along each of its last axes."""
    n = len(matrices)
    for i, matrix in enumerate(matrices):
        axis = g.dim() - n + i
        g = (g.movedim(axis, -1) @ matrix).movedim(-1, axis)
    return g


def _adaptive_avg(c: BoundCall, g: Tensor, n: int) -> Tensor:
    matrices = []
    for size, count in zip(spatial(c.x, n), spatial(c.y, n), strict=True):
        matrix = g.new_zeros(count, size)
        for o, (start, end) in enumerate(_regions(size, count)):
            matrix[o, start:end] = 1 / (end - start)
        matrices.append(matrix)
    return _along(g, matrices)


def _adaptive_avg_pool(n: int) -> Rule:
    text = "∂L/∂x[q] = Σ {∂L/∂y[p]}/{N_{p}} over the regions p that hold x[q]"
    by: dict[str, Derivative] = {
        "input": Written(text, docs("AdaptiveAvgPool"), lambda c, g: _adaptive_avg(c, g, n))
    }
    return Rule(f"adaptive_avg_pool{n}d", "input, output_size", by)


def _lp_pool(c: BoundCall, g: Tensor, n: int) -> Tensor:
    p = float(c["norm_type"])
    kernel = pair(c["kernel_size"], n)
    stride = kernel if c["stride"] is None else pair(c["stride"], n)
    w = Windows(spatial(c.x, n), spatial(c.y, n), kernel, stride, (0,) * n, (1,) * n)
    found = torch.zeros_like(c.x)
    for _, inputs, outputs in w.taps():
        seen, y = c.x[(..., *inputs)], c.y[(..., *outputs)]
        local = seen.sign() * (seen.abs() / y) ** (p - 1)
        found[(..., *inputs)] += g[(..., *outputs)] * torch.where(
            y == 0, torch.zeros_like(y), local
        )
    return found


# ---------------------------------------------------------------------- resizing


def _resize(c: BoundCall, g: Tensor) -> Tensor:
    """Linear along each axis, whose matrix is what interpolation makes of unit vectors."""
    n, mode = c.x.dim() - 2, c["mode"]
    if c["antialias"]:
        raise Unexplained("with antialias")
    if mode == "area":
        return _adaptive_avg(c, g, n)
    matrices = []
    for i, (size, count) in enumerate(zip(spatial(c.x, n), spatial(c.y, n), strict=True)):
        factor = c["scale_factor"]
        factor = factor[i] if isinstance(factor, (tuple, list)) else factor
        options: dict[str, Any] = {"size": count} if factor is None else {"scale_factor": factor}
        options["recompute_scale_factor"] = c["recompute_scale_factor"]
        matrices.append(_axis_matrix(g, size, mode, c["align_corners"], options))
    return _along(g, matrices)


def _axis_matrix(g: Tensor, size: int, mode: str, corners: Any, options: Any) -> Tensor:
    units = torch.eye(size, dtype=g.dtype, device=g.device)
    resize: Any = torch.nn.functional.interpolate
    if mode == "bicubic":  # of pictures one element wide
        wide = {k: ((v, 1) if k != "recompute_scale_factor" else v) for k, v in options.items()}
        found = resize(units[None, :, :, None], mode=mode, align_corners=corners, **wide)[0, ..., 0]
    else:
        one = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode)
        found = resize(units[None], mode=one, align_corners=corners, **options)[0]
    return found.mT


RULES: tuple[Rule, ...] = (
    *(_max_pool(n) for n in (1, 2, 3)),
    *(_avg_pool(n) for n in (1, 2, 3)),
    *(_adaptive_avg_pool(n) for n in (1, 2, 3)),
    *(_adaptive_max(n) for n in (1, 2, 3)),
    Rule("lp_pool1d", "input, norm_type, kernel_size, stride=None, ceil_mode=False",
         {"input": Written("∂y/∂x = ({x}/{y})^{p − 1}", docs("lp_pool1d"),
                           lambda c, g: _lp_pool(c, g, 1))}),
    Rule("lp_pool2d", "input, norm_type, kernel_size, stride=None, ceil_mode=False",
         {"input": Written("∂y/∂x = ({x}/{y})^{p − 1}", docs("lp_pool2d"),
                           lambda c, g: _lp_pool(c, g, 2))}),
    Rule("interpolate upsample",
         "input, size=None, scale_factor=None, mode='nearest', align_corners=None, "
         "recompute_scale_factor=None, antialias=False",
         {"input": Written("∂L/∂x = P^{T} · ∂L/∂y along each axis, P the axis's weights",
                           docs("interpolate"), _resize)}),
    Rule("pixel_shuffle", "input, upscale_factor",
         {"input": Movement("∂L/∂x = ∂L/∂y, put back to its channel", yaml("pixel_shuffle"))}),
    Rule("pixel_unshuffle", "input, downscale_factor",
         {"input": Movement("∂L/∂x = ∂L/∂y, put back to its position", yaml("pixel_unshuffle"))}),
)  # fmt: skip
