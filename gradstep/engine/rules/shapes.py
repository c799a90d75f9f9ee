"""Shapes and axes, as the rules need them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

Index = tuple[int, ...]


def axes_summed(full: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The axes of ``full`` along which a tensor of ``shape`` was repeated by broadcasting."""
    extra = len(full) - len(shape)
    inner = (i + extra for i, n in enumerate(shape) if n == 1 and full[i + extra] != 1)
    return (*range(extra), *inner)


def sum_to(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """Sum over the axes that broadcasting repeated, so that ``shape`` is left."""
    axes = axes_summed(tensor.shape, shape)
    return (tensor.sum(axes, keepdim=True) if axes else tensor).reshape(tuple(shape))


def axes(dim: Any, rank: int) -> tuple[int, ...]:
    """``dim`` as PyTorch takes it (None or empty: all axes), as axes counted from 0."""
    if dim is None or (isinstance(dim, (tuple, list)) and not len(dim)):
        return tuple(range(rank))
    found = dim if isinstance(dim, (tuple, list)) else (dim,)
    return tuple(sorted(int(d) % rank if rank else 0 for d in found))[: max(rank, 0)]


def axis(dim: int, rank: int) -> int:
    return int(dim) % rank if rank else 0


def spread(reduced: Tensor, shape: Sequence[int], over: Sequence[int]) -> Tensor:
    """A reduction's result with the axes ``over`` put back, so that it broadcasts to ``shape``."""
    kept = [1 if i in over else n for i, n in enumerate(shape)]
    return reduced.reshape(kept)


def reduced_index(index: Index, shape: Sequence[int], over: Sequence[int], keep: bool) -> Index:
    """Where the element at ``index`` went in a reduction over the axes ``over``."""
    if keep:
        return tuple(0 if i in over else n for i, n in enumerate(index))
    return tuple(n for i, n in enumerate(index) if i not in over)


def unravel(flat: int, shape: Sequence[int]) -> Index:
    """The index of element number ``flat`` in row-major order."""
    found = []
    for size in reversed(shape):
        flat, rest = divmod(flat, size)
        found.append(rest)
    return tuple(reversed(found))


def ravel(index: Index, shape: Sequence[int]) -> int:
    flat = 0
    for i, size in zip(index, shape, strict=True):
        flat = flat * size + i
    return flat


def broadcast_places(index: Index, shape: Sequence[int], full: Sequence[int]) -> Iterator[Index]:
    """Where in ``full`` the element at ``index`` of a tensor of ``shape`` was repeated."""
    summed = axes_summed(full, shape)
    fixed = [0] * (len(full) - len(shape)) + list(index)
    ranges = [range(n) if i in summed else (fixed[i],) for i, n in enumerate(full)]
    for flat in range(math.prod(len(r) for r in ranges)):
        yield tuple(
            r[i] for r, i in zip(ranges, unravel(flat, [len(r) for r in ranges]), strict=True)
        )


def pair(value: Any, count: int) -> tuple[int, ...]:
    """One number per axis: ``3`` and ``(3, 3)`` mean the same."""
    if isinstance(value, (tuple, list)):
        return tuple(int(v) for v in value) if len(value) == count else (int(value[0]),) * count
    return (int(value),) * count


def numbers(like: Tensor) -> Tensor:
    """1, 2, 3 … in ``like``'s shape: each element's number, exact in float64; 0 is nowhere."""
    count = like.numel()
    found = torch.arange(1, count + 1, dtype=torch.float64, device=like.device)
    return found.reshape(like.shape)
