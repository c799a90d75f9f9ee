"""What can be read of a tensor without harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from gradstep.engine.torch_internals.modes import count_dispatch_modes, count_function_modes


def is_opaque(tensor: Tensor) -> bool:
    """Whether reading the elements could crash or lie: forward-mode zero tensors, tensors inside
    a ``torch.func`` transform, meta and fake tensors, sparse and other layouts."""
    kind = tensor.__class__
    if kind is not Tensor and kind is not torch.nn.Parameter:
        return not _plain_subclass(kind) or is_unmade(tensor)
    if tensor.layout is not _STRIDED or tensor.is_meta or tensor.is_nested:
        return True
    return bool(tensor._is_zerotensor() or _is_functorch_wrapped(tensor))


def is_unmade(tensor: Tensor) -> bool:
    """A lazy module's, before its first call: asking for its shape raises."""
    return bool(is_lazy(tensor))


def plain_number(loss: Any) -> float | None:
    """The number in a real one-element tensor that nothing is peculiar about; None for all others,
    and when a mode or transform would see it being read. Asked at every backward, in one function
    and with few questions: each is code that has left the cache since the last backward. So is most
    of what ``item`` does, which goes through the dispatcher; ``tolist`` reads the memory."""
    if type(loss) is not Tensor or count_dispatch_modes() or count_function_modes():
        return None
    if loss.numel() != 1:
        return None
    try:
        number: Any = loss.tolist()
    except RuntimeError:  # a meta tensor, a nested one, another layout
        return None
    while type(number) is list:
        number = number[0]
    return number if type(number) is float else None


# Each dot in their names would cost as much again as what they do.
_STRIDED = torch.strided
_is_functorch_wrapped: Callable[[Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor


def _plain_subclass(kind: type) -> bool:
    dispatch = getattr(kind, "__torch_dispatch__", None)
    return dispatch in (None, torch._C._disabled_torch_dispatch_impl)


def capturing() -> bool:
    """Whether a CUDA graph is being captured: then reading any value would break it."""
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())
