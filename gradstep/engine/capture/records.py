"""One node and one edge of the graph while it comes into being, and their form for the wire."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Arguments
from gradstep.engine.capture.chance import Chance
from gradstep.protocol.trace import Edge, Group, Node, NodeState, Place
from gradstep.protocol.values import Preview, TensorInfo, ValueKind


@dataclass(slots=True, eq=False)
class NodeRecord:
    id: int
    kind: ValueKind
    name: str
    order: int
    revision: int
    state: NodeState = NodeState.RUNNING
    groups: tuple[Group, ...] = ()
    place: Place | None = None
    result_name: str = ""
    tensor: TensorInfo | None = None
    leaf: weakref.ref[Tensor] | None = None
    data: Preview | None = None
    grad: Preview | None = None
    grad_note: str = ""
    current: Preview | None = None
    first: int = 0  # autograd numbers [first, last) were made by this call
    last: int = 0
    # Of a call with several results: which of them each of its autograd nodes made, by the node's
    # number: pairs of the node's and the call's count.
    heads: dict[int, list[tuple[int, int]]] | None = None
    backward: list[str] = field(default_factory=list)
    backward_done: int = 0
    arrived: bool = False  # the present backward has come to its results
    saved: str = ""
    in_place: bool = False
    is_view: bool = False
    is_loss: bool = False
    aten: list[Any] = field(default_factory=list)
    detail: str = ""
    # What was called, with what besides tensors, and under which circumstances.
    function: Any = None
    arguments: Arguments | None = None
    chance: Chance | None = None
    autocast: tuple[str, torch.dtype] | None = None
    inputs: list[EdgeRecord] = field(default_factory=list)
    outputs: dict[int, list[EdgeRecord]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class EdgeRecord:
    id: int
    revision: int
    source: NodeRecord
    output: int
    target: NodeRecord | None
    input: int
    name: str = ""
    tensor: TensorInfo | None = None
    value: Preview | None = None
    grad: Preview | None = None
    requires_grad: bool = False


def node_id(node: NodeRecord | None) -> int | None:
    return node.id if node is not None else None


def calls_around(node: NodeRecord | None) -> tuple[Group, ...]:
    """The calls that made an operation, outermost first; for a leaf those that all its uses have
    in common."""
    if node is None or node.leaf is None:
        return node.groups if node is not None else ()
    uses = [e.target for es in node.outputs.values() for e in es if e.target is not None]
    return in_common(uses)


def in_common(nodes: list[NodeRecord]) -> tuple[Group, ...]:
    """The calls around all of these operations, outermost first."""
    common: list[Group] = []
    for groups in zip(*(node.groups for node in nodes), strict=False):
        if any(group.key != groups[0].key for group in groups):
            break
        common.append(groups[0])
    return tuple(common)


def leading_to(roots: list[NodeRecord]) -> set[int]:
    """The ids of these nodes and of all that went into them."""
    found: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.id not in found:
            found.add(node.id)
            stack.extend(edge.source for edge in node.inputs)
    return found


def wire_node(n: NodeRecord) -> Node:
    return Node(
        id=n.id,
        revision=n.revision,
        kind=n.kind,
        name=n.name,
        order=n.order,
        state=n.state,
        groups=n.groups,
        place=n.place,
        tensor=n.tensor,
        backward=tuple(n.backward),
        backward_done=n.backward_done,
        saved=n.saved,
        in_place=n.in_place,
        is_view=n.is_view,
        is_loss=n.is_loss,
        data=n.data,
        grad=n.grad,
        grad_note=n.grad_note,
        current=n.current,
        aten=tuple(function.name() for function in n.aten),
        detail=n.detail,
    )


def wire_edge(e: EdgeRecord) -> Edge:
    return Edge(
        id=e.id,
        revision=e.revision,
        source=e.source.id,
        output=e.output,
        target=e.target.id if e.target is not None else -1,
        input=e.input,
        name=e.name,
        tensor=e.tensor,
        value=e.value,
        grad=e.grad,
        requires_grad=e.requires_grad,
    )
