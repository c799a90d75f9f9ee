"""Hooks on the nodes of backward that have yet to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Frontier:
    """Hooks on the nodes that can run next. A node that fires loses its hook and its successors get
    theirs, so nothing is walked beforehand; switched off, the rest runs at native speed."""

    def __init__(
        self,
        before: Callable[[Any, Any], None],
        after: Callable[[Any, Any, Any], None],
        wanted: Callable[[], bool],
    ) -> None:
        self._before, self._after, self._wanted = before, after, wanted
        self._handles: dict[Any, tuple[Any, Any] | None] = {}

    def add(self, node: Any) -> None:
        if node is None or node in self._handles:
            return
        began = False

        def pre(gradients: Any) -> None:
            nonlocal began
            began = True
            handles = self._handles.get(node)
            if handles is not None:
                handles[0].remove()
            if self._wanted():
                self._before(node, gradients)
            if self._wanted():
                for successor, _ in node.next_functions:
                    self.add(successor)

        def post(inputs: Any, outputs: Any) -> None:
            handles = self._handles.get(node)
            if handles is not None:
                handles[1].remove()
                self._handles[node] = None
            if began and self._wanted():  # else it was running when the hook came
                self._after(node, inputs, outputs)

        self._handles[node] = (node.register_prehook(pre), node.register_hook(post))

    def add_all(self, roots: Iterable[Any]) -> None:
        """In the middle of a run: those that have run will not fire, and which these are cannot be
        known."""
        seen: set[Any] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node is not None and node not in seen:
                seen.add(node)
                self.add(node)
                stack += [successor for successor, _ in node.next_functions]

    def close(self) -> None:
        """Hooks left behind would fire again on a retained graph."""
        for handles in self._handles.values():
            if handles is not None:
                handles[0].remove()
                handles[1].remove()
        self._handles.clear()
