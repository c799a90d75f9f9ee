"""Modes on and off their stacks, and work of our own that none of them sees."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

DisableTorchFunction = torch._C.DisableTorchFunction
"""Context in which no function mode or subclass sees calls: for our own reads."""


def push_function_mode(mode: TorchFunctionMode) -> None:
    """Put ``mode`` below all others: the program's own leave the stack from its top."""
    above = []
    while torch._C._len_torch_function_stack():
        above.append(torch._C._pop_torch_function_stack())
    torch._C._push_on_torch_function_stack(mode)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)


def remove_function_mode(mode: TorchFunctionMode) -> bool:
    """Take ``mode`` off the stack, wherever it is. False when it is not on it: a mode is off its
    own stack while its handler runs and comes back when the handler returns."""
    above = []
    found = False
    while torch._C._len_torch_function_stack():
        top = torch._C._pop_torch_function_stack()
        if top is mode:
            found = True
            break
        above.append(top)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)
    return found


def function_mode_is_on(mode: TorchFunctionMode) -> bool:
    count = torch._C._len_torch_function_stack()
    return any(torch._C._get_function_stack_at(i) is mode for i in range(count))


count_dispatch_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
count_function_modes: Callable[[], int] = torch._C._len_torch_function_stack


def push_dispatch_mode(mode: TorchDispatchMode) -> None:
    """Put ``mode`` below all others: the program's own leave the stack from its top."""
    above = []
    while torch._C._len_torch_dispatch_stack():
        above.append(torch._C._pop_torch_dispatch_stack(None))
    torch._C._push_on_torch_dispatch_stack(mode)
    for other in reversed(above):
        torch._C._push_on_torch_dispatch_stack(other)


def remove_dispatch_mode(mode: TorchDispatchMode) -> bool:
    """Take ``mode`` off the dispatch stack, wherever it is; False when it is not there."""
    above = []
    found = False
    while torch._C._len_torch_dispatch_stack():
        top = torch._C._pop_torch_dispatch_stack(None)
        if top is mode:
            found = True
            break
        above.append(top)
    for other in reversed(above):
        torch._C._push_on_torch_dispatch_stack(other)
    return found


@contextlib.contextmanager
def without_dispatch_mode(mode: TorchDispatchMode) -> Iterator[None]:
    """Some kernels differ under any dispatch mode: they run without ours."""
    was_on = remove_dispatch_mode(mode)
    try:
        yield
    finally:
        if was_on:
            push_dispatch_mode(mode)


class unobserved:
    """Our own tensor work: no modes, no graph. Nothing of it may reach the program.

    A class, not a generator: it is entered for every value that is previewed."""

    __slots__ = ("_grad", "_modes", "_quiet")

    def __enter__(self) -> None:
        self._quiet = DisableTorchFunction()
        self._quiet.__enter__()
        self._grad = torch.is_grad_enabled()
        if self._grad:
            torch._C._set_grad_enabled(False)
        self._modes: list[Any] = []
        while torch._C._len_torch_dispatch_stack():
            self._modes.append(torch._C._pop_torch_dispatch_stack(None))

    def __exit__(self, *_: object) -> None:
        while self._modes:
            torch._C._push_on_torch_dispatch_stack(self._modes.pop())
        if self._grad:
            torch._C._set_grad_enabled(True)
        self._quiet.__exit__(None, None, None)
