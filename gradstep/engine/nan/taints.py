"""Which living tensor got its NaN or Inf from where."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from torch import Tensor

from gradstep.protocol.nonfinite import Link, NotFinite

CHAIN = 64
"""Links kept of a chain: its beginning and the last of its way. A NaN in the parameters would
otherwise grow one with every operation of the run."""


@dataclass(slots=True, eq=False)
class Taint:
    """One link and what it came from. ``birth``: its number, if it began here."""

    link: Link
    parent: Taint | None = None
    birth: int = 0
    depth: int = 0

    @property
    def kind(self) -> NotFinite:
        return self.link.kind

    @property
    def origin(self) -> Taint:
        taint = self
        while taint.parent is not None:
            taint = taint.parent
        return taint

    def chain(self) -> tuple[Link, ...]:
        links = []
        taint: Taint | None = self
        while taint is not None:
            links.append(taint.link)
            taint = taint.parent
        return tuple(links)


def heir(link: Link, parents: list[Taint], birth: int = 0) -> Taint:
    """A taint that came from ``parents``: of several, from one of its own kind."""
    parent = next((p for p in parents if p.kind is link.kind), parents[0] if parents else None)
    if parent is not None and parent.depth >= CHAIN:
        parent = parent.origin
    return Taint(link, parent, birth, parent.depth + 1 if parent is not None else 0)


class _Ref(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)
    key: int


class Taints:
    """Weak: a taint goes when its tensor does."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[_Ref, Taint]] = {}

    def of(self, tensor: Tensor) -> Taint | None:
        """Call it unobserved, of a tensor that is not finite now."""
        found = self._own(tensor)
        if found is None and tensor._is_view() and tensor._base is not None:
            found = self._own(tensor._base)
        return found

    def add(self, tensor: Tensor, taint: Taint) -> None:
        """What is written through a view is in its base, too. Call it unobserved."""
        self._put(tensor, taint)
        if tensor._is_view() and tensor._base is not None and self._own(tensor._base) is None:
            self._put(tensor._base, taint)

    def clear(self) -> None:
        self._known.clear()

    def _own(self, tensor: Tensor) -> Taint | None:
        entry = self._known.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def _put(self, tensor: Tensor, taint: Taint) -> None:
        ref = _Ref(tensor, self._forget)
        ref.key = id(tensor)
        self._known[id(tensor)] = (ref, taint)

    def _forget(self, ref: _Ref) -> None:
        entry = self._known.get(ref.key)
        if entry is not None and entry[0] is ref:
            del self._known[ref.key]
