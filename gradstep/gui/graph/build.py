"""From the model to a scene: the plan of an iteration, with groups folded and repeats rolled up.
No Qt here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property

from gradstep.gui.graph.folding import Folding, Stack
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.plan import Plan, planned
from gradstep.gui.graph.scene import LEAVES, Frame, Item, Link, Role, Scene
from gradstep.protocol.trace import Group
from gradstep.protocol.values import ValueKind


def build(model: GraphModel, folded: frozenset[str] = frozenset()) -> Scene:
    """The scene of ``model`` as it is now. ``folded``: keys (see ``Frame.key``) of groups shown as
    one item."""
    return fold(planned(model), Folding(folded), model.iteration)


def fold(plan: Plan, folding: Folding, iteration: int = 0) -> Scene:
    """The scene of ``plan`` with some groups shown as one item each."""
    return _Folder(plan, folding).scene(iteration)


class _Folder:
    """Gives leaves their groups, then puts into one item what lies in a folded group."""

    def __init__(self, plan: Plan, folding: Folding) -> None:
        self.plan, self.folding = plan, folding
        self.groups = dict(plan.groups)
        if folding.outline is not None:
            self.groups.update(folding.outline.groups)
        self.items: dict[str, Item] = {}
        self.inside: dict[str, str] = {}
        self.paths: dict[int, tuple[str, ...]] = {}
        self.loose: list[str] = []
        self._gathered: set[str] = set()

    def scene(self, iteration: int) -> Scene:
        members: dict[str, list[Item]] = defaultdict(list)
        outer: dict[str, tuple[str, ...]] = {}
        for key, item in self.plan.items.items():
            path = self._path(key, item)
            if item.role in (Role.DATA, Role.CONSTANT) and not path:
                self.loose.append(key)
            if item.node is not None and not item.expected:
                self.paths.setdefault(item.node.id, path)
            depth = next((i for i, g in enumerate(path) if g in self.folding.folded), None)
            if depth is None:
                self.items[key] = self._itself(item, path)
                continue
            stack = self.folding.stacks.get(path[depth])
            one = stack.key if stack is not None else path[depth]
            self.inside[key] = one
            members[one].append(item)
            outer.setdefault(one, path[: depth + 1])
        for one, found in members.items():
            self.items[one] = self._module(one, outer[one], tuple(found))
        self._gather()
        order = {key: self.plan.order(key) for key in self.items}
        for one, found in members.items():
            order[one] = min(self.plan.order(item.key) for item in found)
        items = dict(sorted(self.items.items(), key=lambda item: order[item[0]]))
        links = dict(
            sorted(
                self._links().items(),
                key=lambda found: (order[found[1].target], found[1].input, found[0]),
            )
        )
        series = {m: s.key for m, s in self.folding.series_of().items()}
        series.update({stack.key: stack.series.key for stack in self.folding.stacks.values()})
        return Scene(items, links, self._frames(items), iteration, self.paths, series)

    def _path(self, key: str, item: Item) -> tuple[str, ...]:
        if item.role == Role.DATA and not _is_buffer(item):
            return self._entered(key) if self.folding.outline is None else ()
        groups = self.plan.leaf_groups(key) if item.role in LEAVES else item.groups
        tree = self.folding.outline
        if tree is None:
            return groups
        if item.role not in LEAVES:
            return tree.path(groups, key)
        # A leaf that a single operation uses lies in that operation's stretch.
        users = self.plan.users.get(key, [])
        alone = len(users) == 1 and self.plan.items[users[0]].groups == groups
        return tree.path(groups, users[0] if alone else "")

    def _entered(self, key: str) -> tuple[str, ...]:
        """The modules inside of which data stands: those that had begun before its first use, as a
        loop's have before its next step. What a module begins with comes from outside."""
        users = self.plan.users.get(key)
        if not users:
            return ()
        found = []
        for group in self.plan.leaf_groups(key):
            if group in self.folding.folded or self._begins[group] == self.plan.order(users[0]):
                break
            found.append(group)
        return tuple(found)

    @cached_property
    def _begins(self) -> dict[str, tuple[int, str]]:
        """By group, the place of its first operation."""
        found: dict[str, tuple[int, str]] = {}
        for key, item in self.plan.items.items():
            for group in item.groups:
                order = self.plan.order(key)
                found[group] = min(found.get(group, order), order)
        return found

    def _itself(self, item: Item, path: tuple[str, ...]) -> Item:
        """An item that is not folded, perhaps with what it is made of."""
        node, aten = item.node, tuple[str, ...]()
        if item.role == Role.OPERATION and node is not None and item.key in self.folding.opened:
            aten = node.aten
        if (item.groups, item.aten) == (path, aten):
            return item
        return replace(item, groups=path, aten=aten)

    def _gather(self) -> None:
        """The inputs of all the steps in a stack stand beside it as one, too."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        stacks = {stack.key for stack in self.folding.stacks.values()}
        for key in self.loose:
            users = self.plan.users.get(key, ())
            into = {self.inside.get(user, "") for user in users}
            if len(into) == 1 and (one := into.pop()) in stacks:
                found[self.items[key].text, one].append(key)
        for keys in found.values():
            first, *others = keys
            nodes = tuple(node for key in keys if (node := self.items[key].node) is not None)
            self.items[first] = replace(self.items[first], count=len(keys), members=nodes)
            for key in others:
                del self.items[key]
                self._gathered.add(key)

    def _module(self, key: str, path: tuple[str, ...], found: tuple[Item, ...]) -> Item:
        stack = self.folding.stacks.get(path[-1])
        return Item(
            key,
            Role.MODULE,
            None,
            self._label(path[-1], stack),
            groups=path[:-1],
            expected=bool(found) and all(i.expected for i in found if i.role == Role.OPERATION),
            group=self.groups[path[-1]],
            members=tuple(item.node for item in found if item.node is not None),
            trainable=any(item.role == Role.PARAMETER for item in found),
            count=len(stack.members) if stack is not None else 1,
        )

    def _label(self, group: str, stack: Stack | None) -> str:
        if stack is None:
            return self.groups[group].label
        first, last = (self.groups[stack.members[i]].label for i in (0, -1))
        return first if first == last else f"{first} – {last}"

    def _links(self) -> dict[str, Link]:
        links: dict[str, Link] = {}
        seen: set[tuple[str, str, int]] = set()
        inside = self.inside
        for key, link in self.plan.links.items():
            source = inside.get(link.source, link.source)
            target = inside.get(link.target, link.target)
            if (source == target and link.source in inside) or link.source in self._gathered:
                continue
            if (source, target) != (link.source, link.target):
                # Several operations of a folded module may use the same value: one link says it.
                if (link.source, target, link.output) in seen:
                    continue
                seen.add((link.source, target, link.output))
                link = replace(link, source=source, target=target)
            links[key] = link
        return links

    def _frames(self, items: dict[str, Item]) -> dict[str, Frame]:
        found: dict[str, list[str]] = {}
        parents: dict[str, str] = {}
        for key, item in items.items():
            parent = ""
            for group in item.groups:
                found.setdefault(group, []).append(key)
                parents[group] = parent
                parent = group
        groups: dict[str, Group] = self.groups
        return {k: Frame(k, groups[k], parents[k], tuple(keys)) for k, keys in found.items()}


def _is_buffer(item: Item) -> bool:
    """Whether a leaf is a module's own, like the running mean of a norm: it is named like the
    parameters around it."""
    return item.node is not None and item.node.kind == ValueKind.BUFFER
