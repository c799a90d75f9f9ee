"""Which optimizer or which model a phase works on, by the name that the program gives it. Told
where there are several: a generator and a discriminator, an actor and a critic."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from torch import nn
from torch.optim import Optimizer

from gradstep.engine.capture import bindings
from gradstep.engine.sites import Sites
from gradstep.phases import Phase

NAMED = 3
"""At most so many models are named for one phase."""


class Subjects:
    """Told of what works; keeps nothing alive."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._at_work: dict[Phase, list[weakref.ref[Any]]] = {}
        self._forward_over = False
        self._seen: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._parts: dict[int, tuple[weakref.ref[nn.Module], frozenset[int]]] = {}

    # ------------------------------------------------------------------ what works

    def works(self, phase: Phase, owner: Any) -> None:
        """``owner``, an optimizer or a module, begins to update or to clear."""
        self._at_work[phase] = [weakref.ref(owner)]
        self._number(owner)

    def enters(self, root: nn.Module) -> None:
        """A module is called that no other module calls. After a backward that is another
        forward, and the models of the last one no longer count."""
        if self._forward_over:
            self._forward_over = False
            self._at_work.pop(Phase.FORWARD, None)
        roots = self._at_work.setdefault(Phase.FORWARD, [])
        if all(known() is not root for known in roots) and _trains(root):
            roots.append(weakref.ref(root))

    def sends_back(self, roots: list[nn.Module]) -> None:
        """Backward begins, to the parameters of ``roots``."""
        self._at_work[Phase.BACKWARD] = [weakref.ref(root) for root in roots]
        self._forward_over = True

    # ------------------------------------------------------------------ what it is called

    def name(self, phase: Phase | None, frame: FrameType | None) -> str:
        """Who works on ``phase``, in the words of the program that stands at ``frame``; empty where
        there is but one."""
        at_work = self._at_work.get(phase, []) if phase is not None else []
        owners = [owner for owner in (ref() for ref in at_work) if owner is not None]
        if not owners:
            return ""
        bound = list(self._bound(frame))
        if isinstance(owners[0], Optimizer):
            return self._optimizer(owners[0], bound)
        models = self.models(bound)
        if len(models) < 2:
            return ""
        used = [name for name, model in models if any(self._contains(model, o) for o in owners)]
        return ", ".join(used[:NAMED])

    def _optimizer(self, owner: Optimizer, bound: list[tuple[str, Any]]) -> str:
        alive = {key for key, (ref, _) in self._seen.items() if isinstance(ref(), Optimizer)}
        alive |= {id(value) for _, value in bound if isinstance(value, Optimizer)}
        if len(alive) < 2:
            return ""
        return _named(owner, bound) or f"{type(owner).__name__} {self._number(owner)}"

    def variable(self, owner: object, frame: FrameType | None) -> str:
        """What the program that stands at ``frame`` calls a module or an optimizer."""
        return _named(owner, self._bound(frame))

    def own_name(self, root: nn.Module, frame: FrameType | None) -> str:
        """What stands before the paths of the parameters of ``root``, which no module calls: its
        own path in a module that the program at ``frame`` names, if it is a part of one; and what
        tells that from another model, where both have parameters of the same path."""
        bound = list(self._bound(frame))
        whole, path = bindings.whole(root, bound, self._sites, frame)
        return ".".join(part for part in (self._told_apart(whole, bound), path) if part)

    def _told_apart(self, root: nn.Module, bound: list[tuple[str, Any]]) -> str:
        paths = {path for path, _ in root.named_parameters(remove_duplicate=False)}
        for _, other in self.models(bound):
            if self._contains(other, root) or self._contains(root, other):
                continue
            if any(path in paths for path, _ in other.named_parameters(remove_duplicate=False)):
                return _named(root, bound) or f"{type(root).__name__} {self._number(root)}"
        return ""

    def models(self, bound: list[tuple[str, Any]]) -> list[tuple[str, nn.Module]]:
        """Modules with parameters that are part of no other one, each by its first name."""
        found: list[tuple[str, nn.Module]] = []
        for name, value in bound:
            if not isinstance(value, nn.Module) or not _has_parameters(value):
                continue
            if any(self._contains(model, value) for _, model in found):
                continue
            found = [(n, m) for n, m in found if not self._contains(value, m)]
            found.append((name, value))
        return found

    def optimizers(
        self, frame: FrameType | None, scope: dict[str, Any]
    ) -> Iterator[tuple[str, Optimizer]]:
        """Those that the program names at ``frame`` or in ``scope``, then those that have worked,
        unnamed."""
        for name, value in (*self._bound(frame), *bindings.in_scope(scope, self._sites)):
            if isinstance(value, Optimizer):
                yield name, value
        for ref, _ in list(self._seen.values()):
            owner = ref()
            if isinstance(owner, Optimizer):
                yield "", owner

    # ------------------------------------------------------------------ inside

    def _bound(self, frame: FrameType | None) -> Iterator[tuple[str, Any]]:
        return bindings.bound(self._sites, frame)

    def _contains(self, model: nn.Module, part: nn.Module) -> bool:
        known = self._parts.get(id(model))
        if known is None or known[0]() is not model:
            parts = frozenset(id(module) for module in model.modules())
            known = self._parts[id(model)] = (weakref.ref(model), parts)
        return id(part) in known[1]

    def _number(self, owner: Any) -> int:
        """From 1, in the order in which those of its kind began to work."""
        known = self._seen.get(id(owner))
        if known is None or known[0]() is not owner:
            living = [ref() for ref, _ in self._seen.values()]
            number = 1 + sum(type(other) is type(owner) for other in living)
            known = self._seen[id(owner)] = (weakref.ref(owner), number)
        return known[1]


def _named(owner: object, bound: Iterable[tuple[str, Any]]) -> str:
    return next((name for name, value in bound if value is owner), "")


def _has_parameters(module: nn.Module) -> bool:
    try:
        return next(nn.Module.parameters(module), None) is not None
    except AttributeError:  # it is just being made
        return False


def _trains(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
