"""Which part of the scene a canvas shows, and how large. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.gui.graph.layout.placement import Rect
from gradstep.gui.graph.sizes import DIAMETER, tokens

SMALLEST, LARGEST = 0.02, 4.0
READABLE = 0.82
"""Numbers are read with ease from this scale on."""
LEGIBLE: float = tokens()["level_of_detail"]["numbers_from_px_of_operation_diameter"] / DIAMETER
"""They are drawn, and still legible, from this scale on: a graph that fits like that is shown
whole, because half of one explains nothing."""
ROOMY = 1.25
"""A small graph is not blown up further than this by itself."""
NEARLY = 1.08  # less than this above 100 % is 100 %
MARGIN = 16.0


@dataclass
class Viewport:
    """``x``, ``y``: where the scene's origin is on the canvas, in pixels."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def to_canvas(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.x, y * self.scale + self.y

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.x) / self.scale, (y - self.y) / self.scale

    def zoom(self, factor: float, x: float, y: float) -> None:
        """Larger by ``factor``; what is at ``x``, ``y`` of the canvas stays there."""
        scale = min(max(self.scale * factor, SMALLEST), LARGEST)
        a, b = self.to_scene(x, y)
        self.scale = scale
        self.x, self.y = x - a * scale, y - b * scale

    def centre(self, x: float, y: float, width: float, height: float) -> None:
        """Bring ``x``, ``y`` of the scene into the middle."""
        self.x, self.y = width / 2 - x * self.scale, height / 2 - y * self.scale

    def moved_to(self, rect: Rect, width: float, height: float) -> Viewport:
        """Moved as little as it takes to see ``rect``; into the middle if it is far away."""
        x, far = _nearest(self.x, rect.left * self.scale, rect.right * self.scale, width)
        y, deep = _nearest(self.y, rect.top * self.scale, rect.bottom * self.scale, height)
        if max(far, deep) > 1.0:
            moved = Viewport(self.scale)
            moved.centre((rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2, width, height)
            return moved
        return Viewport(self.scale, x, y)

    def seen(self, rect: Rect, width: float, height: float, margin: float = 0.0) -> bool:
        """Whether all of ``rect`` (of the scene) is inside a canvas of this size."""
        left, top = self.to_canvas(rect.left, rect.top)
        right, bottom = self.to_canvas(rect.right, rect.bottom)
        return (
            left >= margin
            and top >= margin
            and right <= width - margin
            and bottom <= height - margin
        )


def fitting(bounds: Rect, width: float, height: float, largest: float = LARGEST) -> Viewport:
    """All of ``bounds``, in the middle, as large as it goes up to ``largest``."""
    scale = min(
        (width - 2 * MARGIN) / max(bounds.width, 1.0),
        (height - 2 * MARGIN) / max(bounds.height, 1.0),
        largest,
    )
    view = Viewport(min(max(scale, SMALLEST), LARGEST))
    view.centre((bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2, width, height)
    return view


def opening(
    bounds: Rect, width: float, height: float, focus: tuple[float, float] | None, growing: bool
) -> Viewport:
    """What to show first: everything if its numbers are legible then, else the part around
    ``focus``. A graph that is still ``growing`` begins at the left (or the top)."""
    whole = fitting(bounds, width, height, ROOMY)
    if growing or 1.0 < whole.scale < NEARLY:
        whole.scale = min(whole.scale, 1.0)
    if whole.scale >= LEGIBLE:
        whole.centre(
            (bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2, width, height
        )
        if growing and bounds.width >= bounds.height:
            whole.x = MARGIN - bounds.left * whole.scale
        elif growing:
            whole.y = MARGIN - bounds.top * whole.scale
        return whole
    view = Viewport(max(whole.scale, READABLE))
    start = (bounds.left, (bounds.top + bounds.bottom) / 2)
    if bounds.height > bounds.width:
        start = ((bounds.left + bounds.right) / 2, bounds.top)
    at = focus or start
    view.centre(*at, width, height)
    view.x = _within(view.x, bounds.left * view.scale, bounds.right * view.scale, width)
    view.y = _within(view.y, bounds.top * view.scale, bounds.bottom * view.scale, height)
    return view


def _nearest(offset: float, low: float, high: float, room: float) -> tuple[float, float]:
    """The offset nearest to ``offset`` that shows ``low`` to ``high``, and how far it is off, in
    shares of half the room."""
    if high - low > room - 2 * MARGIN:
        moved = (room - low - high) / 2
    else:
        moved = min(max(offset, MARGIN - low), room - MARGIN - high)
    return moved, abs(moved - offset) / (room / 2)


def _within(offset: float, low: float, high: float, room: float) -> float:
    """``offset`` so that no more empty margin than necessary is seen."""
    if high - low <= room - 2 * MARGIN:
        return (room - low - high) / 2
    return max(min(offset, MARGIN - low), room - MARGIN - high)
