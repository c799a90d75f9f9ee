"""What happened to the leaves: parameters' data and ``.grad`` before and after."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.torch_internals import is_leaf, unobserved
from gradstep.engine.values.reading import preview
from gradstep.protocol.trace import Change
from gradstep.protocol.values import Preview


class Leaves:
    """Compares each leaf of the graph with how it was at the previous look."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._data: dict[int, Preview | None] = {}
        self._grad: dict[int, tuple[str, Preview | None]] = {}
        self._reached: dict[int, weakref.ref[Tensor]] = {}

    def forget_graph(self) -> None:
        """A new iteration: the graph's leaves are met anew."""
        self._data.clear()
        self._grad.clear()

    def reached(self, leaf: Tensor) -> None:
        """It has a gradient now."""
        key = id(leaf)
        if not self.was_reached(leaf):
            self._reached[key] = weakref.ref(leaf, lambda ref: self._reached.pop(key, None))

    def was_reached(self, leaf: Tensor) -> bool:
        """Whether a gradient of it has been seen, at a stop or while backward was recorded."""
        known = self._reached.get(id(leaf))
        return known is not None and known() is leaf

    def refresh(self) -> Iterator[Change]:
        """Look at every leaf; what changed since the last look."""
        if not self._recorder.watching:
            return
        for node in self._recorder.leaves():
            leaf = node.leaf() if node.leaf is not None else None
            if leaf is not None:
                yield from self.look(node, leaf)

    def look(self, node: NodeRecord, leaf: Tensor) -> Iterator[Change]:
        """Bring one leaf's node up to date."""
        with unobserved():
            data = preview(leaf)
            grad = leaf.grad if leaf.requires_grad and is_leaf(leaf) else None
            after = preview(grad) if grad is not None else None
            state = "set" if grad is not None else "none"
            if grad is not None:
                self.reached(leaf)
        ref = node.name or f"#{node.id}:0"
        before = self._data.get(node.id, node.data)
        self._data[node.id] = data
        if data != before:
            node.current = data if data != node.data else None
            self._recorder.touch(node)
            yield Change("value", ref, node.name, before, data)
        old_state, old = self._grad.get(node.id, ("none", None))
        first = node.id not in self._grad
        self._grad[node.id] = (state, after)
        if (state, after) != (old_state, old):
            node.grad = after
            self._recorder.touch(node)
            if not first:
                edges = tuple(e.id for es in node.outputs.values() for e in es)
                yield Change("grad", ref, node.name, old, after, edges)
