"""Pens, fonts and small shapes that items and links share."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gradstep.gui.graph.sizes import tokens
from gradstep.gui.graph.symbols import short
from gradstep.gui.theme import PhaseColours, theme
from gradstep.phases import Phase

PREVIEW: tuple[float, ...] = tuple(tokens()["dash_preview"])
FREED: tuple[float, ...] = tuple(tokens()["dash_freed"])


def ink(name: str) -> QColor:
    return theme().colour(name)


def phase(which: Phase) -> PhaseColours:
    return theme().phase(which)


@functools.cache
def stroke(name: str) -> float:
    """A line width by its token's name."""
    return float(theme().size("stroke", name))


def pen(colour: QColor, width: float, dash: Sequence[float] = ()) -> QPen:
    """``dash`` in pixels, whatever the width."""
    return _pen(colour.rgba(), width, tuple(dash))


@functools.lru_cache(maxsize=256)
def _pen(colour: int, width: float, dash: tuple[float, ...]) -> QPen:
    found = QPen(QColor.fromRgba(colour), width)
    found.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dash:
        found.setDashPattern([length / width for length in dash])
    return found


BRIEF = 1.15
"""Where text is grown by more than this, fewer digits are written."""
SHORTEST = 9
"""Characters of a name that are left at least."""
LARGER = 1.5
"""Text grows by no more than this against what it stands beside."""
_scale = 1.0


@contextmanager
def written_at(scale: float) -> Iterator[None]:
    """Meanwhile text is for a picture shown at ``scale``: what would be smaller there than the
    smallest size of the design is written larger, as far as there is room for it."""
    global _scale
    before, _scale = _scale, scale
    try:
        yield
    finally:
        _scale = before


def grown(role: str) -> float:
    """How much larger than at 100 % text of this role is written; 1 down to where it is as small
    as text may be."""
    return _grown(role, _scale)


@functools.lru_cache(maxsize=256)
def _grown(role: str, scale: float) -> float:
    least = float(theme().size("type", "minimum"))
    size = float(theme().size("type", "scale", role)[0])
    return min(max(1.0, least / (size * scale)), LARGER)


def font(role: str, code: bool = False, weight: int = 400) -> QFont:
    return _font(role, code, weight, grown(role))


def fitted(role: str, text: str, room: float, weight: int = 400) -> tuple[str, QFont]:
    """A name in a box: rather shortened than written so small that nobody can read it."""
    wide = _width(text, role, True, weight, 1.0)
    characters = int(len(text) * room / max(wide * grown(role), 1.0))
    if SHORTEST <= characters < len(text):
        text = short(text, characters)
    return text, font_in(role, text, room, weight)


def font_in(role: str, text: str, room: float, weight: int = 400) -> QFont:
    """For code in a box: grown only as far as ``room`` goes."""
    wide = _width(text, role, True, weight, 1.0)
    return _font(role, True, weight, min(grown(role), max(1.0, room / max(wide, 1.0))))


def word_in(role: str, text: str, room: float) -> QFont:
    """For a strong word in a box: grown only as far as ``room`` goes."""
    wide = _width(text, role, False, 600, 1.0)
    return _font(role, False, 600, min(grown(role), max(1.0, room / max(wide, 1.0))))


@functools.lru_cache(maxsize=256)
def _font(role: str, code: bool, weight: int, factor: float) -> QFont:
    found = theme().font(role, code=code, weight=weight)
    found.setPixelSize(round(found.pixelSize() * factor))
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return found


@functools.lru_cache(maxsize=8)
def variable_font(pixels: int) -> QFont:
    return theme().mathematics(pixels)


@functools.lru_cache(maxsize=256)
def sign_font(sign: str, room: float) -> QFont:
    """For what stands in an operation: as large as it fits."""
    for role in ("term", "graph_value", "card_title", "body"):
        if _width(sign, role, False, 600, 1.0) <= room and (role != "term" or len(sign) == 1):
            return _font(role, False, 600, 1.0)
    return _font("caption", False, 600, 1.0)


def text_width(text: str, role: str, code: bool, weight: int) -> float:
    return _width(text, role, code, weight, grown(role))


@functools.lru_cache(maxsize=8192)
def _width(text: str, role: str, code: bool, weight: int, factor: float) -> float:
    return QFontMetricsF(_font(role, code, weight, factor)).horizontalAdvance(text)


def arrow_head(tip: QPointF, before: QPointF, length: float) -> QPolygonF:
    """A triangle that ends at ``tip`` and comes from the direction of ``before``."""
    dx, dy = tip.x() - before.x(), tip.y() - before.y()
    size = (dx * dx + dy * dy) ** 0.5 or 1.0
    dx, dy = dx / size, dy / size
    half = length * 0.42
    base = QPointF(tip.x() - dx * length, tip.y() - dy * length)
    return QPolygonF(
        [
            tip,
            QPointF(base.x() - dy * half, base.y() + dx * half),
            QPointF(base.x() + dy * half, base.y() - dx * half),
        ]
    )


def centred(
    painter: QPainter,
    x: float,
    baseline: float,
    text: str,
    role: str,
    *,
    code: bool = False,
    weight: int = 400,
) -> None:
    """Text with its middle at ``x``."""
    painter.setFont(font(role, code, weight))
    painter.drawText(QPointF(x - text_width(text, role, code, weight) / 2, baseline), text)


def in_rect(painter: QPainter, rect: QRectF, text: str, of: QFont) -> None:
    painter.setFont(of)
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip), text)
