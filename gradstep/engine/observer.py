"""Sees calls as the user wrote them (function mode), and the aten operations below them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from gradstep.engine import torch_internals as internals
from gradstep.engine.aliases import Aliases, Role
from gradstep.engine.calls import Call, Calls, Kind, judge, tensors_in, tensors_of
from gradstep.engine.debugger import Debugger
from gradstep.engine.reading import preview
from gradstep.engine.records import NodeRecord
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Level, Place

ATEN = 64
"""Names of aten operations kept for one call."""


class CallMode(TorchFunctionMode):
    """Hands every call to the observer. While its handler runs it is off its own stack."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._call = observer.call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._call(func, args, kwargs or {})


class AtenMode(TorchDispatchMode):
    """Notes the aten operations below the current call."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Saves importing dynamo; compiled functions are run eagerly instead (see the stance).
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        node = self._observer.current
        if node is not None and len(node.aten) < ATEN:
            node.aten.append(func)
        result = func(*args, **kwargs) if kwargs else func(*args)
        if internals.loses_versions(func):
            internals.repair_versions(args)
        return result


class Observer:
    """Classifies calls into phases and reports them to the debugger."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.calls = Calls()
        self.aliases = Aliases()
        self.current: NodeRecord | None = None
        self.inside: list[Phase] = []
        """Phases whose bounds are known: in ``optimizer.step``, ``zero_grad``, backward."""
        self.entering_backward = 0
        self.call_mode, self.aten_mode = CallMode(self), AtenMode(self)
        self._asleep = True

    # ------------------------------------------------------------------ levels

    def set_level(self, level: Level) -> None:
        """Push or pop the modes. A mode cannot leave from inside its own handler: there it falls
        asleep and is taken off at the next line."""
        calls, aten = level is not Level.RUN, level is Level.OPERATION
        self._asleep = not calls
        if calls and not self.entering_handler:
            if not internals.function_mode_is_on(self.call_mode):
                internals.push_function_mode(self.call_mode)
        elif not calls:
            internals.remove_function_mode(self.call_mode)
            self._remove_later()
        internals.remove_dispatch_mode(self.aten_mode)
        if aten and Phase.BACKWARD not in self.inside:
            internals.push_dispatch_mode(self.aten_mode)

    entering_handler = 0
    """How deep the call mode's handler is; it is off the stack meanwhile."""

    def _remove_later(self) -> None:
        if not self.entering_handler and not self.entering_backward:
            return

        def gone(frame: FrameType) -> bool:
            return not self._asleep or internals.remove_function_mode(self.call_mode)

        frame = self.debugger.sites.user_frame(sys._getframe(1))
        self.debugger.lines.arm(frame, lambda at: None, wanted=gone)

    # ------------------------------------------------------------------ calls

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """The function mode's handler."""
        try:
            known = self.calls[function]
        except TypeError:  # a callable that cannot be hashed
            known = judge(function)
        kind = known.kind
        if kind is Kind.PASSIVE or self._asleep:
            return function(*args, **kwargs)
        self.entering_handler += 1
        try:
            if kind is not Kind.OPERATION:
                return _SPECIAL[kind](self, function, args, kwargs)
            if self.debugger.unwatched:
                return self._pass_by(known, function, args, kwargs)
            return self._operation(known, function, args, kwargs)
        finally:
            self.entering_handler -= 1

    def _operation(self, known: Call, function: Any, args: Any, kwargs: Any) -> Any:
        d = self.debugger
        tensors = tensors_of(args, kwargs)
        caller = sys._getframe(3)  # __torch_function__ <- call <- _operation
        frame = d.sites.user_frame(caller)
        phase, commits = self._classify(known, tensors, args)
        enter: Callable[[Place | None], NodeRecord] | None = None
        if phase is Phase.FORWARD and d.recorder.watching:

            def enter(place: Place | None) -> NodeRecord:
                return d.recorder.enter(known.name, args, tensors, caller, place)

        node = d.before(phase, known.name, frame, direct=frame is caller, enter=enter)
        outer, self.current = self.current, node
        first = internals.sequence_number()
        try:
            result = self._execute(known.name, function, args, kwargs)
        finally:
            self.current = outer
        self._after(phase, known, node, result, tensors, first, frame)
        if commits:
            d.tracker.commit_update(optimizer=False)
        return result

    def _execute(self, name: str, function: Any, args: Any, kwargs: Any) -> Any:
        if name in internals.SENSITIVE_CALLS:
            with internals.without_dispatch_mode(self.aten_mode):
                return function(*args, **kwargs)
        return function(*args, **kwargs)

    def _pass_by(self, known: Call, function: Any, args: Any, kwargs: Any) -> Any:
        """While nobody looks: only the phases are followed."""
        if self.inside:
            phase, commits = self.inside[-1], False
        else:
            classified, commits = self._classify(known, tensors_of(args, kwargs), args)
            if classified is None:
                return self._execute(known.name, function, args, kwargs)
            phase = classified
        self.debugger.pass_by(phase)
        result = self._execute(known.name, function, args, kwargs)
        if phase is Phase.UPDATE and not known.in_place and isinstance(result, Tensor):
            self.aliases.add(result, Role.DERIVED)
        if commits:
            self.debugger.tracker.commit_update(optimizer=False)
        return result

    def _after(
        self,
        phase: Phase | None,
        known: Call,
        node: NodeRecord | None,
        result: Any,
        tensors: list[Tensor],
        first: int,
        frame: FrameType | None,
    ) -> None:
        d = self.debugger
        change = None
        if node is not None:
            watching = d.recorder.watching
            named = d.sites.name_of_result(frame) if watching else ""
            d.recorder.leave(node, result, first, internals.sequence_number(), named)
            edges = [e for es in node.outputs.values() for e in es] if watching else []
            if edges:
                change = Change(
                    "value",
                    f"#{node.id}:0",
                    edges[0].name,
                    None,
                    edges[0].value,
                    tuple(e.id for e in edges),
                )
        elif phase is Phase.UPDATE and not known.in_place:
            for tensor in tensors_in((result,)):
                self.aliases.add(tensor, Role.DERIVED)
                if d.recorder.watching:
                    change = Change(
                        "value", "", d.sites.name_of_result(frame), None, preview(tensor)
                    )
        d.executed(change)

    def _classify(self, known: Call, tensors: list[Tensor], args: Any) -> tuple[Phase | None, bool]:
        """The phase that a call belongs to, and whether it commits an update by hand."""
        if self.inside:
            return self.inside[-1], False
        if known.in_place and tensors:
            found = self._classify_in_place(known.name, tensors[0], args)
            if found is not None:
                return found
        if _needs_grad(tensors) and torch.is_grad_enabled():
            # After the update, a detached copy is for a log and not the next forward.
            aside = known.no_gradient or (known.name == "detach" and self.debugger.tracker.updated)
            return (None if aside else Phase.FORWARD), False
        if self.aliases and self.aliases.from_gradient(tensors):
            return (None if known.name in _OF_A_LOG else Phase.UPDATE), False
        return None, False

    def _classify_in_place(
        self, name: str, target: Tensor, args: Any
    ) -> tuple[Phase | None, bool] | None:
        role = self.aliases.role(target)
        if role is Role.GRAD:
            zeroes = name == "zero_" or (name in ("fill_", "mul_") and args[1:2] in ((0,), (0.0,)))
            return (Phase.ZERO_GRAD, False) if zeroes else (Phase.UPDATE, False)
        leaf = self.aliases.leaf(target) if role is Role.DATA else None
        if leaf is None and target.is_leaf and target.requires_grad:
            leaf = target
        if leaf is None:
            return None
        return (Phase.UPDATE, True) if self._has_gradient(leaf) else (None, False)

    def _has_gradient(self, leaf: Tensor) -> bool:
        """Initialising a parameter is no update: an update needs a gradient to go by."""
        return bool(leaf.requires_grad) and leaf.grad is not None

    # ------------------------------------------------------------------ .data and .grad

    def _data_get(self, function: Any, args: Any, kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if self.inside:
            return result
        owner = args[0]
        role = self.aliases.role(owner)
        if role is not None:
            self.aliases.add(result, role, self.aliases.leaf(owner))
        elif owner.is_leaf and owner.requires_grad:
            self.aliases.add(result, Role.DATA, owner)
        return result

    def _data_set(self, function: Any, args: Any, kwargs: Any) -> Any:
        owner = args[0]
        if self.aliases.role(owner) is Role.GRAD:
            phase = Phase.ZERO_GRAD if _all_zero(args[1]) else Phase.UPDATE
            return self._assignment(".grad.data =", phase, function, args, kwargs)
        if owner.is_leaf and self._has_gradient(owner):
            result = self._assignment(".data =", Phase.UPDATE, function, args, kwargs)
            self.debugger.tracker.commit_update(optimizer=False)
            return result
        return function(*args, **kwargs)

    def _grad_get(self, function: Any, args: Any, kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is not None and not self.inside:
            self.aliases.add(result, Role.GRAD, args[0])
        return result

    def _grad_set(self, function: Any, args: Any, kwargs: Any) -> Any:
        if args[1] is None or _all_zero(args[1]):
            name = ".grad = None" if args[1] is None else ".grad = 0"
            return self._assignment(name, Phase.ZERO_GRAD, function, args, kwargs)
        return function(*args, **kwargs)

    def _grad_delete(self, function: Any, args: Any, kwargs: Any) -> Any:
        return self._assignment("del .grad", Phase.ZERO_GRAD, function, args, kwargs)

    def _assignment(self, name: str, phase: Phase, function: Any, args: Any, kwargs: Any) -> Any:
        caller = sys._getframe(4)  # __torch_function__ <- call <- _grad_set <- _assignment
        frame = self.debugger.sites.user_frame(caller)
        inner = self.inside[-1] if self.inside else phase
        if self.debugger.unwatched:
            self.debugger.pass_by(inner)
            return function(*args, **kwargs)
        self.debugger.before(inner, name, frame, direct=frame is caller)
        result = function(*args, **kwargs)
        self.debugger.executed()
        return result

    def _backward(self, function: Any, args: Any, kwargs: Any) -> Any:
        self.entering_backward += 1
        try:
            return function(*args, **kwargs)
        finally:
            self.entering_backward -= 1


_SPECIAL: dict[Kind, Callable[[Observer, Any, Any, Any], Any]] = {
    Kind.DATA_GET: Observer._data_get,
    Kind.DATA_SET: Observer._data_set,
    Kind.GRAD_GET: Observer._grad_get,
    Kind.GRAD_SET: Observer._grad_set,
    Kind.GRAD_DELETE: Observer._grad_delete,
    Kind.BACKWARD: Observer._backward,
}


_OF_A_LOG = ("clone", "norm", "linalg_norm")
"""Made of a gradient to be looked at, not to update by."""


def _needs_grad(tensors: list[Tensor]) -> bool:
    return True in [tensor.requires_grad for tensor in tensors]  # any() costs twice as much


def _all_zero(tensor: Any) -> bool:
    if not isinstance(tensor, Tensor) or internals.is_opaque(tensor):
        return False
    with internals.unobserved():
        return not bool(tensor.any())
