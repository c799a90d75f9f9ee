"""Which operation was recorded at which line, and which value is whose. No Qt."""

from __future__ import annotations

from gradstep.protocol.trace import Graph, Place
from gradstep.protocol.values import ValueKind


class Whereabouts:
    """Learns from graphs what leads from a value's ref to its node and its line, and back. It knows
    the current iteration, as the graph does."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Another program, or another iteration."""
        self._places: dict[int, Place | None] = {}
        self._orders: dict[int, int] = {}
        self._lines: dict[tuple[str, int], list[int]] = {}
        self._leaves: dict[str, int] = {}
        self._results: dict[str, int] = {}
        self._users: dict[int, int] = {}

    def add(self, graph: Graph) -> None:
        """What is new on the graph."""
        if graph.reset:
            self.clear()
        for node in graph.nodes:
            if node.id in self._orders:
                continue
            self._orders[node.id], self._places[node.id] = node.order, node.place
            if node.kind is not ValueKind.RESULT:
                if node.name:
                    self._leaves[node.name] = node.id
            elif node.place is not None:
                self._lines.setdefault((node.place.file, node.place.line), []).append(node.id)
        for edge in graph.edges:
            order = self._orders.get(edge.source)
            if order is None:
                continue
            if edge.name and order >= self._orders[self._results.get(edge.name, edge.source)]:
                self._results[edge.name] = edge.source
            user = self._users.get(edge.source, edge.target)
            if edge.target in self._orders and self._orders[edge.target] <= self._orders[user]:
                self._users[edge.source] = edge.target

    def node(self, ref: str) -> int | None:
        """The node that made the value called ``ref`` (see ``Cursor.ref``), or the leaf that it is;
        of a name that several values had, the last."""
        if ref.startswith("#"):
            digits = ref[1:].partition(":")[0]
            return int(digits) if digits.isdigit() else None
        return self._leaves.get(ref, self._results.get(ref))

    def place(self, ref: str) -> Place | None:
        """The line that made a value; of a leaf, the line that uses it first."""
        node = self.node(ref)
        if node is None:
            return None
        return self._places.get(node) or self._places.get(self._users.get(node, -1))

    def at(self, file: str, line: int) -> list[str]:
        """Refs of what the operations recorded at a line made, in the order in which they ran."""
        found = self._lines.get((file, line), [])
        return [f"#{node}:0" for node in sorted(found, key=lambda i: (self._orders[i], i))]
