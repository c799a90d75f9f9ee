"""Where calls are seen: by which ways values come to the loss, and where such a way breaks off; and
what was changed in place, where.

Followed at phase and operation level, for the backwards in which that is of use. Entries are weak:
they go when their tensors do.
"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.calls import Call, tensors_in, tensors_of
from gradstep.engine.capture.observer import Observer
from gradstep.engine.sites import Sites
from gradstep.protocol.trace import Place

CHANGES = 512
"""Changes in place that are remembered."""
ANY = 0
"""The key of the ways from anything that requires grad; others are a parameter's ``id``."""
_NUMBERS = frozenset({"tensor", "as_tensor", "from_numpy", "asarray", "scalar_tensor"})


@dataclass(frozen=True, slots=True)
class Break:
    """Where a way ends. ``why``: ``detached``, ``no_grad``, ``integer`` or ``numbers``."""

    why: str
    call: str
    place: Place | None

    def __str__(self) -> str:
        at = f" at line {self.place.line}" if self.place is not None else ""
        return _WORDS[self.why].format(call=self.call, at=at)


_WORDS = {
    "detached": "{call}{at} detached it from the graph",
    "no_grad": "{call}(){at} ran with gradients off (no_grad or inference_mode)",
    "integer": "{call}(){at} has no gradient",
    "numbers": "{call}(){at} made it anew from numbers, which know nothing of how they came about",
}


@dataclass(frozen=True, slots=True)
class InPlace:
    """``storage``: of the tensor that was changed; ``version``: after the change."""

    storage: int
    version: int
    call: str
    place: Place | None


class Ways:
    """``traced``: parameters (by ``id``) whose ways are followed one by one."""

    def __init__(self, sites: Sites, observer: Observer) -> None:
        self._sites, self._observer = sites, observer
        self._entries: dict[int, tuple[_Ref, dict[int, Break | None]]] = {}
        self.traced: set[int] = set()
        self.used: dict[int, Place | None] = {}
        """Traced parameters that went into a call, and where first."""
        self.changes: deque[InPlace] = deque(maxlen=CHANGES)
        self.on = False
        self._grad = True
        """Whether gradients were on in the call that is looked at."""

    def follow(self, on: bool) -> None:
        self.on = on
        self._observer.tap = self._seen if on else None
        if not on:
            self._entries.clear()

    def trace(self, parameters: Iterable[Tensor]) -> None:
        self._entries.clear()
        self.used.clear()
        self.traced = {id(p) for p in parameters}

    def breaks(self, tensor: Tensor) -> dict[int, Break | None]:
        """For each source known to have gone into ``tensor``: where its way broke off, or None."""
        entry = self._entries.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else {}

    def _seen(self, known: Call, args: Any, kwargs: Any, result: Any) -> Any:
        """After a call that the observer handled. Returns the result."""
        if self._observer.inside:  # an update, zero-grad or backward: no way to the loss
            return result
        if type(result) is Tensor and result.requires_grad:  # by far the most calls
            plain = not (known.in_place or kwargs or self._entries or self.traced)
            if plain:
                return result
        self._grad = torch.is_grad_enabled()
        # The call mode is off while its handler runs, and no aten operation is called here.
        with internals.DisableTorchFunction():
            tensors = tensors_of(args, kwargs)
            in_place = known.in_place or kwargs.get("inplace") is True
            target = tensors[0] if in_place and tensors else kwargs.get("out")
            if isinstance(target, Tensor):
                self._changed(known, target)
            for output in (result,) if isinstance(result, Tensor) else tensors_in((result,)):
                self._came_from(known, output, tensors)
        return result

    def _changed(self, known: Call, target: Tensor) -> None:
        storage = storage_of(target)
        if storage and not target.is_inference():
            self.changes.append(InPlace(storage, target._version, known.name, self._place()))

    def _came_from(self, known: Call, output: Tensor, inputs: list[Tensor]) -> None:
        ways: dict[int, Break | None] = {}
        alive = output.requires_grad
        for tensor in inputs:
            if tensor is output:
                continue
            ways.update(item for item in self.breaks(tensor).items() if not _is_new(item[1]))
            if tensor.requires_grad and not alive:
                ways.setdefault(ANY, None)
            if id(tensor) in self.traced:
                self.used.setdefault(id(tensor), self._place())
                ways[id(tensor)] = None
        if not inputs and known.name in _NUMBERS:
            ways[ANY] = Break("numbers", known.name, self._place())
        if not ways:
            return
        if alive:
            ways.pop(ANY, None)
        elif None in ways.values():
            ended = self._break(known, output)
            ways = {key: end or ended for key, end in ways.items()}
        if ways:
            ways = {**self.breaks(output), **ways}
            ref = _Ref(output, self._forget)
            ref.key = id(output)
            self._entries[id(output)] = (ref, ways)

    def _break(self, known: Call, output: Tensor) -> Break:
        if known.name in ("data", "detach", "detach_"):
            call = f".{known.name}" + ("" if known.name == "data" else "()")
            return Break("detached", call, self._place())
        if known.name in _NUMBERS:
            return Break("numbers", known.name, self._place())
        off = not self._grad or output.is_inference()
        return Break("no_grad" if off else "integer", known.name, self._place())

    def _place(self) -> Place | None:
        user = self._sites.user_frame(sys._getframe(1))
        return self._sites.at(user).place if user is not None else None

    def _forget(self, ref: _Ref) -> None:
        entry = self._entries.get(ref.key)
        if entry is not None and entry[0] is ref:
            del self._entries[ref.key]


def _is_new(end: Break | None) -> bool:
    """Made from numbers: only the value itself is meant, not what is computed with it."""
    return end is not None and end.why == "numbers"


class _Ref(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)
    key: int


def storage_of(tensor: Tensor) -> int:
    """What tells a tensor's memory from another's, without touching it; 0 where it has none."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError, AttributeError):
        return 0


def leaves_of(outputs: Iterable[Any], most: int) -> dict[int, Tensor] | None:
    """The leaves that backward from ``outputs`` would reach, by ``id``; None when more than
    ``most`` nodes lie before them: seeing a deep graph from Python is not safe."""
    found: dict[int, Tensor] = {}
    for node in nodes_of(outputs, most):
        if node is None:
            return None
        if node.name() == internals.ACCUMULATE_GRAD:
            found[id(node.variable)] = node.variable
    return found


def nodes_of(outputs: Iterable[Any], most: int) -> Iterator[Any]:
    """The autograd nodes behind ``outputs``, each once; None as the last, when there are more than
    ``most``."""
    stack = [_root(output) for output in outputs]
    seen: set[Any] = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        if len(seen) == most:
            yield None
            return
        seen.add(node)
        yield node
        stack.extend(successor for successor, _ in node.next_functions)


def _root(output: Any) -> Any:
    if not isinstance(output, Tensor):
        return getattr(output, "node", None)
    if output.grad_fn is not None or not output.requires_grad:
        return output.grad_fn
    return torch.autograd.graph.get_gradient_edge(output).node
