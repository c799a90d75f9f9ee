"""Where an optimizer's step and a zero-grad begin and end."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.observer import Observer
from gradstep.engine.stepping.debugger import Debugger
from gradstep.phases import Phase

_UPDATE = Phase.UPDATE  # looking up a member of an Enum costs 70 ns on Python 3.11


class Optimizers:
    """Global hooks for ``step``; ``zero_grad`` has none, so the two classes' method is wrapped."""

    def __init__(self, debugger: Debugger, observer: Observer) -> None:
        self._debugger, self._observer = debugger, observer

    def install(self) -> None:
        internals.wrap_set(self._observer.set_)  # the update by hand that no mode is told of
        register_optimizer_step_pre_hook(self._step_begins)
        register_optimizer_step_post_hook(self._step_ends)
        self._unwind_failed_steps()
        for owner in (torch.optim.Optimizer, torch.nn.Module):
            self._wrap_zero_grad(owner)

    def _unwind_failed_steps(self) -> None:
        """A step that raises runs no post hook: leave its phase all the same."""
        original, inside = torch.optim.Optimizer.profile_hook_step, self._observer.inside

        @functools.wraps(original)
        def profile_hook_step(function: Callable[..., Any]) -> Callable[..., Any]:
            # Called when the first of its class is made.
            self._observer.classifier.optimizers = self._debugger.nonfinite.has_optimizer = True
            step = original(function)

            @functools.wraps(step)
            def unwinding(*args: Any, **kwargs: Any) -> Any:
                depth = len(inside)
                try:
                    return step(*args, **kwargs)
                finally:
                    del inside[depth:]

            return unwinding

        owner: Any = torch.optim.Optimizer
        owner.profile_hook_step = staticmethod(profile_hook_step)

    def _step_begins(self, optimizer: Any, args: Any, kwargs: Any) -> Any:
        d = self._debugger
        if d.blind and not self._observer.inside:
            d.enter_unseen(_UPDATE)
        if d.nonfinite.on:
            d.nonfinite.step(optimizer)
        self._observer.inside.append(_UPDATE)
        if not d.blind:
            d.subjects.works(_UPDATE, optimizer)
        if len(args) < 2 and not kwargs:
            return None
        if len(args) > 1 and callable(args[1]):
            return (*args[:1], self._within(args[1]), *args[2:]), kwargs
        if callable(kwargs.get("closure")):
            return args, {**kwargs, "closure": self._within(kwargs["closure"])}
        return None

    def _within(self, closure: Callable[..., Any]) -> Callable[..., Any]:
        """The closure has phases of its own, as the program wrote them."""
        d, inside = self._debugger, self._observer.inside

        @functools.wraps(closure)
        def within(*args: Any, **kwargs: Any) -> Any:
            around, outer = inside[:], d.outer
            inside.clear()
            d.outer = _UPDATE
            try:
                return closure(*args, **kwargs)
            finally:
                inside[:], d.outer = around, outer

        return within

    def _step_ends(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        d, inside = self._debugger, self._observer.inside
        if inside and inside[-1] is _UPDATE:
            inside.pop()
        if _UPDATE in inside:
            return  # an optimizer within an optimizer: the outer one ends the update
        d.commit_update(optimizer=True)
        d.phase_ended(_UPDATE, sys._getframe(1))

    def _wrap_zero_grad(self, owner: Any) -> None:
        original: Callable[..., None] = owner.zero_grad
        d, inside = self._debugger, self._observer.inside

        @functools.wraps(original)
        def zero_grad(this: Any, *args: Any, **kwargs: Any) -> None:
            if d.blind or (inside and inside[-1] is Phase.ZERO_GRAD):
                original(this, *args, **kwargs)
                if d.blind and d.breakpoints.phases:
                    d.phase_ended(Phase.ZERO_GRAD, sys._getframe(1))
                return
            if d.breakpoints.iterations:
                d.pursuit.zero_grad_begins(sys._getframe(1))
            inside.append(Phase.ZERO_GRAD)
            d.subjects.works(Phase.ZERO_GRAD, this)
            try:
                original(this, *args, **kwargs)
            finally:
                inside.pop()
            d.zeroed()
            d.phase_ended(Phase.ZERO_GRAD, sys._getframe(1))

        owner.zero_grad = zero_grad
