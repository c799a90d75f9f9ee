"""The verdict on autograd's gradients: no false alarm, and no wrong gradient that passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from gradstep.engine.explain.agreement import UNDECIDED, Comparison, coarsest
from gradstep.protocol.cards import Agreement
from tests.engine.rules.cases import CASES
from tests.engine.rules.drawn import Draw, Seen, by_autograd, seen, upstream_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:reduction:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),
]
IN_ONE_TYPE = sorted(set(CASES) - {"linalg_solve"})  # its case is of float64 alone


class _Narrow(Draw):
    """Tensors of float32."""

    def plain(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Tensor:
        return super().plain(*shape, low=low, high=high).float()

    def steps(self, *shape: int) -> Tensor:
        return super().steps(*shape).detach().float().requires_grad_()


def verdicts(call: Seen, upstream: Any, factor: float = 1.0) -> list[Agreement]:
    """On autograd's gradients, each multiplied by ``factor``."""
    before = tuple(t.detach() for t in call.tensors)
    outputs = tuple(t.detach() for t in call.outputs)
    bound = call.rule.bind(call.arguments, before, outputs, torch.float64)
    wide = tuple(None if u is None else u.double() for u in upstream)
    found = []
    for slot, sent in by_autograd(call, upstream).items():
        derivative = call.rule.derivative(bound.place_of(slot)[0])
        assert derivative is not None
        ours = derivative.vjp(bound, slot, wide)
        coarse = coarsest((*before, *outputs, sent))
        comparison = Comparison(call.rule, bound, derivative, slot, wide)
        found.append(comparison.agreement(ours, sent * factor, coarse))
    return found


@pytest.mark.sweep
@pytest.mark.parametrize("name", IN_ONE_TYPE)
@settings(
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(data=st.data())
def test_no_false_alarm_in_float32(name: str, data: st.DataObject) -> None:
    draw = _Narrow(data)
    call = seen(CASES[name](draw))
    if len({id(t) for t in call.tensors}) < len(call.tensors):
        return  # autograd.grad adds both of its uses up
    upstream = tuple(
        None if u is None else u.to(y.dtype)
        for u, y in zip(upstream_of(call, draw), call.outputs, strict=True)
    )
    assert all(found.agrees is not False for found in verdicts(call, upstream))


def test_where_much_cancels_rounding_is_no_alarm_and_a_mistake_is() -> None:
    torch.manual_seed(0)
    x = (torch.randn(64, 3) * 1e-2 + 5).requires_grad_()
    call = seen(lambda: F.layer_norm(x, (3,), eps=1e-12))
    upstream = (torch.randn(64, 3),)
    (right,), (wrong,) = verdicts(call, upstream), verdicts(call, upstream, factor=1.5)
    assert right.error is not None and right.error > 1e-4  # more than float32 has by itself
    assert right.agrees and wrong.agrees is False


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_all_cancels_nothing_is_claimed(dtype: torch.dtype) -> None:
    """Of two elements, the normalized ones are ±1, whatever x is: the gradient is 0."""
    torch.manual_seed(0)
    x = (torch.randn(64, 2, dtype=dtype) * 1e-3 + 100).requires_grad_()
    call = seen(lambda: F.layer_norm(x, (2,), eps=1e-12))
    (found,) = verdicts(call, (torch.randn(64, 2, dtype=dtype),))
    assert found.agrees is None and found.note == UNDECIDED


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_tenth_too_much_is_noticed(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, w = (torch.randn(8, 8, dtype=dtype, requires_grad=True) for _ in range(2))
    call = seen(lambda: F.linear(x, w))
    upstream = (torch.randn(8, 8, dtype=dtype),)
    assert all(found.agrees for found in verdicts(call, upstream))
    assert all(found.agrees is False for found in verdicts(call, upstream, factor=1.1))
