"""The session's own rules, told apart by a scripted program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from gradstep.debuggee import Exited, Output, Progress
from gradstep.gui.latest import Latest
from gradstep.gui.states import TRANSITIONS, InvalidTransition, State, check
from gradstep.protocol.trace import Goal, Graph, Losses, Moment, Reason, Timeline
from tests.gui.fakes import LOADED, Scripted, opened, refuse


@pytest.fixture
def scripted(qtbot: QtBot) -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.session.close()


# ---------------------------------------------------------------------- states


def test_every_state_has_its_row_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    assert set().union(*TRANSITIONS.values()) | {State.EMPTY} == set(State)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.EMPTY, State.RUNNING),
        (State.LOST, State.STOPPED),
        (State.ENDED, State.RUNNING),
        (State.STOPPED, State.ENDED),
    ],
)
def test_what_cannot_be_raises(old: State, new: State) -> None:
    with pytest.raises(InvalidTransition, match=f"{old} to {new}"):
        check(old, new)


# ---------------------------------------------------------------------- latest


def test_latest_keeps_one_under_way_and_the_newest_waiting() -> None:
    sent: list[str] = []
    latest: Latest[str] = Latest(sent.append)
    for request in ("a1", "a2", "a3"):
        latest.ask("a", request)
    latest.ask("b", "b1")
    assert sent == ["a1", "b1"]
    assert not latest.settle("a", "a1")  # a newer one was asked for
    assert sent == ["a1", "b1", "a3"]
    assert not latest.settle("a", "a2")  # never sent
    assert latest.settle("a", "a3")
    assert latest.settle("b", "b1")
    assert not latest.settle("b", "b1")  # only once


def test_latest_forgets() -> None:
    sent: list[object] = []
    latest: Latest[object] = Latest(sent.append)
    old, new = object(), object()
    latest.ask("a", old)
    latest.clear()
    latest.ask("a", new)
    assert sent == [old, new]
    assert not latest.settle("a", old)
    assert latest.settle("a", new)


def test_what_changes_something_is_sent_at_once_and_every_answer_heard(
    scripted: Scripted, qtbot: QtBot
) -> None:
    """A breakpoint that is set while the answer to another is awaited, then F5."""
    opened(scripted, qtbot)
    session, heard = scripted.session, []
    for value in ("1", "2"):
        session.tell("edit", None, lambda result, _: heard.append(result), value=value)
    session.advance(Goal.RUN)
    first, second = scripted.program.asked("edit")
    assert [first[0]["value"], second[0]["value"]] == ["1", "2"]
    assert scripted.program.goals == [Goal.RUN]  # it did not wait for them
    for answer, (_, future) in zip("ab", (first, second), strict=True):
        future.set_result((answer, b""))
    qtbot.waitUntil(lambda: heard == ["a", "b"])
    session.tell("edit", None, lambda result, _: heard.append(result), value="3")
    _, late = scripted.program.asked("edit")[-1]
    session.open("b.py")
    late.set_result(("c", b""))
    QCoreApplication.processEvents()
    assert heard == ["a", "b"]


# ---------------------------------------------------------------------- life


def test_opening_starts_and_the_first_stop_makes_it_ready(scripted: Scripted, qtbot: QtBot) -> None:
    with qtbot.waitSignal(scripted.session.programOpened) as opening:
        scripted.session.open("a.py", ("--epochs", "1"))
    assert opening.args == ["a.py"]
    assert scripted.program.program.args == ("--epochs", "1")
    assert scripted.session.state is State.STARTING
    scripted.program.tell(LOADED)
    scripted.stand(qtbot, Reason.START)
    assert scripted.session.state is State.STOPPED
    assert scripted.session.loaded_program == LOADED


def test_nothing_is_heard_once_it_is_closed(scripted: Scripted, qtbot: QtBot) -> None:
    """Neither facts nor answers that were already on their way: who hears them may be deleted."""
    opened(scripted, qtbot)
    heard: list[object] = []
    session, program = scripted.session, scripted.program
    session.ask("names", Moment, lambda *answer: heard.append(answer), tag="names")
    session.tell("set", Moment, lambda *answer: heard.append(answer))
    scripted.told.clear()
    for verb in ("names", "set"):
        program.asked(verb)[-1][1].set_result((None, b""))
    program.stand(Reason.STEP)
    program.tell(Output("stdout", "late"))
    session.close()
    qtbot.wait(20)
    assert not heard and not scripted.told


def test_facts_come_in_the_gui_thread_in_order(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.told.clear()
    threads: set[threading.Thread] = set()
    scripted.session.outputArrived.connect(lambda *_: threads.add(threading.current_thread()))

    def talk() -> None:
        for text in ("a", "b"):
            scripted.program.tell(Output("stdout", text))
        scripted.program.tell(Output("stderr", "!"))
        scripted.program.stand(Reason.PHASE)
        scripted.program.tell(Output("stdout", "c"))

    worker = threading.Thread(target=talk)
    worker.start()
    worker.join()
    assert scripted.told == []  # nothing is told from the other thread
    scripted.session.advance(Goal.FORWARD)
    with qtbot.waitSignal(scripted.session.outputArrived, check_params_cb=lambda s, t: t == "c"):
        pass
    assert threads == {threading.main_thread()}
    heard = [name if name != "output" else value for name, value in scripted.told]
    order = [("stdout", "ab"), ("stderr", "!"), "stopped", ("stdout", "c")]
    assert [h for h in heard if h in order] == order


def test_the_last_words_of_a_program_that_was_replaced_are_not_heard(
    scripted: Scripted, qtbot: QtBot
) -> None:
    opened(scripted, qtbot)
    old = scripted.program
    scripted.session.restart()
    assert scripted.program is not old
    qtbot.waitUntil(lambda: old.closed)
    old.tell(Output("stdout", "late"))
    old.stand(Reason.LOST, message="gone")
    scripted.stand(qtbot, Reason.START)
    assert scripted.tell("output") == []
    assert scripted.session.state is State.STOPPED
    qtbot.waitUntil(lambda: old.closed)


# ---------------------------------------------------------------------- advance


def test_a_held_key_does_not_queue_steps(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    for _ in range(5):
        scripted.session.advance(Goal.STEP)
    assert scripted.program.goals == [Goal.STEP]
    scripted.stand(qtbot)
    scripted.session.advance(Goal.STEP)
    assert scripted.program.goals == [Goal.STEP, Goal.STEP]


def test_run_at_a_speed_steps_until_paused(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.set_speed(50)
    scripted.session.advance(Goal.RUN)
    assert scripted.session.playing
    for steps in (1, 2, 3):
        qtbot.waitUntil(lambda steps=steps: len(scripted.program.goals) == steps, timeout=1000)
        scripted.stand(qtbot)
    scripted.session.pause()
    assert not scripted.session.playing
    steps = len(scripted.program.goals)
    qtbot.wait(60)
    assert scripted.program.goals == [Goal.STEP] * steps
    assert not scripted.program.paused


def test_playing_ends_with_the_program(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.set_speed(50)
    scripted.session.advance(Goal.RUN)
    scripted.stand(qtbot, Reason.END)
    assert not scripted.session.playing
    assert scripted.session.state is State.ENDED


def test_run_at_full_speed_is_one_advance(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.advance(Goal.RUN)
    assert scripted.program.goals == [Goal.RUN]
    scripted.session.pause()
    assert scripted.program.paused


# ---------------------------------------------------------------------- ask


def test_only_the_newest_answer_is_heard(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    heard: list[Any] = []
    for row in (1, 2, 3):
        scripted.session.ask("value", int, lambda r, b: heard.append((r, b)), tag="t", row=row)
    ((arguments, first),) = scripted.program.asked("value")
    assert arguments == {"row": 1}
    first.set_result((10, b""))
    qtbot.waitUntil(lambda: len(scripted.program.asked("value")) == 2)
    arguments, second = scripted.program.asked("value")[1]
    assert arguments == {"row": 3}
    assert heard == []
    second.set_result((30, b"body"))
    qtbot.waitUntil(lambda: heard == [(30, b"body")])


def test_an_answer_for_a_program_that_was_replaced_is_dropped(
    scripted: Scripted, qtbot: QtBot
) -> None:
    opened(scripted, qtbot)
    heard: list[Any] = []
    scripted.session.ask("value", int, lambda r, b: heard.append(r), tag="t")
    old = scripted.program
    scripted.session.restart()
    scripted.session.ask("value", int, lambda r, b: heard.append(r), tag="t")
    old.asked("value")[0][1].set_result((1, b""))
    scripted.program.asked("value")[0][1].set_result((2, b""))
    qtbot.waitUntil(lambda: bool(heard))
    assert heard == [2]


def test_a_refusal_is_told_to_who_asked(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    problems: list[str] = []
    scripted.session.ask(
        "value",
        int,
        lambda r, b: pytest.fail("no answer"),
        tag="t",
        failed=lambda problem: problems.append(problem.kind),
    )
    refuse(scripted.program.asked("value")[0][1], "unknown", "no such value")
    qtbot.waitUntil(lambda: problems == ["unknown"])
    assert scripted.tell("messageChanged") == []


def test_growing_things_are_read_from_where_the_last_answer_ended(
    scripted: Scripted, qtbot: QtBot
) -> None:
    opened(scripted, qtbot)
    begin = {"graph": 0, "timeline": 0, "losses": 0}
    assert scripted.program.asked("moment")[0][0] == begin
    moment = Moment(Graph(1, 7, True, (), ()), Timeline(0, ()), Losses(0, (1, 1), (1.0, 2.0)), ())
    scripted.program.asked("moment")[0][1].set_result((moment, b""))
    qtbot.waitUntil(lambda: len(scripted.tell("graphChanged")) == 1)
    scripted.session.advance(Goal.STEP)
    scripted.stand(qtbot)
    assert scripted.program.asked("moment")[1][0] == {"graph": 7, "timeline": 0, "losses": 2}
    assert len(scripted.program.asked("devices")) == 1
    scripted.session.restart()
    scripted.stand(qtbot, Reason.START)
    assert scripted.program.asked("moment")[0][0] == begin


def test_losses_are_read_while_it_runs(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.advance(Goal.RUN)
    with qtbot.waitSignal(scripted.session.progressed) as progressed:
        scripted.program.tell(Progress(12))
    assert progressed.args == [12]
    assert len(scripted.program.asked("losses")) == 1


# ---------------------------------------------------------------------- ends


def test_a_program_that_dies_while_it_stands_is_lost(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    with qtbot.waitSignal(scripted.session.stopped) as stopped:
        scripted.program.tell(Exited(-9, "SIGKILL"))
    assert scripted.session.state is State.LOST
    assert stopped.args[0].reason is Reason.LOST
    assert "SIGKILL" in scripted.session.message


def test_stopping_by_hand_is_not_an_accident(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.stop_program()
    assert scripted.program.killed
    with qtbot.waitSignal(scripted.session.stopped):
        scripted.program.tell(Exited(-9, "SIGKILL"))
    assert scripted.session.message == "The program was stopped."


def test_a_program_that_ended_may_leave_quietly(scripted: Scripted, qtbot: QtBot) -> None:
    opened(scripted, qtbot)
    scripted.session.advance(Goal.RUN)
    scripted.stand(qtbot, Reason.END, exit_code=0)
    assert scripted.session.state is State.ENDED
    scripted.program.tell(Exited(0))
    qtbot.waitUntil(lambda: scripted.session.state is State.LOST)
    assert scripted.session.message == ""
    assert scripted.session.stop is not None
    assert scripted.session.stop.reason is Reason.END


def test_a_device_that_cannot_be_had_is_said_and_the_old_one_stays(
    scripted: Scripted, qtbot: QtBot
) -> None:
    opened(scripted, qtbot)
    scripted.session.set_device("cuda:0")
    ((arguments, future),) = scripted.program.asked("set_device")
    assert arguments == {"id": "cuda:0"}
    refuse(future, "invalid", "Move it between iterations.")
    qtbot.waitUntil(lambda: scripted.session.message == "Move it between iterations.")
