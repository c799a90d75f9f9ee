"""How far the phases are, and what the status line says of it: pure functions of a stop."""

from __future__ import annotations

from typing import Any

import pytest

from gradstep.gui.progress import IterationProgress, PhaseProgress, Standing, next_phase
from gradstep.gui.states import State
from gradstep.gui.status import sentences
from gradstep.phases import Phase
from gradstep.protocol.trace import Operation, Place, Reason, Stop, Timeline, TimelinePhase

F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD
WAITING = PhaseProgress()
DONE = PhaseProgress(Standing.DONE, 1.0)


def timeline(*stretches: tuple[Phase, int, bool], first: int = 0) -> Timeline:
    return Timeline(
        first,
        tuple(
            TimelinePhase(phase, iteration, first + i, 3, complete)
            for i, (phase, iteration, complete) in enumerate(stretches)
        ),
    )


def standings(stop: Stop | None, *timelines: Timeline) -> list[PhaseProgress]:
    progress = IterationProgress()
    for each in timelines:
        progress.add(each)
    return [progress.of(phase, stop) for phase in (F, B, U, Z)]


def test_before_the_first_stop_all_wait() -> None:
    assert standings(None) == [WAITING] * 4


def test_inside_a_phase_its_fraction_is_known() -> None:
    stop = Stop(Reason.STEP, 1, B, done=1, total=4)
    found = standings(stop, timeline((F, 1, True), (B, 1, False)))
    assert found == [DONE, PhaseProgress(Standing.BEGUN, 0.25), WAITING, WAITING]


def test_a_phase_of_unknown_length_has_only_begun() -> None:
    stop = Stop(Reason.STEP, 1, F, done=2)
    assert standings(stop, timeline((F, 1, False)))[0] == PhaseProgress(Standing.BEGUN, None)


def test_a_phase_that_ended_is_done_although_its_stretch_is_still_open() -> None:
    stop = Stop(Reason.PHASE, 1, B, done=4, total=4)
    assert standings(stop, timeline((F, 1, True), (B, 1, False)))[:2] == [DONE, DONE]


def test_the_next_iteration_begins_anew() -> None:
    one = timeline((F, 1, True), (B, 1, True), (U, 1, True), (Z, 1, True))
    stop = Stop(Reason.STEP, 2, F, done=1, total=3)
    two = timeline((F, 2, False), first=4)
    assert standings(stop, one, two) == [PhaseProgress(Standing.BEGUN, 1 / 3)] + [WAITING] * 3


def test_a_stretch_told_again_replaces_itself() -> None:
    stop = Stop(Reason.STEP, 1, B)
    found = standings(stop, timeline((F, 1, False)), timeline((F, 1, True)))
    assert found[0] == DONE


@pytest.mark.parametrize(
    ("stop", "phase"),
    [
        (None, None),
        (Stop(Reason.START, next_phase=F), F),
        (Stop(Reason.STEP, 1, F, operation=Operation("MulBackward0", B)), B),
        (Stop(Reason.PHASE, 1, F, next_phase=B), B),
        (Stop(Reason.STEP, 1, U), U),
        (Stop(Reason.LOST, 1, U, next_phase=Z), None),
        (Stop(Reason.EXCEPTION, 1, U, next_phase=Z), None),
    ],
)
def test_which_phase_is_next(stop: Stop | None, phase: Phase | None) -> None:
    assert next_phase(stop) is phase


def said(state: State, stop: Stop | None, **more: Any) -> str:
    return " · ".join(
        "".join(word.text for word in sentence) for sentence in sentences(state, stop, **more)
    )


STEP = Stop(
    Reason.STEP,
    2,
    B,
    place=Place("a.py", 20),
    operation=Operation("MulBackward0", B, place=Place("a.py", 10)),
    done=2,
    total=4,
)


@pytest.mark.parametrize(
    ("state", "stop", "text"),
    [
        (State.EMPTY, None, "No program is open"),
        (State.STARTING, None, "Starting: torch is loading"),
        (State.STOPPED, Stop(Reason.START, next_phase=F), "Nothing has run yet · Next: Forward"),
        (
            State.STOPPED,
            STEP,
            "Stopped after a step · Iteration 2 · Backward, 2 of 4 operations done · "
            "Next: MulBackward0, line 10",
        ),
        (
            State.STOPPED,
            Stop(Reason.PHASE, 2, B, place=Place("a.py", 21), next_phase=U),
            "Backward ended · Iteration 2 · Next: Update, line 21",
        ),
        (
            State.STOPPED,
            Stop(Reason.STEP, 1, F, place=Place("a.py", 5), done=1),
            "Stopped after a step · Iteration 1 · Forward, 1 operation done · Next: line 5",
        ),
        (State.RUNNING, STEP, "Running · Iteration 2"),
        (State.ENDED, Stop(Reason.END, 300, exit_code=0), "The program ended · Iteration 300"),
        (State.LOST, Stop(Reason.END, 300, exit_code=0), "The program ended · Iteration 300"),
        (State.STOPPED, Stop(Reason.END, 300), "Training ended · Iteration 300"),
        (State.LOST, Stop(Reason.LOST, 3), "The program is gone · Iteration 3"),
    ],
)
def test_the_status_line_says_where_the_program_stands(
    state: State, stop: Stop | None, text: str
) -> None:
    assert said(state, stop) == text


def test_a_running_program_tells_its_iteration() -> None:
    assert said(State.RUNNING, STEP, iteration=57) == "Running · Iteration 57"


def test_how_it_was_lost_is_said_when_it_is_known() -> None:
    stopped = said(State.LOST, Stop(Reason.LOST), loss="The program was stopped")
    assert stopped == "The program was stopped"


def test_phases_are_coloured_as_themselves() -> None:
    words = [word for sentence in sentences(State.STOPPED, STEP) for word in sentence]
    assert [word.phase for word in words if word.text == "Backward"] == [B]
    assert [word.code for word in words if word.text == "MulBackward0"] == [True]


# ---------------------------------------------------------------------- breakpoints and the like

HIT = Stop(Reason.BREAKPOINT, 8, B, Place("a.py", 10), done=2, total=4, breakpoints=(1,))


def test_a_breakpoint_is_named() -> None:
    found = said(State.STOPPED, HIT, hit="line 10, w.grad.norm() > 10")
    assert found.startswith("Stopped at a breakpoint: line 10, w.grad.norm() > 10 · Iteration 8")
    assert "line 10" not in said(State.RUNNING, HIT, hit="line 10")


def test_phases_inside_others_and_of_one_of_several() -> None:
    inside = Stop(Reason.STEP, 3, F, outer=U, done=1)
    assert " · Forward inside Update, 1 operation done" in said(State.STOPPED, inside)
    begun = Stop(Reason.STEP, 3, Z, outer=U)
    assert said(State.STOPPED, begun).endswith(" · Zero grad inside Update")
    ended = Stop(Reason.PHASE, 3, U, subject="opt_d")
    assert said(State.STOPPED, ended).startswith("Update of opt_d ended ·")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.EPOCH, "An epoch ended"),
        (Reason.LINE, "The line is reached"),
        (Reason.NAN, "Stopped at a NaN or Inf"),
    ],
)
def test_the_other_reasons_have_words(reason: Reason, words: str) -> None:
    assert said(State.STOPPED, Stop(reason, 1)).startswith(words)
