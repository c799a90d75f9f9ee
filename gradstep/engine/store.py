"""Copies of values that a later stop may want to show, within a budget."""

from __future__ import annotations

from torch import Tensor

from gradstep.engine.torch_internals import is_opaque, unobserved

BUDGET = 256 << 20
"""Bytes of copies kept for one iteration; an eighth of it for a single tensor."""


class Store:
    """Detached copies by key. Copies, not references: holding a gradient that autograd wants to
    hand over would make it copy instead and change its version; holding a value would keep it
    alive longer than the program does."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget, self.used = budget, 0
        self._kept: dict[str, Tensor] = {}

    def keep(self, key: str, tensor: Tensor) -> bool:
        """Copy ``tensor`` under ``key`` if there is room. Never raises."""
        try:
            size = tensor.numel() * tensor.element_size()
            if size > self.budget // 8 or self.used + size > self.budget or is_opaque(tensor):
                return False
            with unobserved():
                copy = tensor.detach().clone()
        except Exception:  # a subclass or an exhausted device: then it is not kept
            return False
        self.forget(key)
        self._kept[key] = copy
        self.used += size
        return True

    def get(self, key: str) -> Tensor | None:
        return self._kept.get(key)

    def forget(self, key: str) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self.used -= old.numel() * old.element_size()

    def clear(self) -> None:
        self._kept.clear()
        self.used = 0
