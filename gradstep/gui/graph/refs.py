"""Items and links as the rest of the window calls them (see ``Cursor.ref``). No Qt here."""

from __future__ import annotations

from gradstep.gui.graph.moment import Index, nodes_of
from gradstep.gui.graph.scene import LEAVES, Item, Link, Role, Scene
from gradstep.gui.whereabouts import Whereabouts
from gradstep.protocol.trace import Place


def ref_of(key: str, scene: Scene) -> str:
    """What selecting the item or link ``key`` selects; ``""`` for nothing."""
    link = scene.links.get(key)
    if link is not None:
        return _ref_of_link(link, scene)
    item = scene.items.get(key)
    if item is None or item.expected:
        return ""
    if item.role in (Role.LOSS, Role.OPEN):
        into = next((k for k in scene.links.values() if k.target == key), None)
        return _ref_of_link(into, scene) if into else ""
    return _ref_of_item(item)


def key_of(ref: str, scene: Scene, index: Index, where: Whereabouts) -> str:
    """The item that ``ref`` means, or the one that has it folded away; ``""`` when it is not on the
    graph. ``index`` is that of ``scene``."""
    node = where.node(ref)
    found = index.items.get(node, []) if node is not None else []
    return min(found, key=lambda key: ref_of(key, scene) != ref, default="")


def place_of(key: str, scene: Scene) -> Place | None:
    """The line that made an item; for a leaf, the line that uses it first."""
    link = scene.links.get(key)
    if link is not None:
        key = link.source
    item = scene.items.get(key)
    if item is None:
        return None
    for node in nodes_of(item):
        if node.place is not None:
            return node.place
    near = (
        k.target if k.source == key else k.source
        for k in scene.links.values()
        if key in (k.source, k.target)
    )
    for other in near:
        node_of_other = scene.items[other].node
        if node_of_other is not None and node_of_other.place is not None:
            return node_of_other.place
    return None


def _ref_of_link(link: Link, scene: Scene) -> str:
    source = scene.items[link.source]
    if link.expected:
        return ""
    if source.role in LEAVES:
        return _ref_of_item(source)
    return f"#{link.edge.source}:{link.edge.output}"


def _ref_of_item(item: Item) -> str:
    if item.role in LEAVES and item.node is not None:
        return item.node.name or f"#{item.node.id}:0"
    results = [node for node in nodes_of(item) if node.kind == "result"]
    return f"#{results[-1].id}:0" if results else ""
