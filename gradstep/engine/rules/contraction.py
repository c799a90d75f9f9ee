"""Sums of products: every matrix product is one, and so is each of its derivatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.giving_way import between_pieces
from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.families import Derivative, Terms, only, product
from gradstep.engine.rules.shapes import Index, sum_to
from gradstep.protocol.cards import Factor, Term

PIECE = 1 << 28
"""Products of numbers that are added up without asking whether something else is wanted."""


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
        found = einsum(labels, e.labels[mine], tensors)
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


def einsum(labels: Sequence[str], output: str, tensors: Sequence[Tensor]) -> Tensor:
    """``torch.einsum``, in pieces along its longest axis: whoever waits for what comes after it
    waits for one piece."""
    equation = f"{','.join(labels)}->{output}"
    sizes: dict[str, int] = {}
    for tensor, names in zip(tensors, labels, strict=True):
        for label, size in zip(names, tensor.shape, strict=True):
            sizes[label] = max(sizes.get(label, 1), size)
    pieces = math.prod(sizes.values()) // PIECE
    if not pieces or not output:
        return torch.einsum(equation, *tensors)
    along = max(output, key=lambda label: sizes[label])
    length = max(1, sizes[along] // (pieces + 1))
    parts = []
    for start in range(0, sizes[along], length):
        between_pieces()
        cut = [
            tensor.narrow(names.index(along), start, min(length, sizes[along] - start))
            if along in names and tensor.shape[names.index(along)] > 1
            else tensor
            for tensor, names in zip(tensors, labels, strict=True)
        ]
        parts.append(torch.einsum(equation, *cut))
    return torch.cat(parts, output.index(along))
