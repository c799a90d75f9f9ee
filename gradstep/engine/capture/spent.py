"""Results of a graph that backward has already used up. What is still computed from them is for a
log or a plot, and the beginning of no forward."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.recorder import Recorder


class _Ref(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)
    key: int


class Spent:
    """Weak: an entry goes when its tensor does.

    Where the graph was recorded, its nodes tell. Where it was not, a result is taken for spent when
    it is older than the last backward; a backward that keeps its graph leaves nothing spent."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._entries: dict[int, _Ref] = {}
        self._before = 0
        """Autograd numbers below this are older than the last backward."""
        self._thread = 0

    def backward_ended(self, outputs: Any, number: int, *, kept: bool) -> None:
        """``outputs`` were sent back. ``number`` would the next autograd node have got then."""
        self._before, self._thread = (0 if kept else number), threading.get_ident()
        if not kept:
            for tensor in outputs:
                self.add(tensor)

    def add(self, tensor: Any) -> None:
        """A root of backward, or something computed from what is spent."""
        if isinstance(tensor, Tensor):
            ref = _Ref(tensor, self._forget)
            ref.key = id(tensor)
            self._entries[id(tensor)] = ref

    def drop(self, tensor: Tensor) -> None:
        """Something new was put into it."""
        self._entries.pop(id(tensor), None)

    def all(self, tensors: list[Tensor]) -> bool:
        """Whether everything here that requires grad is spent. A parameter never is."""
        if not self._before and not self._entries:
            return False
        for tensor in tensors:
            if tensor.requires_grad and (internals.is_leaf(tensor) or not self._is(tensor)):
                return False
        return True

    def __bool__(self) -> bool:
        return bool(self._entries)

    def _is(self, tensor: Tensor) -> bool:
        entry = self._entries.get(id(tensor))
        if entry is not None and entry() is tensor:
            return True
        node = self._recorder.source_of(tensor)
        if node is not None and node.leaf is None:
            return node.saved == "freed"
        if not self._before or self._thread != threading.get_ident():
            return False  # each thread counts by itself
        made_by = internals.grad_fn(tensor)
        return made_by is not None and internals.node_number(made_by) < self._before

    def _forget(self, ref: _Ref) -> None:
        if self._entries.get(ref.key) is ref:
            del self._entries[ref.key]
