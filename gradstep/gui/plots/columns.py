"""Names below the columns of a plot."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetrics, QPainter

from gradstep.gui.plot_axes import Axes
from gradstep.gui.plots.grouping import block
from gradstep.gui.theme import theme


def draw_names(painter: QPainter, axes: Axes, names: list[str], chosen: int | None) -> None:
    """Below the columns: whole names where there is room, else what tells blocks apart."""
    look = theme()
    font = look.font("caption", code=True)
    bold = look.font("caption", code=True, weight=600)
    metrics = QFontMetrics(font)
    column = axes.area.width() / max(len(names), 1)
    fits = all(metrics.horizontalAdvance(name) + 8 <= column for name in names)
    groups = [(name, i, i) for i, name in enumerate(names)] if fits else _blocks(names)
    right = -math.inf
    for label, first, last in groups:
        marked = chosen is not None and first <= chosen <= last
        width = metrics.horizontalAdvance(label)
        middle = axes.x_at((first + last) / 2)
        if middle - width / 2 < right + 6 and not marked:
            continue
        painter.setFont(bold if marked else font)
        painter.setPen(look.colour("text" if marked else "text_secondary"))
        left = min(max(middle - width / 2, 2), axes.area.right() + 14 - width)
        if left < right + 4:
            painter.fillRect(
                QRectF(left - 4, axes.area.bottom() + 5, width + 8, 18), look.colour("panel")
            )
        painter.drawText(QPointF(left, axes.area.bottom() + 18), label)
        right = left + width


def _blocks(names: list[str]) -> list[tuple[str, int, int]]:
    """Label, first and last column of what stands together: a numbered block, else the first part
    of the path."""
    found: list[tuple[str, int, int]] = []
    keys: list[str] = []
    for i, name in enumerate(names):
        key = block(name)
        if keys and keys[-1] == key:
            label, first, _ = found[-1]
            found[-1] = (label, first, i)
        else:
            keys.append(key)
            found.append((key.rpartition(".")[2], i, i))
    return found
