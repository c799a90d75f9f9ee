"""Below a card: a finite difference on demand, and why the gradient is what it is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gradstep.gui import icons
from gradstep.gui.cards.frame import Words
from gradstep.gui.cards.path import PathStrip, Spot
from gradstep.gui.cards.words import number, question, sentence, verdict, words
from gradstep.gui.theme import theme
from gradstep.phases import Phase
from gradstep.protocol.place import Place
from gradstep.protocol.rerun import Check, Verdict
from gradstep.protocol.why import Why

_MARKS = {
    Verdict.AGREES: ("check", "update"),
    Verdict.DIFFERS: ("error", "error"),
    Verdict.OUTSIDE: ("error", "error"),
}


class Below(QWidget):
    """Two buttons, and what they answered. Answers go when the numbers do."""

    checkRequested = Signal()
    whyRequested = Signal()
    placeChosen = Signal(str, int)
    """A file and a line that explain the gradient."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.check, self.why = self._button("cards_check"), self._button("cards_why")
        self.check.setText(words("Check"))
        tip = words("Compare with a finite difference of the program's loss")
        self.check.setToolTip(tip)
        self.check.clicked.connect(self.checkRequested)
        self.why.clicked.connect(self.whyRequested)
        self.mark, self.verdict = Mark(), Words()
        self.answer, self.way = Words(), PathStrip()
        self.show_line = self._button("cards_why_line")
        self.show_line.clicked.connect(self._go)
        self._place: Place | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._row(self.mark, self.verdict, self.why, self.check))
        layout.addLayout(self._row(None, self.answer, self.show_line))
        layout.addWidget(self.way)
        self.clear()

    def _button(self, name: str) -> QPushButton:
        button = QPushButton(self)
        button.setObjectName(name)
        button.setProperty("small", True)
        return button

    @staticmethod
    def _row(mark: QWidget | None, text: QWidget, *buttons: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        if mark is not None:
            row.addWidget(mark)
        row.addWidget(text, 1)
        row.addStretch(0)
        for button in buttons:
            row.addWidget(button)
        return row

    def clear(self) -> None:
        """Other numbers: what was answered is about the old ones."""
        self.mark.show_icon("", "")
        self.verdict.say("")
        self.answer.say("")
        self.show_line.hide()
        self.way.hide()
        self.why.setText(words("Why?"))
        self.why.setToolTip(words("Why is the gradient None, zero or of this size?"))

    def show_check(self, check: Check) -> None:
        icon, colour = _MARKS.get(check.verdict, ("info", "text_secondary"))
        self.mark.show_icon(icon, colour)
        self.verdict.say(verdict(check))
        steps = words("(L(v + h) − L(v − h)) / 2h with h = {0}, computed in {1}")
        self.verdict.setToolTip(steps.format(number(check.step, 3, "float64"), check.dtype))

    def show_problem(self, message: str) -> None:
        self.mark.show_icon("info", "text_secondary")
        self.verdict.say(message)

    def show_why(self, why: Why) -> None:
        self.answer.say(f"{question(why)} {sentence(why)}")
        self._place = why.place
        self.show_line.setVisible(why.place is not None)
        if why.place is not None:
            self.show_line.setText(words("Show line {0}").format(why.place.line))
        spots = _spots(why)
        self.way.show_spots(spots)
        self.way.setVisible(len(spots) > 1)

    def _go(self) -> None:
        if self._place is not None:
            self.placeChosen.emit(self._place.file, self._place.line)


def _spots(why: Why) -> tuple[Spot, ...]:
    """Norms of the gradient on the way, around what explains it."""
    hops = why.hops
    if why.at is not None and len(hops) > 4:
        first = max(0, min(why.at - 1, len(hops) - 4))
        hops = hops[first : first + 4]
    if not hops:
        return ()
    spots = [Spot(number(hop.upstream, 3, "float64"), "", hop.operation) for hop in hops]
    return (*spots, Spot(number(hops[-1].downstream, 3, "float64"), words("norms")))


class Mark(QWidget):
    """An icon of 16 pixels; nothing while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._icon, self._colour = "", ""
        self.setFixedSize(QSize(16, 16))
        self.hide()

    def show_icon(self, icon: str, colour: str) -> None:
        self._icon, self._colour = icon, colour
        self.setVisible(bool(icon))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._icon:
            icons.paint(QPainter(self), self._icon, QRectF(self.rect()), _ink(self._colour))


def _ink(name: str) -> QColor:
    look = theme()
    return look.phase(Phase.UPDATE).text if name == "update" else look.colour(name)
