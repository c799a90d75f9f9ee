"""Updates taken apart, against what torch's optimizers do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradstep.engine.explain.update_rules import RULES, NotTold, Work, run

RATES = st.sampled_from([0.001, 0.1, 1.5])
DECAY = st.sampled_from([0.0, 0.01, 0.3])
MOMENTUM = st.sampled_from([0.0, 0.5, 0.9])
BETAS = st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)])
OPTIONS: dict[type, st.SearchStrategy[dict[str, Any]]] = {
    torch.optim.SGD: st.builds(
        lambda lr, decay, momentum, nesterov, dampening, maximize: {
            "lr": lr,
            "weight_decay": decay,
            "momentum": momentum,
            "nesterov": nesterov and momentum > 0,
            "dampening": 0.0 if nesterov else dampening,
            "maximize": maximize,
        },
        RATES,
        DECAY,
        MOMENTUM,
        st.booleans(),
        st.sampled_from([0.0, 0.25]),
        st.booleans(),
    ),
    torch.optim.Adam: st.fixed_dictionaries(
        {"lr": RATES, "weight_decay": DECAY, "betas": BETAS, "amsgrad": st.booleans()}
    ),
    torch.optim.AdamW: st.fixed_dictionaries(
        {"lr": RATES, "weight_decay": DECAY, "betas": BETAS, "maximize": st.booleans()}
    ),
    torch.optim.RMSprop: st.fixed_dictionaries(
        {
            "lr": RATES,
            "weight_decay": DECAY,
            "alpha": st.sampled_from([0.5, 0.99]),
            "momentum": MOMENTUM,
            "centered": st.booleans(),
        }
    ),
    torch.optim.Adagrad: st.fixed_dictionaries(
        {"lr": RATES, "weight_decay": DECAY, "lr_decay": st.sampled_from([0.0, 0.1])}
    ),
}


def test_every_rule_is_compared() -> None:
    assert set(OPTIONS) == set(RULES)


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_an_update_is_what_the_optimizer_does(kind: type, dtype: torch.dtype) -> None:
    @settings(max_examples=25, deadline=None)
    @given(options=OPTIONS[kind], seed=st.integers(0, 1000), foreach=st.booleans())
    def compare(options: dict[str, Any], seed: int, foreach: bool) -> None:
        generator = torch.Generator().manual_seed(seed)
        w = torch.randn(3, 2, generator=generator, dtype=dtype).requires_grad_()
        optimizer = kind([w], foreach=foreach, **options)
        for _ in range(4):
            w.grad = torch.randn(3, 2, generator=generator, dtype=dtype)
            kept = {k: v.clone() for k, v in optimizer.state[w].items() if v is not None}
            before = (w.detach().clone(), w.grad.clone(), w._version)
            work = Work(w.detach(), w.grad, optimizer.param_groups[0], optimizer.state[w])
            told, source = run(kind, work)
            assert w._version == before[2] and torch.equal(w, before[0])
            assert torch.equal(w.grad, before[1])
            for name, value in kept.items():
                assert torch.equal(optimizer.state[w][name], value)
            optimizer.step()
            exact = dtype is torch.float64
            torch.testing.assert_close(
                told, w.detach(), rtol=1e-12 if exact else 2e-5, atol=1e-13 if exact else 1e-6
            )
            assert source and work.lines[-1].symbol == "w"
            assert torch.equal(work.lines[-1].value, told)

    compare()


def test_others_are_not_guessed() -> None:
    w = torch.zeros(2, requires_grad=True)
    with pytest.raises(NotTold, match="NAdam is not among"):
        run(torch.optim.NAdam, Work(w, torch.ones(2), {}, {}))

    class Own(torch.optim.SGD):
        """May do anything in its step."""

    with pytest.raises(NotTold, match="Own is not among"):
        run(Own, Work(w, torch.ones(2), {"lr": 1.0}, {}))
