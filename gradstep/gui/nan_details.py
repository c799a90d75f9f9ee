"""How a number that is none came to be: what went in, and the way back to where it began."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui import icons
from gradstep.gui.buttons import focus_ring
from gradstep.gui.nan_words import cells, place_words, way
from gradstep.gui.theme import theme
from gradstep.protocol.nonfinite import Link, Nonfinite

LEAST, HEIGHT = 96, 200
"""In a low window, and at most; what is longer scrolls."""


class NanDetails(QScrollArea):
    """Each operand of the operation in a row, then the operations that handed it on, newest first;
    a click on one of these leads to its line."""

    lineRequested = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("nan_details")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.steps: list[Step] = []
        self._wanted = 0

    def explain(self, found: Nonfinite) -> None:
        sheet = QWidget()
        column = QVBoxLayout(sheet)
        column.setContentsMargins(44, 8, 16, 8)
        column.setSpacing(2)
        operands = (*found.inputs, *((found.result,) if found.result else ()))
        if operands:
            column.addWidget(_caption(self.tr("What {0} was given").format(found.operation)))
            column.addLayout(_grid([cells(operand) for operand in operands]))
            column.addSpacing(8)
        self.steps = [Step(link, i == len(found.chain) - 1) for i, link in enumerate(found.chain)]
        if self.steps:
            column.addWidget(_caption(self.tr("Back to where it began")))
        for step in self.steps:
            column.addWidget(step)
            step.clicked.connect(lambda _=False, link=step.link: self._show(link))
        column.addStretch(1)
        self.setWidget(sheet)
        sheet.setBackgroundRole(QPalette.ColorRole.Base)
        self._wanted = min(HEIGHT, sheet.sizeHint().height())
        self.setMinimumHeight(min(self._wanted, LEAST))
        self.setMaximumHeight(self._wanted)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(200, self._wanted)

    def _show(self, link: Link) -> None:
        if link.place is not None:
            self.lineRequested.emit(link.place.file, link.place.line)


class Step(QAbstractButton):
    """One operation on the way: a cross where it began, an arrow where it was handed on."""

    def __init__(self, link: Link, first: bool) -> None:
        super().__init__()
        self.link, self.first = link, first
        self.setObjectName("nan_step")
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setEnabled(link.place is not None)
        self.words = way(link, first)
        said = (link.operation, self.words, place_words(link))
        self.setAccessibleName(", ".join(filter(None, said)))

    def sizeHint(self) -> QSize:
        return QSize(200, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        if self.underMouse() and self.isEnabled():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("hover"))
            painter.drawRoundedRect(box.adjusted(-4, 0, 0, 0), 4, 4)
        ink = look.colour("error" if self.first else "text_secondary")
        name = "error" if self.first else "out"
        icons.paint(painter, name, QRectF(0, 4, 14, 14), ink)
        x, right = 22.0, self.width() - 8.0
        place = place_words(self.link)
        small = look.font("small")
        if place:
            painter.setFont(small)
            painter.setPen(look.colour("text_secondary"))
            align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(box.adjusted(0, 0, -8, 0), align, place)
            right -= QFontMetrics(small).horizontalAdvance(place) + 12
        code = look.font("code", code=True, weight=600 if self.first else 400)
        for words, font, colour in (
            (self.link.operation, code, look.colour("text")),
            (self.words, small, look.colour("error" if self.first else "text_secondary")),
        ):
            metrics = QFontMetrics(font)
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(max(right - x, 0)))
            painter.setFont(font)
            painter.setPen(colour)
            cell = QRectF(x, 0, right - x + 4, box.height())
            painter.drawText(cell, Qt.AlignmentFlag.AlignVCenter, shown)
            x += metrics.horizontalAdvance(shown) + 10
        if self.hasFocus():
            focus_ring(painter, box, 4)


def _caption(words: str) -> QLabel:
    label = QLabel(words)
    label.setFont(theme().font("small", weight=600))
    return label


def _grid(rows: list[tuple[str, str, str, str, str]]) -> QGridLayout:
    """Role, name, kind, element, and how many are none: the last in the colour of errors."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(2)
    for y, row in enumerate(rows):
        for x, words in enumerate(row):
            label = QLabel(words)
            label.setTextFormat(Qt.TextFormat.PlainText)
            code = x in (1, 3)
            label.setFont(theme().font("code" if code else "small", code=code))
            if x in (0, 2):
                label.setProperty("quiet", True)
            elif x == 4:
                label.setProperty("error", True)
            grid.addWidget(label, y, x)
    grid.setColumnStretch(5, 1)
    return grid
