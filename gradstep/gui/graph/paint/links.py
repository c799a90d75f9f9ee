"""The two lanes of a link and the numbers on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gradstep.gui.graph.moment import awaits_gradient
from gradstep.gui.graph.paint.pens import (
    BRIEF,
    PREVIEW,
    centred,
    font,
    grown,
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
from gradstep.gui.graph.texts import Label, Number
from gradstep.gui.numbers import INF, NAN
from gradstep.gui.theme import PhaseColours
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint.picture import Picture

translate = QCoreApplication.translate

ARROW: float = NEAR["arrow"]
RING: float = NEAR["next_ring_gap"] + 2
BASE = 5.5  # from a baseline to the middle of digits
CHIP_HEIGHT = 24.0
FORK = 3.5
ROOMY = 76.0  # a number of eight digits


def paint_lanes(painter: QPainter, picture: Picture, link: Link) -> None:
    """The value's lane, and the gradient's if there is one or the next operation sends one."""
    changed = picture.now.changed.get(link.key)
    backward = phase(Phase.BACKWARD).solid
    if link.expected:
        _lane(painter, picture, link, "value", ink("control_outline"), stroke("hairline"))
        return
    if is_bare(picture.scene.items[link.source]):
        _lane(painter, picture, link, "value", ink("text_tertiary"), stroke("hairline"))
        return
    width = stroke("edge_frontier") if changed == "value" else stroke("edge")
    _lane(painter, picture, link, "value", phase(Phase.FORWARD).solid, width)
    if picture.placement.routes[link.key].fork:
        painter.drawEllipse(QPointF(*picture.placement.routes[link.key].start), FORK, FORK)
    if link.edge.grad is not None:
        width = stroke("edge_frontier") if changed == "grad" else stroke("edge_gradient")
        _lane(painter, picture, link, "grad", backward, width)
    elif awaits_gradient(link, picture.scene, picture.now):
        _lane(painter, picture, link, "grad", backward, stroke("edge"), PREVIEW)


def _lane(
    painter: QPainter,
    picture: Picture,
    link: Link,
    which: str,
    colour: QColor,
    width: float,
    dash: tuple[float, ...] = (),
) -> None:
    """A line with an arrow at its end; only its beginning while a change is on its way."""
    share = picture.wave if picture.now.changed.get(link.key) == which else 1.0
    drawn = picture.stroke(link, which, width, ARROW, RING, share)
    if drawn is None:
        return
    painter.setPen(pen(colour, width, dash))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(drawn.body)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(drawn.head)


def paint_label(painter: QPainter, picture: Picture, link: Link) -> None:
    """Name, value and gradient on the flat run."""
    route, written = picture.placement.routes[link.key], _written(picture, link)
    changed = picture.now.changed.get(link.key, "")
    if picture.lanes(link).upright:
        _beside_upright(painter, picture, written, *route.label, changed)
    else:
        _beside_flat(painter, picture, written, *route.label, changed)


def _written(picture: Picture, link: Link) -> Label:
    """The label; without its lists where text is written so large that they have no room."""
    written = picture.label(link)
    if grown("code") <= BRIEF:
        return written
    return replace(written, value=_brief(written.value), grad=_brief(written.grad))


def _brief(number: Number | None) -> Number | None:
    return Number((number.brief,)) if number is not None and number.brief else number


def _beside_flat(
    painter: QPainter, picture: Picture, written: Label, x: float, y: float, changed: str
) -> None:
    forward, backward = phase(Phase.FORWARD), phase(Phase.BACKWARD)
    baseline = y - LANE / 2 - LABEL_GAP + 1
    if written.value is not None:
        role = _role(written.value)
        more = (len(written.value.lines) - 1) * _line(role)
        _number(painter, written.value, x, baseline - more, forward, picture, changed == "value")
        baseline -= (NAME_LINE + 3) * grown(role) + (4 if changed == "value" else 0) + more
    if written.shape:
        painter.setPen(ink("text_tertiary"))
        centred(painter, x, baseline + 1, written.shape, "caption", code=True)
        baseline -= (NAME_LINE - 1) * grown("caption")
    if written.name:
        painter.setPen(ink("text_secondary"))
        centred(painter, x, baseline, written.name, "small", code=True)
    size = grown(_role(written.grad) if written.grad is not None else "small")
    baseline = y + LANE / 2 + LABEL_GAP + 11 * size
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
    baseline = y + BASE - (lines - 1) * NAME_LINE * grown("small") / 2
    left, right = x - LANE / 2 - 8, x + LANE / 2 + 8
    for text, role, colour in (
        (written.name, "small", "text_secondary"),
        (written.shape, "caption", "text_tertiary"),
    ):
        if text:
            painter.setPen(ink(colour))
            centred(
                painter,
                left - text_width(text, role, True, 400) / 2,
                baseline,
                text,
                role,
                code=True,
            )
            baseline += (NAME_LINE + 1) * grown(role)
    if written.value is not None:
        shift = 6 if changed == "value" else 0
        _number(
            painter,
            written.value,
            left - shift - _width(written.value) / 2,
            baseline,
            forward,
            picture,
            changed == "value",
        )
    if written.grad is not None:
        shift = 6 if changed == "grad" else 0
        more = (len(written.grad.lines) - 1) * _line("code") / 2
        _number(
            painter,
            written.grad,
            right + shift + _width(written.grad) / 2,
            y + BASE - more,
            backward,
            picture,
            changed == "grad",
        )
    elif written.no_grad:
        painter.setPen(ink("text_tertiary"))
        text = translate("Graph", "no grad")
        centred(painter, right + text_width(text, "small", False, 400) / 2, y + 4, text, "small")


def _role(number: Number) -> str:
    return "code" if number.small else "graph_value"


def _line(role: str) -> float:
    """From one row of a list to the next."""
    return LIST_LINE * grown(role)


def _width(number: Number) -> float:
    return max(text_width(line, _role(number), True, 500) for line in number.lines)


def _number(
    painter: QPainter,
    number: Number,
    x: float,
    baseline: float,
    colours: PhaseColours,
    picture: Picture,
    changed: bool,
) -> None:
    role, width = _role(number), _width(number)
    if changed:
        high = CHIP_HEIGHT * grown(role)
        more = (len(number.lines) - 1) * _line(role)
        top = baseline - BASE * grown(role) - high / 2
        # A long number needs the room that is left before what stands beside it.
        pad = 8 if grown(role) <= BRIEF and width <= ROOMY else 4
        ground = QRectF(x - width / 2 - pad, top, width + 2 * pad, high + more)
        chip(painter, ground, colours, picture.chip)
    spoiled = NAN in number.text or INF in number.text
    painter.setPen(ink("error") if spoiled else colours.text)
    painter.setFont(font(role, True, 600 if changed else 500))
    for line in number.lines:
        painter.drawText(QPointF(x - width / 2, baseline), line)
        baseline += _line(role)


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
    written = _written(picture, link)
    x, y = route.label
    value = _width(written.value) if written.value else 0.0
    grad = _width(written.grad) if written.grad else (44.0 if written.no_grad else 0.0)
    name = text_width(written.name, "small", True, 400) if written.name else 0.0
    shape = text_width(written.shape, "caption", True, 400) if written.shape else 0.0
    lines = NAME_LINE * grown("small") * (bool(written.name) + bool(written.shape))
    lines += _line("code") * (len(written.value.lines) - 1 if written.value else 0)
    if not picture.lanes(link).upright:
        half = max(value, grad, name, shape, 24.0) / 2 + 4
        top = y - LANE / 2 - LABEL_GAP - 14 - lines if value or name else y - 8
        bottom = y + LANE / 2 + LABEL_GAP + 14 if grad else y + 8
        return QRectF(x - half, top, 2 * half, bottom - top)
    height = max(20.0 + lines, 24.0)
    left = x - LANE / 2 - 10 - max(value, name, shape)
    return QRectF(left, y - height / 2, x + LANE / 2 + 10 + grad - left, height)
