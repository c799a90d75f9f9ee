"""Sees calls as the user wrote them (function mode), and the aten operations below them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.aliases import Role
from gradstep.engine.capture.attributes import Attributes, differentiated
from gradstep.engine.capture.calls import (
    NEW_PARAMETER,
    Call,
    Calls,
    Kind,
    judge,
    tensors_in,
    tensors_of,
)
from gradstep.engine.capture.classify import Classifier
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.capture.spent import Spent
from gradstep.engine.nan.births_of_calls import Returned
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.values.reading import preview
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Level, Place

ATEN = 64
"""Names of aten operations kept for one call."""
# Looking up a member of an Enum costs 70 ns on Python 3.11, and there are several per call.
_PASSIVE, _OPERATION = Kind.PASSIVE, Kind.OPERATION


# Of a property's owner the type is told whether or not it has a handler.
_PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})


class CallMode(TorchFunctionMode):
    """Hands every call to the observer. While its handler runs it is off its own stack."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._call: Callable[[Any, Any, Any], Any] = observer.call

    def hand_to(self, call: Callable[[Any, Any, Any], Any]) -> None:
        """Calls go there from now on."""
        self._call = call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if types and types[0] not in _PLAIN:  # what we read of them must not reach their class
            with (quiet := internals.DisableTorchFunction()):
                return self._call(Aloud(func, quiet), args, kwargs or {})
        return self._call(func, args, kwargs or {})


class Aloud:
    """The function that the program called, for a handler that is otherwise unheard by tensor
    classes: while it runs they hear again. Stands for the function where one is looked up."""

    def __init__(self, function: Any, quiet: Any) -> None:
        self._function, self._quiet = function, quiet

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._quiet.__exit__(None, None, None)
        try:
            return self._function(*args, **kwargs)
        finally:
            self._quiet.__enter__()

    def __hash__(self) -> int:
        return hash(self._function)

    def __eq__(self, other: object) -> bool:
        return bool(self._function == other)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)


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
        runner = internals.runner(func)
        if runner is not None:
            return runner(func, args, kwargs or {})
        return func(*args, **kwargs) if kwargs else func(*args)


_NOT_TORCH = (Aloud, functools.partial)


class Observer:
    """Classifies calls into phases and reports them to the debugger."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.calls = Calls()
        self.classifier = Classifier(debugger.tracker, Spent(debugger.recorder))
        self.inside = self.classifier.inside
        self._handlers = Attributes(debugger, self.classifier).handlers
        self._handlers[Kind.BACKWARD] = self._backward
        self.tap: Callable[[Call, Any, Any, Any], Any] | None = None
        """Sees every call after it was made, and returns its result."""
        self.current: NodeRecord | None = None
        self.entering_backward = 0
        self.call_mode, self.aten_mode = CallMode(self), AtenMode(self)
        self._asleep = True

    # ------------------------------------------------------------------ levels

    def set_level(self, level: Level) -> None:
        """Push or pop the modes. A mode cannot leave from inside its own handler: there it falls
        asleep and is taken off at the next line. Aten operations are noted on the graph, so nothing
        of theirs is seen while nobody records one."""
        calls = level is not Level.RUN
        aten = level is Level.OPERATION and self.debugger.recorder.watching
        self._asleep = not calls
        if calls and self.debugger.in_backward and Phase.BACKWARD not in self.inside:
            self.inside.append(Phase.BACKWARD)  # it was entered at run level
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
        self.debugger.lines.errand(frame, lambda at: None, gone)

    # ------------------------------------------------------------------ calls

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """The function mode's handler."""
        try:
            known = self.calls[function]
        except TypeError:  # a callable that cannot be hashed
            known = judge(function)
        kind = known.kind
        if kind is _PASSIVE or self._asleep:
            return function(*args, **kwargs)
        self.entering_handler += 1
        try:
            if kind is not _OPERATION:
                result = self._handlers[kind](function, args, kwargs)
            elif self.debugger.unwatched:
                result = self._pass_by(known, function, args, kwargs)
            else:
                # __torch_function__ <- call
                result = self._operation(known, function, args, kwargs, sys._getframe(2))
            return result if self.tap is None else self.tap(known, args, kwargs, result)
        finally:
            self.entering_handler -= 1

    def apply(self, original: Any, cls: Any, args: Any, kwargs: Any) -> Any:
        """A custom ``autograd.Function`` is called: one operation, whatever its forward does below.
        In a library's own calls it is a part of them, as their other operations are."""
        if not self._attends():
            return original(cls, *args, **kwargs)
        known = Call(_OPERATION, cls.__name__, in_place=False, no_gradient=False)
        # The one who called ``apply``, which is wrapped.
        return self._unheard(
            known, functools.partial(original, cls), args, kwargs, sys._getframe(2)
        )

    def new_parameter(self, original: Any, cls: Any, args: Any, kwargs: Any) -> Any:
        """``w = nn.Parameter(w.data - lr * w.grad)``: it takes the place of another."""
        if not self.classifier.aliases or not self._attends():
            return original(cls, *args, **kwargs)
        if not self.classifier.aliases.from_gradient(tensors_of(args, kwargs)):
            return original(cls, *args, **kwargs)
        run = functools.partial(original, cls)
        return self._unheard(NEW_PARAMETER, run, args, kwargs, sys._getframe(2))

    def set_(self, original: Any, args: Any, kwargs: Any) -> Any:
        """``w.set_(w - lr * w.grad)``. Where aten operations are noted, its own is told instead."""
        told = self.debugger.level is Level.OPERATION and self.debugger.recorder.watching
        tensors = tensors_of(args, kwargs) if not told and self._attends() else []
        if not tensors or not self.classifier.updates(tensors[0], tensors[1:]):
            return original(*args, **kwargs)
        known = Call(_OPERATION, "set_", in_place=True, no_gradient=False)
        return self._unheard(known, original, args, kwargs, sys._getframe(2))

    def _attends(self) -> bool:
        """Whether a call that no mode is told of is the program's own, in the thread followed."""
        if self._asleep or self.entering_handler:
            return False
        return internals.function_mode_is_on(self.call_mode)

    def _unheard(
        self, known: Call, function: Any, args: Any, kwargs: Any, caller: FrameType
    ) -> Any:
        if self.debugger.unwatched:
            return self._pass_by(known, function, args, kwargs)
        result = self._operation(known, function, args, kwargs, caller)
        return result if self.tap is None else self.tap(known, args, kwargs, result)

    def _operation(
        self, known: Call, function: Any, args: Any, kwargs: Any, caller: FrameType
    ) -> Any:
        """``caller``: the frame that called it."""
        d = self.debugger
        tensors = tensors_of(args, kwargs)
        frame = d.sites.user_frame(caller)
        phase, commits = self.classifier.classify(known, tensors, args, kwargs)
        enter: Callable[[Place | None], NodeRecord] | None = None
        if phase is Phase.FORWARD:

            def enter(place: Place | None) -> NodeRecord:
                # Only torch's own functions are kept, to be called again on other values.
                called = None if function.__class__ in _NOT_TORCH else function
                return d.recorder.enter(known.name, called, args, kwargs, tensors, caller, place)

        node = d.before(phase, known.name, frame, direct=frame is caller, enter=enter)
        births = d.nonfinite.births
        held = births.before(known, args, tensors) if births.on else None
        outer = self.current
        self.current = node or outer  # below a function of the program's own it is that one's
        first = internals.sequence_number()
        try:
            result = self._execute(known.name, function, args, kwargs)
        finally:
            self.current = outer
        self._after(phase, known, node, result, first, frame)
        if not self.inside:
            self.classifier.follow(known, phase, tensors, result)
        if commits:
            self._commit()
        if births.on:
            births.called(Returned(phase, known, node, args, kwargs, result, frame), held)
        return result

    def _execute(self, name: str, function: Any, args: Any, kwargs: Any) -> Any:
        if name in internals.SENSITIVE_CALLS:
            with internals.without_dispatch_mode(self.aten_mode):
                return function(*args, **kwargs)
        return function(*args, **kwargs)

    def _pass_by(self, known: Call, function: Any, args: Any, kwargs: Any) -> Any:
        """While nobody looks: only the phases are followed."""
        if self.inside:
            self.debugger.pass_by(self.inside[-1])
            return self._execute(known.name, function, args, kwargs)
        tensors = tensors_of(args, kwargs)
        phase, commits = self.classifier.classify(known, tensors, args, kwargs)
        if phase is not None:
            self.debugger.pass_by(phase)
        if known.name in internals.SENSITIVE_CALLS:
            result = self._execute(known.name, function, args, kwargs)
        else:
            result = function(*args, **kwargs)
        if tensors:
            self.classifier.follow(known, phase, tensors, result)
        if commits:
            self._commit()
        return result

    def _commit(self) -> None:
        self.classifier.aliases.update_made()
        self.debugger.commit_update(optimizer=False)

    def _after(
        self,
        phase: Phase | None,
        known: Call,
        node: NodeRecord | None,
        result: Any,
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
            for tensor in tensors_in((result,)) if d.recorder.watching else ():
                name = d.sites.name_of_result(frame)
                change = Change("value", "", name, None, preview(tensor))
        d.executed(change)

    def _backward(self, function: Any, args: Any, kwargs: Any) -> Any:
        self.entering_backward += 1
        try:
            result = function(*args, **kwargs)
        finally:
            self.entering_backward -= 1
        if function == torch.autograd.grad:
            for leaf, gradient in differentiated(args, kwargs, result):
                if self.classifier.is_parameter(leaf):
                    aliases = self.classifier.aliases
                    aliases.add(gradient, Role.GRAD, leaf)
                    aliases.note_differentiated(leaf)
                    aliases.gradient_read = True
                    if internals.beneath(leaf) is not leaf:
                        aliases.note_transformed(leaf, gradient)
        return result
