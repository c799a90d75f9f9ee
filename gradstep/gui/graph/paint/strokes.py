"""A lane as it is drawn: a line that stops where its arrow begins, and the arrow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPolygonF

from gradstep.gui.graph.curves import Points
from gradstep.gui.graph.paint.pens import arrow_head


@dataclass(frozen=True)
class Stroke:
    body: QPolygonF
    head: QPolygonF


def stroke_along(
    points: Points,
    width: float,
    arrow: float,
    first: float = 0.0,
    last: float = 0.0,
    share: float = 1.0,
) -> Stroke | None:
    """``points`` without ``first`` and ``last`` pixels, and of that the beginning ``share``."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    run = np.concatenate([[0.0], np.cumsum(steps)])
    begin = first
    end = begin + (run[-1] - last - begin) * share
    size = arrow + (width - 1.5) * 2.4
    if end - begin < 2.0:
        return None
    inside = (run > begin + 1e-6) & (run < end - size)
    body = np.concatenate(
        [
            _at(points, run, begin)[None],
            points[inside],
            _at(points, run, max(begin, end - size + 1))[None],
        ]
    )
    tip, base = _at(points, run, end), _at(points, run, max(end - size + 1, begin))
    return Stroke(
        QPolygonF([QPointF(x, y) for x, y in body.tolist()]),
        arrow_head(QPointF(*tip), QPointF(*base), size),
    )


def _at(points: Points, run: Points, distance: float) -> Points:
    """The point at ``distance`` along the line."""
    return np.array(
        [np.interp(distance, run, points[:, 0]), np.interp(distance, run, points[:, 1])]
    )
