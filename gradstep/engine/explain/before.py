"""What ``.grad`` held when backward began."""

from __future__ import annotations

import weakref

from torch import Tensor

from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.capture.store import Store
from gradstep.engine.torch_internals import is_leaf
from gradstep.engine.values.reading import problem_of

MANY = 4096
"""Parameters that are remembered before those that are gone are forgotten."""


class Before:
    """``.grad`` of every parameter as the present backward found it, as far as there is room."""

    NONE, KEPT, UNKNOWN = "none", "kept", "unknown"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[int, str] = {}
        self._since: dict[int, tuple[weakref.ref[Tensor], int]] = {}
        """Of a living parameter, the iteration in which its gradient began to collect."""
        self.iteration = 0

    def begin(self, iteration: int, parameters: list[NodeRecord]) -> None:
        """Backward begins. Call it unobserved."""
        self.iteration = iteration
        self._found.clear()
        for node in parameters:
            leaf = node.leaf() if node.leaf is not None else None
            grad = leaf.grad if leaf is not None and is_leaf(leaf) else None
            if leaf is not None and (_is_empty(grad) or self._began(leaf) is None):
                self._since[id(leaf)] = weakref.ref(leaf), iteration
            self._found[node.id] = self._keep(node, grad)
        if len(self._since) > MANY:
            self._since = {
                key: known for key, known in self._since.items() if known[0]() is not None
            }

    def _began(self, leaf: Tensor) -> int | None:
        ref, iteration = self._since.get(id(leaf), (None, 0))
        return iteration if ref is not None and ref() is leaf else None

    def _keep(self, node: NodeRecord, grad: Tensor | None) -> str:
        if grad is None:
            return self.NONE
        kept = self._store.keep(_key(node), grad) is not None
        return self.KEPT if kept else self.UNKNOWN

    def of(self, node: NodeRecord) -> tuple[str, Tensor | None]:
        state = self._found.get(node.id, self.UNKNOWN)
        return state, self._store.get(_key(node)) if state == self.KEPT else None

    def since(self, leaf: Tensor) -> int:
        """The iteration in which ``leaf``'s gradient began to collect."""
        began = self._began(leaf)
        return self.iteration if began is None else began


def _is_empty(grad: Tensor | None) -> bool:
    """None or zeros. A large one is not searched at every backward: it counts as full."""
    if grad is None:
        return True
    return not problem_of(grad) and grad.numel() <= 1 << 20 and not bool(grad.count_nonzero())


def _key(node: NodeRecord) -> str:
    return f"#{node.id}:before"
