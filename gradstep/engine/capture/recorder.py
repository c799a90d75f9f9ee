"""The graph of the current iteration, as it comes into being.

Nodes are calls as the user wrote them, and the leaves that feed them. Nothing here keeps a tensor
of the program alive: tensors are known by weak references, values by copies (``store``).
"""

from __future__ import annotations

import bisect
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import Tensor, nn

from gradstep.engine.capture.arguments import kept
from gradstep.engine.capture.callers import Callers
from gradstep.engine.capture.calls import is_in_place, tensors_in
from gradstep.engine.capture.chance import autocast_of, chance_of
from gradstep.engine.capture.records import EdgeRecord, NodeRecord, leading_to, wire_edge, wire_node
from gradstep.engine.capture.store import Store
from gradstep.engine.explain.before import Before
from gradstep.engine.sites import Sites
from gradstep.engine.torch_internals import heads_of, is_leaf, unobserved
from gradstep.engine.values.reading import describe, preview
from gradstep.protocol.trace import Graph, Group, NodeState, Place
from gradstep.protocol.values import Preview, ValueKind

# Operations whose plain-number argument is drawn as a value of its own; elsewhere a number
# (an axis, an exponent) belongs to the operation.
_NUMBER_IS_INPUT = frozenset({"mul", "add", "sub", "div", "rsub", "rdiv", "true_divide"})


class _TensorRef(weakref.ref):  # type: ignore[type-arg]
    __slots__ = ("key",)
    key: int


@dataclass(slots=True)
class Known:
    """Where a living tensor came from."""

    ref: _TensorRef
    node: NodeRecord
    output: int


class Recorder:
    """``watching``: somebody will look, so values are previewed and copied as they appear."""

    def __init__(self, sites: Sites, callers: Callers, store: Store) -> None:
        self._sites, self._callers, self.store = sites, callers, store
        self.watching = True
        self.differentiated = False
        """A backward of this iteration made a graph of its own (``create_graph``)."""
        self.iteration = 0
        self.revision = 0
        self._reset_revision = 0
        self._next = self._began = 1
        self._known: dict[int, Known] = {}
        self.nodes: dict[int, NodeRecord] = {}
        self.edges: dict[int, EdgeRecord] = {}
        self._firsts: list[int] = []
        self._spans: list[NodeRecord] = []
        self.roots: list[NodeRecord] = []
        """What the last backward of this iteration began from."""
        self.before = Before(store)

    # ------------------------------------------------------------------ forward

    def begin(self, iteration: int, *, carry: bool = False) -> None:
        """A new iteration: an empty graph. ``carry``: what the last iteration made and has not yet
        sent back goes on (a generator's samples, of which the discriminator's step was first)."""
        self.iteration, self.differentiated = iteration, False
        waiting = [k.node for k in self._waiting() if k.node.id >= self._began] if carry else []
        self._began = self._next
        self.roots = []
        if waiting:
            keep = leading_to(waiting)
            self._known = {key: k for key, k in self._known.items() if k.node.id in keep}
            self._keep_only(keep)
            self.store.clear()
            return
        self._known.clear()
        for node in self.nodes.values():  # nodes and edges hold each other: leave no cycles
            node.inputs.clear()
            node.outputs.clear()
        self.nodes.clear()
        self.edges.clear()
        self._firsts.clear()
        self._spans.clear()
        self.store.clear()  # now that nobody can ask any more for most of what was kept
        self._reset_revision = self.revision = self.revision + 1

    def enter(
        self,
        name: str,
        function: Any,
        args: Any,
        kwargs: Any,
        tensors: list[Tensor],
        frame: FrameType | None,
        place: Place | None,
    ) -> NodeRecord:
        """A call is about to be executed; its inputs become edges."""
        groups = self._callers.groups(frame) if self.watching else ()
        node = self._node(ValueKind.RESULT, name, groups)
        node.place = place
        if self.watching:
            node.detail = _detail(name, args)
            node.function, node.arguments = function, kept(args, kwargs)
            node.chance, node.autocast = chance_of(name, tensors), autocast_of(tensors)
        for i, tensor in enumerate(tensors):
            self._connect(tensor, node, i, frame)
        if self.watching and name.rstrip("_") in _NUMBER_IS_INPUT:
            self._connect_numbers(args, node, frame)
        return node

    def leave(self, node: NodeRecord, result: Any, first: int, last: int, name: str) -> None:
        """The call returned: its results are known, and the autograd numbers it made."""
        node.state, node.first, node.last = NodeState.DONE, first, last
        node.result_name = name
        outputs = [result] if isinstance(result, Tensor) else tensors_in((result,))
        node.in_place = is_in_place(node.name)
        if len(outputs) > 1 and self.watching:
            node.heads = heads_of(outputs)
        for index, tensor in enumerate(outputs):
            if self.watching:
                node.is_view = node.is_view or bool(tensor._is_view())
            self._remember(tensor, node, index)
            edge = self._edge(node, index, None, -1)
            edge.requires_grad = tensor.requires_grad
            edge.name = name if len(outputs) == 1 else (f"{name}[{index}]" if name else "")
            if self.watching:
                edge.tensor = described = describe(tensor)
                edge.value = self.store.told(f"#{node.id}:{index}", tensor)
                node.tensor = node.tensor or described
        if last > first:
            self._span(node)
        self._touch(node)

    def _span(self, node: NodeRecord) -> None:
        """Keep the numbers in order. A custom function's forward may have built a graph of its own
        meanwhile: those numbers are the inner calls'."""
        at = bisect.bisect_left(self._firsts, node.first)
        if at < len(self._firsts):
            node.last = min(node.last, self._firsts[at])
        if node.last > node.first:
            self._firsts.insert(at, node.first)
            self._spans.insert(at, node)

    def prune(self, roots: list[NodeRecord]) -> set[int]:
        """Backward starts at ``roots``. What leads neither there nor to a loss that waits for a
        backward of its own belongs to something else. Returns what leads to ``roots``."""
        reached = leading_to(roots)
        if not reached:
            return set(self.nodes)
        keep = reached | leading_to([k.node for k in self._waiting(scalars=True)])
        if len(keep) != len(self.nodes):
            self._keep_only(keep)
        return reached

    def _keep_only(self, keep: set[int]) -> None:
        self.nodes = {i: n for i, n in self.nodes.items() if i in keep}
        self.edges = {
            i: e
            for i, e in self.edges.items()
            if e.source.id in keep and (e.target is None or e.target.id in keep)
        }
        kept = [(f, n) for f, n in zip(self._firsts, self._spans, strict=True) if n.id in keep]
        self._firsts, self._spans = [f for f, _ in kept], [n for _, n in kept]
        for node in self.nodes.values():
            for output, edges in node.outputs.items():
                node.outputs[output] = [e for e in edges if e.id in self.edges]
        self.touch_all(self.nodes.values())
        self.touch_all(self.edges.values())
        self._reset_revision = self.revision - 1

    def owners(self, reached: set[int]) -> list[nn.Module]:
        """The models whose parameters are among the leaves ``reached``."""
        found: dict[int, nn.Module] = {}
        for node in self.leaves():
            leaf = node.leaf() if node.leaf is not None and node.id in reached else None
            owner = self._callers.owner(leaf) if leaf is not None else None
            if owner is not None:
                found[id(owner)] = owner
        return list(found.values())

    def waiting(self) -> set[int]:
        """Calls whose living results may still be sent back."""
        return {known.node.id for known in self._waiting()}

    def _waiting(self, *, scalars: bool = False) -> list[Known]:
        with unobserved():
            return [
                known
                for known in self._known.values()
                if known.node.leaf is None
                and known.node.saved != "freed"
                and (tensor := known.ref()) is not None
                and tensor.requires_grad
                and not (scalars and (tensor.is_nested or tensor.numel() != 1))
            ]

    # ------------------------------------------------------------------ look-ups

    def source_of(self, tensor: Tensor) -> NodeRecord | None:
        known = self._known.get(id(tensor))
        return known.node if known is not None and known.ref() is tensor else None

    def place_of(self, tensor: Tensor) -> tuple[NodeRecord, int] | None:
        """Of a living tensor: the node that made it (or a leaf), and which of its results it is."""
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor or known.node.id not in self.nodes:
            return None
        return known.node, known.output

    def node_of_number(self, number: int) -> NodeRecord | None:
        """The call that made the autograd node with this sequence number."""
        index = bisect.bisect_right(self._firsts, number) - 1
        if index < 0:
            return None
        node = self._spans[index]
        return node if node.first <= number < node.last else None

    def neighbours(self, number: int) -> list[NodeRecord]:
        """The calls that made autograd nodes just before and just after this number."""
        index = bisect.bisect_right(self._firsts, number)
        return self._spans[max(0, index - 1) : index + 1]

    def leaf_of(self, variable: Tensor) -> NodeRecord | None:
        node = self.source_of(variable)
        return node if node is not None and node.leaf is not None else None

    def leaves(self) -> list[NodeRecord]:
        return [node for node in self.nodes.values() if node.leaf is not None]

    def find(self, ref: str) -> tuple[NodeRecord, int] | None:
        """The node and output that ``#node:output`` names."""
        head, _, tail = ref.removeprefix("#").partition(":")
        if not head.isdigit() or not (tail or "0").isdigit():
            return None
        node = self.nodes.get(int(head))
        return None if node is None else (node, int(tail or 0))

    def known(self) -> list[Known]:
        """The tensors of the program of which it is known where they came from, newest first."""
        return list(reversed(self._known.values()))

    def live_tensor(self, node: NodeRecord, output: int) -> Tensor | None:
        """The program's own tensor, if it still is the one that ``node`` made."""
        for known in self._known.values():
            if known.node is node and known.output == output:
                tensor: Tensor | None = known.ref()
                return tensor
        return node.leaf() if node.leaf is not None else None

    # ------------------------------------------------------------------ changes

    def touch(self, record: NodeRecord | EdgeRecord) -> None:
        self._touch(record)

    def touch_all(self, records: Iterable[NodeRecord | EdgeRecord]) -> None:
        """One revision for all of them."""
        self.revision += 1
        for record in records:
            record.revision = self.revision

    def set_gradient(self, edge: EdgeRecord, gradient: Tensor) -> None:
        """What backward sends along ``edge``; a second backward replaces it."""
        if self.watching:
            edge.grad = self.store.told(f"edge:{edge.id}", gradient)
        else:
            edge.grad = Preview()
        self._touch(edge)

    def graph(self, since: int, note: str = "") -> Graph:
        """For the wire: what changed after revision ``since``."""
        reset = since < self._reset_revision
        after = 0 if reset else since
        return Graph(
            iteration=self.iteration,
            revision=self.revision,
            reset=reset,
            nodes=tuple(wire_node(n) for n in self.nodes.values() if n.revision > after),
            edges=tuple(wire_edge(e) for e in self.edges.values() if e.revision > after),
            note=note,
        )

    # ------------------------------------------------------------------ inside

    def _touch(self, record: NodeRecord | EdgeRecord) -> None:
        self.revision += 1
        record.revision = self.revision

    def _node(self, kind: ValueKind, name: str, groups: tuple[Group, ...] = ()) -> NodeRecord:
        node = NodeRecord(self._next, kind, name, self._next, self.revision + 1, groups=groups)
        self.revision += 1
        self._next += 1
        self.nodes[node.id] = node
        return node

    def _edge(
        self, source: NodeRecord, output: int, target: NodeRecord | None, index: int
    ) -> EdgeRecord:
        edge = EdgeRecord(self._next, self.revision + 1, source, output, target, index)
        self.revision += 1
        self._next += 1
        self.edges[edge.id] = edge
        source.outputs.setdefault(output, []).append(edge)
        if target is not None:
            target.inputs.append(edge)
        return edge

    def _remember(self, tensor: Tensor, node: NodeRecord, output: int) -> None:
        ref = _TensorRef(tensor, self._forget)
        ref.key = id(tensor)
        self._known[id(tensor)] = Known(ref, node, output)

    def _forget(self, ref: _TensorRef) -> None:
        known = self._known.get(ref.key)
        if known is not None and known.ref is ref:
            del self._known[ref.key]

    def _connect(
        self, tensor: Tensor, node: NodeRecord, index: int, frame: FrameType | None
    ) -> None:
        known = self._known.get(id(tensor))
        if known is None or known.ref() is not tensor or known.node.id not in self.nodes:
            self._leaf(tensor, frame)
            known = self._known[id(tensor)]
        waiting = known.node.outputs.get(known.output, [])
        template = waiting[0] if waiting else None
        if self.watching and template is not None and not template.name:
            template.name = self._sites.name_of_argument(frame, tensor)
        if template is not None and template.target is None:
            edge = template  # the result that nobody had used
            edge.target, edge.input = node, index
            node.inputs.append(edge)
            self._touch(edge)
            return
        edge = self._edge(known.node, known.output, node, index)
        edge.requires_grad = tensor.requires_grad
        if template is not None:
            edge.name, edge.tensor, edge.value = template.name, template.tensor, template.value
        elif self.watching:
            edge.name, edge.tensor = known.node.name, known.node.tensor
            edge.value = known.node.data

    def _connect_numbers(self, args: Any, node: NodeRecord, frame: FrameType | None) -> None:
        for index, number in enumerate(args):
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                name = self._sites.name_of_argument(frame, number)
                source = self._node(ValueKind.CONSTANT, name, node.groups)
                source.state, source.data = NodeState.DONE, Preview(elements=(number,))
                edge = self._edge(source, 0, node, index)
                edge.name, edge.value = name, source.data

    def _leaf(self, tensor: Tensor, frame: FrameType | None) -> NodeRecord:
        name, kind = self._callers.parameter_name(tensor)
        if tensor.requires_grad and is_leaf(tensor):
            role = ValueKind.PARAMETER
        else:
            role = ValueKind.BUFFER if kind == "buffer" else ValueKind.DATA
        if not name and self.watching:
            name = self._name_of_leaf(tensor, frame)
        node = self._node(role, name)
        node.state = NodeState.DONE
        node.leaf = weakref.ref(tensor)
        self._remember(tensor, node, 0)
        if self.watching:
            node.tensor = describe(tensor)
            if role is ValueKind.PARAMETER:
                node.data = preview(tensor)
            else:
                node.data = self.store.told(f"#{node.id}:0", tensor)
        return node

    def _name_of_leaf(self, tensor: Tensor, frame: FrameType | None) -> str:
        if path := self._callers.path_of(tensor, frame):
            return path
        frame = self._sites.naming_frame(frame)
        while frame is not None:
            name = self._sites.name_of_argument(frame, tensor)
            if name:
                return name
            for scope in (frame.f_locals, frame.f_globals):
                for name, value in scope.items():
                    if value is tensor and not name.startswith("_"):
                        return str(name)
            frame = self._sites.naming_frame(frame.f_back)
        return ""


def _detail(name: str, args: Any) -> str:
    if name.rstrip("_") in ("pow", "rpow") and len(args) > 1 and isinstance(args[1], (int, float)):
        return f"{args[1]:g}"
    return ""
