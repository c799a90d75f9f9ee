"""What each line of source last computed, when that is one number. No Qt."""

from __future__ import annotations

from gradstep.gui.numbers import format_preview
from gradstep.protocol.trace import Graph, Place
from gradstep.protocol.values import ValueKind


class LineValues:
    """Learns from graphs: a node knows its line, the edges that leave it their value."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Place, int]] = {}
        self._values: dict[str, dict[int, tuple[int, str]]] = {}

    def clear(self) -> None:
        self._places.clear()
        self._values.clear()

    def add(self, graph: Graph) -> None:
        if graph.reset:
            self.clear()
        for node in graph.nodes:
            if node.kind is ValueKind.RESULT and node.place is not None:
                self._places[node.id] = (node.place, node.order)
        for edge in graph.edges:
            made = self._places.get(edge.source)
            elements = edge.value.elements if edge.value else None
            if made is None or elements is None or len(elements) != 1:
                continue
            place, order = made
            lines = self._values.setdefault(place.file, {})
            if order >= lines.get(place.line, (-1, ""))[0]:
                dtype = edge.tensor.dtype if edge.tensor else "float32"
                lines[place.line] = (order, format_preview(edge.value, dtype))

    def of(self, file: str) -> dict[int, str]:
        """By line, of the lines of ``file``."""
        return {line: text for line, (_, text) in self._values.get(file, {}).items()}
