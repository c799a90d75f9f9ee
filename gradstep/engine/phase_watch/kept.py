"""Is the loss of each iteration kept together with its graph (``total += loss``)?

The first backwards put a mark on the node that they begin at. When the marks of ``KEPT`` iterations
live on although newer backwards have come and gone, somebody holds those graphs; it is told only
when a variable of the user's is found that leads to them: a sum, or a list.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from gradstep.engine.phase_watch.names import user_scopes
from gradstep.engine.phase_watch.rule import Rule, Run, counted
from gradstep.engine.phase_watch.source import additions
from gradstep.engine.phase_watch.table import KEPT_LOSS

KEPT = 3
SPARED = 2
"""The newest backwards, whose losses still have their names."""
MARKS = 12
KEY = "gradstep"
FAR = 4 * MARKS
"""Nodes between a sum and the newest loss in it, at most."""


class Mark:
    """Lies in a node's metadata and goes with the node."""

    __slots__ = ("__weakref__",)


class KeptLoss(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._marks: list[weakref.ref[Mark]] = []

    def before_backward(self, run: Run) -> None:
        if run.retains:
            return
        old = self._marks[: -SPARED or None]
        alive = [mark for mark in (ref() for ref in old) if mark is not None]
        if len(alive) >= KEPT:
            self._search(run, alive)
        elif len(self._marks) >= MARKS:
            self.open = False
        if self.open and len(self._marks) < MARKS:
            self._mark(run)

    def _mark(self, run: Run) -> None:
        output = run.outputs[0]
        node: Any = output.grad_fn if isinstance(output, Tensor) else None
        if node is None or not _has_metadata(node):
            return
        mark = Mark()
        self._marks.append(weakref.ref(mark))
        node.metadata[KEY] = mark
        # A scaled loss: the program keeps the one that it was scaled from.
        while _scales(node) and node.next_functions and node.next_functions[0][0] is not None:
            node = node.next_functions[0][0]
            node.metadata[KEY] = mark

    def _search(self, run: Run, alive: list[Mark]) -> None:
        wanted = set(map(id, alive))
        for frame, name, value in _variables(self.sites, run.frame):
            found = set(_marks_behind(value)) & wanted
            if len(found) >= KEPT:
                self._found(run, frame, name, value, len(found))
                return
        if len(self._marks) >= MARKS:
            self.open = False

    def _found(self, run: Run, frame: FrameType, name: str, value: Any, count: int) -> None:
        place = additions(self.sites, frame, name)
        what = "adds up the losses" if isinstance(value, Tensor) else "holds the losses"
        text = (
            f"{name} {what} of {counted(count + SPARED, 'iteration')} so far, each with the graph "
            "it came from: memory grows with every iteration."
        )
        self.tell(KEPT_LOSS, text, place or self.watch.place(run.frame))


def _variables(sites: Any, frame: FrameType | None) -> Iterator[tuple[FrameType, str, Any]]:
    """Tensors and lists of the user's scopes, and of the objects there (``self.losses``)."""
    for at, scope in user_scopes(sites, frame):
        for name, value in scope.items():
            yield at, name, value
            if isinstance(value, nn.Module) or type(value).__module__ == "__main__":
                for inner, held in list(getattr(value, "__dict__", {}).items()):
                    yield at, f"{name}.{inner}", held


def _marks_behind(value: Any) -> Iterator[int]:
    tensors: Iterable[Any] = (value,)
    if type(value) in (list, tuple):
        tensors = value[: 4 * MARKS]
    elif type(value) is dict:
        tensors = list(value.values())[: 4 * MARKS]
    for tensor in tensors:
        if not isinstance(tensor, Tensor) or tensor.grad_fn is None:
            continue
        yield from _marks_near(tensor.grad_fn)


def _marks_near(root: Any) -> Iterator[int]:
    """Marks on the node and on those of the sums before it: not on what went into the losses."""
    stack, looked = [root], 0
    while stack and looked < FAR:
        node = stack.pop()
        looked += 1
        mark = node.metadata.get(KEY) if _has_metadata(node) else None
        if mark is not None:
            yield id(mark)
            continue
        stack.extend(n for n, _ in node.next_functions if n is not None)


def _scales(node: Any) -> bool:
    return str(node.name()).startswith(("MulBackward", "DivBackward"))


def _has_metadata(node: Any) -> bool:
    return not isinstance(node, torch.autograd.Function) and hasattr(node, "metadata")
