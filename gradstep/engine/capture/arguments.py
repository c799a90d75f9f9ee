"""What a call was given besides its tensors: small, plain, and holding nothing of the program."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor

LONGEST = 64
"""Items of a list or tuple that are kept; of a longer one it is known that it was there."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for the tensor that came as number ``index`` among the call's tensors."""

    index: int


@dataclass(frozen=True, slots=True)
class Omitted:
    """Stands for an object that is not kept: a generator, an array, a list that is too long."""

    type: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """As the call got them. Tensors are slots, numbered as ``calls.tensors_of`` finds them."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


# What is kept as it is: it is small, cannot change, and refers to nothing else.
_PLAIN = frozenset({
    int, float, bool, complex, str, range, type(None), EllipsisType, torch.dtype, torch.device,
    torch.Size, torch.layout, torch.memory_format,
})  # fmt: skip


def kept(args: Any, kwargs: Any) -> Arguments:
    """The arguments of a call, as they can be kept for as long as its node is on the graph."""
    found: list[Any] = []
    count = 0
    for value in args:  # written out for the common ones: this runs at every recorded call
        if isinstance(value, Tensor):
            found.append(Slot(count))
            count += 1
        elif type(value) in _PLAIN:
            found.append(value)
        else:
            value, count = _nested(value, count, 2)
            found.append(value)
    named: dict[str, Any] = {}
    for name, value in kwargs.items() if kwargs else ():
        named[name], count = _nested(value, count, 2)
    return Arguments(tuple(found), named)


def _nested(value: Any, count: int, depth: int) -> tuple[Any, int]:
    """``value`` as it is kept, and the number of the next tensor: the same walk as
    ``calls.tensors_in``, so that numbers agree."""
    if isinstance(value, Tensor):
        return Slot(count), count + 1
    if type(value) in _PLAIN:
        return value, count
    if isinstance(value, slice):
        return _slice(value), count
    if depth and isinstance(value, (list, tuple)):
        items = []
        for item in value:
            item, count = _nested(item, count, depth - 1)
            items.append(item)
        if len(items) > LONGEST and not any(isinstance(item, Slot) for item in items):
            return Omitted(type(value).__name__), count
        return tuple(items) if isinstance(value, tuple) else items, count
    if depth and isinstance(value, dict):
        for item in value.values():
            _, count = _nested(item, count, depth - 1)
    return Omitted(type(value).__name__), count


def _slice(value: slice) -> slice | Omitted:
    plain = all(type(end) in _PLAIN for end in (value.start, value.stop, value.step))
    return value if plain else Omitted("slice")
