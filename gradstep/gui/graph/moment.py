"""What stands out at one stop: the next operation, and what the last one changed. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gradstep.gui.graph.scene import Item, Link, Role, Scene
from gradstep.gui.numbers import is_special
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Node, NodeState, Reason, Stop
from gradstep.protocol.values import Preview


class Look(StrEnum):
    """How an item is drawn."""

    EXPECTED = "expected"  # not yet
    NEXT = "next"
    FORWARD = "forward"  # done
    WAITING = "waiting"  # done, and backward will come by
    BACKWARD = "backward"  # done backward
    PARTLY = "partly"  # backward has done some of it, or some paths have arrived


@dataclass(frozen=True)
class Moment:
    """``changed``: by link, ``value`` or ``grad``. ``leaves``: by leaf node, what happened to its
    data or its ``.grad``. ``failed``: what raised, or was the first to make NaN or Inf."""

    next: frozenset[str] = frozenset()
    phase: Phase | None = None
    changed: dict[str, str] = field(default_factory=dict)
    leaves: dict[int, dict[str, Change]] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()


class Index:
    """Where nodes and edges are in a scene. It holds for every scene of the same structure that was
    made of the same nodes and edges."""

    def __init__(self, scene: Scene) -> None:
        self.items: dict[int, list[str]] = {}
        self.links: dict[int, list[str]] = {}
        self.parameters: dict[str, int] = {}
        self._places: dict[str, dict[int, int]] = {}
        for key, item in scene.items.items():
            if item.expected:
                continue
            for node in nodes_of(item):
                self.items.setdefault(node.id, []).append(key)
            if item.role == Role.PARAMETER and item.node is not None:
                self.parameters[item.node.name or f"#{item.node.id}:0"] = item.node.id
        for key, link in scene.links.items():
            if not link.expected:
                self.links.setdefault(link.edge.id, []).append(key)

    def places(self, item: Item) -> dict[int, int]:
        """By node, its place among the members of ``item``."""
        found = self._places.get(item.key)
        if found is None:
            found = {node.id: place for place, node in enumerate(item.members)}
            self._places[item.key] = found
        return found


def moment(
    scene: Scene,
    stop: Stop | None,
    index: Index | None = None,
    failed: frozenset[str] | None = None,
) -> Moment:
    """What ``stop`` means for the items and links of ``scene``. ``failed``: its spoilers, if they
    are known already."""
    index = index or Index(scene)
    failed = spoilers(scene) if failed is None else failed
    if stop is None:
        return Moment(failed=failed)
    if stop.reason == Reason.EXCEPTION:
        failed |= {key for key, item in scene.items.items() if _was_running(item)}
    operation = stop.operation
    node = operation.node if operation else None
    following = frozenset(index.items.get(node, ())) if node is not None else frozenset()
    leaves: dict[int, dict[str, Change]] = {}
    changed: dict[str, str] = {}
    for change in stop.changed:
        if change.ref in index.parameters:
            leaves.setdefault(index.parameters[change.ref], {})[change.field] = change
        else:
            for edge in change.edges:
                changed.update((key, change.field) for key in index.links.get(edge, ()))
    phase = operation.phase if operation else None
    return Moment(following, phase or stop.phase, changed, leaves, failed)


def spoilers(scene: Scene) -> frozenset[str]:
    """Operations that made NaN or Inf out of numbers that were none."""
    made: set[str] = set()
    given: set[str] = set()
    for link in scene.links.values():
        if not link.expected and is_spoiled(link.edge.value):
            made.add(link.source)
            given.add(link.target)
    return frozenset(
        key for key in made - given if scene.items[key].role in (Role.OPERATION, Role.MODULE)
    )


def is_spoiled(shown: Preview | None) -> bool:
    """Whether there is NaN or Inf in it."""
    if shown is None:
        return False
    sizes = (shown.norm, shown.rms) if shown.elements is None else shown.elements
    return any(is_special(size) for size in sizes)


def _was_running(item: Item) -> bool:
    return any(n.kind == "result" and n.state == NodeState.RUNNING for n in nodes_of(item))


def nodes_of(item: Item) -> tuple[Node, ...]:
    """The nodes that ``item`` stands for."""
    return item.members or ((item.node,) if item.node is not None else ())


def look(item: Item, now: Moment) -> Look:
    """How ``item`` is drawn."""
    if item.key in now.next:
        return Look.NEXT
    if item.expected:
        return Look.EXPECTED
    states = {node.state for node in nodes_of(item) if node.kind == "result"}
    if not states:
        return Look.FORWARD
    if states == {NodeState.RUNNING}:
        return Look.EXPECTED
    if states == {NodeState.BACKWARD_DONE}:
        return Look.BACKWARD
    if NodeState.BACKWARD_DONE in states or any(n.backward_done for n in nodes_of(item)):
        return Look.PARTLY
    return Look.WAITING if NodeState.BACKWARD_WAITING in states else Look.FORWARD


def is_freed(item: Item) -> bool:
    """Whether what backward needs of ``item`` has been freed."""
    nodes = [node for node in nodes_of(item) if node.kind == "result"]
    return bool(nodes) and all(node.saved == "freed" for node in nodes)


def paths(scene: Scene, item: Item) -> tuple[int, int]:
    """How many of the ways back to ``item`` have brought a gradient, and how many there are."""
    ways = [
        link
        for link in scene.links.values()
        if link.source == item.key and link.edge.requires_grad and not link.expected
    ]
    return sum(link.edge.grad is not None for link in ways), len(ways)


def awaits_gradient(link: Link, scene: Scene, now: Moment) -> bool:
    """Whether the next operation will send a gradient along ``link``."""
    return (
        now.phase == Phase.BACKWARD
        and link.target in now.next
        and link.edge.requires_grad
        and link.edge.grad is None
    )
