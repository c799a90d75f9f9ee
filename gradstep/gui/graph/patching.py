"""A step on a graph that stays as it is: only the nodes and edges that the step touched are put
into the scene anew. The work is that of the step, whatever the graph's size. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradstep.gui.graph.model import GraphModel, Snapshot
from gradstep.gui.graph.moment import Index, is_spoiled
from gradstep.gui.graph.scene import Scene
from gradstep.protocol.trace import Edge, Graph, Node


def is_patch(model: GraphModel, graphs: Iterable[Graph]) -> bool:
    """Whether ``graphs`` leave the structure alone: they only tell other values and states of what
    is there."""
    return all(
        not graph.reset
        and graph.iteration == model.iteration
        and all(_same_node(model.now, node) for node in graph.nodes)
        and all(_same_edge(model.now, edge) for edge in graph.edges)
        for graph in graphs
    )


def _same_node(known: Snapshot, node: Node) -> bool:
    old = known.nodes.get(node.id)
    return old is not None and _form(old) == _form(node)


def _form(node: Node) -> tuple[object, ...]:
    shape = node.tensor.shape if node.tensor else None
    return node.kind, node.name, node.order, node.groups, node.detail, node.is_loss, shape


def _same_edge(known: Snapshot, edge: Edge) -> bool:
    old = known.edges.get(edge.id)
    return old is not None and _way(old) == _way(edge)


def _way(edge: Edge) -> tuple[object, ...]:
    shape = edge.tensor.shape if edge.tensor else None
    ends = edge.source, edge.output, edge.target, edge.input
    return *ends, edge.name, shape, edge.requires_grad


def patched(
    scene: Scene, index: Index, nodes: Iterable[Node], edges: Iterable[Edge]
) -> tuple[Scene, list[str], list[str]]:
    """``scene`` with new ``nodes`` and ``edges`` in the place of those with their ids, and the keys
    of the items and links that this concerns."""
    items, links = dict(scene.items), dict(scene.links)
    fresh = {node.id: node for node in nodes}
    touched: dict[str, None] = {}
    for id in fresh:
        touched.update(dict.fromkeys(index.items.get(id, ())))
    for key in touched:
        item = items[key]
        members = item.members
        if members:
            places, others = index.places(item), list(members)
            for id in fresh.keys() & places.keys():
                others[places[id]] = fresh[id]
            members = tuple(others)
        node = fresh.get(item.node.id) if item.node is not None else None
        items[key] = replace(item, node=node or item.node, members=members)
    crossed: dict[str, None] = {}
    for edge in edges:
        for key in index.links.get(edge.id, ()):
            crossed[key] = None
            links[key] = replace(links[key], edge=edge)
    return replace(scene, items=items, links=links), list(touched), list(crossed)


def spoils(scene: Scene, links: Iterable[str]) -> bool:
    """Whether NaN or Inf is on one of ``links``."""
    return any(is_spoiled(scene.links[key].edge.value) for key in links)
