"""What a call depends on besides its arguments: random numbers and autocast."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.torch_internals import unobserved

# Calls that may draw random numbers, by the name that ``calls`` gives them.
_RANDOM = frozenset({
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout",
    "feature_alpha_dropout", "native_dropout", "dropout_", "rrelu", "rrelu_", "bernoulli",
    "bernoulli_", "multinomial", "normal", "normal_", "uniform_", "exponential_", "geometric_",
    "log_normal_", "cauchy_", "random_", "poisson", "binomial", "gumbel_softmax", "rand", "randn",
    "randint", "randperm", "rand_like", "randn_like", "randint_like",
    "scaled_dot_product_attention", "multi_head_attention_forward", "lstm", "gru", "rnn_tanh",
    "rnn_relu", "fractional_max_pool2d", "fractional_max_pool3d", "standard_gamma",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chance:
    """The state of the random number generator before a call: ``host``, and ``device``'s of the
    accelerator that it ran on."""

    host: Tensor
    device: Tensor | None = None
    where: str = ""


def chance_of(name: str, tensors: list[Tensor]) -> Chance | None:
    """None for a call that draws nothing. Reads the generators, draws nothing from them."""
    if name not in _RANDOM:
        return None
    with unobserved():
        host = torch.get_rng_state()
        if tensors and tensors[0].device.type == "cuda":
            where = str(tensors[0].device)
            return Chance(host, torch.cuda.get_rng_state(where), where)
        return Chance(host)


def autocast_of(tensors: list[Tensor]) -> tuple[str, torch.dtype] | None:
    """Device type and dtype of the autocast that a call is made under."""
    if not tensors:
        return None
    kind = tensors[0].device.type
    if kind == "meta" or not torch.is_autocast_enabled(kind):
        return None
    return kind, torch.get_autocast_dtype(kind)


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Afterwards every generator goes on as if nothing had been drawn."""
    ours, theirs = torch.get_rng_state(), random.getstate()
    numpy = sys.modules.get("numpy")
    of_numpy = numpy.random.get_state() if numpy is not None else None
    cuda: Any = torch.cuda
    devices = cuda.get_rng_state_all() if cuda.is_initialized() else []
    try:
        yield
    finally:
        torch.set_rng_state(ours)
        random.setstate(theirs)
        if numpy is not None:
            numpy.random.set_state(of_numpy)
        if devices:
            torch.cuda.set_rng_state_all(devices)


def again(chance: Chance | None, autocast: tuple[str, torch.dtype] | None) -> ExitStack[Any]:
    """A context in which a call draws what it drew, and is cast as it was."""
    stack = ExitStack()
    if chance is not None:
        torch.set_rng_state(chance.host)
        if chance.device is not None:
            torch.cuda.set_rng_state(chance.device, chance.where)
    if autocast is not None:
        kind, dtype = autocast
        stack.enter_context(torch.autocast(kind, dtype=dtype, cache_enabled=False))
    return stack
