"""Names of parameters, and who holds them, found when something is to be told: through the garbage
collector, since at run level no module is seen.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from gradstep.engine.capture import bindings
from gradstep.engine.sites import Sites


def checksum(tensor: Tensor) -> float:
    """Differs when any element does, as good as always. NaN is told apart from numbers."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.detach())
    total = tensor.detach().sum(dtype=torch.float64)
    return float(total) if bool(total == total) else -1.0


class Census:
    """Every module and optimizer that is alive. Make it, ask it, let it go: it holds them."""

    def __init__(self) -> None:
        self.modules: list[nn.Module] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        for thing in gc.get_objects():
            kind = type(thing)
            if issubclass(kind, nn.Module):
                self.modules.append(thing)
            elif issubclass(kind, torch.optim.Optimizer):
                self.optimizers.append(thing)
        self._owners: dict[int, tuple[nn.Module, str]] = {}
        self._parents: dict[int, tuple[nn.Module, str]] = {}
        for module in self.modules:
            for name, value in bindings.held(module):
                if isinstance(value, nn.Module):
                    self._parents.setdefault(id(value), (module, name))
                else:
                    self._owners.setdefault(id(value), (module, name))

    def owner(self, parameter: Tensor) -> nn.Module | None:
        found = self._owners.get(id(parameter))
        return found[0] if found is not None else None

    def path(self, parameter: Tensor) -> str:
        """``fc2.weight``, from the outermost module; empty where no module owns it."""
        return self._place(parameter)[1]

    def _place(self, parameter: Tensor) -> tuple[nn.Module | None, str]:
        """The outermost module, and the path from there."""
        root, name = self._owners.get(id(parameter), (None, ""))
        parts = [name]
        while root is not None and id(root) in self._parents and len(parts) < 32:
            root, name = self._parents[id(root)]
            parts.append(name)
        return root, ".".join(reversed(parts))

    def held(self) -> set[int]:
        """``id`` of every parameter that an optimizer holds."""
        groups = (group for o in self.optimizers for group in o.param_groups)
        return {id(p) for group in groups for p in group["params"]}

    def name(self, parameter: Tensor, sites: Sites, frame: FrameType | None) -> str:
        """As in the graph; of a module that stands alone, or beside another with a parameter of
        this path, with the variable that holds it."""
        root, path = self._place(parameter)
        if root is None:
            return variable_of(parameter, sites, frame)
        if "." in path and not self._shared(root, path):
            return path
        named = bindings.bound(sites, frame)
        variable = next((name for name, module in named if module is root), "")
        return f"{variable}.{path}" if variable and variable != "self" else path

    def _shared(self, root: nn.Module, path: str) -> bool:
        """Whether another module that is part of none has a parameter of this path."""
        others = (m for m in self.modules if m is not root and id(m) not in self._parents)
        return any(path == where for m in others for where, _, _ in bindings.parameters(m))


def user_scopes(
    sites: Sites, frame: FrameType | None
) -> Iterator[tuple[FrameType, dict[str, Any]]]:
    """The variables of the user's frames, the innermost first, and of their modules."""
    seen: set[int] = set()
    while frame is not None:
        if sites.is_user(frame.f_code):
            for scope in (frame.f_locals, frame.f_globals):
                if id(scope) not in seen:
                    seen.add(id(scope))
                    yield frame, dict(scope)
        frame = frame.f_back


def variable_of(thing: Any, sites: Sites, frame: FrameType | None) -> str:
    """The variable, or the place in a list or dictionary, that holds ``thing``."""
    for _, scope in user_scopes(sites, frame):
        for name, value in scope.items():
            if value is thing:
                return name
        for name, value in scope.items():
            for key, item in _items(value):
                if item is thing:
                    return f"{name}[{key!r}]"
    return ""


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if type(value) in (list, tuple) and len(value) <= 10_000:
        return enumerate(value)
    return list(value.items()) if type(value) is dict else ()
