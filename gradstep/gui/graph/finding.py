"""Finding things on the graph by name, kind or shape, also in what is folded. No Qt here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradstep.gui.graph.moment import nodes_of
from gradstep.gui.graph.scene import Item, Role, Scene
from gradstep.gui.numbers import format_shape
from gradstep.protocol.trace import Node


@dataclass(frozen=True)
class Match:
    """``shown``: the item or frame in which it is to be seen now; ``inside``: the groups that must
    be open to see it itself. ``node`` or ``group``: what it is."""

    shown: str
    inside: tuple[str, ...] = ()
    node: int = 0
    group: str = ""

    @property
    def hidden(self) -> bool:
        return self.shown in self.inside or self.shown.startswith("×")


def pattern_of(text: str, regular: bool) -> re.Pattern[str]:
    """What to look for, whatever the case. Raises ``re.error``."""
    return re.compile(text if regular else re.escape(text), re.IGNORECASE)


def matches(scene: Scene, pattern: re.Pattern[str]) -> list[Match]:
    """In the order in which things ran: calls, operations, leaves."""
    names: dict[int, set[str]] = {}
    for link in scene.links.values():
        names.setdefault(link.edge.source, set()).add(link.edge.name)
    found: list[Match] = []
    groups: set[str] = set()
    for key, item in scene.items.items():
        for node in nodes_of(item):
            path = scene.paths.get(node.id, item.groups)
            found += _calls(scene, key, path, node, pattern, groups)
            if any(map(pattern.search, words_of(node, names.get(node.id, set())))):
                inside = path if item.role == Role.MODULE else ()
                found.append(Match(key, inside, node.id))
    return found


def words_of(node: Node, names: set[str]) -> Iterator[str]:
    """What an operation or leaf can be found by."""
    yield node.name
    yield from node.backward
    yield from (name for name in names if name)
    if node.tensor is not None:
        shape = node.tensor.shape
        yield format_shape(shape)
        yield "x".join(map(str, shape))
        yield f"({', '.join(map(str, shape))})"
        yield node.tensor.dtype


def _calls(
    scene: Scene,
    key: str,
    path: tuple[str, ...],
    node: Node,
    pattern: re.Pattern[str],
    known: set[str],
) -> Iterator[Match]:
    """The calls around ``node`` that were not seen before and match."""
    real = [group for group in path if not group.startswith("+")]
    for group, call in zip(real, node.groups, strict=False):
        if group in known:
            continue
        known.add(group)
        if pattern.search(call.label) or pattern.search(call.type):
            shown = group if group in scene.frames or group in scene.items else key
            inside = path[: path.index(group)] if shown != group else ()
            yield Match(shown, inside if inside else ((shown,) if shown != group else ()), 0, group)


def key_in(match: Match, scene: Scene) -> str:
    """Where a match is, once what it lies in is open; ``""`` if it is not there."""
    if match.group:
        return match.group if match.group in scene.items or match.group in scene.frames else ""
    for key, item in scene.items.items():
        if _has(item, match.node):
            return key
    return ""


def _has(item: Item, node: int) -> bool:
    return any(each.id == node for each in nodes_of(item))
