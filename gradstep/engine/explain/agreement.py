"""Whether autograd's gradient is what the table's rule says, as far as the numbers can tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.giving_way import between_pieces
from gradstep.engine.rules.bound import BoundCall, Unexplained, Upstream
from gradstep.engine.rules.families import Derivative
from gradstep.engine.rules.rule import Rule
from gradstep.engine.torch_internals import is_opaque
from gradstep.protocol.cards import Agreement

TOLERANCE = {
    torch.float64: 1e-7,  # some of PyTorch's kernels have constants of float32
    torch.float32: 1e-4,
    torch.float16: 2e-2,
    torch.bfloat16: 5e-2,
}
"""By the coarsest type that takes part; relative to the largest element."""
ROUNDINGS = 16
"""How many times farther off than the rule's own rounding autograd may be: it adds up in another
order."""
UNDECIDED = "Almost all of it cancels: what is left is rounding, and tells nothing."


@dataclass(frozen=True)
class Comparison:
    """Of one derivative of a call, whose tensors are in float64, as ``upstream`` is."""

    rule: Rule
    call: BoundCall
    derivative: Derivative
    slot: int
    upstream: Upstream

    def agreement(self, ours: Tensor, sent: Tensor, coarse: torch.dtype) -> Agreement:
        """``ours`` is the rule's gradient; ``coarse`` the coarsest type that took part."""
        if is_opaque(sent) or ours.shape != sent.shape:
            return Agreement(None, note="Autograd's gradient cannot be read.")
        between_pieces()
        tolerance = TOLERANCE.get(coarse, 1e-4)
        sent, ours, unknown = sent.to(torch.float64), ours.clone(), 0
        if self.rule.unknown is not None:
            mask = self.rule.unknown(self.call)
            if mask.shape == ours.shape:
                unknown = int(mask.sum())
                ours = torch.where(mask, sent, ours)
        error = apart(ours, sent)
        if error is None or error != error:
            return Agreement(None, unknown=unknown, note="It holds numbers that are not finite.")
        if error > tolerance:
            narrow = torch.float32 if coarse is torch.float64 else coarse
            rounding = ROUNDINGS * self._rounding(ours, narrow)
            if rounding > 0.5:
                return Agreement(None, error, tolerance, unknown, UNDECIDED)
            exacter = torch.finfo(coarse).eps / torch.finfo(narrow).eps
            tolerance = max(tolerance, rounding * exacter)
        return Agreement(error <= tolerance, error, tolerance, unknown)

    def _rounding(self, ours: Tensor, narrow: torch.dtype) -> float:
        """How far off the rule itself is when it is computed in ``narrow``. Where large terms
        cancel, that is much more than the type's precision, and so it is for autograd."""
        between_pieces()
        try:
            call = self.call.again(narrow)
            upstream = tuple(None if u is None else u.to(narrow) for u in self.upstream)
            error = apart(self.derivative.vjp(call, self.slot, upstream), ours)
        except (RuntimeError, Unexplained):  # not every operation has a kernel for every type
            return 0.0
        return 0.0 if error is None or error != error else error


def coarsest(tensors: Iterable[Tensor | None]) -> torch.dtype:
    """The floating type of the least precision among them."""
    types = {t.dtype for t in tensors if t is not None and t.is_floating_point()}
    return max(types, key=lambda kind: torch.finfo(kind).eps, default=torch.float32)


def apart(a: Tensor, b: Tensor) -> float | None:
    """The largest difference, relative to the largest element."""
    if is_opaque(a) or is_opaque(b) or a.shape != b.shape or not a.numel():
        return None
    a, b = a.to(torch.float64), b.to(torch.float64)
    largest = float(torch.maximum(a.abs().max(), b.abs().max()))
    return float((a - b).abs().max()) / largest if largest else 0.0
