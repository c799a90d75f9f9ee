"""The line at the bottom that always says where the program stands."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.words import sentence as sentence_of
from gradstep.gui.calm import CalmState
from gradstep.gui.progress import next_phase
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import PHASE_INFO, Phase
from gradstep.protocol.trace import Level, Reason, Stop


@dataclass(frozen=True)
class Word:
    """A piece of a sentence: ``strong`` bold, ``code`` in the fixed font, in its phase's colour."""

    text: str
    strong: bool = False
    code: bool = False
    phase: Phase | None = None


Sentence = tuple[Word, ...]


def sentences(
    state: State, stop: Stop | None, iteration: int = 0, loss: str = "", hit: str = ""
) -> list[Sentence]:
    """Where the program stands: what happened; which iteration; how far the phase is; what is next.

    ``iteration`` is that of a running program, ``loss`` how a lost one was lost, ``hit`` the
    breakpoint at which it stands."""
    headline = loss if state is State.LOST and loss else _headline(state, stop)
    said: list[Sentence] = [(Word(headline, strong=True),)]
    if hit and state is State.STOPPED:
        said = [(Word(headline, strong=True), Word(f": {hit}"))]
    if state in (State.EMPTY, State.STARTING):
        return said
    running = state is State.RUNNING
    number = iteration if running and iteration else stop.iteration if stop else 0
    if number:
        said.append((Word(translate("Status", "Iteration {0}").format(number)),))
    if stop is None or running:
        return said
    telling = stop.done or stop.outer or stop.subject
    if stop.phase is not None and telling and stop.reason is not Reason.PHASE:
        said.append(_done(stop))
    if state is State.STOPPED and (what := _next(stop)):
        said.append(what)
    return said


def _headline(state: State, stop: Stop | None) -> str:
    if state is State.EMPTY:
        return translate("Status", "No program is open")
    if state is State.STARTING:
        return translate("Status", "Starting: torch is loading")
    if state is State.RUNNING:
        return translate("Status", "Running")
    if state is State.LOST and (stop is None or stop.reason is not Reason.END):
        return translate("Status", "The program is gone")
    if stop is None:
        return translate("Status", "Stopped")
    if stop.reason is Reason.PHASE and stop.phase is not None:
        return translate("Status", "{0} ended").format(phase_words(stop))
    return {
        Reason.START: translate("Status", "Nothing has run yet"),
        Reason.STEP: translate("Status", "Stopped after a step"),
        Reason.PHASE: translate("Status", "A phase ended"),
        Reason.ITERATION: translate("Status", "The iteration ended"),
        Reason.EPOCH: translate("Status", "An epoch ended"),
        Reason.LINE: translate("Status", "The line is reached"),
        Reason.BREAKPOINT: translate("Status", "Stopped at a breakpoint"),
        Reason.NAN: translate("Status", "Stopped at a NaN or Inf"),
        Reason.PAUSE: translate("Status", "Paused"),
        Reason.EXCEPTION: translate("Status", "Stopped by an exception"),
        Reason.REFUSED: translate("Status", "Not possible now"),
        Reason.END: translate("Status", "The program ended")
        if stop.exit_code is not None or state is not State.STOPPED
        else translate("Status", "Training ended"),
        Reason.LOST: translate("Status", "The program is gone"),
    }[stop.reason]


def _done(stop: Stop) -> Sentence:
    assert stop.phase is not None
    title = Word(phase_words(stop), strong=True, phase=stop.phase)
    if not stop.done:
        return (title,)
    if stop.total:
        return title, Word(
            translate("Status", ", {0} of {1} operations done").format(stop.done, stop.total)
        )
    if stop.done == 1:
        return title, Word(translate("Status", ", 1 operation done"))
    return title, Word(translate("Status", ", {0} operations done").format(stop.done))


def _next(stop: Stop) -> Sentence:
    """Between phases the next phase, inside one the next operation."""
    operation, phase = stop.operation, next_phase(stop)
    between = (Reason.START, Reason.PHASE, Reason.ITERATION, Reason.EPOCH, Reason.REFUSED)
    if stop.reason in between and phase is not None:
        what, place = Word(phase_title(phase), strong=True, phase=phase), stop.place
    elif operation is not None:
        what, place = Word(operation.name, strong=True, code=True), operation.place or stop.place
    else:
        return (Word(translate("Status", "Next: line {0}").format(stop.line)),) if stop.line else ()
    line = (Word(translate("Status", ", line {0}").format(place.line)),) if place else ()
    return (Word(translate("Status", "Next: ")), what, *line)


def level_text(level: Level) -> str:
    """How much was captured, as the status line says it."""
    return {
        Level.RUN: translate("Status", "Run level"),
        Level.PHASE: translate("Status", "Phase level"),
        Level.OPERATION: translate("Status", "Operation level"),
    }[level]


def phase_title(phase: Phase) -> str:
    return translate("Phases", PHASE_INFO[phase].title)


def phase_words(stop: Stop) -> str:
    """The phase of a stop: ``Forward inside Update``, ``Update of opt_d``."""
    assert stop.phase is not None
    words = phase_title(stop.phase)
    if stop.subject:
        words = translate("Status", "{0} of {1}").format(words, stop.subject)
    if stop.outer is not None:
        words = translate("Status", "{0} inside {1}").format(words, phase_title(stop.outer))
    return words


class StatusLine(QWidget):
    """Sentences from the left, the level of capture at the right; what has no room is left out
    from the end."""

    def __init__(
        self, session: Session, calm: CalmState, breakpoints: Breakpoints, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("status")
        self.setFixedHeight(theme().size("window", "status"))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._session, self._calm, self._breakpoints = session, calm, breakpoints
        self._iteration = 0
        self._told = ""
        self._left: list[Sentence] = []
        self._right = ""
        calm.changed.connect(self.refresh)
        session.stopped.connect(self.refresh)
        session.programOpened.connect(self.refresh)
        session.progressed.connect(self._progress)
        breakpoints.changed.connect(self.refresh)
        theme().changed.connect(self.update)
        self.refresh()

    def text(self) -> str:
        """All that it says, sentences separated by `` · ``."""
        left = " · ".join("".join(word.text for word in sentence) for sentence in self._left)
        return f"{left} · {self._right}" if self._right else left

    def headline(self) -> str:
        """Its first words: what happened."""
        return self._left[0][0].text

    def tell(self, words: str) -> None:
        """Say something about what is selected; ``""``: no longer."""
        if words != self._told:
            self._told = words
            self.refresh()

    def refresh(self) -> None:
        stop = self._session.stop
        state = self._calm.state
        if state is not State.RUNNING:
            self._iteration = 0
        self._left = sentences(state, stop, self._iteration, self._loss(), self._hit())
        if self._told:
            self._left.insert(1, (Word(self._told),))
        stands = state in (State.STOPPED, State.ENDED)
        told = stop is not None and stands and stop.reason is not Reason.START
        self._right = level_text(stop.level) if stop is not None and told else ""
        self.setAccessibleName(self.text())
        self.setToolTip(self.text())
        self.update()

    def _loss(self) -> str:
        if self._session.stopped_by_hand and self._session.attached:
            return self.tr("Detached: the program goes on")
        if self._session.stopped_by_hand:
            return self.tr("The program was stopped")
        return "" if self._session.loaded_program else self.tr("The program could not start")

    def _hit(self) -> str:
        """The breakpoints at which the program stands; their files need no name here."""
        found = self._breakpoints.list
        return "; ".join(
            sentence_of(found[id], found.line_of(found[id])) for id in self._breakpoints.hit
        )

    def _progress(self, iteration: int) -> None:
        self._iteration = iteration
        self.refresh()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        look = theme()
        painter.fillRect(self.rect(), look.colour("window"))
        painter.fillRect(0, 0, self.width(), 1, look.colour("border"))
        padding = look.size("space", "panel_padding")
        box = QRectF(padding, 1, self.width() - 2 * padding, self.height() - 1)
        limit = box.right()
        if self._right:
            painter.setFont(look.font("small"))
            painter.setPen(look.colour("text_secondary"))
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, align, self._right)
            limit -= QFontMetricsF(look.font("small")).horizontalAdvance(self._right) + 16
        x = box.left()
        for sentence in self._left:
            if x + self._width(sentence) > limit and x > box.left():
                break
            x = self._paint(painter, sentence, x, box) + 16

    def _paint(self, painter: QPainter, sentence: Sentence, x: float, box: QRectF) -> float:
        for word in sentence:
            painter.setFont(_font(word))
            painter.setPen(_ink(word))
            painter.drawText(
                QRectF(x, box.top(), box.right() - x, box.height()),
                Qt.AlignmentFlag.AlignVCenter,
                word.text,
            )
            x += QFontMetricsF(_font(word)).horizontalAdvance(word.text)
        return x

    def _width(self, sentence: Sentence) -> float:
        return sum(QFontMetricsF(_font(word)).horizontalAdvance(word.text) for word in sentence)


def _font(word: Word) -> QFont:
    return theme().font("small", code=word.code, weight=600 if word.strong else 400)


def _ink(word: Word) -> QColor:
    if word.phase is not None:
        return theme().phase(word.phase).text
    return theme().colour("text" if word.strong else "text_secondary")
