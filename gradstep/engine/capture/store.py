"""Copies of values that a later stop may want to show, within a budget."""

from __future__ import annotations

import weakref

from torch import Tensor

from gradstep.engine.torch_internals import is_opaque, unobserved
from gradstep.engine.values.reading import LaterPreview, preview
from gradstep.protocol.values import Preview

BUDGET = 256 << 20
"""Bytes of copies kept for one iteration; an eighth of it for a single tensor."""


class Store:
    """Detached copies by key. Copies, not references: holding a gradient that autograd wants to
    hand over would make it copy instead and change its version; holding a value would keep it
    alive longer than the program does."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget, self.used = budget, 0
        self._kept: dict[str, Tensor] = {}
        self._told: dict[str, weakref.ref[LaterPreview]] = {}
        """Copies are let go only when these have been computed, or nobody can ask for them."""

    def keep(self, key: str, tensor: Tensor) -> Tensor | None:
        """Copy ``tensor`` under ``key`` if there is room: the copy. Never raises."""
        try:
            size = tensor.numel() * tensor.element_size()
            if size > self.budget // 8 or self.used + size > self.budget or is_opaque(tensor):
                return None
            with unobserved():
                copy = tensor.detach().clone()
        except Exception:  # a subclass or an exhausted device: then it is not kept
            return None
        self.forget(key)
        self._kept[key] = copy
        self.used += size
        return copy

    def told(self, key: str, tensor: Tensor) -> Preview:
        """Keep ``tensor`` under ``key``, and what is to be told of it; that is computed when it is
        asked for, unless there was no room for the copy."""
        copy = self.keep(key, tensor)
        if copy is None:
            return preview(tensor)
        later = LaterPreview(copy)
        self._told[key] = weakref.ref(later)
        return later

    def get(self, key: str) -> Tensor | None:
        return self._kept.get(key)

    def forget(self, key: str) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._settle(self._told.pop(key, None))
            self.used -= old.numel() * old.element_size()

    def clear(self) -> None:
        for later in self._told.values():
            self._settle(later)
        self._told.clear()
        self._kept.clear()
        self.used = 0

    @staticmethod
    def _settle(later: weakref.ref[LaterPreview] | None) -> None:
        told = later() if later is not None else None
        if told is not None:
            told.now  # noqa: B018
