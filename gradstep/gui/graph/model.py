"""The graph of the current iteration, merged from what the engine sends. No Qt here.

``GraphModel`` also remembers the iteration before: a training loop mostly builds the same graph
again, so what has not run yet can be shown in its place, as an outline (``expected``).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from gradstep.protocol.trace import Change, Edge, Graph, Group, Node, Stop
from gradstep.protocol.values import ValueKind

NOBODY = -1
"""``Edge.target`` of a result that no operation has used."""


@dataclass(frozen=True)
class GroupInfo:
    """One call of a module or function, and what lies directly in it."""

    group: Group
    parent: str  # key of the group around it, "" for none
    depth: int  # 0 for the outermost
    nodes: tuple[int, ...]


@dataclass
class Snapshot:
    """Nodes and edges of one iteration, with the ways to walk them: ``inputs`` by input number,
    ``outputs`` by output, then age."""

    nodes: dict[int, Node] = field(default_factory=dict)
    edges: dict[int, Edge] = field(default_factory=dict)
    inputs: dict[int, list[Edge]] = field(default_factory=dict)
    outputs: dict[int, list[Edge]] = field(default_factory=dict)

    def add(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
        """Put in what is new and replace what changed. The work is that of what is given, however
        large the rest is."""
        self.nodes.update((node.id, node) for node in nodes)
        touched: dict[tuple[int, int], None] = {}
        for edge in edges:
            known = self.edges.get(edge.id)
            if known is not None:
                self._unlink(known)
            self.edges[edge.id] = edge
            insort(self.inputs.setdefault(edge.target, []), edge, key=lambda e: (e.input, e.id))
            insort(self.outputs.setdefault(edge.source, []), edge, key=lambda e: (e.output, e.id))
            touched[edge.source, edge.output] = None
        for source, output in touched:
            self._drop_used_ends(source, output)

    def _unlink(self, edge: Edge) -> None:
        self.inputs[edge.target] = [e for e in self.inputs[edge.target] if e.id != edge.id]
        self.outputs[edge.source] = [e for e in self.outputs[edge.source] if e.id != edge.id]

    def _drop_used_ends(self, source: int, output: int) -> None:
        """An end that nobody had used is no end any more once the same output goes somewhere."""
        node = self.nodes.get(source)
        ways = [edge for edge in self.outputs[source] if edge.output == output]
        if (node is not None and node.is_loss) or all(edge.target == NOBODY for edge in ways):
            return
        for edge in ways:
            if edge.target == NOBODY:
                self._unlink(edge)
                del self.edges[edge.id]

    def operations(self) -> list[Node]:
        """In the order in which they ran."""
        found = [node for node in self.nodes.values() if not is_leaf(node)]
        return sorted(found, key=lambda node: (node.order, node.id))


class GraphModel:
    """``merge`` takes increments of the graph, ``take`` the stop that they belong to."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: another program."""
        self.now, self.before = Snapshot(), Snapshot()
        self.iteration = self.revision = 0
        self.note = ""
        self.stop: Stop | None = None

    def merge(self, graph: Graph) -> None:
        """Add what is new in ``graph`` and replace what changed."""
        if graph.reset:
            # Within one iteration the engine starts again when backward shows what belongs to
            # it; and a reset without operations must not make us forget those before it.
            if graph.iteration != self.iteration and self.now.operations():
                self.before = self.now
            self.now = Snapshot()
        self.now.add(graph.nodes, graph.edges)
        self.iteration, self.revision, self.note = graph.iteration, graph.revision, graph.note

    def take(self, stop: Stop) -> None:
        """The moment that the graph belongs to."""
        self.stop = stop

    @property
    def size(self) -> int:
        """How many nodes there may be to draw: those that ran, and those expected as the last
        time."""
        return max(len(self.now.nodes), len(self.before.nodes))

    def size_with(self, graphs: Iterable[Graph]) -> int:
        """The same once ``graphs`` are merged, at most."""
        return self.size + sum(len(graph.nodes) for graph in graphs)

    @property
    def empty(self) -> bool:
        return not self.now.nodes and not self.expected()

    def changes(self) -> tuple[Change, ...]:
        return self.stop.changed if self.stop else ()

    def inputs(self, node: int) -> list[Edge]:
        return self.now.inputs.get(node, [])

    def outputs(self, node: int) -> list[Edge]:
        return self.now.outputs.get(node, [])

    def groups(self) -> dict[str, GroupInfo]:
        """Every group by its key, outer ones before inner ones."""
        return group_tree(self.now.nodes.values())

    def expected(self) -> Snapshot | None:
        """The iteration before, as long as this one repeats it and has not outrun it."""
        ran, known = self.now.operations(), self.before.operations()
        if len(ran) > len(known) or any(node.is_loss for node in ran):
            return None
        same = all(
            signature(self.now, a) == signature(self.before, b)
            for a, b in zip(ran, known, strict=False)
        )
        return self.before if same else None


def is_leaf(node: Node) -> bool:
    """Whether ``node`` feeds operations and is none itself."""
    return node.kind != ValueKind.RESULT


def signature(snapshot: Snapshot, node: Node) -> tuple[object, ...]:
    """What two operations of different iterations share when they are the same step of a loop."""
    sources = []
    for edge in snapshot.inputs.get(node.id, []):
        source = snapshot.nodes.get(edge.source)
        if source is not None:
            sources.append((edge.input, source.kind, source.name, edge.output))
    return node.name, tuple(group.label for group in node.groups), tuple(sources)


def group_tree(nodes: Iterable[Node]) -> dict[str, GroupInfo]:
    """The groups around ``nodes`` by key, outer ones first."""
    members: dict[str, list[int]] = {}
    found: dict[str, tuple[Group, str, int]] = {}
    for node in nodes:
        parent = ""
        for depth, group in enumerate(node.groups):
            found.setdefault(group.key, (group, parent, depth))
            members.setdefault(group.key, [])
            parent = group.key
        if parent:
            members[parent].append(node.id)
    ordered = sorted(found.items(), key=lambda item: item[1][2])
    return {
        key: GroupInfo(group, parent, depth, tuple(members[key]))
        for key, (group, parent, depth) in ordered
    }
