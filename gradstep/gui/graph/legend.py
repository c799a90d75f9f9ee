"""Under the graph: what the signs mean, and how large it is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from gradstep.gui.graph.marks import Mark
from gradstep.gui.graph.paint.badges import paint_badge
from gradstep.gui.graph.paint.pens import (
    FREED,
    PREVIEW,
    arrow_head,
    font,
    ink,
    pen,
    phase,
    stroke,
    text_width,
)
from gradstep.gui.icons import icon
from gradstep.gui.theme import theme
from gradstep.phases import Phase

SIGN, GAP, BETWEEN = 20, 7, 14


class Legend(QWidget):
    """One line; entries that do not fit are left out from the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_legend")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._tensors = self._down = False
        self._marks: frozenset[Mark] = frozenset()
        self._describe()
        theme().changed.connect(self.update)

    def explain(self, *, tensors: bool, down: bool, marks: frozenset[Mark] = frozenset()) -> None:
        """``tensors``: numbers may stand for whole tensors. ``down``: lines are upright. ``marks``:
        the signs that are there."""
        if (tensors, down, marks) != (self._tensors, self._down, self._marks):
            self._tensors, self._down, self._marks = tensors, down, marks
            self._describe()
            self.update()

    def entries(self) -> list[tuple[str, Callable[[QPainter, float, float], None]]]:
        """Words and what draws their sign, most important first."""
        value, grad = self.tr("value, above"), self.tr("gradient, below")
        if self._down:
            value, grad = self.tr("value, left"), self.tr("gradient, right")
        if self._tensors:
            value, grad = self.tr("value (rms), above"), self.tr("gradient (norm), below")
        if self._tensors and self._down:
            value, grad = self.tr("value (rms), left"), self.tr("gradient (norm), right")
        return [
            (value, self._value),
            (grad, self._gradient),
            (self.tr("next, not yet"), self._expected),
            (self.tr("parameter"), self._parameter),
            (self.tr("data"), self._data),
            *((words, self._sign_of(mark)) for mark, words in self._words() if mark in self._marks),
        ]

    def _words(self) -> list[tuple[Mark, str]]:
        return [
            (Mark.FREED, self.tr("freed")),
            (Mark.IN_PLACE, self.tr("in place")),
            (Mark.VIEW, self.tr("view")),
            (Mark.BROADCAST, self.tr("broadcast")),
            (Mark.DETACHED, self.tr("detached")),
            (Mark.NO_GRAD, self.tr("under no_grad")),
        ]

    def _sign_of(self, mark: Mark) -> Callable[[QPainter, float, float], None]:
        def paint(painter: QPainter, x: float, y: float) -> None:
            if mark != Mark.FREED:
                paint_badge(painter, QPointF(x + SIGN / 2, y), mark)
                return
            painter.setPen(pen(phase(Phase.BACKWARD).solid, 1.5, FREED))
            painter.setBrush(phase(Phase.BACKWARD).tint)
            painter.drawEllipse(QPointF(x + SIGN / 2, y), 7.0, 7.0)

        return paint

    def sizeHint(self) -> QSize:
        return QSize(200, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, middle = 0.0, self.height() / 2
        for words, sign in self.entries():
            width = SIGN + GAP + text_width(words, "small", False, 400)
            if x + width > self.width():
                break
            sign(painter, x, middle)
            painter.setPen(ink("text_secondary"))
            painter.setFont(font("small"))
            painter.drawText(QPointF(x + SIGN + GAP, middle + 4.5), words)
            x += width + BETWEEN

    def _describe(self) -> None:
        self.setAccessibleName(self.tr("Legend"))
        self.setAccessibleDescription(", ".join(words for words, _ in self.entries()))

    def _value(self, painter: QPainter, x: float, y: float) -> None:
        self._arrow(painter, QPointF(x, y), QPointF(x + SIGN, y), Phase.FORWARD)

    def _gradient(self, painter: QPainter, x: float, y: float) -> None:
        self._arrow(painter, QPointF(x + SIGN, y), QPointF(x, y), Phase.BACKWARD)

    def _expected(self, painter: QPainter, x: float, y: float) -> None:
        self._arrow(painter, QPointF(x + SIGN, y), QPointF(x, y), Phase.BACKWARD, PREVIEW)

    def _arrow(
        self,
        painter: QPainter,
        start: QPointF,
        end: QPointF,
        which: Phase,
        dash: tuple[float, ...] = (),
    ) -> None:
        colour = phase(which).solid
        width = stroke("edge") if which == Phase.FORWARD or dash else stroke("edge_gradient")
        painter.setPen(pen(colour, width, dash))
        back = QPointF(6.0 if end.x() > start.x() else -6.0, 0)
        painter.drawLine(start, end - back)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(arrow_head(end, start, 8.0))

    def _parameter(self, painter: QPainter, x: float, y: float) -> None:
        rect = QRectF(x + 3, y - 7, 14, 14)
        painter.setPen(pen(ink("text"), 1.5))
        painter.setBrush(ink("panel"))
        painter.drawRoundedRect(rect, 2, 2)
        painter.fillRect(QRectF(rect.left(), rect.top() + 1, 4, 12), ink("text"))

    def _data(self, painter: QPainter, x: float, y: float) -> None:
        painter.setPen(pen(ink("border_strong"), 1.0))
        painter.setBrush(ink("selected_background"))
        painter.drawRoundedRect(QRectF(x + 3, y - 6.5, 14, 13), 2, 2)


class ZoomControl(QWidget):
    """Smaller, how large, larger, everything: in one outlined box."""

    smaller = Signal()
    larger = Signal()
    fitted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_zoom")
        self.setFixedHeight(theme().size("control", "segmented"))
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 1, 2, 1)
        row.setSpacing(0)
        self.percent = QLabel()
        self.percent.setFont(font("small", True))
        self.percent.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.percent.setFixedWidth(46)
        row.addWidget(
            self._button("minus", "graph_zoom_out", self.tr("Zoom out (-)"), self.smaller)
        )
        row.addWidget(self.percent)
        row.addWidget(self._button("plus", "graph_zoom_in", self.tr("Zoom in (+)"), self.larger))
        row.addSpacing(5)
        row.addWidget(
            self._button("fit", "graph_fit", self.tr("Show everything (Home)"), self.fitted)
        )
        theme().changed.connect(self.update)

    def show_scale(self, scale: float) -> None:
        """1 is 100 %."""
        self.percent.setText(self.tr("{0} %").format(round(scale * 100)))

    def _button(self, sign: str, name: str, tip: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setIcon(icon(sign))
        button.setIconSize(QSize(14, 14))
        button.setFixedSize(24, 24)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(signal)
        return button

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(ink("border"), 1.0))
        painter.setBrush(ink("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        x = self.width() - 29.5
        painter.drawLine(QPointF(x, 6), QPointF(x, self.height() - 6))
