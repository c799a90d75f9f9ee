"""The first line of the panel: what is shown, and, when it is over, that it is past."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui import icons
from gradstep.gui.numbers import format_bytes
from gradstep.gui.theme import theme
from gradstep.gui.value.words import (
    device_word,
    is_single,
    kind_word,
    shape_of_single,
    shape_word,
    words,
)
from gradstep.protocol.values import ValueInfo

_GAP = 10


class Header(QWidget):
    """Of one number: its name in italic, what it is, shape · dtype · device. Of a tensor: its
    shape, large, then the same. The quiet part goes below where there is no room beside."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_header")
        self._info: ValueInfo | None = None
        self._past = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme().changed.connect(self.update)

    def show_info(self, info: ValueInfo, past: str = "") -> None:
        """``past``: when it was last seen, if it is gone."""
        said = (*self._texts_of(info), past)
        same = self._info is not None and said == (*self._texts(), self._past)
        self._info, self._past = info, past
        if same:
            return
        self.setAccessibleName(", ".join(part for part in (*self._texts(), past) if part))
        self.updateGeometry()
        self.update()

    def _texts(self) -> tuple[str, str, str]:
        """Large, strong, quiet."""
        assert self._info is not None
        return self._texts_of(self._info)

    def _texts_of(self, info: ValueInfo) -> tuple[str, str, str]:
        tensor = info.tensor
        kind = kind_word(info.kind)
        kind_and_leaf = words("{0}, leaf").format(kind) if tensor.is_leaf else kind
        shape, device = shape_word(tensor.shape), device_word(tensor.device)
        if is_single(tensor):
            single = shape_of_single(tensor.shape)
            return info.name, kind_and_leaf, " · ".join((single, tensor.dtype, device))
        size = format_bytes(tensor.bytes)
        return shape, "", " · ".join((kind, tensor.dtype, device, size))

    def _fonts(self) -> tuple[QFont, QFont, QFont]:
        look, info = theme(), self._info
        assert info is not None
        large = look.font("value", code=True, weight=500)
        if is_single(info.tensor):
            large = look.font("card_title", code=True, weight=600)
        if is_single(info.tensor) and len(info.name) == 1:
            # A variable of one letter is set as in mathematics; longer names are code.
            large = look.mathematics(26)
        return large, look.font("body", weight=600), look.font("small")

    def _widths(self) -> list[int]:
        pairs = zip(self._texts(), self._fonts(), strict=True)
        return [QFontMetrics(font).horizontalAdvance(text) for text, font in pairs]

    def _two_lines(self, width: int) -> bool:
        large, strong, quiet = self._widths()
        return large + strong + quiet + (_GAP if strong else 0) + 16 > width

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if self._info is None:
            return 0
        return 32 + (18 if self._two_lines(width) else 0) + (24 if self._past else 0)

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(max(self.width(), 240)))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._info is None:
            return
        painter, look = QPainter(self), theme()
        (large, strong, quiet), fonts = self._texts(), self._fonts()
        two = self._two_lines(self.width())
        ink = look.colour("text_secondary" if self._past else "text")
        room = self.width() - (0 if two else self._widths()[2] + 16)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(fonts[0])
        painter.setPen(ink)
        metrics = QFontMetrics(fonts[0])
        strong_width = self._widths()[1] + _GAP if strong else 0
        large = metrics.elidedText(
            large, Qt.TextElideMode.ElideMiddle, max(room - strong_width, 40)
        )
        painter.drawText(QRectF(0, 0, self.width(), 30), middle, large)
        left = metrics.horizontalAdvance(large) + _GAP
        painter.setFont(fonts[1])
        painter.drawText(QRectF(left, 1, self.width(), 30), middle, strong)
        painter.setFont(fonts[2])
        painter.setPen(look.colour("text_secondary"))
        right = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        if two:
            painter.drawText(QRectF(0, 28, self.width(), 18), middle, quiet)
        else:
            painter.drawText(QRectF(0, 1, self.width(), 30), right, quiet)
        if self._past:
            self._paint_past(painter, 48 if two else 30)

    def _paint_past(self, painter: QPainter, top: int) -> None:
        look = theme()
        icons.paint(painter, "clock", QRectF(0, top + 3, 14, 14), look.colour("text_secondary"))
        painter.setFont(look.font("small"))
        painter.setPen(look.colour("text_secondary"))
        box = QRectF(20, top, self.width() - 20, 20)
        text = QFontMetrics(painter.font()).elidedText(
            self._past, Qt.TextElideMode.ElideRight, int(box.width())
        )
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)
