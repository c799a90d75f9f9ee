"""Kinds of derivatives: how upstream becomes downstream, and how one element is written out.

Each has ``formula`` (see ``protocol.cards`` for its marks) and ``source`` (where it can be checked:
an entry of PyTorch's ``tools/autograd/derivatives.yaml``, or a text)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.shapes import (
    Index,
    axes,
    axes_summed,
    broadcast_places,
    reduced_index,
    spread,
    sum_to,
)
from gradstep.engine.torch_internals import derivative_of_linear
from gradstep.protocol.cards import Factor, Term

UPSTREAM = "∂L/∂{}"
"""Symbol of an upstream element."""

Of = Callable[[BoundCall], Tensor]
Names = Callable[[BoundCall, int, Index, Index], tuple[str, Index]]
Terms = tuple[int, Iterator[Term]]
"""How many terms there are, and the terms; not all of them need be made."""


@dataclass(frozen=True)
class Derivative:
    """Of the results of an operation with respect to one input."""

    formula: str
    source: str

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        """∂L/∂input, in the input's shape, from ``upstream`` (each in its result's shape)."""
        raise NotImplementedError

    def local(self, call: BoundCall, slot: int) -> Tensor | None:
        """∂result/∂input in the result's shape, for element-wise operations; None for others."""
        return None

    def unreduced(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor | None:
        """Upstream × local before it is summed over axes that were broadcast."""
        return None

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        """The element at ``index`` as a sum: each upstream element with what it is multiplied by.
        ``symbols``: of each result.

        The rule is linear in upstream, so its coefficients are its derivative by upstream."""
        fresh = tuple(None if u is None else u.detach().clone() for u in upstream)

        def element(given: Upstream) -> Tensor:
            return self.vjp(call, slot, given)[index]

        found = [c for c in enumerate(derivative_of_linear(element, fresh)) if c[1] is not None]

        def each() -> Iterator[Term]:
            for output, coefficients in found:
                arrived = upstream[output]
                assert arrived is not None and coefficients is not None
                for place in torch.nonzero(coefficients):  # few of them are made into terms
                    at = tuple(place.tolist())
                    factor = self.factor(call, slot, index, at, float(coefficients[at]))
                    yield product(symbols[output], at, arrived, (factor,), output)

        return sum(int(torch.count_nonzero(c)) for _, c in found if c is not None), each()

    def factor(self, call: BoundCall, slot: int, index: Index, at: Index, value: float) -> Factor:
        """What multiplies the upstream element ``at``, by a name of its own where there is one."""
        return Factor("local", at, value)


def product(
    symbol: str, at: Index, upstream: Tensor, factors: Sequence[Factor], output: int = 0
) -> Term:
    """One upstream element times ``factors``."""
    first = Factor(UPSTREAM.format(symbol), at, float(upstream[at]))
    value = first.value
    for factor in factors:
        value *= factor.value
    return Term((first, *factors), value, output)


def repeats(shape: Sequence[int], full: Sequence[int]) -> int:
    """How often broadcasting repeats an element."""
    return math.prod(full[i] for i in axes_summed(full, shape))


def only(upstream: Upstream) -> Tensor:
    """The upstream of an operation with one result."""
    first = upstream[0]
    if first is None:
        raise Unexplained("no gradient has come to its result yet")
    return first


@dataclass(frozen=True)
class Elementwise(Derivative):
    """``of`` gives the local derivative, which broadcasts to the result's shape."""

    of: Of
    name: str = ""

    def local(self, call: BoundCall, slot: int) -> Tensor:
        return self.of(call).expand(call.y.shape)

    def unreduced(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return only(upstream) * self.local(call, slot)

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return sum_to(self.unreduced(call, slot, upstream), call.tensors[slot].shape)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        arrived, local = only(upstream), self.local(call, slot)
        shape = call.tensors[slot].shape
        return repeats(shape, call.y.shape), (
            product(symbols[0], at, arrived, (Factor("local", at, float(local[at])),))
            for at in broadcast_places(index, shape, call.y.shape)
        )


@dataclass(frozen=True)
class PointLoss(Derivative):
    """A loss that is element-wise before its reduction: ``of`` gives the local derivative, in the
    shape of the losses; ``count`` what ``mean`` divides by (None: the number of elements)."""

    of: Of
    count: Of | None = None

    def _each(self, call: BoundCall) -> Tensor:
        """The derivative of the loss by each element's loss."""
        local = self.of(call)
        how = call["reduction"]
        if how == "none":
            return local
        if how == "sum":
            return local
        return local / (self.count(call) if self.count is not None else max(1, local.numel()))

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return sum_to(only(upstream) * self._each(call), call.tensors[slot].shape)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        arrived, local, each = only(upstream), self.of(call), self._each(call)
        shape, how = call.tensors[slot].shape, call["reduction"]

        def one(at: Index) -> Term:
            factors = [Factor("local", at, float(local[at]))]
            if how not in ("none", "sum"):
                share = (
                    float(each[at]) / factors[0].value if factors[0].value else 1 / local.numel()
                )
                factors.append(Factor("{1}/{N}", (), share))
            return product(symbols[0], at if how == "none" else (), arrived, factors)

        places = broadcast_places(index, shape, local.shape)
        return repeats(shape, local.shape), (one(at) for at in places)


@dataclass(frozen=True)
class Reduction(Derivative):
    """Each input element goes into one result: ``of`` gives the local derivative, which broadcasts
    to the input's shape. ``back`` puts the reduced axes back."""

    of: Of

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return (back(call, only(upstream)) * self.of(call)).expand(call.x.shape)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        over, arrived = over_axes(call), only(upstream)
        keep = arrived.dim() == call.x.dim()
        at = reduced_index(index, call.x.shape, over, keep)
        local = self.of(call).expand(call.x.shape)
        factor = Factor("local", index, float(local[index]))
        return 1, iter([product(symbols[0], at, arrived, (factor,))])


def over_axes(call: BoundCall) -> tuple[int, ...]:
    """The axes that a reduction goes over."""
    return axes(call["dim"], call.x.dim())


def back(call: BoundCall, reduced: Tensor) -> Tensor:
    """A reduction's result, so that it broadcasts to the input's shape."""
    return spread(reduced, call.x.shape, over_axes(call))


@dataclass(frozen=True)
class Written(Derivative):
    """``of`` computes the downstream gradient from the upstream one. ``names`` gives a coefficient
    its own name and place, from (call, slot, index of the input's element, of the upstream one)."""

    of: Callable[[BoundCall, Tensor], Tensor]
    names: Names | None = None

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        return sum_to(self.of(call, only(upstream)), call.tensors[slot].shape)

    def factor(self, call: BoundCall, slot: int, index: Index, at: Index, value: float) -> Factor:
        if self.names is None:
            return super().factor(call, slot, index, at, value)
        symbol, place = self.names(call, slot, index, at)
        return Factor(symbol, place, value)


@dataclass(frozen=True)
class OfResults(Derivative):
    """Like ``Written``, for operations with several results: ``of`` gets the upstream of all,
    zeros where none came."""

    of: Callable[[BoundCall, tuple[Tensor, ...], int], Tensor]

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        whole = tuple(
            torch.zeros_like(y) if u is None else u
            for u, y in zip(upstream, call.outputs, strict=True)
        )
        return sum_to(self.of(call, whole, slot), call.tensors[slot].shape)
