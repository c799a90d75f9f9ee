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


@dataclass(frozen=True)
class Fold:
    """Something to open or shut: ``what`` is ``open``, ``fold``, ``roll_up`` or ``aten``."""

    what: str
    key: str
    words: str


def folds(key: str, scene: Scene) -> tuple[Fold, ...]:
    """What can be opened or shut at item ``key``, or where a link comes from."""
    link = scene.links.get(key)
    item = scene.items.get(link.source if link is not None else key)
    if item is None:
        return ()
    found = []
    if item.role is Role.MODULE:
        text = translate("Graph", "Show all {0}") if item.count > 1 else translate("Graph", "Open")
        found.append(Fold("open", item.key, text.format(item.count)))
    if item.role is Role.OPERATION and item.node is not None and item.node.aten:
        shown = translate("Graph", "Hide what it is made of")
        hidden = translate("Graph", "Show what it is made of")
        found.append(Fold("aten", item.key, shown if item.aten else hidden))
    if item.groups:
        inner = item.groups[-1]
        words = translate("Graph", "Fold {0}").format(scene.frames[inner].group.label)
        found.append(Fold("fold", inner, words))
    for each in (item.key, *reversed(item.groups)):
        if item.count == 1 and each in scene.series:
            words = translate("Graph", "Roll up what is alike")
            found.append(Fold("roll_up", scene.series[each], words))
            break
    return tuple(found)
