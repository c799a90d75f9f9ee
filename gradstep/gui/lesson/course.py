"""Which step of a lesson the learner is at, what its numbers are, and what was predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QLocale, QObject, QSettings, Signal

from gradstep.gui.numbers import format_number
from gradstep.gui.session import Session
from gradstep.lessons import LANGUAGES, Lesson, LessonError, Moment, Question, lesson_of, moment_of
from gradstep.protocol.examination import Watched
from gradstep.protocol.trace import Stop

TOLERANCE = 5e-3
"""Part of the value by which a prediction may be off: three figures are enough."""


@dataclass(frozen=True)
class Prediction:
    """``value`` and ``right`` are None until the program has computed it."""

    text: str
    number: float
    value: float | None = None
    right: bool | None = None


class Course(QObject):
    """Follows the session. Numbers are those of the moment that a step is about: they are asked for
    once, when the program first stands there."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.lesson: Lesson | None = None
        self.problem = ""
        """Why the lesson of this program cannot be shown."""
        self.reached = 0
        """Index of the step that the program stands at."""
        self.predictions: dict[int, Prediction] = {}
        self.values: dict[int, dict[str, str]] = {}
        self.language = _language()
        self._moment: Moment = (0, -1, 0)
        session.programOpened.connect(self._open)
        session.stopped.connect(self._stand)

    def set_language(self, language: str) -> None:
        """``en`` or ``zh``; remembered."""
        self.language = language
        QSettings().setValue("language", language)
        self.changed.emit()

    def predict(self, step: int, text: str) -> bool:
        """Whether ``text`` is a number, and it is not too late."""
        try:
            number = float(text.strip().replace("\N{MINUS SIGN}", "-").replace(",", "."))
        except ValueError:
            return False
        if not math.isfinite(number) or self.is_known(step):
            return False
        self.predictions[step] = Prediction(text.strip(), number)
        self.changed.emit()
        return True

    def is_known(self, step: int) -> bool:
        """Whether the program has already computed what ``step`` asks for."""
        question = self.lesson.steps[step].question if self.lesson else None
        return question is not None and self._moment >= question.known

    # ------------------------------------------------------------------ session

    def _open(self, path: str) -> None:
        self.problem, self.reached, self._moment = "", 0, (0, -1, 0)
        self.predictions, self.values = {}, {}
        try:
            self.lesson = lesson_of(Path(path))
        except LessonError as error:
            self.lesson, self.problem = None, str(error)
        self.changed.emit()

    def _stand(self, stop: Stop) -> None:
        if self.lesson is None:
            return
        self._moment = moment_of(stop)
        self.reached = self.lesson.at(self._moment)
        self._remember()
        self._read(self.reached)
        self._reveal()
        self.changed.emit()

    def _remember(self) -> None:
        assert self.lesson is not None
        key = f"lessons/{self.lesson.name}"
        if self.reached > int(str(QSettings().value(key, 0))):
            QSettings().setValue(key, self.reached)

    def _read(self, step: int) -> None:
        """Ask for the numbers of ``step``, which the program stands at."""
        assert self.lesson is not None
        asked = self.lesson.steps[step].expressions()
        if step in self.values or not asked:
            return

        def take(found: tuple[Watched, ...], _: bytes) -> None:
            self.values[step] = {one.expression: _shown(one) for one in found}
            self.changed.emit()

        self._session.ask("watch", tuple[Watched, ...], take, tag="lesson", expressions=asked)

    def _reveal(self) -> None:
        assert self.lesson is not None
        for step, prediction in self.predictions.items():
            question = self.lesson.steps[step].question
            if question is None or prediction.value is not None or not self._is_now(question):
                continue

            def take(found: tuple[Watched, ...], _: bytes, step: int = step) -> None:
                self._compare(step, found[0])

            self._session.ask(
                "watch",
                tuple[Watched, ...],
                take,
                tag=f"lesson.{step}",
                expressions=(question.value,),
            )

    def _is_now(self, question: Question) -> bool:
        """Whether what it asks for can be read: it is known, and the program has not gone on to
        another step's moment, where the same name holds something else."""
        assert self.lesson is not None
        return self._moment >= question.known and self.reached == self.lesson.at(question.known)

    def _compare(self, step: int, found: Watched) -> None:
        value, guess = _number(found), self.predictions[step]
        if value is not None:
            right = math.isclose(guess.number, value, rel_tol=TOLERANCE, abs_tol=1e-9)
            self.predictions[step] = replace(guess, value=value, right=right)
        self.changed.emit()


def _number(found: Watched) -> float | None:
    if isinstance(found.number, (int, float)):
        return float(found.number)
    shown = found.info.data.elements if found.info is not None and found.info.data else None
    return float(shown[0]) if shown and len(shown) == 1 else None


def _shown(found: Watched) -> str:
    number = _number(found)
    return format_number(number) if number is not None else found.text or found.expression


def _language() -> str:
    chosen = str(QSettings().value("language", ""))
    if chosen in LANGUAGES:
        return chosen
    return "zh" if QLocale.system().language() is QLocale.Language.Chinese else "en"
