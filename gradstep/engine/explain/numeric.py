"""The vector–Jacobian product of an operation for which no formula is kept: the call is made again,
and differentiated numerically.

The whole product uᵀJ comes from PyTorch's own derivative of the call made anew, in float64; one
element of it is measured besides, which asks no derivative of anybody: ⟨u, f(x + h e)⟩ and
⟨u, f(x − h e)⟩ differ by 2h times it, but for h²/6 of the third derivative (Nocedal & Wright,
Numerical Optimization, 2nd ed., section 8.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.calls import tensors_in
from gradstep.engine.capture.chance import again, random_numbers_kept
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.explain.tape import CannotRerun, filled
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.torch_internals import run_backward

OWN_CODE = "It is a function of the program's own: its code is not run a second time to compare."

Upstream = Sequence[Tensor | None]


class Numeric:
    """Of ``node``, called with ``tensors``. Call it unobserved. Raises ``CannotRerun`` where the
    call cannot be made again."""

    def __init__(self, node: NodeRecord, tensors: Sequence[Tensor | None]) -> None:
        if node.function is None or node.arguments is None:
            raise CannotRerun(OWN_CODE)
        if any(t is None for t in tensors):
            raise CannotRerun("Not every value that takes part was kept: there was no room.")
        self._node = node
        self._tensors = [
            t.detach().to(torch.float64) if t is not None and t.is_floating_point() else t
            for t in tensors
        ]

    def vjp(self, slot: int, upstream: Upstream) -> Tensor:
        """uᵀJ with respect to the tensor number ``slot``, in float64."""
        given = list(self._tensors)
        leaf = self._at(slot).clone().requires_grad_()
        given[slot] = leaf
        with torch.enable_grad():
            outputs = self._call(given)
        pairs = [
            (out, u.to(out.dtype))
            for out, u in zip(outputs, upstream, strict=False)
            if u is not None and out.requires_grad
        ]
        between_pieces()
        if not pairs:
            return torch.zeros_like(leaf)
        (found,) = run_backward([o for o, _ in pairs], [u for _, u in pairs], [leaf])
        return torch.zeros_like(leaf) if found is None else found.detach()

    def element(self, slot: int, index: tuple[int, ...], upstream: Upstream) -> float:
        """The same element by a central difference."""
        value = self._at(slot)
        step = torch.finfo(torch.float64).eps ** (1 / 3) * max(1.0, abs(float(value[index])))
        step = 2.0 ** round(math.log2(step))  # a power of two: then x ± h is exact, or nearly
        ends = []
        for by in (step, -step):
            given = list(self._tensors)
            moved = value.clone()
            moved[index] += by
            given[slot] = moved
            between_pieces()
            ends.append(self._product(self._call(given), upstream))
        return (ends[0] - ends[1]) / (2 * step)

    def _at(self, slot: int) -> Tensor:
        value = self._tensors[slot]
        assert value is not None
        if not value.is_floating_point():
            raise CannotRerun("A derivative is taken with respect to real numbers only.")
        return value

    @staticmethod
    def _product(outputs: list[Tensor], upstream: Upstream) -> float:
        pairs = [(o, u) for o, u in zip(outputs, upstream, strict=False) if u is not None]
        return sum(float((o.to(torch.float64) * u.to(torch.float64)).sum()) for o, u in pairs)

    def _call(self, tensors: list[Tensor | None]) -> list[Tensor]:
        node = self._node
        assert node.arguments is not None
        slots = {i: t for i, t in enumerate(tensors) if t is not None}
        args = [filled(value, slots) for value in node.arguments.args]
        kwargs: dict[str, Any] = {k: filled(v, slots) for k, v in node.arguments.kwargs.items()}
        function: Any = node.function
        kept = random_numbers_kept() if node.chance is not None else nullcontext()
        with kept, again(node.chance, None):
            try:
                result = function(*args, **kwargs)
            except Exception as error:  # a call may refuse another type than it was given
                why = (str(error).splitlines() or [""])[0][:120]
                raise CannotRerun(f"{node.name} cannot be called again: {why}") from None
        return [result] if isinstance(result, Tensor) else tensors_in((result,))
