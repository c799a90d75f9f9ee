"""Is there a number in this tensor that is none? Cheap to ask, exact, and without a trace.

Everything here is called unobserved, and refuses tensors whose elements cannot be read safely.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.torch_internals import is_opaque
from gradstep.engine.values.reading import describe, preview
from gradstep.protocol.nonfinite import NotFinite, Operand
from gradstep.protocol.values import Preview

Index = tuple[int, ...]

_STRIDED = torch.strided
COUNTED = 1 << 26
"""Elements above which those that are not finite are not counted."""


def found_in(tensor: Tensor) -> NotFinite | None:
    """What ``tensor`` holds; None when every element is finite, or when it cannot be told."""
    values = _elements(tensor)
    if values is None or sums_to_finite(values):
        return None
    if bool(torch.isnan(values).any()):
        return NotFinite.NAN
    return NotFinite.INF if bool(torch.isinf(values).any()) else None


def sums_to_finite(values: Tensor) -> bool:
    """A sum keeps every NaN and Inf, so a finite one clears all elements, in a twentieth of the
    time of ``isfinite``. One that is not finite may be an overflow: then look at each."""
    return cmath.isfinite(values.sum().item())


def of_numbers(values: Any, depth: int = 3) -> NotFinite | None:
    """The same of Python numbers among arguments, nested lists included."""
    found = None
    for value in values:
        if isinstance(value, (float, complex)):
            kind = _of_number(value)
        elif depth and isinstance(value, (list, tuple)):
            kind = of_numbers(value, depth - 1)
        else:
            continue
        if kind is NotFinite.NAN:
            return kind
        found = found or kind
    return found


def of_value(value: float) -> NotFinite | None:
    return _of_number(value)


def gradients_finite(gradients: list[Tensor]) -> bool:
    """Whether all are: on the processor each is summed and the sum of the sums is judged; elsewhere
    all are reduced together and one number is read. Raises nothing; what cannot be read counts as
    finite."""
    elsewhere: dict[tuple[Any, Any], list[Tensor]] = {}
    total: complex = 0.0
    for gradient in gradients:
        values: Tensor | None = gradient
        plain = type(gradient) is Tensor and gradient.layout is _STRIDED
        if not plain or gradient.itemsize == 1:
            values = _elements(gradient)
        if values is None:
            continue
        if values.is_cpu:
            total += values.sum().item()
        else:
            elsewhere.setdefault((values.device, values.dtype), []).append(values)
    if not cmath.isfinite(total) and any(found_in(gradient) for gradient in gradients):
        return False
    for (device, _), group in elsewhere.items():
        if device.type == "meta" or _capturing(device.type):
            continue
        norms = torch._foreach_norm(group, 2, dtype=_wide(group[0]))
        if not math.isfinite(torch.stack(norms).sum().item()):
            return not any(found_in(values) is not None for values in group)
    return True


def first_in(tensor: Tensor, kind: NotFinite) -> tuple[int, ...] | None:
    """Where the first element of that kind stands; None for a layout without such an index."""
    values = _elements(tensor)
    if values is None or tensor.layout is not torch.strided:
        return None
    wrong = torch.isnan(values) if kind is NotFinite.NAN else torch.isinf(values)
    return index_of(wrong)


def made_in(result: Tensor, kind: NotFinite, inputs: list[Tensor]) -> tuple[int, ...] | None:
    """Of an operation that works element by element: the first element of ``result`` that is not
    finite though those it was made from are (for NaN: are no NaN)."""
    values = _elements(result)
    if values is None or values.shape != result.shape:
        return None
    wrong = torch.isnan(values) if kind is NotFinite.NAN else torch.isinf(values)
    for tensor in inputs:
        given = _elements(tensor)
        if given is None:
            if tensor.is_floating_point() or tensor.is_complex():
                return None  # it cannot be told
            continue
        carried = torch.isnan(given) if kind is NotFinite.NAN else ~torch.isfinite(given)
        try:
            wrong = wrong & ~carried
        except RuntimeError:  # shapes that do not go together, another device
            return None
    return index_of(wrong) if wrong.shape == result.shape else None


def broadcast_index(index: Index | None, made: torch.Size, given: torch.Size) -> Index | None:
    """Which element of a tensor of shape ``given`` belongs to ``index`` of one of shape ``made``;
    None when the shapes do not go together element by element."""
    if index is None or len(given) > len(made):
        return None
    cut = len(made) - len(given)
    if any(g not in (1, m) for g, m in zip(given, made[cut:], strict=True)):
        return None
    return tuple(0 if g == 1 else i for g, i in zip(given, index[cut:], strict=True))


def is_wrong_at(tensor: Tensor, index: Index) -> bool:
    """Whether what ``tensor`` gave to element ``index`` of a result is not finite."""
    cut = index[len(index) - tensor.dim() :] if tensor.dim() else ()
    own = tuple(0 if size == 1 else i for size, i in zip(tensor.shape, cut, strict=True))
    value = element(tensor, own)
    return value is None or not math.isfinite(value)


def index_of(mask: Tensor) -> tuple[int, ...] | None:
    """The index of the first True in row-major order."""
    flat = mask.reshape(-1)
    if not bool(flat.any()):
        return None
    position = int(flat.to(torch.uint8).argmax())
    index = []
    for size in reversed(mask.shape):
        index.append(position % size)
        position //= size
    return tuple(reversed(index))


def element(tensor: Tensor, index: tuple[int, ...] | None) -> float | None:
    """One number of it; None when there is none of one part."""
    if index is None or is_opaque(tensor) or tensor.is_complex() or len(index) != tensor.dim():
        return None
    return float(tensor.detach()[index].item())


def copied(tensor: Tensor) -> Tensor | None:
    """A copy of what holds numbers with a fraction; None of anything else."""
    values = _elements(tensor)
    return values.clone() if values is not None and values.shape == tensor.shape else None


def operand(name: str, role: str, tensor: Tensor, index: tuple[int, ...] | None = None) -> Operand:
    """All that a stop tells of ``tensor``, with its element at ``index``."""
    values = _elements(tensor)
    nan = inf = 0
    if values is not None and values.numel() <= COUNTED and not sums_to_finite(values):
        nan, inf = int(torch.isnan(values).sum()), int(torch.isinf(values).sum())
    at = element(tensor, index)
    return Operand(
        name=name,
        role=role,
        tensor=describe(tensor),
        value=preview(tensor),
        nan=nan,
        inf=inf,
        index=index if at is not None else None,
        element=at,
    )


def number_operand(name: str, value: float) -> Operand:
    return Operand(
        name=name,
        role="input",
        value=Preview(elements=(value,)),
        nan=int(math.isnan(value)),
        inf=int(math.isinf(value)),
        element=value,
    )


def _of_number(value: float | complex) -> NotFinite | None:
    if cmath.isfinite(value):
        return None
    return NotFinite.NAN if cmath.isnan(value) else NotFinite.INF


def _elements(tensor: Tensor) -> Tensor | None:
    """Its numbers, strided; None when they cannot be read, or can be nothing but finite."""
    try:
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return None
        if tensor.layout is torch.sparse_coo and type(tensor) is Tensor:
            values = tensor.detach()._values()
        elif is_opaque(tensor) or _capturing(tensor.device.type):
            return None
        else:
            values = tensor.detach()
        if values.is_floating_point() and values.element_size() == 1:
            return values.to(torch.float32)  # 8-bit floats can hardly be computed with
        return values
    except (RuntimeError, NotImplementedError):  # another kind of tensor, another device
        return None


def _capturing(device: str) -> bool:
    """While a CUDA graph is captured nothing may be read."""
    return device == "cuda" and torch.cuda.is_current_stream_capturing()


def _wide(values: Tensor) -> torch.dtype | None:
    small = values.is_floating_point() and values.element_size() < 4
    return torch.float32 if small else None
