"""Where a step over or out begins, and which lines, operations and nodes of backward end it.

Frames are known by their addresses, which Python gives away again: one that returns is forgotten.
Nothing of the program is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType

from gradstep.engine.sites import Sites
from gradstep.protocol.trace import Group

Chain = tuple[str, ...]
"""Keys of the calls of modules and functions around an operation, outermost first."""


def chain_of(groups: Sequence[Group]) -> Chain:
    return tuple(group.key for group in groups)


@dataclass
class Standing:
    """A place. ``frames``: the user's frames around it. ``modules``: the modules whose forward is
    running. ``depth``: how many calls (modules and functions) lie around it. ``below``: it lies in
    a library's code that the user's line called; ``library``: in a library's module. ``node``: the
    chain of the next node of backward, None elsewhere. ``in_backward``: backward is running."""

    frames: dict[int, CodeType] = field(default_factory=dict)
    inner: int = 0
    modules: Chain = ()
    depth: int = 0
    below: bool = False
    library: bool = False
    node: Chain | None = None
    in_backward: bool = False
    driven: bool = False

    def surround(self, frame: FrameType | None, sites: Sites) -> None:
        """Take note of the user's frames from ``frame`` outwards."""
        frame = sites.user_frame(frame)
        self.inner = id(frame) if frame is not None else 0
        while frame is not None:
            self.frames[id(frame)] = frame.f_code
            frame = sites.user_frame(frame.f_back)

    def has(self, frame: FrameType) -> bool:
        return self.frames.get(id(frame)) is frame.f_code

    def left(self, frame: FrameType) -> None:
        """This frame returned."""
        if self.has(frame):
            del self.frames[id(frame)]


class Over:
    """To what lies no deeper than the place."""

    def __init__(self, place: Standing) -> None:
        self._place = place
        self.left = place.left

    def at_line(self, frame: FrameType) -> bool:
        return self._place.has(frame)

    def at_operation(
        self, frame: FrameType | None, modules: Chain, direct: bool, in_backward: bool
    ) -> bool:
        """``frame`` is the user's, None outside of their code; ``direct``: it is called there, and
        not by a library."""
        place = self._place
        if in_backward and place.node is not None:
            return False  # Python code that runs inside of a node
        if modules != place.modules[: len(modules)]:
            return False
        return frame is None or (place.has(frame) and (direct or place.below))

    def at_node(self, chain: Chain) -> bool:
        """A node of backward, made by a forward operation with the calls ``chain`` around it."""
        place = self._place
        if place.node is not None:
            return len(chain) <= len(place.node)
        if place.in_backward:
            return True  # from Python code inside of a node to the next node
        return place.driven and len(chain) <= place.depth


class Out:
    """Until the innermost call around the place has returned."""

    def __init__(self, place: Standing) -> None:
        self._place = place
        self._inside = place.inner if not place.below and place.node is None else 0
        """The function to leave: there is none in a library's code, and none around a node."""
        self._returned = False

    def left(self, frame: FrameType) -> None:
        self._returned = self._returned or (id(frame) == self._inside and self._place.has(frame))
        self._place.left(frame)

    def at_line(self, frame: FrameType) -> bool:
        return self._place.has(frame) and (self._returned or not self._inside)

    def at_operation(
        self, frame: FrameType | None, modules: Chain, direct: bool, in_backward: bool
    ) -> bool:
        place = self._place
        if place.node is not None:
            return not in_backward
        if place.library:
            return place.modules[-1] not in modules
        if place.below:
            return direct and frame is not None and place.has(frame)
        return self._returned

    def at_node(self, chain: Chain) -> bool:
        place = self._place
        if place.node is not None:
            return bool(place.node) and place.node[-1] not in chain
        return self._returned or place.library
