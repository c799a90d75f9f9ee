"""Operations, leaves, the loss, folded modules, and frames around groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QPainter,
    QPainterPath,
    QPolygonF,
)

from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.marks import marks
from gradstep.gui.graph.moment import Look, is_freed, look, paths
from gradstep.gui.graph.paint.badges import paint_badges
from gradstep.gui.graph.paint.pens import (
    FREED,
    centred,
    fitted,
    font,
    font_in,
    grown,
    in_rect,
    ink,
    pen,
    phase,
    sign_font,
    stroke,
    text_width,
    variable_font,
    word_in,
)
from gradstep.gui.graph.paint.signs import (
    RING_GAP,
    paint_cross,
    paint_dashes,
    paint_foot,
    paint_hatch,
    paint_next_ring,
)
from gradstep.gui.graph.paint.tray import paint_tray
from gradstep.gui.graph.scene import Item, Role
from gradstep.gui.graph.sizes import (
    ATEN_LINE,
    NAME_CHARACTERS,
    NEAR,
    is_variable,
    leaf_shape,
    written_name,
)
from gradstep.gui.graph.symbols import short
from gradstep.phases import Phase

if TYPE_CHECKING:
    from gradstep.gui.graph.paint.picture import Picture

translate = QCoreApplication.translate

BAR: float = NEAR["parameter_bar"]
STACKED = 3.0
"""From one card of a stack to the next."""


class Style:
    """Fill, outline and ink of an item in its state."""

    def __init__(self, picture: Picture, item: Item) -> None:
        self.look = look(item, picture.now)
        forward, backward = phase(Phase.FORWARD), phase(Phase.BACKWARD)
        self.dash: tuple[float, ...] = ()
        self.width = stroke("node")
        self.fill: QColor | None = None
        if self.look == Look.NEXT:
            colours = phase(picture.now.phase or Phase.FORWARD)
            self.fill, self.outline, self.ink = colours.solid, colours.solid, colours.on_solid
        elif self.look == Look.EXPECTED:
            self.outline, self.ink = ink("control_outline"), ink("text_tertiary")
        elif self.look == Look.BACKWARD:
            self.fill, self.outline, self.ink = backward.tint, backward.solid, backward.text
        else:
            self.fill, self.outline, self.ink = forward.tint, forward.solid, forward.text
            if self.look == Look.PARTLY:
                self.outline = backward.solid
        self.failed = item.key in picture.now.failed
        if self.failed:
            self.fill, self.outline, self.ink = ink("error_tint"), ink("error"), ink("error")
        self.freed = self.look == Look.BACKWARD and is_freed(item)
        if self.freed:
            self.dash = FREED


def paint_item(painter: QPainter, picture: Picture, item: Item, near: bool, scale: float) -> None:
    """One item with what belongs to it: caption, tray."""
    if item.role == Role.OPEN:
        return
    rect = picture.rect(item)
    if item.role in (Role.PARAMETER, Role.DATA):
        _leaf(painter, picture, item, rect)
        if near and item.role == Role.PARAMETER:
            paint_tray(painter, picture, item, rect)
    elif item.role == Role.CONSTANT:
        _constant(painter, item, rect)
    elif item.role == Role.LOSS:
        _loss(painter, picture, item, rect)
    else:
        _operation(painter, picture, item, rect)
        if near:
            paint_badges(painter, rect, marks(item, picture.inputs(item.key)))
    if near:
        _caption(painter, picture, item)


def _operation(painter: QPainter, picture: Picture, item: Item, rect: QRectF) -> None:
    style = Style(picture, item)
    corner = rect.height() / 2 if item.role == Role.OPERATION and not item.aten else 6.0
    if item.count > 1:
        _cards_behind(painter, rect, corner, style)
    painter.setPen(Qt.PenStyle.NoPen if style.dash else pen(style.outline, style.width))
    painter.setBrush(style.fill if style.fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect, corner, corner)
    if style.freed:
        paint_hatch(painter, rect, corner, style.outline)
        paint_dashes(painter, rect, corner, style.outline, style.width)
    _passed(painter, rect, corner, style)
    if style.look == Look.NEXT:
        paint_next_ring(painter, rect, corner, style.outline)
    if item.trainable:
        _bar(painter, rect, 3.0, corner)
    painter.setPen(style.ink)
    if item.aten:
        _made_of(painter, rect, item)
        return
    text = item.sign or written_name(item)
    if item.role == Role.MODULE or not item.sign:
        of = font_in("small", text, rect.width() - 12, 600 if item.role == Role.MODULE else 500)
    else:
        of = sign_font(item.sign, rect.width() - 8)
    in_rect(painter, rect, text, of)
    if style.failed:
        paint_cross(painter, rect)


def _passed(painter: QPainter, rect: QRectF, corner: float, style: Style) -> None:
    """Backward has been here: the foot is filled, half of it where more is to come. Without it only
    the colour would tell this from what went forward."""
    if style.failed or style.look not in (Look.BACKWARD, Look.PARTLY):
        return
    paint_foot(
        painter,
        rect,
        corner,
        phase(Phase.BACKWARD).solid,
        1.0 if style.look == Look.BACKWARD else 0.5,
    )


def _made_of(painter: QPainter, rect: QRectF, item: Item) -> None:
    """An operation's name, and under it the aten operations that the call ran."""
    line = QRectF(rect.left(), rect.top() + 6, rect.width(), ATEN_LINE)
    in_rect(painter, line, item.text, font_in("small", item.text, rect.width() - 12, 600))
    painter.drawLine(line.bottomLeft() + QPointF(8, 2), line.bottomRight() + QPointF(-8, 2))
    line.translate(0, 4)
    for name in item.aten:
        line.translate(0, ATEN_LINE)
        in_rect(painter, line, name, font_in("caption", name, rect.width() - 12))


def _cards_behind(painter: QPainter, rect: QRectF, corner: float, style: Style) -> None:
    """Several that are alike: a stack."""
    painter.setPen(pen(style.outline, 1.0))
    painter.setBrush(ink("canvas"))
    for depth in (2, 1):
        shift = depth * STACKED
        painter.drawRoundedRect(rect.translated(shift, shift), corner, corner)
    if style.fill is None:
        painter.drawRoundedRect(rect, corner, corner)


def _leaf(painter: QPainter, picture: Picture, item: Item, rect: QRectF) -> None:
    style = Style(picture, item)
    parameter = item.role == Role.PARAMETER
    outline = ink("text") if parameter else ink("border_strong")
    width = stroke("parameter") if parameter else stroke("hairline")
    fill, text = ink("panel" if parameter else "selected_background"), ink("text")
    if style.look == Look.EXPECTED:
        outline, text, width = ink("control_outline"), ink("text_tertiary"), stroke("hairline")
        fill = ink("canvas")
    elif style.look == Look.NEXT:
        outline = fill = style.outline
        text = style.ink
        paint_next_ring(painter, rect, 4, style.outline)
    painter.setPen(pen(outline, width))
    painter.setBrush(fill)
    painter.drawRoundedRect(rect, 4, 4)
    if parameter:
        _bar(painter, rect, BAR, 4, outline if style.look != Look.NEXT else style.ink)
        rect = rect.adjusted(BAR, 0, 0, 0)
    quiet = style.ink if style.look == Look.NEXT else ink("text_tertiary")
    _name_and_shape(painter, item, rect, text, quiet)


def _name_and_shape(
    painter: QPainter, item: Item, rect: QRectF, colour: QColor, quiet: QColor
) -> None:
    """A variable in italics, a longer name as code; under it the shape of a tensor."""
    shape, text = leaf_shape(item), written_name(item)
    if not text:
        # Its shape alone would look like a number that it holds.
        text, colour = translate("Graph", "data"), quiet
    if is_variable(text):
        of = variable_font(20 if shape else 22)
    else:
        text, of = fitted("small", text, rect.width() - 8, 500)
    upper = rect
    if shape:
        upper = QRectF(rect.left(), rect.top() + 2, rect.width(), rect.height() / 2 + 2)
        lower = QRectF(rect.left(), rect.center().y() + 3, rect.width(), 14)
        if grown("caption") > 1:
            upper.translate(0, -2)
        painter.setPen(quiet)
        in_rect(painter, lower, shape, font_in("caption", shape, rect.width() - 8))
    painter.setPen(colour)
    in_rect(painter, upper, text, of)


def _bar(
    painter: QPainter, rect: QRectF, width: float, corner: float, colour: QColor | None = None
) -> None:
    """Ink at the left: it is trained."""
    path, bar = QPainterPath(), QPainterPath()
    path.addRoundedRect(rect, corner, corner)
    bar.addRect(QRectF(rect.left(), rect.top(), width + 1, rect.height()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour or ink("text"))
    painter.drawPath(path.intersected(bar))


def _constant(painter: QPainter, item: Item, rect: QRectF) -> None:
    named = bool(item.node and item.node.name)
    painter.setPen(ink("text_tertiary" if item.expected else "text_secondary"))
    if named and is_variable(item.text):
        of = variable_font(22)
    else:
        of = font("code" if named else "graph_value", True, 500)
    in_rect(painter, rect, short(item.text, NAME_CHARACTERS), of)


def _loss(painter: QPainter, picture: Picture, item: Item, rect: QRectF) -> None:
    link = next((k for k in picture.scene.links.values() if k.target == item.key), None)
    begun = link is not None and link.edge.grad is not None
    colours = phase(Phase.BACKWARD if begun else Phase.FORWARD)
    expected = item.expected
    painter.setPen(pen(ink("control_outline") if expected else colours.solid, stroke("node")))
    painter.setBrush(Qt.BrushStyle.NoBrush if expected else QBrush(colours.tint))
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    if begun and not expected:
        paint_foot(painter, rect, rect.height() / 2, colours.solid, 1.0)
    painter.setPen(ink("text_tertiary") if expected else colours.text)
    text, of = short(item.text, NAME_CHARACTERS), variable_font(22)
    if not is_variable(item.text):
        of = word_in("card_title", text, rect.width() - 16)
    in_rect(painter, rect, text, of)


def _caption(painter: QPainter, picture: Picture, item: Item) -> None:
    """At an operation: that it is next, or that it waits for more paths."""
    state = look(item, picture.now)
    if state == Look.NEXT:
        colour = phase(picture.now.phase or Phase.FORWARD).text
        _say(painter, picture, item, translate("Graph", "next"), colour, mark=True)
    elif state in (Look.WAITING, Look.PARTLY):
        arrived, ways = paths(picture.scene, item)
        if ways > 1 and 0 < arrived < ways:
            words = translate("Graph", "{0} of {1} paths").format(arrived, ways)
            _say(painter, picture, item, words, phase(Phase.BACKWARD).text, mark=False)


def _say(
    painter: QPainter, picture: Picture, item: Item, words: str, colour: QColor, *, mark: bool
) -> None:
    """Under an operation, or at its right where the flow goes down; where a parameter's wire runs
    there, between the two. ``mark``: with a triangle that points at it."""
    if item.role == Role.PARAMETER:
        _say_at_leaf(painter, picture, item, words, colour)
        return
    rect, right = picture.rect(item), picture.placement.flow_at(item.key) == Flow.RIGHT
    gap, x, y = RING_GAP if mark else 0.0, rect.center().x(), rect.center().y()
    if _taken(picture, item):
        painter.setPen(colour)
        painter.setFont(font("small", False, 600))
        painter.drawText(QPointF(x + (14 if right else 24), rect.bottom() + gap + 13), words)
        return
    size = 8.0 if mark else 0.0
    if right:
        y = rect.bottom() + gap + 5
        triangle = (QPointF(x, y), QPointF(x - 6, y + size), QPointF(x + 6, y + size))
    else:
        x = rect.right() + gap + 5
        triangle = (QPointF(x, y), QPointF(x + size, y - 6), QPointF(x + size, y + 6))
    if mark:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF(list(triangle)))
    painter.setPen(colour)
    if right:
        centred(painter, x, y + size + 13, words, "small", weight=600)
    else:
        painter.setFont(font("small", False, 600))
        painter.drawText(QPointF(x + size + 4, y + 4.5), words)


def _say_at_leaf(
    painter: QPainter, picture: Picture, item: Item, words: str, colour: QColor
) -> None:
    """Above a parameter: its tray lies under it, or at its right. Where the tray and the wire are
    above and below it, at its right."""
    rect = picture.rect(item).adjusted(-RING_GAP, -RING_GAP, RING_GAP, RING_GAP)
    routes = picture.placement.routes
    beside = any(k.key in routes and routes[k.key].beside for k in picture.outputs(item.key))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if beside and picture.placement.flow_at(item.key) == Flow.RIGHT:
        x, y = rect.right() + 5, rect.center().y()
        triangle = [QPointF(x, y), QPointF(x + 8, y - 6), QPointF(x + 8, y + 6)]
        start = QPointF(x + 12, y + 4.5 * grown("small"))
    else:
        x, y = rect.center().x(), rect.top() - 5
        triangle = [QPointF(x, y), QPointF(x - 6, y - 8), QPointF(x + 6, y - 8)]
        start = QPointF(x - text_width(words, "small", False, 600) / 2, y - 12)
    painter.drawPolygon(QPolygonF(triangle))
    painter.setPen(colour)
    painter.setFont(font("small", False, 600))
    painter.drawText(start, words)


def _taken(picture: Picture, item: Item) -> bool:
    """Whether a parameter's wire runs where words would stand."""
    x, y = picture.placement.boxes[item.key]
    flow = picture.placement.flow_at(item.key)
    for link in (*picture.inputs(item.key), *picture.outputs(item.key)):
        route = picture.placement.routes.get(link.key)
        if route is None or not route.beside:
            continue
        (a, b), (c, d) = route.start, route.end
        if flow == Flow.RIGHT and max(b, d) > y + 1:
            return True
        if flow == Flow.DOWN and max(a, c) > x + 1:
            return True
    return False
