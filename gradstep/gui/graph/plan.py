"""Items and links of an iteration with all their groups, before any is folded. No Qt here."""

from __future__ import annotations

import re
from collections import defaultdict

from gradstep.gui.graph.model import NOBODY, GraphModel, Snapshot, is_leaf
from gradstep.gui.graph.scene import LEAVES, Item, Link, Role
from gradstep.gui.graph.symbols import base_name, symbol
from gradstep.gui.numbers import format_number
from gradstep.protocol.trace import Edge, Group, Node
from gradstep.protocol.values import ValueKind

SPLIT_USES = 4
"""A leaf with more uses than this is drawn once per use: a weight that fifty steps of a loop share
would otherwise send edges across the whole picture."""


_LEADING = re.compile(r"\[?(\d+)")


def planned(model: GraphModel) -> Plan:
    """What ran of this iteration, and what is expected as the last time."""
    now = Part(model.now)
    plan = Plan(now)
    plan.add(now, expected=False)
    expected = model.expected()
    if expected is not None:
        plan.add(Part(expected), expected=True)
    return plan


class Part:
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


class Plan:
    """Collects items and links, those of the running iteration first."""

    def __init__(self, now: Part) -> None:
        self.items: dict[str, Item] = {}
        self.links: dict[str, Link] = {}
        self.groups: dict[str, Group] = {}
        self.uses: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        self.users: dict[str, list[str]] = defaultdict(list)
        """Of a leaf, the operations that use it, the first one first."""
        self._values: dict[tuple[str, int], Edge] = {}
        self._now = now
        self._ends: dict[tuple[str, int], Edge] = {}

    def add(self, part: Part, expected: bool) -> None:
        for key, ours in part.groups.items():
            self.groups.setdefault(ours, part.group_of[key])
        for node in part.operations:
            self._add_operation(part, node, expected)
        for edge in part.snapshot.edges.values():
            if edge.id not in part.hidden:
                self._add_edge(part, edge, expected)
        if not expected:
            self._add_unused_leaves(part)

    def _add_operation(self, part: Part, node: Node, expected: bool) -> None:
        key = part.key_of[node.id]
        if key in self.items:
            return
        groups = tuple(part.groups[group.key] for group in node.groups)
        sign = symbol(node.name, part.exponents.get(node.id, _number(node.detail)))
        self.items[key] = Item(key, Role.OPERATION, node, node.name, sign, groups, expected)

    def _add_edge(self, part: Part, edge: Edge, expected: bool) -> None:
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
            # Perhaps an edge of this iteration carries the same value to another place.
            carried = self._values.get((source_key, edge.output)) if expected else None
        known, expected = carried or edge, expected and carried is None
        self.links[key] = Link(key, source_key, target, edge.output, edge.input, known, expected)
        if not expected:
            self._values.setdefault((source_key, edge.output), known)
        if is_leaf(source):
            self.uses[source_key].append(self.items[target].groups)
            self.users[source_key].append(target)

    def order(self, key: str) -> tuple[int, str]:
        """Items in the order in which their operations run, whether they have run or are
        expected."""
        digits = _LEADING.match(key)
        return int(digits.group(1)) if digits else -1, key

    def _target(self, part: Part, edge: Edge, source: Node, source_key: str, expected: bool) -> str:
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

    def _add_unused_leaves(self, part: Part) -> None:
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
