"""Sums of products: every matrix product is one, and so is each of its derivatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.families import Derivative, Terms, only, product
from gradstep.engine.rules.shapes import Index, sum_to
from gradstep.protocol.cards import Factor, Term


@dataclass(frozen=True)
class Equation:
    """``result[output] = scale · Σ Π operand[labels]``, summed over the labels that the result does
    not have. An axis of size 1 stands for all of a label's values."""

    operands: tuple[Tensor, ...]
    symbols: tuple[str, ...]
    labels: tuple[str, ...]
    output: str
    scale: float = 1.0

    def sizes(self, upstream: Tensor) -> dict[str, int]:
        found: dict[str, int] = {}
        for tensor, labels in zip(
            (*self.operands, upstream), (*self.labels, self.output), strict=True
        ):
            for label, size in zip(labels, tensor.shape, strict=True):
                found[label] = max(found.get(label, 1), size) if size else 0
        return found


@dataclass(frozen=True)
class Contraction(Derivative):
    """``equation`` of the call; ``which`` tells the operand by the tensor's place."""

    equation: Callable[[BoundCall], Equation]
    which: Callable[[BoundCall, int], int]

    def vjp(self, call: BoundCall, slot: int, upstream: Upstream) -> Tensor:
        e, mine, g = self.equation(call), self.which(call, slot), only(upstream)
        tensors = [g, *(t for i, t in enumerate(e.operands) if i != mine)]
        labels = [e.output, *(s for i, s in enumerate(e.labels) if i != mine)]
        if len(set(e.labels[mine])) < len(e.labels[mine]):
            raise Unexplained("takes a diagonal of its operand")
        # A label that nothing else has is summed over: its gradient is the same everywhere.
        if set(e.labels[mine]) - set("".join(labels)):
            tensors.append(torch.ones_like(e.operands[mine]))
            labels.append(e.labels[mine])
        found = torch.einsum(f"{','.join(labels)}->{e.labels[mine]}", *tensors)
        return sum_to(e.scale * found, call.tensors[slot].shape)

    def terms(
        self, call: BoundCall, slot: int, upstream: Upstream, index: Index, symbols: Sequence[str]
    ) -> Terms:
        e, mine, g = self.equation(call), self.which(call, slot), only(upstream)
        index = index if len(index) == e.operands[mine].dim() else ()
        sizes = e.sizes(g)
        fixed = {
            label: i
            for label, i, n in zip(e.labels[mine], index, e.operands[mine].shape, strict=True)
            if n > 1 or sizes[label] == 1
        }
        free = [label for label in sizes if label not in fixed]

        def at(labels: str, tensor: Tensor, values: dict[str, int]) -> Index:
            pairs = zip(labels, tensor.shape, strict=True)
            return tuple(0 if n == 1 else values[label] for label, n in pairs)

        def each() -> Iterator[Term]:
            for chosen in itertools.product(*(range(sizes[label]) for label in free)):
                values = {**fixed, **dict(zip(free, chosen, strict=True))}
                factors = []
                for i, operand in enumerate(e.operands):
                    if i != mine:
                        place = at(e.labels[i], operand, values)
                        factors.append(Factor(e.symbols[i], place, float(operand[place])))
                if e.scale != 1:
                    factors.append(Factor("scale", (), float(e.scale)))
                yield product(symbols[0], at(e.output, g, values), g, factors)

        return math.prod(sizes[label] for label in free), each()
