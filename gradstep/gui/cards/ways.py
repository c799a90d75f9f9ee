"""The graph as far as cards need it: uses of a value, and the way from the loss. No Qt."""

from __future__ import annotations

from gradstep.gui.numbers import norm_of
from gradstep.protocol.trace import Edge, Graph, Node
from gradstep.protocol.values import Preview, ValueKind


class Ways:
    """Learns from graphs as they come; ``reset`` forgets."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.edges: dict[int, Edge] = {}

    def add(self, graph: Graph) -> None:
        if graph.reset:
            self.clear()
        self.nodes.update((node.id, node) for node in graph.nodes)
        self.edges.update((edge.id, edge) for edge in graph.edges)

    def clear(self) -> None:
        self.nodes.clear()
        self.edges.clear()

    def place(self, ref: str) -> tuple[Node, int] | None:
        """The node and result that ``ref`` names: ``#12:0``, or a leaf by its name."""
        if ref.startswith("#"):
            head, _, tail = ref[1:].partition(":")
            node = self.nodes.get(int(head)) if head.isdigit() else None
            return (node, int(tail or 0)) if node is not None else None
        leaves = (n for n in self.nodes.values() if n.kind is not ValueKind.RESULT)
        found = next((node for node in leaves if node.name == ref), None)
        return (found, 0) if found is not None else None

    def uses(self, node: Node, output: int) -> list[Edge]:
        """Where a value goes and gets a gradient from."""
        return [
            edge
            for edge in self.edges.values()
            if edge.source == node.id
            and edge.output == output
            and edge.target >= 0
            and edge.requires_grad
        ]

    @property
    def loss(self) -> str:
        """What the program calls the loss."""
        for edge in self.edges.values():
            node = self.nodes.get(edge.source)
            if edge.target < 0 and node is not None and node.is_loss and edge.name:
                return edge.name
        return "loss"

    def from_loss(self, edge: Edge) -> list[Edge]:
        """The edges on the way from the loss down to ``edge``; at a fork the one with the larger
        gradient. Empty when it does not lead there."""
        way, seen = [edge], {edge.id}
        while way[-1].target >= 0:
            node = self.nodes.get(way[-1].target)
            out = [e for e in self.edges.values() if e.source == way[-1].target]
            out = [e for e in out if e.requires_grad and e.id not in seen]
            if node is None or not out:
                return []
            if node.is_loss:
                out = [e for e in out if e.target < 0] or out
            way.append(max(out, key=lambda e: size(e.grad)))
            seen.add(way[-1].id)
        return way[::-1]


def size(preview: Preview | None) -> float:
    """Of a gradient; −1 where nothing is known."""
    found = norm_of(preview) if preview is not None else None
    return -1.0 if found is None else found
