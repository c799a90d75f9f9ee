"""A call as a rule sees it: tensors, and arguments by their names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Arguments, Omitted, Slot

Upstream = tuple[Tensor | None, ...]
"""∂L/∂(result), one for each result of the call; None where no gradient came."""


class Unexplained(Exception):
    """The table has a rule, but not for a call like this one; the message says why."""


@functools.cache
def signature(text: str) -> inspect.Signature:
    """Of a parameter list as in ``input, other, *, alpha=1``. Only our own table is read."""
    function: Callable[..., Any] = eval(f"lambda {text}: None", {})
    return inspect.signature(function)


# Keywords that change nothing about the derivative.
_ASIDE = frozenset({
    "out", "inplace", "memory_format", "non_blocking", "copy", "_stacklevel", "sparse",
    "size_average", "reduce", "requires_grad", "pin_memory", "return_indices", "layout", "device",
})  # fmt: skip
_OTHER_NAMES = {"self": "input", "axis": "dim", "keepdims": "keepdim", "x": "input", "A": "input"}


def bind(parameters: str, arguments: Arguments) -> dict[str, Any]:
    """The arguments by name, defaults filled in. Raises ``Unexplained`` when they do not fit."""
    form = signature(parameters)
    named = {}
    for name, value in arguments.kwargs.items():
        if name not in form.parameters:
            name = _OTHER_NAMES.get(name, name)
        if name in form.parameters or name not in _ASIDE:
            named[name] = value
    try:
        bound = form.bind(*arguments.args, **named)
    except TypeError as error:
        raise Unexplained(f"called with arguments that the table does not know: {error}") from None
    bound.apply_defaults()
    return dict(bound.arguments)


class BoundCall:
    """``call["weight"]`` is an argument, tensors in their places; ``call.x`` the first tensor,
    ``call.y`` the first result. Floating tensors are computed with in ``dtype`` (as given if
    None)."""

    def __init__(
        self,
        name: str,
        parameters: str,
        arguments: Arguments,
        tensors: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        dtype: torch.dtype | None = None,
    ) -> None:
        self.name, self.parameters = name, parameters
        self.original = arguments
        self.given, self._results = tensors, outputs
        self.tensors = tuple(_cast(t, dtype) for t in tensors)
        self.outputs = tuple(_cast(t, dtype) for t in outputs)
        self.arguments = bind(parameters, arguments)

    def again(self, dtype: torch.dtype) -> BoundCall:
        """The same, computed with in ``dtype``."""
        given = self.name, self.parameters, self.original, self.given, self._results
        return BoundCall(*given, dtype)

    @property
    def y(self) -> Tensor:
        return self.outputs[0]

    @property
    def x(self) -> Tensor:
        value = self["input"]
        if not isinstance(value, Tensor):
            raise Unexplained("called on something else than a tensor")
        return value

    def __getitem__(self, name: str) -> Any:
        return self.filled(self.arguments[name])

    def filled(self, value: Any) -> Any:
        """``value`` with tensors in the places of their slots."""
        if isinstance(value, Slot):
            return self.tensors[value.index]
        if isinstance(value, Omitted):
            raise Unexplained(f"called with a {value.type}, which is not kept")
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            items = [self.filled(item) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        return value

    def tensor(self, name: str) -> Tensor:
        """An argument that may be a number, as a tensor of the result's type."""
        value = self[name]
        if isinstance(value, Tensor):
            return value
        like = self.y if self.y.is_floating_point() else self.tensors[0]
        return torch.as_tensor(value, dtype=like.dtype, device=like.device)

    def place_of(self, slot: int) -> tuple[str, int | None]:
        """The parameter that tensor ``slot`` was given for, and its place in it if that is a list.

        Raises ``Unexplained`` for a tensor that lies deeper."""
        for name, value in self.arguments.items():
            if isinstance(value, Slot) and value.index == slot:
                return name, None
            if isinstance(value, (list, tuple)):
                for i, item in enumerate(value):
                    if isinstance(item, Slot) and item.index == slot:
                        return name, i
                    if isinstance(item, (list, tuple)) and Slot(slot) in item:
                        return name, item.index(Slot(slot))
        raise Unexplained("the tensor lies too deep among the arguments")


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or not tensor.is_floating_point():
        return tensor
    return tensor.to(dtype)
