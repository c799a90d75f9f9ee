"""What a program reads and assigns rather than calls: ``.data``, ``.grad``, ``requires_grad``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from gradstep.engine.capture.aliases import Role
from gradstep.engine.capture.calls import Kind, tensors_in
from gradstep.engine.capture.classify import Classifier, all_zero
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.torch_internals import is_leaf
from gradstep.phases import Phase


class Attributes:
    """Handlers by kind of call; each executes it. Called by the observer's handler, directly."""

    def __init__(self, debugger: Debugger, classifier: Classifier) -> None:
        self._debugger, self._classifier = debugger, classifier
        self._aliases, self._inside = classifier.aliases, classifier.inside
        self.handlers: dict[Kind, Callable[[Any, Any, Any], Any]] = {
            Kind.DATA_GET: self._data_get,
            Kind.DATA_SET: self._data_set,
            Kind.GRAD_GET: self._grad_get,
            Kind.GRAD_SET: self._grad_set,
            Kind.GRAD_DELETE: self._grad_delete,
            Kind.REQUIRE_GRAD: self._require_grad,
        }

    def _data_get(self, function: Any, args: Any, kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if self._inside:
            return result
        owner = args[0]
        role = self._aliases.role(owner)
        if role is None:
            if self._classifier.is_parameter(owner):
                self._aliases.add(result, Role.DATA, owner)
        elif role is Role.STEPPED:
            self._aliases.add(result, Role.DERIVED)
        else:
            self._aliases.add(result, role, self._aliases.leaf(owner))
        return result

    def _data_set(self, function: Any, args: Any, kwargs: Any) -> Any:
        owner = args[0]
        if self._aliases.role(owner) is Role.GRAD:
            phase = Phase.ZERO_GRAD if all_zero(args[1]) else Phase.UPDATE
            return self._assign(".grad.data =", phase, function, args, kwargs)
        if is_leaf(owner) and self._classifier.updates(owner, tensors_in(args[1:])):
            return self._assign(".data =", Phase.UPDATE, function, args, kwargs, commits=True)
        return function(*args, **kwargs)

    def _grad_get(self, function: Any, args: Any, kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is not None and not self._inside:
            self._aliases.add(result, Role.GRAD, args[0])
            self._aliases.gradient_read = True
        return result

    def _grad_set(self, function: Any, args: Any, kwargs: Any) -> Any:
        if args[1] is None or all_zero(args[1]):
            name = ".grad = None" if args[1] is None else ".grad = 0"
            return self._assign(name, Phase.ZERO_GRAD, function, args, kwargs)
        return function(*args, **kwargs)

    def _grad_delete(self, function: Any, args: Any, kwargs: Any) -> Any:
        return self._assign("del .grad", Phase.ZERO_GRAD, function, args, kwargs)

    def _require_grad(self, function: Any, args: Any, kwargs: Any) -> Any:
        """``w = (w - lr * w.grad).detach().requires_grad_()``: a new leaf takes the parameter's
        place, and with this the update is complete."""
        tensor = args[0]
        wanted = args[1] if len(args) > 1 else kwargs.get("requires_grad", True)
        stepped = self._aliases.role(tensor) is Role.DERIVED and not tensor.requires_grad
        if not wanted or not stepped or self._inside:
            return function(*args, **kwargs)
        if function == Tensor.requires_grad_:
            result = self._assign(
                "requires_grad_", Phase.UPDATE, function, args, kwargs, commits=True
            )
        else:  # ``w.requires_grad = True``, often on a line of its own, changes no number
            result = function(*args, **kwargs)
            self._debugger.commit_update(optimizer=False)
        self._aliases.drop(tensor)
        return result

    def _assign(
        self,
        name: str,
        phase: Phase,
        function: Any,
        args: Any,
        kwargs: Any,
        *,
        commits: bool = False,
    ) -> Any:
        d = self._debugger
        inner = self._inside[-1] if self._inside else phase
        if d.unwatched:
            d.pass_by(inner)
            result = function(*args, **kwargs)
        else:
            # CallMode.__torch_function__ <- Observer.call <- the handler <- this
            caller = sys._getframe(4)
            frame = d.sites.user_frame(caller)
            d.before(inner, name, frame, direct=frame is caller)
            result = function(*args, **kwargs)
            d.executed()
        if commits:
            d.commit_update(optimizer=False)
        return result


def differentiated(args: Any, kwargs: Any, result: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """The tensors for which a call of ``torch.autograd.grad`` gave a gradient, and the gradient.
    Its inputs may also be edges of the graph."""
    inputs = args[1] if len(args) > 1 else kwargs.get("inputs", ())
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    for of, gradient in zip(inputs, result, strict=False):
        if isinstance(of, Tensor) and isinstance(gradient, Tensor):
            yield of, gradient
