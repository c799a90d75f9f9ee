"""The structure of a scene: what decides about places. No Qt here."""

from __future__ import annotations

from collections.abc import Hashable

from gradstep.gui.graph.scene import LEAVES, Scene


def structure(scene: Scene) -> Hashable:
    """Equal for scenes that are placed alike: the same items, links and groups, with the same room
    for names and numbers. Values, states and selection play no part."""
    items = tuple(
        (
            item.key,
            item.role,
            item.text,
            item.sign,
            item.groups,
            item.count,
            item.aten,
            item.node.tensor.shape
            if item.role in LEAVES and item.node and item.node.tensor
            else (),
        )
        for item in scene.items.values()
    )
    links = tuple(
        (
            link.key,
            link.source,
            link.target,
            link.edge.name,
            link.edge.tensor.shape if link.edge.tensor else (),
            link.edge.requires_grad,
        )
        for link in scene.links.values()
    )
    return items, links
