"""What is to be drawn: the model's nodes and edges as items and links, before they have a place.

Keys do not come from the engine's ids but from the order of operations, so that the same step of
the next iteration has the same key, and with it the same place. No Qt here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gradstep.protocol.trace import Edge, Group, Node


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
    ``expected``: it has not run; the iteration before had it here. ``count``: of modules that are
    alike and stand here as one. ``aten``: what an operation is made of, if that is shown."""

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
    count: int = 1
    aten: tuple[str, ...] = ()


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
    """``paths``: by node, the groups around it before any was folded. ``series``: by group or
    stack, the series that it belongs to. ``overview``: groups are folded unless they are opened."""

    items: dict[str, Item] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    iteration: int = 0
    paths: dict[int, tuple[str, ...]] = field(default_factory=dict)
    series: dict[str, str] = field(default_factory=dict)
    overview: bool = False

    def __bool__(self) -> bool:
        return bool(self.items)
