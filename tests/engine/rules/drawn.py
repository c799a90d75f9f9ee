"""Calls with drawn shapes and arguments, as gradstep sees them, and what autograd makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from gradstep.engine.capture.arguments import Arguments, kept
from gradstep.engine.capture.calls import judge, tensors_in, tensors_of
from gradstep.engine.rules.bound import BoundCall, Upstream
from gradstep.engine.rules.rule import Rule
from gradstep.engine.rules.table import rule_of

RTOL = 1e-10
LOOSE = {"hardsigmoid": 1e-7, "celu": 1e-7}
"""PyTorch's own kernels compute with constants of float32 there."""


@dataclass
class Draw:
    """What a case asks hypothesis for. Tensors are float64; those of ``x`` require grad."""

    data: Any
    torch_seed: int = field(init=False)

    def __post_init__(self) -> None:
        self.torch_seed = self.data.draw(st.integers(0, 2**16), label="seed")
        self.random = torch.Generator().manual_seed(self.torch_seed)
        torch.manual_seed(self.torch_seed)

    def one_of(self, *values: Any) -> Any:
        return self.data.draw(st.sampled_from(values))

    def integer(self, low: int, high: int) -> int:
        return int(self.data.draw(st.integers(low, high)))

    def shape(self, least: int = 0, most: int = 3, size: int = 4) -> tuple[int, ...]:
        return tuple(self.data.draw(st.lists(st.integers(1, size), min_size=least, max_size=most)))

    def x(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        return self.plain(*shape, low=low, high=high).requires_grad_()

    def plain(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        drawn = torch.rand(shape, dtype=torch.float64, generator=self.random)
        return low + (high - low) * drawn

    def steps(self, *shape: int) -> Tensor:
        """Halves from −1 to 1: with ties and zeros."""
        drawn = torch.randint(-2, 3, shape, generator=self.random)
        return (drawn.double() / 2).requires_grad_()

    def ids(self, high: int, *shape: int) -> Tensor:
        return torch.randint(0, high, shape, generator=self.random)

    def mask(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.random) < 0.5

    def two_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Two that broadcast."""
        whole = self.shape(0, 3)
        return self._narrowed(whole), self._narrowed(whole)

    def _narrowed(self, whole: tuple[int, ...]) -> tuple[int, ...]:
        found = tuple(1 if self.one_of(False, False, True) else n for n in whole)
        return found[self.integer(0, len(whole)) :] if self.one_of(False, True) else found


class _First(TorchFunctionMode):
    """The outermost call, as the observer gets it."""

    call: tuple[Any, Any, Any] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.call is None:
            self.call = (func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


class _Independent(TorchDispatchMode):
    """A rule computes by itself: neither autograd nor its kernels."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert "_backward" not in func.name(), f"the rule leans on {func.name()}"
        result = func(*args, **(kwargs or {}))
        assert not (isinstance(result, Tensor) and result.requires_grad)
        return result


@dataclass
class Seen:
    name: str
    arguments: Arguments
    tensors: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def rule(self) -> Rule:
        found = rule_of(self.name)
        assert found is not None, f"no rule for {self.name}"
        return found

    def bound(self) -> BoundCall:
        before = tuple(t.detach() for t in self.tensors)
        return self.rule.bind(self.arguments, before, tuple(t.detach() for t in self.outputs))


def seen(function: Callable[[], Any]) -> Seen:
    """Call it; what the observer would have known of the outermost call of torch."""
    with _First() as first:
        result = function()
    assert first.call is not None
    func, args, kwargs = first.call
    outputs = tuple(tensors_in((result,)))
    tensors = tuple(tensors_of(args, kwargs))
    return Seen(judge(func).name, kept(args, kwargs), tensors, outputs)


def upstream_of(call: Seen, draw: Draw) -> Upstream:
    return tuple(
        draw.plain(*y.shape, low=-1.0) if y.is_floating_point() and y.requires_grad else None
        for y in call.outputs
    )


def wanted(call: Seen) -> list[int]:
    return [i for i, t in enumerate(call.tensors) if t.requires_grad]


def by_autograd(call: Seen, upstream: Upstream) -> dict[int, Tensor]:
    """The same by PyTorch, for each input that it sends a gradient to; by slot."""
    slots = wanted(call)
    pairs = [(y, u) for y, u in zip(call.outputs, upstream, strict=True) if u is not None]
    inputs = [call.tensors[i] for i in slots]
    found = torch.autograd.grad(
        [y for y, _ in pairs], inputs, [u for _, u in pairs], retain_graph=True, allow_unused=True
    )
    return {slot: g for slot, g in zip(slots, found, strict=True) if g is not None}


def close(ours: Tensor, theirs: Tensor, rtol: float = RTOL) -> None:
    scale = max(1.0, float(theirs.abs().max())) if theirs.numel() else 1.0
    torch.testing.assert_close(ours, theirs, rtol=rtol, atol=rtol * scale, equal_nan=True)


def check(call: Seen, upstream: Upstream, draw: Draw, *, traces: bool = True) -> None:
    """Every derivative against autograd; one element of each written out."""
    rule, bound = call.rule, call.bound()
    sums: dict[int, Tensor] = {}
    expected = by_autograd(call, upstream)
    for slot, theirs in expected.items():
        parameter, _ = bound.place_of(slot)
        derivative = rule.derivative(parameter)
        assert derivative is not None, f"{call.name} has nothing on {parameter}"
        with _Independent():
            ours = derivative.vjp(bound, slot, upstream)
        assert ours.shape == theirs.shape
        same = id(call.tensors[slot])  # a tensor may be given twice: cat([x, x])
        sums[same] = sums[same] + ours if same in sums else ours
        whole = derivative.unreduced(bound, slot, upstream)
        if whole is not None:
            close(whole.sum_to_size(theirs.shape), ours)
        if traces and theirs.numel() and theirs.isfinite().all():
            index = tuple(draw.integer(0, n - 1) for n in theirs.shape)
            check_trace(call, upstream, slot, index, float(ours[index]))
    for slot, theirs in expected.items():
        close(sums[id(call.tensors[slot])], theirs, LOOSE.get(call.name, RTOL))


def check_trace(
    call: Seen, upstream: Upstream, slot: int, index: Sequence[int], element: float
) -> None:
    bound = call.bound()
    derivative = call.rule.derivative(bound.place_of(slot)[0])
    assert derivative is not None
    symbols = ["y"] * len(upstream)
    count, terms = derivative.terms(bound, slot, upstream, tuple(index), symbols)
    listed = list(terms)
    assert len(listed) == count
    for term in listed:
        assert math.isclose(term.value, math.prod(f.value for f in term.factors), rel_tol=1e-12)
        g = upstream[term.output]
        assert g is not None and float(g[term.factors[0].index]) == term.factors[0].value
    total = math.fsum(term.value for term in listed)
    size = max(1.0, *(abs(term.value) for term in listed)) if listed else 1.0
    assert math.isclose(total, element, rel_tol=1e-9, abs_tol=1e-9 * size)
