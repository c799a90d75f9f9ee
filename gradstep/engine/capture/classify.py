"""Which phase a call belongs to: told by what it touches, not by what it is called.

Inside ``optimizer.step``, ``zero_grad`` and backward the phase is known. Outside, a call on values
that require grad is forward, unless backward has used them up; one that works with gradients, or
changes a parameter by its gradient, is an update; one that clears a gradient is zero-grad; the rest
belongs to no phase.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.aliases import Aliases, Role
from gradstep.engine.capture.calls import NEW_PARAMETER, Call, tensors_in
from gradstep.engine.capture.spent import Spent
from gradstep.engine.stepping.tracker import Tracker
from gradstep.phases import Phase

_COPIES = frozenset({"clone", "detach", "to", "cpu", "cuda", "float", "double", "contiguous"})
"""What they return stands for what they were given."""
_OF_A_LOG = _COPIES | {"norm", "linalg_norm", "linalg_vector_norm"}
"""Made of a gradient to be looked at as often as to update by: no update of themselves."""
_PROJECTIONS = frozenset({"clamp_", "clamp_min_", "clamp_max_", "clip_", "renorm_", "mul_", "div_"})
"""What is done to parameters after a step and belongs to it: weights clipped or decayed."""
_MOVES = frozenset({"sub", "add", "addcdiv", "addcmul", "lerp", "foreach_sub", "foreach_add"})
"""How a new value is made of a parameter and what its gradient says."""

# Looking up a member of an Enum costs 70 ns on Python 3.11, and there are several per call.
_FORWARD, _UPDATE = Phase.FORWARD, Phase.UPDATE
_DATA, _GRAD, _DERIVED, _STEPPED = Role.DATA, Role.GRAD, Role.DERIVED, Role.STEPPED

Found = tuple[Phase | None, bool]
"""A phase, and whether the call commits an update by hand."""


class Classifier:
    """``inside``: phases whose bounds are known, innermost last."""

    def __init__(self, tracker: Tracker, spent: Spent) -> None:
        self._tracker = tracker
        self.aliases, self.spent = Aliases(), spent
        self.inside: list[Phase] = []
        self.optimizers = False
        """Whether the program has made an optimizer: then gradients are computed with by hand for
        a log, or to be clipped in place, rather than to update by."""

    def classify(self, known: Call, tensors: list[Tensor], args: Any, kwargs: Any) -> Found:
        """Before the call. ``tensors`` are those among its arguments."""
        if self.inside:
            return self.inside[-1], False
        self.aliases.recognise(tensors)
        target = tensors[0] if known.in_place and tensors else kwargs.get("out")
        if isinstance(target, Tensor):
            found = self._in_place(known.name, target, tensors, args)
            if found is not None:
                return found
        if _need_grad(tensors) and torch.is_grad_enabled():
            if self._tracker.phase is not _FORWARD:
                return self._from_outside(known, tensors)
            return (None if known.no_gradient else _FORWARD), False
        if self.aliases and self.aliases.from_gradient(tensors):
            if known is NEW_PARAMETER or (known.name == "tensor" and kwargs.get("requires_grad")):
                return _UPDATE, True  # a new leaf takes the parameter's place
            if self._replaces(known, tensors):
                return _UPDATE, True
            return (None if self.optimizers or known.name in _OF_A_LOG else _UPDATE), False
        return None, False

    def _replaces(self, known: Call, tensors: list[Tensor]) -> bool:
        """``p - lr * g`` where ``torch.func`` has found g: what it makes takes the place of p,
        which requires no grad."""
        return known.name in _MOVES and any(
            self.aliases.was_differentiated(tensor) and not tensor.requires_grad
            for tensor in tensors
        )

    def _from_outside(self, known: Call, tensors: list[Tensor]) -> Found:
        """A call that may begin a forward."""
        if known.name == "detach":
            stepped = self.aliases.role(tensors[0]) is _STEPPED
            return (_UPDATE if stepped else None), False
        if known.no_gradient or self.spent.all(tensors):
            return None, False
        if self.aliases and not self.optimizers and self._steps(tensors):
            return _UPDATE, False
        return _FORWARD, False

    def _steps(self, tensors: list[Tensor]) -> bool:
        """``w - lr * w.grad`` with gradients on: a parameter moved by what is on no graph."""
        aliases, moved, gradient = self.aliases, False, False
        for tensor in tensors:
            role = aliases.role(tensor)
            if tensor.requires_grad:
                if role is not _STEPPED and not internals.is_leaf(tensor):
                    return False
                moved = True
            elif role is _GRAD or role is _DERIVED:
                gradient = True
        return moved and gradient

    def follow(self, known: Call, phase: Phase | None, tensors: list[Tensor], result: Any) -> None:
        """After the call, outside of known phases: what its result stands for."""
        if not tensors:
            return
        aliases = self.aliases
        if known.in_place:
            self._follow_in_place(phase, tensors)
            return
        first = tensors[0]
        if known.name in _COPIES and isinstance(result, Tensor) and result is not first:
            role = aliases.role(first)
            if known.name == "detach" and role is None and self.is_parameter(first):
                aliases.add(result, _DATA, first)  # its memory is the parameter's
            elif role is _GRAD or role is _DERIVED:
                aliases.add(result, _DERIVED)
            elif role is _STEPPED:
                moved = phase is not _UPDATE
                aliases.add(result, _STEPPED if moved else _DERIVED)
        elif aliases and known.name not in _OF_A_LOG and aliases.from_gradient(tensors):
            replaces = phase is _UPDATE and self._replaces(known, tensors)
            for tensor in tensors_in((result,)) if not replaces else ():
                if not tensor.requires_grad:
                    if aliases.role(tensor) is None:  # out= returns what it was given
                        aliases.add(tensor, _DERIVED)
                elif not internals.is_leaf(tensor):
                    aliases.add(tensor, _STEPPED)
        if phase is None and self.spent:
            for tensor in tensors_in((result,)):
                if tensor.requires_grad:
                    self.spent.add(tensor)

    def _follow_in_place(self, phase: Phase | None, tensors: list[Tensor]) -> None:
        target = tensors[0]
        if phase is _FORWARD and self.spent:
            self.spent.drop(target)
        aliases = self.aliases
        if not aliases or target.requires_grad or aliases.role(target) is not None:
            return
        if aliases.was_differentiated(target):
            return
        if aliases.from_gradient(tensors):  # a momentum, a view of a parameter
            aliases.add(target, _DERIVED)

    def is_parameter(self, tensor: Tensor) -> bool:
        return bool(tensor.requires_grad and internals.is_leaf(tensor))

    def has_gradient(self, leaf: Tensor) -> bool:
        """Initialising a parameter is no update: an update needs a gradient to go by."""
        if not leaf.requires_grad:
            return False
        return leaf.grad is not None or self.aliases.was_differentiated(leaf)

    def updates(self, leaf: Tensor, sources: list[Tensor]) -> bool:
        """Whether writing ``sources`` into a parameter updates it: they come from a gradient, or a
        number does that the program has read from one. Else a copy is loaded, or a finite
        difference taken."""
        if not self.has_gradient(leaf):
            return False
        if self.aliases.from_gradient(sources):
            return True
        return self.aliases.gradient_read and not self.optimizers

    def _in_place(
        self, name: str, target: Tensor, tensors: list[Tensor], args: Any
    ) -> Found | None:
        role = self.aliases.role(target)
        if role is _GRAD:
            if name == "detach_":
                return None, False  # no element of it changes
            return (Phase.ZERO_GRAD if _zeroes(name, args) else _UPDATE), False
        leaf = self.aliases.leaf(target) if role is _DATA else None
        if leaf is None and self.is_parameter(target):
            leaf = target
        if leaf is None:
            moved = self.aliases.was_differentiated(target)  # by torch.func, without requires_grad
            return (_UPDATE, True) if moved and self.aliases.from_gradient(tensors[1:]) else None
        if self.updates(leaf, tensors):
            return _UPDATE, True
        projects = self._tracker.phase is _UPDATE and name in _PROJECTIONS
        return (_UPDATE if projects else None), False


def _zeroes(name: str, args: Any) -> bool:
    """Whether an in-place call on a gradient clears it."""
    if name == "zero_":
        return True
    if name in ("fill_", "mul_"):
        return _is_zero(args[1]) if len(args) > 1 else False
    if name == "copy_":
        return len(args) > 1 and all_zero(args[1])
    if name == "setitem_" and len(args) > 2:
        whole = args[1] is Ellipsis or args[1] == slice(None)
        return whole and (_is_zero(args[2]) or all_zero(args[2]))
    return False


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0


def all_zero(tensor: Any) -> bool:
    if not isinstance(tensor, Tensor) or internals.is_opaque(tensor):
        return False
    with internals.unobserved():
        return not bool(tensor.any())


def _need_grad(tensors: list[Tensor]) -> bool:
    return True in [tensor.requires_grad for tensor in tensors]  # any() costs twice as much
