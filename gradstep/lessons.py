"""What a lesson says, read from the ``.toml`` file beside its program.

A step belongs to a moment of the program, so that the text follows whatever the learner does: it is
shown from that moment until the next step's. In the text ``{w.grad}`` stands for what this
expression of the program's names gives at that moment. Standard library only.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradstep.assets import resource
from gradstep.phases import PHASES
from gradstep.protocol.trace import Reason, Stop

LANGUAGES = ("en", "zh")
WHOLE = 1 << 30
"""Operations done of a phase that is complete."""

Moment = tuple[int, int, int]
"""Iteration, phase (its place in the iteration), operations done. They are ordered."""
Words = dict[str, str]
"""By language."""

_PHASES = {info.phase.value: place for place, info in enumerate(PHASES)}
_COMPLETE = (Reason.PHASE, Reason.ITERATION, Reason.EPOCH, Reason.END)
_FIELD = re.compile(r"\{([^{}]+)\}")


class LessonError(ValueError):
    """The file is not a lesson: in one sentence, why."""


@dataclass(frozen=True)
class Question:
    """``name`` is what to predict, ``value`` the expression that gives it from ``known`` on."""

    name: str
    value: str
    known: Moment
    hints: tuple[Words, ...]


@dataclass(frozen=True)
class Step:
    begins: Moment
    text: Words
    question: Question | None = None

    def expressions(self) -> tuple[str, ...]:
        """What its texts ask of the program."""
        texts = [*self.text.values()]
        for hint in self.question.hints if self.question else ():
            texts += hint.values()
        return tuple(dict.fromkeys(found for text in texts for found in _FIELD.findall(text)))


@dataclass(frozen=True)
class Lesson:
    name: str
    title: Words
    about: Words
    goal: Words
    steps: tuple[Step, ...]

    def at(self, moment: Moment) -> int:
        """The index of the step that belongs to ``moment``."""
        return max((i for i, s in enumerate(self.steps) if s.begins <= moment), default=0)


def lesson_of(program: Path) -> Lesson | None:
    """The lesson whose program this is; a ``.toml`` file beside a program of the user's own is
    theirs, and means something else. Raises ``LessonError``."""
    path = program.with_suffix(".toml")
    ours = resource("lessons") in path.parents
    return read_lesson(path) if ours and path.is_file() else None


def read_lesson(path: Path) -> Lesson:
    """Raises ``LessonError``."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        steps = tuple(_step(step) for step in data["step"])
        title, about, goal = (_words(data[key]) for key in ("title", "about", "goal"))
        lesson = Lesson(path.stem, title, about, goal, steps)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise LessonError(f"{path.name}: {error!r}") from None
    if not steps or [s.begins for s in steps] != sorted({s.begins for s in steps}):
        raise LessonError(f"{path.name}: every step begins later than the one before it")
    return lesson


def moment_of(stop: Stop) -> Moment:
    """Where in the training a program stands."""
    if stop.phase is None:
        return (stop.iteration, -1, 0)
    complete = stop.reason in _COMPLETE or (stop.total is not None and stop.done >= stop.total)
    return (stop.iteration, _PHASES[stop.phase.value], WHOLE if complete else stop.done)


def fill(text: str, values: dict[str, str]) -> str:
    """``text`` with each ``{expression}`` replaced; by itself, where it is not known."""
    return _FIELD.sub(lambda m: f"`{values.get(m[1], m[1])}`", text)


def _step(data: dict[str, Any]) -> Step:
    asked = data.get("predict")
    question = None
    if asked is not None:
        hints = tuple(_words(hint) for hint in asked.get("hint", ()))
        question = Question(asked["name"], asked["value"], _moment(asked["known"]), hints)
    return Step(_moment(data["from"]), _words(data), question)


def _words(data: dict[str, Any]) -> Words:
    return {language: str(data[language]).strip() for language in LANGUAGES}


def _moment(text: str) -> Moment:
    """``start``, ``2 backward`` (complete), or ``2 backward 1`` (after its first operation)."""
    if text == "start":
        return (0, -1, 0)
    iteration, phase, *done = text.split()
    return (int(iteration), _PHASES[phase], int(done[0]) if done else WHOLE)
