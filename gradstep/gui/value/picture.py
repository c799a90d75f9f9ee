"""A tensor as a picture: heat colours for any two axes, grey or colour where it is an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gradstep.gui.background import Background
from gradstep.gui.numbers import format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.heat import STEPS, heat
from gradstep.gui.value.words import words

Elements = NDArray[Any]

LEAST_SIDE = 8
"""Smaller tables are read better as numbers."""
BY_ITSELF = 64
"""From so many rows and columns on a picture is shown before the numbers."""
MAX_ELEMENTS = 1 << 20
"""Of larger ones every second, third, … row and column is shown."""
AT_ONCE = 1 << 16
"""Elements that take about a millisecond; a million takes 20 to 35."""
_TALLEST, _WIDEST, _CAPTION = 420, 3, 16


class Mode(StrEnum):
    TABLE = "table"
    HEAT = "heat"
    IMAGE = "image"


def modes_of(shape: tuple[int, ...]) -> tuple[Mode, ...]:
    """How a tensor of this shape can be shown, table first. An image is C × H × W or N × C × H × W
    with 1, 3 or 4 channels."""
    if len(shape) < 2 or min(shape[-2:]) < LEAST_SIDE:
        return (Mode.TABLE,)
    image = (
        len(shape) in (3, 4) and shape[-3] in (1, 3, 4) and shape[-2] * shape[-1] <= MAX_ELEMENTS
    )
    return (Mode.TABLE, Mode.HEAT, Mode.IMAGE) if image else (Mode.TABLE, Mode.HEAT)


def first_mode(shape: tuple[int, ...], kind_is_data: bool) -> Mode:
    """``kind_is_data``: no parameter, whose small kernels are no pictures of anything."""
    modes = modes_of(shape)
    if Mode.IMAGE in modes and kind_is_data:
        return Mode.IMAGE
    large = len(modes) > 1 and min(shape[-2:]) >= BY_ITSELF
    return Mode.HEAT if large else Mode.TABLE


def step_of(shape: tuple[int, ...]) -> int:
    """1, or so many rows and columns for one of the picture."""
    step = 1
    while (shape[-2] // step) * (shape[-1] // step) > MAX_ELEMENTS:
        step += 1
    return step


def normalisation(elements: Elements) -> tuple[float, float]:
    """What is black and what is white: 0 and 255 of bytes, 0 and 1 where all elements lie between
    them, else the smallest and the largest finite element."""
    if elements.dtype == np.uint8:
        return 0.0, 255.0
    wide = elements.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if low < high else (low, low + 1)


@dataclass(frozen=True)
class Palette:
    """Colours as bytes: of the theme they are asked for in the GUI thread."""

    heat: Elements
    error: tuple[int, int, int]


def palette(past: bool = False) -> Palette:
    """Of the theme of the moment."""
    table = [(c.red(), c.green(), c.blue()) for c in heat(past).grounds]
    error = theme().colour("error")
    return Palette(np.array(table, np.uint8), (error.red(), error.green(), error.blue()))


def heat_image(elements: Elements, bound: float, colours: Palette) -> Elements:
    """H × W × 3 bytes; NaN and Inf in the colour of errors."""
    wide = (abs(elements) if elements.dtype.kind == "c" else elements).astype(np.float64)
    broken = ~np.isfinite(wide)
    scaled = np.clip(np.where(broken, 0, wide) / bound, -1, 1) if bound > 0 else wide * 0
    found = colours.heat[STEPS + np.rint(np.where(broken, 0, scaled) * STEPS).astype(np.int64)]
    found[broken] = colours.error
    return np.ascontiguousarray(found)


def image_of(elements: Elements, low: float, high: float, colours: Palette) -> Elements:
    """C × H × W elements as H × W × 3 bytes; a fourth channel (opacity) is left out."""
    wide = elements.astype(np.float64)
    broken = ~np.isfinite(wide)
    scaled = np.clip((np.where(broken, low, wide) - low) / (high - low), 0, 1)
    bytes_ = np.rint(scaled * 255).astype(np.uint8)
    three = np.repeat(bytes_, 3, axis=0) if len(bytes_) == 1 else bytes_[:3]
    found = np.ascontiguousarray(three.transpose(1, 2, 0))
    found[broken.any(axis=0)] = colours.error
    return found


def converted(
    elements: Elements, mode: Mode, bound: float, step: int, colours: Palette
) -> tuple[Elements, str]:
    """The bytes of a picture and its caption. May take longer than a frame; any thread may."""
    if mode is Mode.IMAGE:
        low, high = normalisation(elements)
        text = words("black {0}, white {1}").format(_short(low), _short(high))
        return image_of(elements, low, high, colours), text
    caption = words("every {0}th row and column").format(step) if step > 1 else ""
    return heat_image(elements, bound, colours), caption


class Picture(QWidget):
    """Every element a rectangle, none of them smoothed. The pointer tells an element. A large
    picture is made beside the GUI thread; until it is there, the one before stays."""

    shown = Signal()
    """Another picture is there: it may need another height."""

    def __init__(self, field: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"value_picture_{field}")
        self.elements: Elements | None = None
        self.caption = ""
        self._image = QImage()
        self._bytes: Elements | None = None
        self._dtype, self._step = "float32", 1
        self._prefix: tuple[int, ...] = ()
        self._stretched = False
        self._background = Background(self)
        self._order = 0
        self._again: Callable[[], None] = lambda: None
        """In the colours of another theme."""
        theme().changed.connect(self._recolour)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def clear(self) -> None:
        self.elements = None
        self._again = lambda: None
        self._order += 1
        self.update()

    def show_elements(
        self,
        elements: Elements,
        mode: Mode,
        bound: float,
        dtype: str,
        *,
        step: int = 1,
        prefix: tuple[int, ...] = (),
        past: bool = False,
    ) -> None:
        """H × W of ``Mode.HEAT``, C × H × W of ``Mode.IMAGE``. ``bound`` gets the last colour."""
        self._again = lambda: self.show_elements(
            elements, mode, bound, dtype, step=step, prefix=prefix, past=past
        )
        self._order += 1
        order, colours = self._order, palette(past)

        def make() -> tuple[Elements, str]:
            return converted(elements, mode, bound, step, colours)

        def done(made: tuple[Elements, str]) -> None:
            if order == self._order:  # none was wanted since
                self.elements, self._dtype, self._step = elements, dtype, step
                self._prefix, self._stretched = prefix, mode is Mode.HEAT
                self._show(*made)

        if elements.size > AT_ONCE:
            self._background.do(make, done)
        else:
            done(make())

    def _recolour(self) -> None:
        self._again()

    def _show(self, found: Elements, caption: str) -> None:
        self.caption = caption
        self._bytes = found  # the image only refers to it
        high_, wide = found.shape[:2]
        self._image = QImage(found.data, wide, high_, 3 * wide, QImage.Format.Format_RGB888)
        self.setAccessibleName(words("Picture of {0} × {1} elements").format(high_, wide))
        self.updateGeometry()
        self.update()
        self.shown.emit()

    def height_for(self, width: int) -> int:
        """In true proportions, but not too tall; what is very wide or long is stretched, unless it
        is an image."""
        if self.elements is None:
            return 40
        rows, columns = self.elements.shape[-2:]
        ratio = rows / columns
        if self._stretched:
            ratio = min(max(ratio, 1 / _WIDEST), 1.25)
        picture: int = max(24, min(_TALLEST, round(width * ratio)))
        return picture + (_CAPTION if self.caption else 0)

    def _box(self) -> QRectF:
        assert self.elements is not None
        rows, columns = self.elements.shape[-2:]
        high = self.height() - (_CAPTION if self.caption else 0)
        if self._stretched:
            return QRectF(0, 0, self.width(), high)
        scale = min(self.width() / columns, high / rows)
        return QRectF(0, 0, columns * scale, rows * scale)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.elements is None:
            return
        painter, look = QPainter(self), theme()
        box = self._box()
        painter.drawImage(box, self._image)
        painter.setPen(look.colour("border"))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        if self.caption:
            painter.setFont(look.font("caption"))
            painter.setPen(look.colour("text_secondary"))
            room = QRectF(0, self.height() - _CAPTION, self.width(), _CAPTION)
            metrics = QFontMetrics(painter.font())
            text = metrics.elidedText(self.caption, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)

    def told_at(self, x: float, y: float) -> str:
        """The element at a point of the widget: ``[3, 5]  −0.25``; empty beside the picture."""
        if self.elements is None:
            return ""
        box, (rows, columns) = self._box(), self.elements.shape[-2:]
        row, column = int(y * rows / box.height()), int(x * columns / box.width())
        if not (0 <= row < rows and 0 <= column < columns and x >= 0 and y >= 0):
            return ""
        place = ", ".join(map(str, (*self._prefix, row * self._step, column * self._step)))
        found = self.elements[..., row, column]
        numbers = [format_number(x, self._dtype, None) for x in np.atleast_1d(found).tolist()]
        return f"[{place}]  {', '.join(numbers)}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        QToolTip.showText(event.globalPosition().toPoint(), self.told_at(at.x(), at.y()), self)


def _short(x: float) -> str:
    return format_number(float(f"{x:.3g}"), "float64", 3)
