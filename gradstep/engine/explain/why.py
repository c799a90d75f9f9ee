"""Why a gradient is None, zero, huge or tiny: the recorded graph, walked from the value to the
loss, and the first place on it that explains it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.capture.calls import has_no_gradient
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import EdgeRecord, NodeRecord
from gradstep.engine.explain.gradients import brought
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.torch_internals import is_leaf
from gradstep.engine.values.reading import problem_of
from gradstep.protocol.why import Because, Hop, Why

HUGE, TINY = 1e2, 1e-4
"""A gradient is called so when its norm is so many times that of the gradient at the loss."""
_CUTS = frozenset({"detach", "detach_", "data"})


@dataclass(frozen=True)
class Value:
    """What is asked about: a leaf, or a result of the graph. ``node`` is None off the graph."""

    ref: str
    name: str
    tensor: Tensor | None
    node: NodeRecord | None
    output: int = 0

    @property
    def edges(self) -> list[EdgeRecord]:
        """Its uses."""
        found = self.node.outputs.get(self.output, []) if self.node is not None else []
        return [edge for edge in found if edge.target is not None]


def why(recorder: Recorder, value: Value) -> Why:
    """Call it unobserved."""
    grad, norm = _gradient(recorder, value)
    answer = _Answer(recorder, value, norm)
    if grad is None:
        return answer.none()
    if norm == 0:
        return answer.zero()
    return answer.size()


def _gradient(recorder: Recorder, value: Value) -> tuple[Tensor | None, float | None]:
    tensor, node = value.tensor, value.node
    if tensor is not None and is_leaf(tensor):
        grad = tensor.grad if tensor.requires_grad else None
    else:
        key = f"#{node.id}:{value.output}:grad" if node is not None else ""
        grad = recorder.store.get(key)
    return grad, _norm(grad)


def _norm(grad: Tensor | None) -> float | None:
    if grad is None or problem_of(grad):
        return None
    between_pieces()
    wide = grad.detach().to(torch.complex128 if grad.is_complex() else torch.float64)
    return float(torch.linalg.vector_norm(wide))


class _Answer:
    def __init__(self, recorder: Recorder, value: Value, norm: float | None) -> None:
        self._recorder, self._value, self._whole = recorder, value, norm

    def _say(
        self,
        subject: str,
        because: Because,
        hops: list[Hop] | None = None,
        at: int | None = None,
        node: NodeRecord | None = None,
    ) -> Why:
        hop = hops[at] if hops and at is not None else None
        place = node.place if node is not None else hop.place if hop else None
        return Why(
            ref=self._value.ref,
            name=self._value.name,
            subject=subject,
            because=because,
            norm=self._whole,
            hops=tuple(hops or ()),
            at=at,
            operation=node.name if node is not None else hop.operation if hop else "",
            place=place,
        )

    # ------------------------------------------------------------------ None

    def none(self) -> Why:
        value, tensor = self._value, self._value.tensor
        if tensor is not None and not tensor.requires_grad:
            if not (tensor.is_floating_point() or tensor.is_complex()):
                return self._say("none", Because.INTEGER)
            frozen = isinstance(tensor, torch.nn.Parameter)
            return self._say("none", Because.FROZEN if frozen else Because.NOT_REQUIRED)
        if tensor is not None and not is_leaf(tensor) and value.node is None:
            return self._say("none", Because.NOT_A_LEAF)
        if not self._recorder.roots:
            return self._say("none", Because.NO_BACKWARD)
        roots = {root.id for root in self._recorder.roots}
        if value.node is None or not self._reaches(value.node, roots, lambda edge: True):
            return self._say("none", Because.NOT_USED)
        if not self._reaches(value.node, roots, lambda edge: edge.requires_grad):
            cut = self._cut(value.node, roots)
            return self._say("none", _why_cut(cut), node=cut)
        if brought(self._recorder, value.node) is not None:
            return self._say("none", Because.CLEARED)
        return self._say("none", Because.NOT_YET)

    def _reaches(
        self, start: NodeRecord, roots: set[int], passes: Callable[[EdgeRecord], bool]
    ) -> bool:
        seen, stack = {start.id}, [start]
        while stack:
            node = stack.pop()
            if node.id in roots:
                return True
            for edge in _uses(node):
                if passes(edge) and edge.target is not None and edge.target.id not in seen:
                    seen.add(edge.target.id)
                    stack.append(edge.target)
        return False

    def _cut(self, start: NodeRecord, roots: set[int]) -> NodeRecord | None:
        """The first operation on the way to the loss from which no gradient returns."""
        seen, queue = {start.id}, [start]
        while queue:
            node = queue.pop(0)
            for edge in _uses(node):
                target = edge.target
                if target is None or target.id in seen:
                    continue
                seen.add(target.id)
                if not self._reaches(target, roots, lambda e: True):
                    continue
                if not any(e.requires_grad for es in target.outputs.values() for e in es):
                    return target
                queue.append(target)
        return None

    # ------------------------------------------------------------------ zero

    def zero(self) -> Why:
        node = self._value.node
        if node is None or not self._recorder.roots:
            return self._say("zero", Because.ZEROED if self._is_leaf else Because.UNKNOWN)
        total = brought(self._recorder, node) if self._is_leaf else None
        if self._is_leaf and (_norm(total) or total is None):
            return self._say("zero", Because.ZEROED if total is not None else Because.UNKNOWN)
        hops = self._hops()
        if any(self._edge_norm(edge) for edge in self._value.edges):
            return self._say("zero", Because.CANCELLED, hops)
        if not hops:
            return self._say("zero", Because.UNKNOWN)
        if hops[0].upstream == 0:
            return self._say("zero", Because.LOSS_CONSTANT, hops)
        at = next((i for i, hop in enumerate(hops) if hop.upstream and hop.downstream == 0), None)
        return self._say("zero", Because.LOST if at is not None else Because.UNKNOWN, hops, at)

    # ------------------------------------------------------------------ large and small

    def size(self) -> Why:
        hops, norm = self._hops(), self._whole
        if not hops or norm is None:
            return self._say("ordinary", Because.ORDINARY if hops else Because.UNKNOWN)
        first = hops[0].upstream or 1.0
        subject = "ordinary"
        if norm > HUGE * first:
            subject = "huge"
        elif norm < TINY * first:
            subject = "tiny"
        if self._is_leaf and subject != "tiny" and self._added_up(norm):
            return self._say("huge" if subject == "huge" else subject, Because.ADDED_UP, hops)
        if subject == "ordinary":
            return self._say(subject, Because.ORDINARY, hops)
        growth = [_growth(hop) for hop in hops]
        pick = max if subject == "huge" else min
        at = growth.index(pick(growth))
        return self._say(subject, Because.GREW if subject == "huge" else Because.SHRANK, hops, at)

    def _added_up(self, norm: float) -> bool:
        assert self._value.node is not None
        added = _norm(brought(self._recorder, self._value.node))
        return added is not None and norm > 2 * added

    # ------------------------------------------------------------------ the way

    @property
    def _is_leaf(self) -> bool:
        node = self._value.node
        return node is not None and node.leaf is not None

    def _edge_norm(self, edge: EdgeRecord) -> float | None:
        return _norm(self._recorder.store.get(f"edge:{edge.id}"))

    def _hops(self) -> list[Hop]:
        """From the loss to the value, at each fork along the edge with the larger gradient."""
        roots = {root.id for root in self._recorder.roots}
        hops: list[Hop] = []
        uses, seen = self._value.edges, set()
        while uses:
            edge = max(uses, key=self._weight)
            node = edge.target
            if node is None or node.id in seen:
                break
            seen.add(node.id)
            arrived = self._recorder.store.get(f"#{node.id}:0:grad")
            upstream = _norm(arrived)
            hops.append(
                Hop(node.name, node.id, edge.id, node.place, upstream, self._edge_norm(edge))
            )
            if node.id in roots:
                break
            uses = [e for e in _uses(node) if e.requires_grad]
        return hops[::-1]

    def _weight(self, edge: EdgeRecord) -> float:
        norm = self._edge_norm(edge)
        return -1.0 if norm is None else (math.inf if math.isnan(norm) else norm)


def _uses(node: NodeRecord) -> list[EdgeRecord]:
    return [e for edges in node.outputs.values() for e in edges if e.target is not None]


def _growth(hop: Hop) -> float:
    if not hop.upstream or hop.downstream is None:
        return 1.0
    return hop.downstream / hop.upstream


def _why_cut(node: NodeRecord | None) -> Because:
    if node is None:
        return Because.UNKNOWN
    if node.name in _CUTS:
        return Because.DETACHED
    integer = node.tensor is not None and not node.tensor.dtype.startswith(
        ("float", "bfloat", "complex")
    )
    if integer or has_no_gradient(node.name):
        return Because.UNDIFFERENTIABLE
    return Because.NO_GRAD
