"""Pens, fonts and small shapes that items and links share."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from gradstep.gui.graph.sizes import tokens
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


@functools.lru_cache(maxsize=64)
def font(role: str, code: bool = False, weight: int = 400) -> QFont:
    found = theme().font(role, code=code, weight=weight)
    found.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return found


@functools.lru_cache(maxsize=8)
def variable_font(pixels: int) -> QFont:
    return theme().mathematics(pixels)


@functools.lru_cache(maxsize=256)
def sign_font(sign: str, room: float) -> QFont:
    """For what stands in an operation: as large as it fits."""
    for role in ("term", "graph_value", "card_title", "body"):
        if text_width(sign, role, False, 600) <= room and (role != "term" or len(sign) == 1):
            return font(role, False, 600)
    return font("caption", False, 600)


@functools.lru_cache(maxsize=8192)
def text_width(text: str, role: str, code: bool, weight: int) -> float:
    return QFontMetricsF(font(role, code, weight)).horizontalAdvance(text)


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
