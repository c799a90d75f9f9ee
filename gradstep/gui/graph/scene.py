"""What is to be drawn: the model's nodes and edges as items and links, before they have a place.

Keys do not come from the engine's ids but from the order of operations, so that the same step of
the next iteration has the same key, and with it the same place. No Qt here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from gradstep.gui.graph.model import NOBODY, GraphModel, Snapshot, is_leaf
from gradstep.gui.graph.symbols import base_name, symbol
from gradstep.gui.numbers import format_number
from gradstep.protocol.trace import Edge, Group, Node
from gradstep.protocol.values import ValueKind

SPLIT_USES = 4
"""A leaf with more uses than this is drawn once per use: a weight that fifty steps of a loop share
would otherwise send edges across the whole picture."""


_LEADING = re.compile(r"\[?(\d+)")


class Role(StrEnum):
    OPERATION = "operation"
    PARAMETER = "parameter"
    DATA = "data"
    CONSTANT = "constant"
    LOSS = "loss"
    OPEN = "open"  # where the value of an operation goes is not known yet
    MODULE = "module"  # a folded group


LEAVES = frozenset({Role.PARAMETER, Role.DATA, Role.CONSTANT})


@dataclass(frozen=True)
class Item:
    """Something with a place. ``groups``: keys of the groups around it, outermost first.
    ``expected``: it has not run; the iteration before had it here."""

    key: str
    role: Role
    node: Node | None
    text: str
    sign: str = ""
    groups: tuple[str, ...] = ()
    expected: bool = False
    group: Group | None = None
    members: tuple[Node, ...] = ()
    trainable: bool = False


@dataclass(frozen=True)
class Link:
    """A value on its way between two items. ``expected``: it has not been computed."""

    key: str
    source: str
    target: str
    output: int
    input: int
    edge: Edge
    expected: bool = False


@dataclass(frozen=True)
class Frame:
    """The box around an unfolded group."""

    key: str
    group: Group
    parent: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    items: dict[str, Item] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    iteration: int = 0

    def __bool__(self) -> bool:
        return bool(self.items)


def build(model: GraphModel, folded: frozenset[str] = frozenset()) -> Scene:
    """The scene of ``model`` as it is now. ``folded``: keys (see ``Frame.key``) of groups shown as
    one item."""
    now = _Part(model.now)
    parts = [now]
    expected = model.expected()
    if expected is not None:
        parts.append(_Part(expected))
    plan = _Plan(now)
    for part in parts:
        plan.add(part, expected=part is not now)
    return _folded(plan, model.iteration, folded)


def leaf_modules(model: GraphModel) -> frozenset[str]:
    """Keys of the modules that contain no others."""
    part = _Part(model.expected() or model.now)
    inner: set[str] = set()
    outer: set[str] = set()
    for node in part.operations:
        modules = [part.groups[group.key] for group in node.groups if group.kind == "module"]
        inner.update(modules[-1:])
        outer.update(modules[:-1])
    return frozenset(inner - outer)


class _Part:
    """One iteration with the keys of its nodes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.operations = snapshot.operations()
        self.key_of = {node.id: f"{i}:{node.name}" for i, node in enumerate(self.operations)}
        self.exponents: dict[int, float] = {}
        self.hidden: set[int] = set()
        self.first_use: dict[int, str] = {}
        uses: dict[int, list[Edge]] = defaultdict(list)
        for node in self.operations:
            for edge in snapshot.inputs.get(node.id, []):
                source = snapshot.nodes.get(edge.source)
                if source is not None and is_leaf(source) and not self._is_exponent(node, edge):
                    uses[source.id].append(edge)
        self.split = {leaf for leaf, edges in uses.items() if len(edges) > SPLIT_USES}
        for leaf, edges in uses.items():
            self.first_use[leaf] = self._use_key(edges[0])
        self.groups = self._group_keys()

    def leaf_key(self, leaf: int, edge: Edge) -> str:
        """The item that ``edge`` comes from."""
        return self._use_key(edge) if leaf in self.split else self.first_use[leaf]

    def _use_key(self, edge: Edge) -> str:
        return f"{self.key_of[edge.target]}<{edge.input}"

    def _is_exponent(self, node: Node, edge: Edge) -> bool:
        """The 2 of ``r ** 2`` stands in the operation's sign and needs no item of its own."""
        source = self.snapshot.nodes[edge.source]
        second = edge.input == 1 and source.kind == ValueKind.CONSTANT
        if base_name(node.name) != "pow" or node.detail or not second:
            return False
        shown = source.data or edge.value
        if shown is None or not shown.elements or isinstance(shown.elements[0], bool):
            return False
        exponent = float(shown.elements[0])
        if symbol("pow", exponent) == symbol("pow"):
            return False
        self.exponents[node.id] = exponent
        self.hidden.add(edge.id)
        return True

    def _group_keys(self) -> dict[str, str]:
        """From the engine's key of a call to ours, which the next iteration shares."""
        keys: dict[str, str] = {}
        self.group_of: dict[str, Group] = {}
        for node in self.operations:
            for group in node.groups:
                if group.key not in keys:
                    keys[group.key] = f"[{len(keys)}]{group.label}"
                    self.group_of[group.key] = group
        return keys


class _Plan:
    """Collects items and links, those of the running iteration first."""

    def __init__(self, now: _Part) -> None:
        self.items: dict[str, Item] = {}
        self.links: dict[str, Link] = {}
        self.groups: dict[str, Group] = {}
        self.uses: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self._now = now
        self._ends: dict[tuple[str, int], Edge] = {}

    def add(self, part: _Part, expected: bool) -> None:
        for key, ours in part.groups.items():
            self.groups.setdefault(ours, part.group_of[key])
        for node in part.operations:
            self._add_operation(part, node, expected)
        for edge in part.snapshot.edges.values():
            if edge.id not in part.hidden:
                self._add_edge(part, edge, expected)
        if not expected:
            self._add_unused_leaves(part)

    def _add_operation(self, part: _Part, node: Node, expected: bool) -> None:
        key = part.key_of[node.id]
        if key in self.items:
            return
        groups = tuple(part.groups[group.key] for group in node.groups)
        sign = symbol(node.name, part.exponents.get(node.id, _number(node.detail)))
        self.items[key] = Item(key, Role.OPERATION, node, node.name, sign, groups, expected)

    def _add_edge(self, part: _Part, edge: Edge, expected: bool) -> None:
        source = part.snapshot.nodes.get(edge.source)
        if source is None or (edge.target != NOBODY and edge.target not in part.key_of):
            return
        if is_leaf(source):
            if edge.target == NOBODY or source.id not in part.first_use:
                return
            source_key = part.leaf_key(source.id, edge)
            self._add_leaf(source_key, source, expected)
        else:
            source_key = part.key_of[source.id]
        target = self._target(part, edge, source, source_key, expected)
        key = f"{source_key}.{edge.output}>{target}.{edge.input}"
        if key in self.links:
            return
        end = self._ends.get((source_key, edge.output))
        if expected and end is not None:
            # The value is there already; only its use is expected. Its open end goes.
            carried: Edge | None = end
            self.items.pop(f"{source_key}?{edge.output}", None)
            self.links.pop(f"{source_key}.{edge.output}>{source_key}?{edge.output}.0", None)
        else:
            carried = self._carried(source_key, edge.output) if expected else None
        known, expected = carried or edge, expected and carried is None
        self.links[key] = Link(key, source_key, target, edge.output, edge.input, known, expected)
        if is_leaf(source):
            self.uses[source_key].append(self.items[target].groups)

    def _carried(self, source_key: str, output: int) -> Edge | None:
        """The edge of this iteration that carries the same value to another place."""
        for link in self.links.values():
            if (link.source, link.output, link.expected) == (source_key, output, False):
                return link.edge
        return None

    def _target(
        self, part: _Part, edge: Edge, source: Node, source_key: str, expected: bool
    ) -> str:
        if edge.target != NOBODY:
            return part.key_of[edge.target]
        if source.is_loss:
            key, role = f"{source_key}!{edge.output}", Role.LOSS
        else:
            key, role = f"{source_key}?{edge.output}", Role.OPEN
        if not expected:
            self._ends[source_key, edge.output] = edge
        text = edge.name if role == Role.OPEN else (edge.name or "loss")
        self.items.setdefault(key, Item(key, role, None, text, expected=expected))
        return key

    def _add_leaf(self, key: str, node: Node, expected: bool) -> None:
        if key in self.items:
            return
        role = {ValueKind.PARAMETER: Role.PARAMETER, ValueKind.CONSTANT: Role.CONSTANT}.get(
            node.kind, Role.DATA
        )
        text = node.name or (_constant(node) if role == Role.CONSTANT else "")
        self.items[key] = Item(key, role, node, text, expected=expected)

    def _add_unused_leaves(self, part: _Part) -> None:
        """A leaf that nothing uses yet: named by itself, so that it is seen at all."""
        for node in part.snapshot.nodes.values():
            if not is_leaf(node) or node.id in part.first_use or node.kind == ValueKind.CONSTANT:
                continue
            shown = (item.text for item in self.items.values() if item.role in LEAVES)
            if node.name not in shown:
                self._add_leaf(f"<{node.name}", node, False)

    def leaf_groups(self, key: str) -> tuple[str, ...]:
        """A leaf lies inside the innermost *module* that has all its uses: a module owns its
        parameters, a function borrows what it reads."""
        uses = self.uses.get(key)
        if not uses:
            return ()
        common: list[str] = []
        for names in zip(*uses, strict=False):
            if len(set(names)) > 1:
                break
            common.append(names[0])
        while common and self.groups[common[-1]].kind != "module":
            common.pop()
        return tuple(common)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _constant(node: Node) -> str:
    """A number without a name is its own name."""
    shown = node.data.elements if node.data else None
    return format_number(shown[0], "float64") if shown else "?"


def _folded(plan: _Plan, iteration: int, folded: frozenset[str]) -> Scene:
    """Give leaves their groups, then draw every group in ``folded`` as one item."""
    items: dict[str, Item] = {}
    inside: dict[str, str] = {}
    members: dict[str, list[Item]] = defaultdict(list)
    for key, item in plan.items.items():
        groups = plan.leaf_groups(key) if item.role in LEAVES else item.groups
        if item.role == Role.DATA:
            groups = ()
        outer = next((i for i, group in enumerate(groups) if group in folded), None)
        if outer is None:
            items[key] = _with_groups(item, groups)
            continue
        inside[key] = groups[outer]
        members[groups[outer]].append(item)
        if groups[outer] not in items:
            items[groups[outer]] = _module(plan, groups[: outer + 1], ())
    for key, found in members.items():
        items[key] = _module(plan, (*items[key].groups, key), tuple(found))
    items = dict(sorted(items.items(), key=lambda item: _number_of(item[0])))
    links = dict(
        sorted(
            _folded_links(plan, inside).items(),
            key=lambda found: (_number_of(found[1].target), found[1].input, found[0]),
        )
    )
    return Scene(items, links, _frames(plan, items), iteration)


def _number_of(key: str) -> tuple[int, str]:
    """Items in the order in which their operations run, whether they have run or are expected."""
    digits = _LEADING.match(key)
    return int(digits.group(1)) if digits else -1, key


def _with_groups(item: Item, groups: tuple[str, ...]) -> Item:
    return Item(item.key, item.role, item.node, item.text, item.sign, groups, item.expected)


def _module(plan: _Plan, groups: tuple[str, ...], found: tuple[Item, ...]) -> Item:
    key = groups[-1]
    nodes = tuple(item.node for item in found if item.node is not None)
    return Item(
        key,
        Role.MODULE,
        None,
        plan.groups[key].label,
        groups=groups[:-1],
        expected=bool(found) and all(i.expected for i in found if i.role == Role.OPERATION),
        group=plan.groups[key],
        members=nodes,
        trainable=any(item.role == Role.PARAMETER for item in found),
    )


def _folded_links(plan: _Plan, inside: dict[str, str]) -> dict[str, Link]:
    links: dict[str, Link] = {}
    seen: set[tuple[str, str, int]] = set()
    for key, link in plan.links.items():
        source, target = inside.get(link.source, link.source), inside.get(link.target, link.target)
        if source == target and link.source in inside:
            continue
        if (source, target) != (link.source, link.target):
            # Several operations of a folded module may use the same value: one link says it.
            if (link.source, target, link.output) in seen:
                continue
            seen.add((link.source, target, link.output))
        links[key] = Link(key, source, target, link.output, link.input, link.edge, link.expected)
    return links


def _frames(plan: _Plan, items: dict[str, Item]) -> dict[str, Frame]:
    found: dict[str, list[str]] = {}
    parents: dict[str, str] = {}
    for key, item in items.items():
        parent = ""
        for group in item.groups:
            found.setdefault(group, []).append(key)
            parents[group] = parent
            parent = group
    return {key: Frame(key, plan.groups[key], parents[key], tuple(found[key])) for key in found}
