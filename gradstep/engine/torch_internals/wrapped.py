"""Functions of torch's own with ours in their place."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import torch


def wrap_function_apply(around: Callable[[Any, Any, Any, Any], Any]) -> None:
    """``around`` gets every call of a custom ``autograd.Function``: how to call it, the class,
    arguments. No mode is told of these. Programs keep ``apply`` under names of their own
    (``relu = ReLU.apply``), so it is wrapped once, before they do; ``torch.compile`` knows it by
    its name."""
    owner: Any = torch.autograd.Function
    original = owner.__dict__["apply"].__func__

    @functools.wraps(original)
    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, cls, args, kwargs)

    owner.apply = classmethod(apply)


def wrap_new_parameter(around: Callable[[Any, Any, Any, Any], Any]) -> None:
    """``around`` gets every making of an ``nn.Parameter``: how to make it, the class, arguments.
    No mode is told of it."""
    owner: Any = torch.nn.Parameter
    original = owner.__new__

    @functools.wraps(original)
    def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, cls, args, kwargs)

    owner.__new__ = staticmethod(__new__)


def wrap_set(around: Callable[[Any, Any, Any], Any]) -> None:
    """``around`` gets every call of ``Tensor.set_``, and how to make it. A function mode is told of
    a call without a name."""
    owner: Any = torch.Tensor
    original = owner.set_

    @functools.wraps(original)
    def set_(*args: Any, **kwargs: Any) -> Any:
        return around(original, args, kwargs)

    owner.set_ = set_


MODULE_CALL = torch.nn.Module._call_impl.__code__
"""Of the frame in which a module's forward runs; its ``self`` is the module."""


class ModuleCalls:
    """``around`` gets every call of a module while on: how to call it, the module, arguments. A
    class calls what its ``__call__`` is at that moment; the program may have put its own there."""

    def __init__(self, around: Callable[[Any, Any, Any, Any], Any]) -> None:
        self._around = around
        self._on = False
        self._wrapper: Any = None
        self._original: Any = None

    def switch(self, on: bool) -> None:
        owner: Any = torch.nn.Module
        self._on = on
        if on and owner.__call__ is not self._wrapper:
            self._original = original = owner.__call__

            @functools.wraps(original)
            def __call__(this: Any, *args: Any, **kwargs: Any) -> Any:
                if self._on and self._wrapper is __call__:
                    return self._around(original, this, args, kwargs)
                return original(this, *args, **kwargs)

            self._wrapper = owner.__call__ = __call__
        elif not on and self._wrapper is not None and owner.__call__ is self._wrapper:
            owner.__call__, self._wrapper = self._original, None


class CompiledCode:
    """``torch.compile`` under a mode would compile the mode too: while modes are on, compiled
    functions run eagerly, and at run level as they would without gradstep. Setting the stance
    imports dynamo, which takes a second, so nothing is set before the program compiles."""

    def __init__(self, told: Callable[[], None], first: Callable[[], None]) -> None:
        """``first`` is called before anything is compiled."""
        self._told, self._first = told, first
        self._eager = self.used = False

    def install(self) -> None:
        original = torch.compile

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            if not self.used:
                self.used = True
                self._first()
                self._set()
            return original(*args, **kwargs)

        replacement: Any = compile
        torch.compile = replacement

    def step_eagerly(self, on: bool) -> None:
        if on != self._eager:
            self._eager = on
            if self.used:
                self._set()

    def _set(self) -> None:
        if self._eager:
            self._told()
        if self._eager or "torch._dynamo" in sys.modules:
            torch.compiler.set_stance("force_eager" if self._eager else "default")
