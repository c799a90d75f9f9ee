"""What the layout is given and what it gives: boxes, wires and groups; a placement. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

PADDING = 8.0
"""Across the flow, between a frame and its members."""
PADDING_ALONG = 12.0
HEAD = 20.0
"""Height of a frame's label."""


class Flow(StrEnum):
    RIGHT = "right"  # left to right
    DOWN = "down"  # top to bottom


@dataclass(frozen=True)
class Box:
    """``length`` along the flow; ``before`` and ``after`` its extent across it (above and below
    for ``Flow.RIGHT``, left and right for ``Flow.DOWN``). ``groups``: outermost first. ``core``:
    the length of the shape in its middle that wires lead to (0: all of it). ``lead``: what stands
    before that shape along the flow, beside the wire that leads to it."""

    key: str
    length: float
    before: float
    after: float
    groups: tuple[str, ...] = ()
    leaf: bool = False
    core: float = 0.0
    lead: float = 0.0


@dataclass(frozen=True)
class Wire:
    """From box to box, with room for what is written on it. ``port``: order among the target's
    wires. ``main``: it shall run straight into its target. ``side``: where a leaf stands beside
    its operation, in rows (negative: before)."""

    key: str
    source: str
    target: str
    length: float = 64.0
    before: float = 12.0
    after: float = 12.0
    port: int = 0
    main: bool = False
    side: float = 0.0


@dataclass(frozen=True)
class GroupBox:
    """A frame; ``label`` is the width of what is written on it."""

    key: str
    parent: str = ""
    label: float = 0.0


@dataclass(frozen=True)
class Rect:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def moved(self, dx: float, dy: float) -> Rect:
        return Rect(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def overlaps(self, other: Rect) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def contains(self, other: Rect) -> bool:
        return (
            self.left <= other.left
            and self.right >= other.right
            and self.top <= other.top
            and self.bottom >= other.bottom
        )


@dataclass(frozen=True)
class Route:
    """From ``start`` straight to ``leave``, where the source's layer ends; flat from ``flat_start``
    to ``flat_end``; straight from ``enter``, where the target begins, to ``end``. Between them it
    may bend. ``start`` and ``end`` are the centres of the shapes, ``label`` the middle of the run
    that carries the numbers. ``beside``: it runs across the flow, straight. ``fork``: it starts at
    a dot on another line. ``corners``: it runs straight from the start through these to the end."""

    start: tuple[float, float]
    leave: tuple[float, float]
    flat_start: tuple[float, float]
    flat_end: tuple[float, float]
    enter: tuple[float, float]
    end: tuple[float, float]
    label: tuple[float, float]
    beside: bool = False
    fork: bool = False
    corners: tuple[tuple[float, float], ...] = ()

    def points(self) -> list[tuple[float, float]]:
        """What it runs through, roughly."""
        if self.corners:
            return [self.start, *self.corners, self.end]
        return [self.start, self.leave, self.flat_start, self.flat_end, self.enter, self.end]

    def moved(self, dx: float, dy: float) -> Route:
        """The same elsewhere."""

        def at(point: tuple[float, float]) -> tuple[float, float]:
            return point[0] + dx, point[1] + dy

        return replace(
            self,
            start=at(self.start),
            leave=at(self.leave),
            flat_start=at(self.flat_start),
            flat_end=at(self.flat_end),
            enter=at(self.enter),
            end=at(self.end),
            label=at(self.label),
            corners=tuple(map(at, self.corners)),
        )


@dataclass(frozen=True)
class Placement:
    """Centres of boxes (on the line of the flow), routes of wires, rectangles of groups.

    ``extents``: what each box occupies, tray and caption included. ``columns``
    (length of each layer, and of the gap after it), ``ranks``, ``across`` and ``lanes`` let the
    next placement keep what is already there. ``rows``: items and links that flow to the right
    though the rest flows down."""

    flow: Flow = Flow.RIGHT
    boxes: dict[str, tuple[float, float]] = field(default_factory=dict)
    extents: dict[str, Rect] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    groups: dict[str, Rect] = field(default_factory=dict)
    bounds: Rect = Rect(0, 0, 0, 0)
    columns: tuple[tuple[float, float], ...] = ()
    ranks: dict[str, int] = field(default_factory=dict)
    across: dict[str, float] = field(default_factory=dict)
    lanes: dict[str, float] = field(default_factory=dict)
    rows: frozenset[str] = frozenset()

    def flow_at(self, key: str) -> Flow:
        """Which way it flows at an item or link."""
        return Flow.RIGHT if key in self.rows else self.flow
