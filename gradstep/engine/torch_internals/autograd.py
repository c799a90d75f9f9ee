"""Nodes, and the one entry of backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.torch_internals.modes import DisableTorchFunction

sequence_number: Callable[[], int] = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]
"""The number that the next autograd node made in this thread will carry."""


def run_backward(outputs: Any, seeds: Any, inputs: Any) -> tuple[Tensor | None, ...]:
    """Backward of our own, of which no program hears: past the entry that is wrapped."""
    engine: Any = torch.autograd.Variable._execution_engine
    found: tuple[Tensor | None, ...] = engine.run_backward(
        tuple(outputs), tuple(seeds), False, False, tuple(inputs), True, accumulate_grad=False
    )
    return found


def node_name(node: Any) -> str:
    """``MulBackward0``: without its namespace."""
    return str(node.name()).rpartition("::")[2]


def node_number(node: Any) -> int:
    return int(node._sequence_nr())


def heads_of(outputs: list[Tensor]) -> dict[int, list[tuple[int, int]]]:
    """By the number of an autograd node: which of its results is which of ``outputs``."""
    found: dict[int, list[tuple[int, int]]] = {}
    for index, tensor in enumerate(outputs):
        with DisableTorchFunction():
            made_by = tensor.grad_fn
            if made_by is not None:
                found.setdefault(node_number(made_by), []).append((tensor.output_nr, index))
    return found


ACCUMULATE_GRAD = "torch::autograd::AccumulateGrad"


def wrap_backward_entry(make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Every Python route into backward (``Tensor.backward``, ``autograd.backward`` and ``grad``)
    calls ``torch.autograd._engine_run_backward``; ``make`` gets it and returns its wrapper."""
    original = torch.autograd._engine_run_backward  # type: ignore[attr-defined]
    wrapper = make(original)
    torch.autograd._engine_run_backward = wrapper  # type: ignore[attr-defined]
    # A second name for the same function, imported by torch.autograd.graph's helpers.
    if getattr(torch.autograd.graph, "_engine_run_backward", None) is original:
        wrapped: Any = wrapper
        torch.autograd.graph._engine_run_backward = wrapped


def replace_backward_entry(old: Any, new: Any) -> bool:
    """Put ``new`` in the place of ``old``; False where the entry is another's by now."""
    if torch.autograd._engine_run_backward is not old:  # type: ignore[attr-defined]
        return False
    torch.autograd._engine_run_backward = new  # type: ignore[attr-defined]
    if getattr(torch.autograd.graph, "_engine_run_backward", None) is old:
        torch.autograd.graph._engine_run_backward = new
    return True


def is_leaf(tensor: Tensor) -> bool:
    """Of several views of a tensor that was changed in place since, asking one raises: none is."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def grad_fn(tensor: Tensor) -> Any:
    """The node that made it; None for a leaf and for a view that can no longer be asked."""
    try:
        with DisableTorchFunction():
            return tensor.grad_fn
    except RuntimeError:
        return None


def derivative_of_linear(
    function: Callable[[tuple[Tensor | None, ...]], Tensor], at: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The coefficients of a scalar ``function`` that is linear in its tensors. In a thread of ours,
    by the backward engine itself: Python's entry to it is where the program's backward is seen."""
    engine: Any = torch.autograd.Variable._execution_engine
    with torch.enable_grad():
        leaves = tuple(None if t is None else t.detach().requires_grad_() for t in at)
        value = function(leaves)
    wanted = tuple(leaf for leaf in leaves if leaf is not None)
    if not value.requires_grad:
        return [None if t is None else torch.zeros_like(t) for t in at]
    found = list(
        engine.run_backward(
            (value,), (torch.ones_like(value),), False, False, wanted,
            allow_unreachable=True, accumulate_grad=False,
        )
    )  # fmt: skip
    return [None if leaf is None else found.pop(0) for leaf in leaves]
