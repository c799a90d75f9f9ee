"""What is special about an operation, told by a small sign at its rim. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gradstep.gui.graph.moment import is_freed
from gradstep.gui.graph.scene import Item, Link, Role
from gradstep.gui.graph.symbols import base_name

ELEMENTWISE = frozenset(
    {
        *("add", "sub", "subtract", "mul", "multiply", "div", "true_divide", "divide", "pow"),
        *("__add__", "__radd__", "__iadd__", "__sub__", "__rsub__", "__isub__", "rsub"),
        *("__mul__", "__rmul__", "__imul__", "__truediv__", "__rtruediv__", "__pow__"),
        *("maximum", "minimum", "where", "lerp", "addcmul", "addcdiv", "atan2", "masked_fill"),
        *("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "remainder", "fmod"),
    }
)
"""Operations whose inputs are broadcast to one shape (PyTorch's documentation of each says so)."""


class Mark(StrEnum):
    IN_PLACE = "in place"
    VIEW = "view"
    BROADCAST = "broadcast"
    DETACHED = "detached"
    NO_GRAD = "no_grad"
    FREED = "freed"  # drawn as a hatched, dashed node


def marks(item: Item, inputs: Iterable[Link]) -> tuple[Mark, ...]:
    """Of an operation; nothing for anything else."""
    node = item.node
    if item.role != Role.OPERATION or node is None:
        return ()
    found = []
    if node.in_place:
        found.append(Mark.IN_PLACE)
    if base_name(node.name) in ("detach", "data"):
        found.append(Mark.DETACHED)
    elif node.is_view:
        found.append(Mark.VIEW)
    if broadcast(item, inputs):
        found.append(Mark.BROADCAST)
    if node.no_grad:
        found.append(Mark.NO_GRAD)
    if is_freed(item):
        found.append(Mark.FREED)
    return tuple(found)


def broadcast(item: Item, inputs: Iterable[Link]) -> list[Link]:
    """The inputs that are repeated to the shape of the result."""
    node = item.node
    if node is None or node.tensor is None or base_name(node.name) not in ELEMENTWISE:
        return []
    shape = node.tensor.shape
    return [
        link for link in inputs if link.edge.tensor is not None and link.edge.tensor.shape != shape
    ]
