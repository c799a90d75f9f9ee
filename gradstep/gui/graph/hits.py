"""What is under the pointer, and where the arrow keys lead."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt

from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.paint.links import label_rect
from gradstep.gui.graph.paint.pens import written_at
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.scene import Frame, Item, Link, Role

REACH = 6.0
"""Pixels beside a line that still mean the line."""

_ALONG = {
    Flow.RIGHT: (Qt.Key.Key_Left, Qt.Key.Key_Right),
    Flow.DOWN: (Qt.Key.Key_Up, Qt.Key.Key_Down),
}
_ACROSS = {
    Flow.RIGHT: (Qt.Key.Key_Up, Qt.Key.Key_Down),
    Flow.DOWN: (Qt.Key.Key_Left, Qt.Key.Key_Right),
}


def item_at(picture: Picture, at: QPointF, scale: float) -> Item | None:
    """The item under a point of the scene."""
    slack = 3.0 / scale
    items, _ = picture.visible(_around(at, slack))
    for item in reversed(items):
        if item.role != Role.OPEN and picture.rect(item).adjusted(
            -slack, -slack, slack, slack
        ).contains(at):
            return item
    return None


def link_at(picture: Picture, at: QPointF, scale: float, numbers: bool) -> Link | None:
    """The link under a point: its line, or (when ``numbers`` are shown) what stands on it."""
    reach = REACH / scale
    _, links = picture.visible(_around(at, reach))
    best: tuple[float, Link] | None = None
    for link in links:
        with written_at(scale):
            if numbers and label_rect(picture, link).contains(at):
                return link
        distance = _distance(picture.lanes(link).middle, at)
        if distance < reach and (best is None or distance < best[0]):
            best = distance, link
    return best[1] if best else None


def frame_at(picture: Picture, at: QPointF) -> Frame | None:
    """The frame whose label is under a point."""
    for frame in reversed(list(picture.scene.frames.values())):
        rect = picture.placement.groups.get(frame.key)
        if rect is None:
            continue
        head = QRectF(rect.right - min(rect.width, 140), rect.top, min(rect.width, 140), 26)
        if head.contains(at):
            return frame
    return None


def step(picture: Picture, key: str, towards: Qt.Key) -> str:
    """The item that an arrow key leads to from item ``key``; ``""`` when there is none."""
    flow = picture.placement.flow_at(key)
    back, on = _ALONG[flow]
    if towards in (back, on):
        return _along(picture, key, towards == on)
    return _across(picture, key, towards == _ACROSS[flow][1])


def ends(picture: Picture) -> tuple[str, str]:
    """The first and the last item along the flow."""
    axis = 0 if picture.placement.flow == Flow.RIGHT else 1
    places = [
        (
            picture.placement.boxes[item.key][axis],
            picture.placement.boxes[item.key][1 - axis],
            item.key,
        )
        for item in picture.items
        if item.role != Role.OPEN
    ]
    return (min(places)[2], max(places)[2]) if places else ("", "")


def _along(picture: Picture, key: str, forward: bool) -> str:
    """Along an edge: the straightest of those that lead on."""
    boxes = picture.placement.boxes
    around = [
        link.target if forward else link.source
        for link in picture.links
        if (link.source if forward else link.target) == key
    ]
    around = [other for other in around if picture.scene.items[other].role != Role.OPEN]
    if not around or key not in boxes:
        return ""
    axis = 1 if picture.placement.flow_at(key) == Flow.RIGHT else 0
    return min(around, key=lambda other: (abs(boxes[other][axis] - boxes[key][axis]), other))


def _across(picture: Picture, key: str, after: bool) -> str:
    """The nearest item on one side, those beside before those further along."""
    boxes = picture.placement.boxes
    if key not in boxes:
        return ""
    axis = 1 if picture.placement.flow_at(key) == Flow.RIGHT else 0
    here = boxes[key]
    best: tuple[float, str] | None = None
    for item in picture.items:
        there = boxes[item.key]
        way = (there[axis] - here[axis]) * (1 if after else -1)
        if item.key == key or item.role == Role.OPEN or way < 4:
            continue
        distance = way + 2.5 * abs(there[1 - axis] - here[1 - axis])
        if best is None or (distance, item.key) < best:
            best = distance, item.key
    return best[1] if best else ""


def _around(at: QPointF, reach: float) -> QRectF:
    return QRectF(at.x() - reach, at.y() - reach, 2 * reach, 2 * reach)


def _distance(points: np.ndarray[tuple[int, int], np.dtype[np.float64]], at: QPointF) -> float:
    """From a point to a line of points."""
    here = np.array([at.x(), at.y()])
    start, run = points[:-1], np.diff(points, axis=0)
    squared = np.maximum((run**2).sum(axis=1), 1e-12)
    share = np.clip(((here - start) * run).sum(axis=1) / squared, 0.0, 1.0)
    nearest = start + share[:, None] * run
    return float(np.hypot(*(nearest - here).T).min())
