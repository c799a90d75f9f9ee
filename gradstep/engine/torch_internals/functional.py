"""The transforms of ``torch.func``: what runs inside of them, and which tensors they wrap."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_functorch: Any = torch._C._functorch
_GRAD = _functorch.TransformType.Grad


def gradient_transforms() -> int:
    """How many transforms that differentiate backwards are running, one inside of the other. Each
    of them asks autograd for a graph of its gradients (``create_graph``), whoever called it."""
    stack = _functorch.get_interpreter_stack() or ()
    return sum(interpreter.key() == _GRAD for interpreter in stack)


def in_transform() -> bool:
    """Whether any transform is running in this thread."""
    return bool(_functorch.maybe_current_level())


def beneath(tensor: Tensor) -> Tensor:
    """The tensor that transforms have wrapped, perhaps several times over."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        tensor = _functorch.get_unwrapped(tensor)
    return tensor


def address(tensor: Tensor) -> int:
    """Where its first element lies; 0 for a tensor without memory of its own."""
    if tensor.__class__ is not Tensor or tensor.layout is not torch.strided:
        return 0
    return tensor.data_ptr()
