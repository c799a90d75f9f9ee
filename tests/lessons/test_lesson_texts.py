"""The texts beside the lessons: whole in both languages, and every number they state is checked."""

from __future__ import annotations

import re
import runpy
from fractions import Fraction
from pathlib import Path

import pytest

import gradstep
from gradstep.assets import resource
from gradstep.lessons import LANGUAGES, WHOLE, Lesson, LessonError, Moment, moment_of, read_lesson
from gradstep.phases import PHASES
from gradstep.program import is_experiment
from gradstep.protocol.examination import Watched

LESSONS = sorted(resource("lessons").glob("*.toml"))
PATIENCE = 120.0
START: Moment = (0, -1, 0)
EQUATION = re.compile(r"([-−+·()\d. ]+) = ([-−\d.]*\d)")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def number(text: str) -> Fraction:
    """What an arithmetical expression as it stands in a text gives, exactly."""
    plain = text.replace("−", "-").replace("·", "*").strip()
    figures = re.sub(r"\d+(?:\.\d+)?", lambda m: f"Fraction('{m[0]}')", plain)
    return Fraction(eval(figures, {"Fraction": Fraction}))


def test_both_languages_ask_the_same_of_the_program(path: Path) -> None:
    for step in read_lesson(path).steps:
        texts = [step.text, *(step.question.hints if step.question else ())]
        for text in texts:
            asked = [set(re.findall(r"\{([^{}]+)\}", text[k])) for k in LANGUAGES]
            assert asked[0] == asked[1]
            for mark in ("**", "`"):
                words = [re.sub(r"\{[^{}]+\}", "", text[k]) for k in LANGUAGES]
                assert all(w.count(mark) % 2 == 0 for w in words)
        assert re.search(r"[一-鿿]", step.text["zh"])
        assert not re.search(r"[一-鿿]", step.text["en"])


def test_sums_in_the_texts_are_right(path: Path) -> None:
    """``1.02 · 2 − 4 = −1.96``: left and right of every such equation, in exact fractions."""
    for step in read_lesson(path).steps:
        for text in [step.text, *(step.question.hints if step.question else ())]:
            for left, right in EQUATION.findall(text["en"] + "\n" + text["zh"]):
                if re.search(r"\d", left) and re.search(r"[·−+]\s*\(?[−\d]", left):
                    assert number(left) == number(right), (left, right)


def asked_of(lesson: Lesson) -> dict[Moment, tuple[str, ...]]:
    """What the texts and questions of each moment ask of the program."""
    asked = {step.begins: step.expressions() for step in lesson.steps}
    for step in lesson.steps:
        if step.question is not None:
            before = asked.get(step.question.known, ())
            asked[step.question.known] = (*before, step.question.value)
    return dict(sorted(asked.items()))


def walk(program: gradstep.Debuggee, moment: Moment) -> None:
    """Go on to ``moment`` by the buttons, iterations where it is far."""
    names = [info.phase.value for info in PHASES]
    while True:
        stop = program.stop
        assert stop is not None
        here = moment_of(stop)
        if here >= moment:
            assert here == moment or moment == START, "a moment at which one can stand"
            return
        ended = here[1] == -1 or (here[1] == len(names) - 1 and here[2] == WHOLE)
        following = 0 if ended else here[1] + (here[2] == WHOLE)
        if stop.iteration + ended < moment[0]:
            program.iteration(timeout=PATIENCE)
        elif moment[2] < WHOLE and following == moment[1]:
            program.step(timeout=PATIENCE)
        else:
            getattr(program, names[following])(timeout=PATIENCE)


class Plain:
    """The same experiment in plain Python and PyTorch, without an engine."""

    def __init__(self, program: Path) -> None:
        self.names = runpy.run_path(str(program))
        self.experiment = self.names["experiment"]()
        self.iteration, self.phase = 0, -1

    def go_on(self, moment: Moment) -> None:
        """In the middle of a phase: to its beginning; only backward's end changes a name."""
        end = moment[1] if moment[2] == WHOLE else moment[1] - 1
        while (self.iteration, self.phase) < (moment[0], end):
            self.phase = (self.phase + 1) % len(PHASES)
            if self.phase == 0:
                self.experiment.forward(self.iteration % len(self.experiment.data))
                self.iteration += 1
            else:
                getattr(self.experiment, PHASES[self.phase].phase.value)()

    def value(self, expression: str) -> object:
        return eval(expression, dict(self.names))


def test_every_number_is_that_of_plain_pytorch(path: Path) -> None:
    """Every moment can be stood at, and gives there what the plain program gives."""
    source = path.with_suffix(".py")
    if not is_experiment(str(source)):
        pytest.skip("a script")
    asked, plain = asked_of(read_lesson(path)), Plain(source)
    compared = 0
    with gradstep.open(source) as program:
        for moment, expressions in asked.items():
            walk(program, moment)
            plain.go_on(moment)
            answer = program.request("watch", tuple[Watched, ...], expressions=expressions)
            for watched in answer.result(PATIENCE)[0]:
                wanted = plain.value(watched.expression)
                assert not watched.problem, watched
                if isinstance(wanted, (int, float)):
                    assert watched.number == wanted
                else:
                    assert watched.text == str(wanted)
                compared += 1
    assert compared >= len(asked)


@pytest.mark.parametrize(
    "text",
    [
        "title.en = 'a'",
        "no toml",
        "step = []\ntitle = {en='', zh=''}\nabout = {en='', zh=''}\ngoal = {en='', zh=''}",
    ],
)
def test_what_is_no_lesson_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(LessonError, match=r"broken\.toml: .+"):
        read_lesson(path)
