"""Changing one number of an experiment at a stop."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.torch_internals import is_leaf
from gradstep.engine.values.reading import problem_of


class Refused(Exception):
    """Why it cannot be changed, in a sentence for the person."""


def parse(text: str, dtype: torch.dtype) -> Any:
    """The Python number that ``text`` means for an element of ``dtype``. Raises ``Refused``."""
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    try:
        if dtype is torch.bool:
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if dtype.is_complex:
            return complex(text.replace(" ", "").replace("i", "j"))
        if dtype.is_floating_point:
            number = float(text)
            largest = torch.finfo(dtype).max
            if math.isfinite(number) and abs(number) > largest:
                raise Refused(f"{text} is beyond {largest:g}, the largest {_name(dtype)}.")
            return number
        whole, limits = int(text, 0), torch.iinfo(dtype)
    except (ValueError, KeyError):
        raise Refused(f"{text or 'Nothing'} is no {_kind(dtype)}.") from None
    if not limits.min <= whole <= limits.max:
        raise Refused(f"{_name(dtype)} reaches from {limits.min} to {limits.max}.")
    return whole


def write(tensor: Tensor, index: tuple[int, ...], text: str) -> tuple[str, str]:
    """Set one element of a leaf; what it was and what it is now, exactly. Raises ``Refused``. Call
    it unobserved.

    It is a change in place like the program's own: its version is counted, so that PyTorch refuses
    a backward that needs what was there before, instead of computing with the wrong number."""
    if not is_leaf(tensor):
        raise Refused("It was computed. Change what it is computed from, then go forward again.")
    problem = problem_of(tensor)
    if problem:
        raise Refused(f"Its elements cannot be written: {problem}.")
    if len(index) != tensor.dim() or not all(
        0 <= i < n for i, n in zip(index, tensor.shape, strict=True)
    ):
        raise Refused(f"{list(index)} is no place in a tensor of shape {tuple(tensor.shape)}.")
    if torch._debug_has_internal_overlap(tensor) == 1:
        raise Refused("Several of its elements share one memory (an expanded tensor).")
    number = parse(text, tensor.dtype)
    data = tensor.detach()
    old = exact(data[index])
    data[index] = number  # counted on the version that it shares with ``tensor``
    return old, exact(data[index])


def exact(element: Tensor) -> str:
    """A text that ``parse`` reads back as the same element."""
    return repr(element.item()).strip("()")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _kind(dtype: torch.dtype) -> str:
    if dtype is torch.bool:
        return "True or False"
    if dtype.is_complex or dtype.is_floating_point:
        return "number"
    return "whole number"
