"""The tab that says what to do and what to look at, and asks for predictions."""

from __future__ import annotations

import html
import re
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui.icons import icon
from gradstep.gui.lesson.course import Course, Prediction
from gradstep.gui.numbers import format_number
from gradstep.gui.panel import Panel
from gradstep.gui.segmented import Segmented
from gradstep.gui.theme import theme
from gradstep.lessons import LANGUAGES, Step, fill

INSET = 16
NAMES = ("English", "中文")
STRONG = r"<span style='font-weight:600'>\1</span>"


class LessonPanel(Panel):
    """Shows the step that the program stands at, or an earlier one that the learner turns to."""

    offered = Signal(bool)
    """Whether the program has a lesson."""

    def __init__(self, course: Course, parent: QWidget | None = None) -> None:
        super().__init__("lesson", "", parent)
        self.set_title(self.tr("Lesson"))
        self.course = course
        self.step = 0
        self._reached = -1
        self._hints = 0
        self._has = False
        self._shown: tuple[Any, ...] | None = None
        """What the labels say now; None where that is not known."""
        self.title = QLabel()
        self.title.setFont(theme().font("body", weight=600))
        self.place = QLabel()
        self.place.setProperty("quiet", True)
        self.back = _turn("lesson_back", "chevron_left", self.tr("The step before"))
        self.on = _turn(
            "lesson_on", "chevron_right", self.tr("The next step, as far as the program has come")
        )
        self.back.clicked.connect(lambda: self._turn(-1))
        self.on.clicked.connect(lambda: self._turn(1))
        self.language = Segmented(NAMES)
        self.language.setObjectName("lesson_language")
        self.language.setAccessibleName(self.tr("Language of the lesson"))
        self.language.choose(LANGUAGES.index(course.language))
        self.language.chosen.connect(lambda i: course.set_language(LANGUAGES[i]))
        self.verdict = _text("lesson_verdict")
        self.text = _text("lesson_text")
        self.question = _Question()
        self.question.given.connect(self._predict)
        self.question.hint.clicked.connect(self._hint)
        self.hints = _text("lesson_hints")
        self._lay_out()
        course.changed.connect(self._refresh)
        theme().changed.connect(self._repaint)
        self._refresh()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title, 1)
        for tool in (self.back, self.place, self.on, self.language):
            head.addWidget(tool)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(INSET, 10, INSET, 10)
        column.setSpacing(8)
        column.addLayout(head)
        for widget in (self.verdict, self.text, self.question, self.hints):
            column.addWidget(widget)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        self.body.addWidget(area)

    # ------------------------------------------------------------------ what the learner does

    def _turn(self, way: int) -> None:
        self.step = min(max(self.step + way, 0), self.course.reached)
        self._hints = 0
        self._refresh()

    def _predict(self, text: str) -> None:
        self.question.refuse(not self.course.predict(self.step, text))

    def _hint(self) -> None:
        self._hints += 1
        self._refresh()

    # ------------------------------------------------------------------ what is shown

    def _repaint(self) -> None:
        self._shown = None
        self._refresh()

    def _refresh(self) -> None:
        course, lesson = self.course, self.course.lesson
        if (lesson is not None or bool(course.problem)) != self._has:
            self._has = not self._has
            self.offered.emit(self._has)
        if lesson is None:
            self._shown = None
            self.title.setText(self.tr("This lesson cannot be shown"))
            self.text.setText(html.escape(course.problem))
            for widget in (self.question, self.verdict, self.hints):
                widget.hide()
            return
        if course.reached != self._reached:
            self._reached = self.step = course.reached
            self._hints = 0
        shown = (
            *(lesson.name, course.language, self.step, course.reached, self._hints),
            *(course.is_known(self.step), course.values.get(self.step)),
            *(dict(course.predictions), [course.is_known(i) for i in course.predictions]),
        )
        if shown == self._shown:
            return  # most stops are within a step, and laying out text takes a while
        self._shown = shown
        step = lesson.steps[self.step]
        self.title.setText(lesson.title[course.language])
        self.place.setText(self.tr("{0} of {1}").format(self.step + 1, len(lesson.steps)))
        self.back.setEnabled(self.step > 0)
        self.on.setEnabled(self.step < course.reached)
        self.text.setText(self._rich(step.text[course.language]))
        self._show_question(step)
        self._show_verdict()

    def _show_question(self, step: Step) -> None:
        question, known = step.question, self.course.is_known(self.step)
        self.question.setVisible(question is not None and not known)
        hints = question.hints[: self._hints] if question is not None and not known else ()
        self.hints.setVisible(bool(hints))
        self.hints.setText("<br>".join(self._rich(h[self.course.language]) for h in hints))
        if question is not None:
            guess = self.course.predictions.get(self.step)
            more = len(question.hints) > self._hints
            self.question.show_asked(question.name, guess, more=more)

    def _show_verdict(self) -> None:
        """Of the latest question that is answered: the program has just gone past it."""
        told = [i for i in self.course.predictions if i <= self.step and self.course.is_known(i)]
        self.verdict.setVisible(bool(told))
        if told:
            lesson = self.course.lesson
            question = lesson.steps[max(told)].question if lesson is not None else None
            assert question is not None
            words, colour = self._judged(question.name, self.course.predictions[max(told)])
            ink = theme().colour(colour).name()
            self.verdict.setText(f"<span style='color:{ink}'>{words}</span>")

    def _judged(self, name: str, guess: Prediction) -> tuple[str, str]:
        name, text = html.escape(name), html.escape(guess.text)
        if guess.value is None:
            words = self.tr("You predicted {1} for {0}; the program has gone past it.")
            return words.format(name, text), "text_secondary"
        number = format_number(guess.value)
        if guess.right:
            words = self.tr("✓ Right: {0} is {2}. You predicted {1}.")
        else:
            words = self.tr("✗ {0} is {2}. You predicted {1}.")
        return words.format(name, text, number), "text" if guess.right else "warning_text"

    def _rich(self, text: str) -> str:
        """``**bold**``, ```code``` and paragraphs."""
        family = theme().font("small", code=True).family()
        parts = fill(text, self.course.values.get(self.step, {})).split("`")
        for i, part in enumerate(parts):
            part = html.escape(part, quote=False)
            if i % 2:
                parts[i] = f"<span style='font-family:{family}'>{part}</span>"
            else:
                parts[i] = re.sub(r"\*\*([^*]+)\*\*", STRONG, part).replace("\n\n", "<br><br>")
        return "".join(parts)


class _Question(QWidget):
    """What to predict, a field, and a hint for those who want one."""

    given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.label = QLabel()
        self.field = QLineEdit()
        self.field.setObjectName("lesson_prediction")
        self.field.setFont(theme().font("small", code=True))
        self.field.setFixedWidth(96)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.returnPressed.connect(lambda: self.given.emit(self.field.text()))
        self.field.editingFinished.connect(self._finished)
        self.note = QLabel()
        self.note.setProperty("quiet", True)
        self.hint = QPushButton(self.tr("Hint"))
        self.hint.setObjectName("lesson_hint")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.label, self.field):
            row.addWidget(widget)
        row.addWidget(self.note, 1)
        row.addWidget(self.hint)

    def _finished(self) -> None:
        if self.field.text().strip():
            self.given.emit(self.field.text())

    def show_asked(self, name: str, guess: Prediction | None, *, more: bool) -> None:
        self.label.setText(self.tr("Your prediction for {0}").format(name))
        self.field.setAccessibleName(self.label.text())
        if guess is None and not self.field.hasFocus():
            self.field.clear()
        self.note.setText(
            self.tr("kept; it is compared when the program computes it")
            if guess is not None
            else self.tr("type a number, then go on")
        )
        self.hint.setEnabled(more)

    def refuse(self, refused: bool) -> None:
        if refused and self.field.text().strip():
            self.note.setText(self.tr("Not a number."))


def _text(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _turn(name: str, picture: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName(name)
    button.setIcon(icon(picture))
    button.setIconSize(QSize(16, 16))
    side = theme().size("control", "icon_button")
    button.setFixedSize(side, side)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
