"""What the menu of an item on the graph offers."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.gui.graph.scene import Role, Scene
from gradstep.gui.translation import translate
from gradstep.protocol.breakpoints import BreakOn


@dataclass(frozen=True)
class Halt:
    """A breakpoint that may be made here, and what its entry says."""

    on: BreakOn
    pattern: str
    words: str


def halts(key: str, scene: Scene) -> tuple[Halt, ...]:
    """Where the program could be stopped at item ``key`` (or at what a link comes from)."""
    link = scene.links.get(key)
    item = scene.items.get(link.source if link is not None else key)
    if item is None:
        return ()
    if item.role is Role.MODULE and item.group is not None:
        words = translate("Graph", "Stop before this module")
        return (Halt(BreakOn.MODULE, item.group.label, words),)
    if item.node is None or item.role is not Role.OPERATION:
        return ()
    # ``path:name``: the same name elsewhere is not meant.
    where = f"{item.node.groups[-1].label}:" if item.node.groups else ""
    words = translate("Graph", "Stop before this operation")
    found = [Halt(BreakOn.OPERATION, where + item.node.name, words)]
    if item.node.backward:
        # Of the nodes that one call made, the last is the first that backward reaches.
        words = translate("Graph", "Stop before its backward")
        found.append(Halt(BreakOn.NODE, where + item.node.backward[-1], words))
    return tuple(found)
