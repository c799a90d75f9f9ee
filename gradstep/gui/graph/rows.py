"""Branches beside a residual stream. Where a value goes straight on to a sum, and also through
other operations to the same sum, the straight way is a spine from top to bottom and the other
operations are a row beside it, from left to right. No Qt here."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

from gradstep.gui.graph.scene import LEAVES, Frame, Item, Link, Role, Scene

FEWEST, MOST = 2, 120
"""Operations of a row."""
ENTRY, EXIT = "row>", ">row"
"""Keys of the places where values come into a row and leave it."""


@dataclass(frozen=True)
class Row:
    """What lies between ``fork`` and ``join``, except for the link ``skip`` that leads from one to
    the other. ``entries``: links from the fork; ``leave``: the link to the join."""

    fork: str
    join: str
    skip: str
    entries: tuple[str, ...]
    leave: str
    members: tuple[str, ...]


def rows(scene: Scene) -> list[Row]:
    """The outermost rows, apart from each other."""
    finder = _Finder(scene)
    taken: set[str] = set()
    found: list[Row] = []
    for key in reversed(list(scene.items)):
        if key in taken or scene.items[key].role != Role.OPERATION:
            continue
        row = finder.row(key)
        if row is not None and not taken & {*row.members, row.fork}:
            taken.update(row.members)
            found.append(row)
    return found[::-1]


def scenes_of(found: list[Row], scene: Scene) -> list[Scene]:
    """Each row alone, with ``ENTRY`` and ``EXIT`` for what is around it."""
    links: dict[str, list[Link]] = {}
    for link in scene.links.values():
        links.setdefault(link.target, []).append(link)
    return [_scene_of(row, scene, links) for row in found]


def _scene_of(row: Row, scene: Scene, into: dict[str, list[Link]]) -> Scene:
    depth = len(scene.items[row.join].groups)
    items = {
        key: replace(scene.items[key], groups=scene.items[key].groups[depth:])
        for key in row.members
    }
    items = {ENTRY: Item(ENTRY, Role.OPEN, None, ""), **items}
    items[EXIT] = Item(EXIT, Role.OPEN, None, "")
    links: dict[str, Link] = {}
    for key in row.members:
        for link in into.get(key, []):
            entry = link.key in row.entries
            links[link.key] = replace(link, source=ENTRY) if entry else link
    links[row.leave] = replace(scene.links[row.leave], target=EXIT)
    inner = {group: None for item in items.values() for group in item.groups}
    frames = {}
    for group in inner:
        frame = scene.frames[group]
        frames[group] = frame if frame.parent in inner else replace(frame, parent="")
    return Scene(items, links, frames)


def scene_without(found: list[Row], scene: Scene) -> Scene:
    """The spine: everything but the rows."""
    gone = {key for row in found for key in row.members}
    items = {key: item for key, item in scene.items.items() if key not in gone}
    links = {
        key: link
        for key, link in scene.links.items()
        if link.source not in gone and link.target not in gone
    }
    kept = {group for item in items.values() for group in item.groups}
    frames: dict[str, Frame] = {k: f for k, f in scene.frames.items() if k in kept}
    return Scene(items, links, frames)


class _Finder:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._number = {key: i for i, key in enumerate(scene.items)}
        self._into: dict[str, list[Link]] = {}
        self._out: dict[str, list[Link]] = {}
        for link in scene.links.values():
            self._into.setdefault(link.target, []).append(link)
            self._out.setdefault(link.source, []).append(link)

    def _made(self, key: str) -> list[Link]:
        """Links into ``key`` from what is no leaf."""
        items = self._scene.items
        return [k for k in self._into.get(key, []) if items[k.source].role not in LEAVES]

    def row(self, join: str) -> Row | None:
        """The row that ends at ``join``, if there is one."""
        made = self._made(join)
        if len(made) != 2 or len(self._into[join]) != 2:
            return None
        skip, leave = sorted(made, key=lambda link: self._number[link.source])
        if skip.source == leave.source:
            return None
        inside = self._between(skip.source, leave.source)
        if inside is None or len(inside) < FEWEST:
            return None
        members = self._with_leaves(inside)
        if members is None or not self._fits(members, join, leave.key):
            return None
        entries = tuple(link.key for link in self._out[skip.source] if link.target in inside)
        ordered = tuple(sorted(members, key=self._number.__getitem__))
        return Row(skip.source, join, skip.key, entries, leave.key, ordered)

    def _between(self, fork: str, last: str) -> set[str] | None:
        """What leads from ``fork`` to ``last`` and hangs on nothing else."""
        inside: set[str] = set()
        queue = [(-self._number[last], last)]
        seen = {last}
        while queue:
            _, key = heapq.heappop(queue)
            if key == fork:
                return inside if not queue else None
            if self._number[key] < self._number[fork] or len(inside) >= MOST:
                return None
            inside.add(key)
            for link in self._made(key):
                if link.source not in seen:
                    seen.add(link.source)
                    heapq.heappush(queue, (-self._number[link.source], link.source))
        return None

    def _with_leaves(self, inside: set[str]) -> set[str] | None:
        """With the leaves of a row and its open ends; None if it shares a leaf."""
        members = set(inside)
        for key in inside:
            for link in self._into.get(key, []):
                if self._scene.items[link.source].role in LEAVES:
                    if any(other.target not in inside for other in self._out[link.source]):
                        return None
                    members.add(link.source)
            for link in self._out.get(key, []):
                if self._scene.items[link.target].role == Role.OPEN:
                    members.add(link.target)
        return members

    def _fits(self, members: set[str], join: str, leave: str) -> bool:
        """Whether nothing but ``leave`` leads out, and no frame is cut in two."""
        outer = self._scene.items[join].groups
        frames = self._scene.frames
        for key in members:
            if any(o.target not in members and o.key != leave for o in self._out.get(key, [])):
                return False
            groups = self._scene.items[key].groups
            if groups[: len(outer)] != outer:
                return False
            for group in groups[len(outer) :]:
                if any(other not in members for other in frames[group].items):
                    return False
        return True
