"""Operations that only move elements: each result is a copy of one input element, or a constant.

So one rule serves all of them: the gradient of an element is the sum over its copies. Which copies
there are is found by doing the same to the elements' numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Slot
from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.families import Derivative, Terms, product
from gradstep.engine.rules.shapes import Index, numbers, ravel
from gradstep.protocol.cards import Term

Replay = Callable[["Numbered"], Any]


class Numbered:
    """The call with elements' numbers in place of one tensor and 0 in place of all other elements;
    tensors of indices and masks are as they were. ``n["dim"]`` is an argument."""

    def __init__(self, call: BoundCall, slot: int) -> None:
        self.call = call
        self._tensors = tuple(
            numbers(t) if i == slot else _nothing(t) for i, t in enumerate(call.tensors)
        )

    def __getitem__(self, name: str) -> Any:
        return self.filled(self.call.arguments[name])

    def filled(self, value: Any) -> Any:
        if isinstance(value, Slot):
            return self._tensors[value.index]
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, tuple) and not isinstance(value, torch.Size):
            return tuple(self.filled(item) for item in value)
        return self.call.filled(value)


def _nothing(tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        return torch.zeros_like(tensor, dtype=torch.float64)
    return tensor


def _again(n: Numbered) -> Any:
    """The same function, as a method or as torch's."""
    name, given = n.call.name, n.call.original
    args = [n.filled(value) for value in given.args]
    kwargs = {key: n.filled(value) for key, value in given.kwargs.items()}
    for owner in (Tensor, torch, torch.nn.functional):
        function = getattr(owner, name, None)
        if function is not None:
            try:
                return function(*args, **kwargs)
            except TypeError:
                continue
    raise Unexplained(f"{name} could not be done to the elements' numbers")


@dataclass(frozen=True)
class Movement(Derivative):
    """``replay`` does the operation to numbers; by default it is called as the program did."""

    replay: Replay = _again

    def sources(self, call: BoundCall, slot: int) -> tuple[Tensor, ...]:
        """For each result: the number (from 1) of the input element that each of its elements is a
        copy of, 0 for none."""
        result = self.replay(Numbered(call, slot))
        found = (result,) if isinstance(result, Tensor) else tuple(result)
        return tuple(t.round().to(torch.long) for t in found if isinstance(t, Tensor))

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        given = call.tensors[slot]
        whole = torch.zeros(given.numel() + 1, dtype=call.y.dtype, device=given.device)
        for source, g in zip(self.sources(call, slot), upstream, strict=False):
            if g is not None:
                whole = whole.index_add(0, source.reshape(-1), g.reshape(-1).to(whole.dtype))
        return whole[1:].reshape(given.shape)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        number = ravel(index, call.tensors[slot].shape) + 1
        found = [
            (output, g, torch.nonzero(source == number).tolist())
            for output, (source, g) in enumerate(
                zip(self.sources(call, slot), upstream, strict=False)
            )
            if g is not None
        ]

        def each() -> Iterator[Term]:
            for output, g, places in found:
                for at in places:
                    yield product(symbols[output], tuple(at), g, (), output)

        return sum(len(places) for _, _, places in found), each()
