"""One row of the table: an operation, its parameters, and a derivative for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Arguments
from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Derivative

Mask = Callable[[BoundCall], Tensor]

ONE: Mapping[str, str] = MappingProxyType({"input": "x", "output": "y"})
"""Symbols of an operation on one tensor."""


@dataclass(frozen=True)
class Rule:
    """``names``: what torch calls it, first the one that a node of the graph carries; an in-place
    form (``mul_``) and the aten operation (``aten.mul``) are found by the same names.

    ``parameters`` as in PyTorch's documentation. ``by``: derivatives by parameter. ``symbols``:
    the letter of each parameter, and of ``output``, in the formulas. ``kink`` marks elements of the
    input at which there is no derivative; ``kink_note`` says what PyTorch takes there. ``unknown``
    marks elements of the input whose gradient cannot be told from values alone."""

    names: str
    parameters: str
    by: Mapping[str, Derivative]
    symbols: Mapping[str, str] = field(default_factory=lambda: ONE)
    kink: Mask | None = None
    kink_note: str = ""
    unknown: Mask | None = None
    arrange: Callable[[Arguments, tuple[Tensor, ...]], Arguments] | None = None
    """Puts the arguments of a method in the order of ``parameters``, where that differs."""

    def symbol(self, parameter: str) -> str:
        return self.symbols.get(parameter, parameter)

    def derivative(self, parameter: str) -> Derivative | None:
        return self.by.get(parameter)

    def bind(
        self,
        arguments: Arguments,
        tensors: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        dtype: torch.dtype | None = None,
    ) -> BoundCall:
        """A call of it. Raises ``Unexplained``."""
        name = self.names.split()[0]
        if self.arrange is not None:
            arguments = self.arrange(arguments, tensors)
        return BoundCall(name, self.parameters, arguments, tensors, outputs, dtype)


def yaml(entry: str) -> str:
    """The source of a rule that PyTorch lists by this name."""
    return f"PyTorch, tools/autograd/derivatives.yaml: {entry}"


def docs(entry: str) -> str:
    """The source of a rule that follows from the function's own definition."""
    return f"PyTorch documentation: {entry}"


TWO: dict[str, Any] = {"input": "x", "other": "y", "output": "z"}
"""Symbols of an element-wise operation on two tensors."""
