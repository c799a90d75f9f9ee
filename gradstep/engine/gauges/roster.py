"""Which parameters there are, and what the program calls them."""

from __future__ import annotations

import weakref
from collections import Counter
from types import FrameType

from torch import Tensor, nn

from gradstep.engine.torch_internals import is_leaf
from gradstep.engine.values.scope import Scope

LIMIT = 2000
"""Parameters that are gauged."""
SETTLING = 3
"""Backwards after a stop before which names are looked up anew: some are bound late."""


class Roster:
    """Holds tensors and modules weakly."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._tensors: dict[str, weakref.ref[Tensor]] = {}
        self._modules: dict[int, tuple[weakref.ref[nn.Module], str]] = {}
        self._stops, self._settled = -1, 0

    def refresh(self, frame: FrameType | None, stops: int) -> None:
        """Look up the names that can be seen from ``frame``, if they may have changed. Call it
        unobserved. ``stops``: how often the program has been stopped."""
        if stops != self._stops:
            self._stops, self._settled = stops, 0
        if self._settled >= SETTLING and self._complete():
            return
        self._settled += 1
        paths = self._learn_modules(frame)
        found: dict[str, weakref.ref[Tensor]] = {}
        for name, _, tensor in self._scope.tensors(frame):
            if _is_parameter(tensor):
                found[paths.get(id(tensor), name)] = weakref.ref(tensor)
                if len(found) == LIMIT:
                    break
        self._tensors = found

    def tensors(self) -> dict[str, Tensor]:
        """By name, in the order in which a model has them: from its input to its output."""
        living = ((name, ref()) for name, ref in self._tensors.items())
        return {name: tensor for name, tensor in living if tensor is not None}

    def name(self, module: nn.Module) -> str:
        """The path of a module; empty where it is not known."""
        known = self._modules.get(id(module))
        return known[1] if known is not None and known[0]() is module else ""

    def refs(self, frame: FrameType | None) -> dict[str, str]:
        """What each is called where the program stands, by its own name."""
        here = {id(tensor): name for name, _, tensor in self._scope.tensors(frame)}
        return {name: here.get(id(tensor), name) for name, tensor in self.tensors().items()}

    def _complete(self) -> bool:
        return bool(self._tensors) and all(ref() is not None for ref in self._tensors.values())

    def _learn_modules(self, frame: FrameType | None) -> dict[int, str]:
        """Paths of parameters within their models, by address: where they are unambiguous, these
        name them. What a value is called at a stop depends on what has been recorded."""
        self._modules.clear()
        roots = self._scope.modules(frame)
        owned = [(name, root, dict(root.named_parameters())) for name, root in roots]
        seen = Counter(path for _, _, parameters in owned for path in parameters)
        paths: dict[int, str] = {}
        for name, root, parameters in owned:
            own = f"{name}." if any(seen[path] > 1 for path in parameters) else ""
            for path, tensor in parameters.items():
                paths[id(tensor)] = own + path
            for path, module in root.named_modules():
                self._modules[id(module)] = (weakref.ref(module), own + path or name)
        return paths


def _is_parameter(tensor: Tensor) -> bool:
    kind = tensor.is_floating_point() or tensor.is_complex()
    return tensor.requires_grad and kind and is_leaf(tensor)
