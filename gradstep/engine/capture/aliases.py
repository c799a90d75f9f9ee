"""Tensors that stand for something else: a parameter's ``.data``, its ``.grad``, and what was
computed from a gradient. By these an update written by hand is told from a forward."""

from __future__ import annotations

import weakref
from enum import Enum, auto
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals


class Role(Enum):
    DATA = auto()  # ``w.data``
    GRAD = auto()  # ``w.grad`` or ``w.grad.data``
    DERIVED = auto()  # computed from a gradient
    STEPPED = auto()  # computed from a gradient and a parameter, and still on the graph


# A member's look-up costs as much as all else in the methods below.
_OF_GRADIENT = (Role.GRAD, Role.DERIVED)


class _Ref(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)
    key: int


class Aliases:
    """Weak: an entry goes when its tensor does."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[_Ref, Role, weakref.ref[Tensor] | None]] = {}
        self._differentiated: dict[int, _Ref] = {}
        self._returned: set[int] = set()
        """Addresses of gradients that a ``torch.func`` transform has yet to return: what it returns
        is another tensor with the same memory."""
        self._used = False
        """Whether an update has been since they were noted."""
        self.gradient_read = False
        """Whether the program has looked at a gradient since the last backward."""

    def add(self, tensor: Any, role: Role, leaf: Tensor | None = None) -> None:
        if not isinstance(tensor, Tensor):
            return
        ref = _Ref(tensor, self._forget)
        ref.key = id(tensor)
        owner = weakref.ref(leaf) if leaf is not None else None
        self._entries[id(tensor)] = (ref, role, owner)

    def role(self, tensor: Tensor) -> Role | None:
        entry = self._entries.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def drop(self, tensor: Tensor) -> None:
        """It stands for nothing else any more."""
        self._entries.pop(id(tensor), None)

    def note_differentiated(self, leaf: Tensor) -> None:
        """``torch.autograd.grad`` gave its gradient to the program, and not to ``leaf.grad``."""
        if id(leaf) not in self._differentiated:
            ref = _Ref(leaf, self._forget)
            ref.key = id(leaf)
            self._differentiated[id(leaf)] = ref

    def note_transformed(self, leaf: Tensor, gradient: Tensor) -> None:
        """A ``torch.func`` transform computed a gradient; both are wrapped in it."""
        if self._used:
            self._returned.clear()
            self._used = False
        self._returned.add(internals.address(internals.beneath(gradient)))
        self.note_differentiated(internals.beneath(leaf))

    def recognise(self, tensors: list[Tensor]) -> None:
        """Outside of transforms: gradients that were noted inside of one."""
        for tensor in tensors if self._returned and not internals.in_transform() else ():
            address = internals.address(tensor)
            if address in self._returned and address:
                self._returned.remove(address)  # it may be given to another, when this one is gone
                self.add(tensor, Role.DERIVED)

    def update_made(self) -> None:
        """The gradients that were noted so far are for none after it."""
        self._used = True

    def was_differentiated(self, leaf: Tensor) -> bool:
        ref = self._differentiated.get(id(leaf))
        return ref is not None and ref() is leaf

    def from_gradient(self, tensors: list[Tensor]) -> bool:
        """Whether one of them is a gradient or was computed from one."""
        entries = self._entries
        for tensor in tensors:
            entry = entries.get(id(tensor))
            if entry is not None and entry[1] in _OF_GRADIENT and entry[0]() is tensor:
                return True
        return False

    def leaf(self, tensor: Tensor) -> Tensor | None:
        """The parameter whose data or gradient ``tensor`` is."""
        entry = self._entries.get(id(tensor))
        if entry is None or entry[0]() is not tensor or entry[2] is None:
            return None
        return entry[2]()

    def __bool__(self) -> bool:
        return bool(self._entries)

    def _forget(self, ref: _Ref) -> None:
        entry = self._entries.get(ref.key)
        if entry is not None and entry[0] is ref:
            del self._entries[ref.key]
        elif self._differentiated.get(ref.key) is ref:
            del self._differentiated[ref.key]
