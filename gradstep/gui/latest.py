"""Latest wins: of many requests for the same thing, the newest is the one that matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Latest(Generic[R]):
    """Per tag, one request is under way and at most one waits: the newest.

    A view that asks faster than it is answered thus never builds a queue of stale questions."""

    def __init__(self, send: Callable[[R], None]) -> None:
        self._send = send
        self._under_way: dict[str, R] = {}
        self._waiting: dict[str, R] = {}

    def ask(self, tag: str, request: R) -> None:
        """Send ``request``, or let it wait in the place of any older one with this tag."""
        if tag in self._under_way:
            self._waiting[tag] = request
        else:
            self._under_way[tag] = request
            self._send(request)

    def settle(self, tag: str, request: R) -> bool:
        """The answer to ``request`` is here: send what waits. False when the answer is stale."""
        if self._under_way.get(tag) is not request:
            return False
        del self._under_way[tag]
        newer = self._waiting.pop(tag, None)
        if newer is None:
            return True
        self.ask(tag, newer)
        return False

    def clear(self) -> None:
        """Forget everything; answers still to come are stale."""
        self._under_way.clear()
        self._waiting.clear()
