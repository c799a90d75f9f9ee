"""Icons: SVG strokes in ``currentColor``, drawn in the theme's ink at the moment of painting.

An icon therefore follows light and dark, disabled and checked, without being set again.
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from gradstep.assets import resource
from gradstep.gui.theme import theme

INK = "text"


def icon(name: str, ink: str = INK) -> QIcon:
    """``resources/icons/<name>.svg`` in the theme's colour ``ink``."""
    return QIcon(_ThemedEngine(name, ink))


def paint(painter: QPainter, name: str, rect: QRectF, colour: QColor) -> None:
    """Draw icon ``name`` into ``rect`` in one colour."""
    _renderer(name, colour.name(QColor.NameFormat.HexRgb)).render(painter, rect)


@functools.lru_cache(maxsize=512)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


@functools.cache
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text("utf-8")


class _ThemedEngine(QIconEngine):
    def __init__(self, name: str, ink: str) -> None:
        super().__init__()
        self._name, self._ink = name, ink

    def clone(self) -> QIconEngine:
        return _ThemedEngine(self._name, self._ink)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        disabled = mode == QIcon.Mode.Disabled
        colour = theme().colour("text_disabled" if disabled else self._ink)
        paint(painter, self._name, QRectF(rect), colour)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        # ``size`` counts the screen's own pixels. The pixmap must know how many make one of the
        # window's, or it is scaled once more, and soft.
        look = f"{theme().dark}:{mode}:{size.width()}x{size.height()}@{scale}"
        key = f"gradstep:{self._name}:{self._ink}:{look}"
        found = QPixmap()
        if QPixmapCache.find(key, found):
            return found
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        QPixmapCache.insert(key, pixmap)
        return pixmap
