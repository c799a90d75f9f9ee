"""The named values that are alive at a stop."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch import Tensor, nn

from gradstep.engine.capture import bindings
from gradstep.engine.capture.callers import Callers
from gradstep.engine.capture.leaves import Leaves
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.sites import Sites
from gradstep.engine.stepping.tracker import Tracker
from gradstep.engine.torch_internals import is_leaf, unobserved
from gradstep.engine.values.reading import describe, preview
from gradstep.protocol.values import TensorInfo, ValueInfo, ValueKind

LIMIT = 2000
"""Descriptors at most; a model may own more, and each is found by its name all the same."""

CLEARED_OR_NOT = "cleared, or not reached yet"
"""Backward ran where nobody looked."""


class Scope:
    """Looks into frames and modules; nothing of it is kept."""

    def __init__(
        self, sites: Sites, callers: Callers, recorder: Recorder, leaves: Leaves, tracker: Tracker
    ) -> None:
        self._sites, self._callers, self._recorder = sites, callers, recorder
        self._leaves, self._tracker = leaves, tracker
        self.extra: dict[str, Any] = {}
        """Named by gradstep itself: an experiment's model and parameters."""
        self.globals: dict[str, Any] = {}

    def tensors(self, frame: FrameType | None) -> Iterator[tuple[str, str, Tensor]]:
        """Name, scope and tensor; the innermost scope first, each tensor once."""
        seen: set[int] = set()
        elsewhere = (("", name, value) for name, value in bindings.bound(self._sites, frame))
        for scope, name, value in itertools.chain(self._bindings(frame), elsewhere):
            if isinstance(value, Tensor):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield name, scope, value
            elif isinstance(value, nn.Module):
                for path, tensor in self._owned(value):
                    if id(tensor) not in seen:
                        seen.add(id(tensor))
                        graph_name, _ = self._callers.parameter_name(tensor)
                        yield graph_name or f"{name}.{path}", scope, tensor

    def modules(self, frame: FrameType | None) -> list[tuple[str, nn.Module]]:
        """Modules that have names, without those that are part of another; each once."""
        found: dict[int, tuple[str, nn.Module]] = {}
        for _, name, value in self._bindings(frame):
            if isinstance(value, nn.Module):
                found.setdefault(id(value), (name, value))
        parts = {id(m) for _, root in found.values() for m in root.modules() if m is not root}
        return [named for key, named in found.items() if key not in parts]

    def lookup(self, name: str, frame: FrameType | None) -> Any:
        """What ``name`` means at ``frame``: as Python has it, then in the frames around it, then
        to gradstep, then as a name on the graph. Raises ``KeyError``."""
        frame = self._sites.user_frame(frame)
        innermost = True
        while frame is not None:
            for names in (frame.f_locals, frame.f_globals):
                if name in names:
                    return names[name]
            if innermost and hasattr(builtins, name):
                raise KeyError(name)
            innermost = False
            frame = self._sites.user_frame(frame.f_back)
        for names in (self.globals, self.extra):
            if name in names:
                return names[name]
        named = [v for v in self.extra.values() if isinstance(v, nn.Module)]
        for root in (*named, *self._callers.roots):
            for registry in (root._modules, root._parameters, root._buffers):
                if name in registry:
                    return registry[name]
        for node in self._recorder.leaves():
            leaf = node.leaf() if node.name == name and node.leaf is not None else None
            if leaf is not None:
                return leaf
        raise KeyError(name)

    def find(self, name: str, frame: FrameType | None) -> Tensor | None:
        """The tensor that ``name`` stands for."""
        for scope_name, _, tensor in self.tensors(frame):
            if scope_name == name:
                return tensor
        for _, bound, value in self._bindings(frame):
            if isinstance(value, nn.Module) and name.startswith(f"{bound}."):
                for path, tensor in self._owned(value):
                    if f"{bound}.{path}" == name:
                        return tensor
        for node in self._recorder.leaves():
            if node.name == name and node.leaf is not None:
                return node.leaf()
        return None

    def values(self, frame: FrameType | None) -> tuple[ValueInfo, ...]:
        found = []
        with unobserved():
            for name, scope, tensor in self.tensors(frame):
                found.append(self.info(name, tensor, scope=scope))
                if len(found) == LIMIT:
                    break
        return tuple(found)

    def info(self, name: str, tensor: Tensor, *, scope: str = "", ref: str = "") -> ValueInfo:
        """Descriptor of a tensor of the program. Call it unobserved."""
        described = describe(tensor)
        grad = tensor.grad if described.is_leaf and tensor.requires_grad else None
        if grad is not None:
            self._leaves.reached(tensor)
        return ValueInfo(
            ref=ref or name,
            name=name,
            kind=self._kind(tensor),
            tensor=described,
            data=preview(tensor),
            grad=preview(grad) if grad is not None else None,
            scope=scope,
            has_grad=grad is not None,
            note="" if grad is not None else self._why_no_gradient(tensor, described),
        )

    def _why_no_gradient(self, tensor: Tensor, info: TensorInfo) -> str:
        if not info.requires_grad:
            return "does not require grad"
        if not info.is_leaf:
            return "not a leaf: PyTorch keeps no .grad here unless asked (retain_grad)"
        if self._leaves.was_reached(tensor):
            return "cleared by zero grad"
        return CLEARED_OR_NOT if self._tracker.trained else "no backward has reached it yet"

    def _kind(self, tensor: Tensor) -> ValueKind:
        if not is_leaf(tensor):
            return ValueKind.RESULT
        if tensor.requires_grad:
            return ValueKind.PARAMETER
        _, kind = self._callers.parameter_name(tensor)
        return ValueKind.BUFFER if kind == "buffer" else ValueKind.DATA

    def _bindings(self, frame: FrameType | None) -> Iterator[tuple[str, str, Any]]:
        seen: set[str] = set()
        while frame is not None:
            if self._sites.is_user(frame.f_code) and frame.f_code.co_name != "<module>":
                for name, value in list(frame.f_locals.items()):
                    if name not in seen:
                        seen.add(name)
                        yield frame.f_code.co_name, name, value
            frame = frame.f_back
        for names in (self.globals, self.extra):
            for name, value in list(names.items()):
                if name not in seen and not name.startswith("__"):
                    seen.add(name)
                    yield "", name, value

    @staticmethod
    def _owned(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        owned = list(bindings.parameters(module))
        for wanted in ("parameter", "buffer"):
            yield from ((path, tensor) for path, kind, tensor in owned if kind == wanted)
