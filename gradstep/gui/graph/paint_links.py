"""The two lanes of a link and the numbers on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

from gradstep.gui.graph.curves import Points
from gradstep.gui.graph.moment import awaits_gradient
from gradstep.gui.graph.pens import (
    PREVIEW,
    arrow_head,
    centred,
    font,
    ink,
    pen,
    phase,
    stroke,
    text_width,
)
from gradstep.gui.graph.scene import Link
from gradstep.gui.graph.sizes import (
    LABEL_GAP,
    LANE,
    LIST_LINE,
    NAME_LINE,
    NEAR,
    is_bare,
)
from gradstep.gui.graph.texts import Label, Number, label
from gradstep.gui.theme import PhaseColours
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint import Picture

translate = QCoreApplication.translate

ARROW: float = NEAR["arrow"]
RING: float = NEAR["next_ring_gap"] + 2
BASE = 5.5  # from a baseline to the middle of digits
CHIP_HEIGHT = 24.0


def paint_lanes(painter: QPainter, picture: Picture, link: Link, near: bool) -> None:
    """The value's lane, and the gradient's if there is one or the next operation sends one."""
    lines = picture.lanes(link)
    value, grad = _outside_rings(picture, link, lines.value, lines.grad)
    changed = picture.now.changed.get(link.key)
    forward, backward = phase(Phase.FORWARD), phase(Phase.BACKWARD)
    source = picture.scene.items[link.source]
    if link.expected:
        _lane(painter, value, ink("control_outline"), stroke("hairline"), ARROW - 1, ())
        return
    if is_bare(source):
        _lane(painter, value, ink("text_tertiary"), stroke("hairline"), ARROW - 2, ())
        return
    width = stroke("edge_frontier") if changed == "value" else stroke("edge")
    _lane(painter, value, forward.solid, width, ARROW, (),
          picture.wave if changed == "value" else 1.0)
    if link.edge.grad is not None:
        width = stroke("edge_frontier") if changed == "grad" else stroke("edge_gradient")
        _lane(painter, grad, backward.solid, width, ARROW, (),
              picture.wave if changed == "grad" else 1.0)
    elif awaits_gradient(link, picture.scene, picture.now):
        _lane(painter, grad, backward.solid, stroke("edge"), ARROW, PREVIEW)


def _outside_rings(
    picture: Picture, link: Link, value: Points, grad: Points
) -> tuple[Points, Points]:
    """The lanes end before the ring of the next operation."""
    if link.target in picture.now.next:
        value, grad = _beginning(value, 1.0, RING), _beginning(grad[::-1], 1.0, RING)[::-1]
    if link.source in picture.now.next:
        value, grad = _beginning(value[::-1], 1.0, RING)[::-1], _beginning(grad, 1.0, RING)
    return value, grad


def _lane(
    painter: QPainter, points: Points, colour: QColor, width: float, arrow: float,
    dash: tuple[float, ...], share: float = 1.0,
) -> None:
    """A line with an arrow at its end; ``share`` of it when it is still on its way."""
    if share < 1.0:
        points = _beginning(points, share)
    if len(points) < 2:
        return
    size = arrow + (width - 1.5) * 2.4
    line = [QPointF(x, y) for x, y in points.tolist()]
    back = _at_distance(points[::-1], size - 1)
    head = arrow_head(line[-1], QPointF(*back), size)
    body = [p for p, d in zip(line, _to_end(points), strict=True) if d > size - 1]
    body.append(QPointF(*back))
    painter.setPen(pen(colour, width, dash))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(body))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(head)


def _to_end(points: Points) -> list[float]:
    steps = np.hypot(*np.diff(points, axis=0).T)
    left: list[float] = np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]]).tolist()
    return left


def _at_distance(points: Points, distance: float) -> tuple[float, float]:
    """The point at ``distance`` along the line from its beginning."""
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return (
        float(np.interp(distance, run, points[:, 0])),
        float(np.interp(distance, run, points[:, 1])),
    )


def _beginning(points: Points, share: float, less: float = 0.0) -> Points:
    """The first ``share`` of a line, and ``less`` pixels less."""
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    reach = max(share * run[-1] - less, 0.0)
    end = np.array([[np.interp(reach, run, points[:, 0]), np.interp(reach, run, points[:, 1])]])
    return np.concatenate([points[run < reach], end])


def paint_label(painter: QPainter, picture: Picture, link: Link) -> None:
    """Name, value and gradient on the flat run."""
    route = picture.placement.routes[link.key]
    written = label(link, picture.scene.items[link.source], route.beside)
    changed = picture.now.changed.get(link.key, "")
    if picture.lanes(link).upright:
        _beside_upright(painter, picture, written, *route.label, changed)
    else:
        _beside_flat(painter, picture, written, *route.label, changed)


def _beside_flat(
    painter: QPainter, picture: Picture, written: Label, x: float, y: float, changed: str
) -> None:
    forward, backward = phase(Phase.FORWARD), phase(Phase.BACKWARD)
    baseline = y - LANE / 2 - LABEL_GAP + 1
    if written.value is not None:
        more = (len(written.value.lines) - 1) * LIST_LINE
        _number(painter, written.value, x, baseline - more, forward, picture, changed == "value")
        baseline -= NAME_LINE + 3 + more
    if written.shape:
        painter.setPen(ink("text_tertiary"))
        centred(painter, x, baseline + 1, written.shape, "caption", code=True)
        baseline -= NAME_LINE - 1
    if written.name:
        painter.setPen(ink("text_secondary"))
        centred(painter, x, baseline, written.name, "small", code=True)
    baseline = y + LANE / 2 + LABEL_GAP + 11
    if written.grad is not None:
        _number(painter, written.grad, x, baseline, backward, picture, changed == "grad")
    elif written.no_grad:
        painter.setPen(ink("text_tertiary"))
        centred(painter, x, baseline - 2, translate("Graph", "no grad"), "small")


def _beside_upright(
    painter: QPainter, picture: Picture, written: Label, x: float, y: float, changed: str
) -> None:
    """Value on the left, right-aligned to the line; gradient on the right."""
    forward, backward = phase(Phase.FORWARD), phase(Phase.BACKWARD)
    rows = len(written.value.lines) if written.value else 0
    lines = bool(written.name) + bool(written.shape) + rows
    baseline = y + BASE - (lines - 1) * NAME_LINE / 2
    left, right = x - LANE / 2 - 8, x + LANE / 2 + 8
    for text, role, colour in (
        (written.name, "small", "text_secondary"), (written.shape, "caption", "text_tertiary")
    ):
        if text:
            painter.setPen(ink(colour))
            centred(painter, left - text_width(text, role, True, 400) / 2, baseline, text, role,
                    code=True)
            baseline += NAME_LINE + 1
    if written.value is not None:
        shift = 6 if changed == "value" else 0
        _number(painter, written.value, left - shift - _width(written.value) / 2, baseline,
                forward, picture, changed == "value")
    if written.grad is not None:
        shift = 6 if changed == "grad" else 0
        more = (len(written.grad.lines) - 1) * LIST_LINE / 2
        _number(painter, written.grad, right + shift + _width(written.grad) / 2, y + BASE - more,
                backward, picture, changed == "grad")
    elif written.no_grad:
        painter.setPen(ink("text_tertiary"))
        text = translate("Graph", "no grad")
        centred(painter, right + text_width(text, "small", False, 400) / 2, y + 4, text, "small")


def _width(number: Number) -> float:
    role = "code" if number.small else "graph_value"
    return max(text_width(line, role, True, 500) for line in number.lines)


def _number(
    painter: QPainter, number: Number, x: float, baseline: float, colours: PhaseColours,
    picture: Picture, changed: bool,
) -> None:
    role, width = "code" if number.small else "graph_value", _width(number)
    if changed:
        more = (len(number.lines) - 1) * LIST_LINE
        chip(painter, QRectF(x - width / 2 - 8, baseline - BASE - CHIP_HEIGHT / 2, width + 16,
                             CHIP_HEIGHT + more), colours, picture.chip)
    painter.setPen(colours.text)
    painter.setFont(font(role, True, 600 if changed else 500))
    for line in number.lines:
        painter.drawText(QPointF(x - width / 2, baseline), line)
        baseline += LIST_LINE


def chip(painter: QPainter, rect: QRectF, colours: PhaseColours, visible: float = 1.0) -> None:
    """The tinted, outlined ground of what just changed."""
    painter.save()
    painter.setOpacity(painter.opacity() * visible)
    painter.setPen(pen(colours.solid, stroke("edge")))
    painter.setBrush(colours.tint)
    painter.drawRoundedRect(rect, 4, 4)
    painter.restore()


def paint_link_ring(painter: QPainter, picture: Picture, link: Link) -> None:
    """Selection: ink around the numbers."""
    rect = label_rect(picture, link)
    painter.setPen(pen(ink("selection_ring_and_primary_button"), stroke("selection")))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(-4, -3, 4, 3), 6, 6)


def label_rect(picture: Picture, link: Link) -> QRectF:
    """What the numbers of ``link`` occupy."""
    route = picture.placement.routes[link.key]
    written = label(link, picture.scene.items[link.source], route.beside)
    x, y = route.label
    value = _width(written.value) if written.value else 0.0
    grad = _width(written.grad) if written.grad else (44.0 if written.no_grad else 0.0)
    name = text_width(written.name, "small", True, 400) if written.name else 0.0
    shape = text_width(written.shape, "caption", True, 400) if written.shape else 0.0
    lines = NAME_LINE * (bool(written.name) + bool(written.shape))
    lines += LIST_LINE * (len(written.value.lines) - 1 if written.value else 0)
    if not picture.lanes(link).upright:
        half = max(value, grad, name, shape, 24.0) / 2 + 4
        top = y - LANE / 2 - LABEL_GAP - 14 - lines if value or name else y - 8
        bottom = y + LANE / 2 + LABEL_GAP + 14 if grad else y + 8
        return QRectF(x - half, top, 2 * half, bottom - top)
    height = max(20.0 + lines, 24.0)
    left = x - LANE / 2 - 10 - max(value, name, shape)
    return QRectF(left, y - height / 2, x + LANE / 2 + 10 + grad - left, height)

