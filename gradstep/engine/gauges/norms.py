"""Norms and histograms of the program's tensors. Call them unobserved: nothing of it is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gradstep.engine.torch_internals import is_opaque
from gradstep.protocol.gauges import BINS, LOWEST, SAMPLE

ROW = 4096
"""Elements that are summed in their own precision: over millions, float32 loses the third digit,
and summing in float64 from the start takes thirty times as long."""


def norm(tensor: Tensor) -> Tensor | None:
    """The 2-norm as a tensor without axes, where the tensor lives, so that nobody waits for a
    device; None where the elements cannot be read."""
    if is_opaque(tensor) or not (tensor.is_floating_point() or tensor.is_complex()):
        return None
    flat = tensor.detach()
    if flat.is_complex():
        flat = torch.view_as_real(flat.resolve_conj())
    flat = flat.reshape(-1)
    if flat.element_size() < 4:
        flat = flat.to(torch.float32)
    wide = torch.float32 if flat.device.type == "mps" else torch.float64
    count = flat.numel()
    if count <= ROW or flat.dtype is torch.float64:
        return _vector_norm(flat, wide)
    whole = count - count % ROW
    rows = torch.linalg.vector_norm(flat[:whole].reshape(-1, ROW), dim=1)
    if whole < count:
        rows = torch.cat((rows, torch.linalg.vector_norm(flat[whole:]).reshape(1)))
    return _vector_norm(rows, wide)


def _vector_norm(flat: Tensor, dtype: torch.dtype) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(flat, dtype=dtype)
    return found


def numbers(norms: Sequence[Tensor | None]) -> list[float | None]:
    """All at once: one wait per device."""
    by_device: dict[torch.device, list[int]] = {}
    for i, value in enumerate(norms):
        if value is not None:
            by_device.setdefault(value.device, []).append(i)
    found: list[float | None] = [None] * len(norms)
    for places in by_device.values():
        stacked = torch.stack([norms[i] for i in places])  # type: ignore[misc]
        for i, number in zip(places, stacked.tolist(), strict=True):
            found[i] = number
    return found


def histogram(tensor: Tensor) -> tuple[int, ...]:
    """Counts of elements by sign and magnitude (see ``gradstep.protocol.gauges``); what is not
    finite is not counted. Empty where the elements cannot be read."""
    if is_opaque(tensor) or not tensor.is_floating_point():
        return ()
    flat = tensor.detach().reshape(-1)
    stride = math.ceil(flat.numel() / SAMPLE)
    flat = flat[:: max(stride, 1)].to("cpu")
    if flat.element_size() < 4:
        flat = flat.to(torch.float32)
    flat = flat[torch.isfinite(flat)]
    # |x| = m 2^e with 0.5 <= m < 1, so that e - 1 is the whole part of log2: no rounding.
    power = torch.frexp(flat).exponent.sub_(1).div_(2, rounding_mode="floor")
    place = power.sub_(LOWEST).clamp_(0, BINS - 1)
    at = torch.where(flat < 0, BINS - 1 - place, BINS + 1 + place)
    at = torch.where(flat == 0, BINS, at)
    return tuple(torch.bincount(at, minlength=2 * BINS + 1).tolist())
