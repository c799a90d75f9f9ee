"""The session with real programs in real processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from gradstep.assets import resource
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.trace import Goal


@pytest.fixture
def real(qtbot: QtBot) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def until(qtbot: QtBot, session: Session, *states: State) -> None:
    qtbot.waitUntil(lambda: session.state in states, timeout=30_000)


def test_a_lesson_starts_steps_and_tells_what_changed(qtbot: QtBot, real: Session) -> None:
    told: dict[str, Any] = {}
    for name in ("loaded", "graphChanged", "timelineChanged", "lossesChanged", "valuesChanged"):
        getattr(real, name).connect(lambda fact, name=name: told.update({name: fact}))
    real.open(str(resource("lessons", "linear.py")))
    until(qtbot, real, State.STOPPED)
    assert told["loaded"].kind == "experiment"
    for goal in (Goal.FORWARD, Goal.BACKWARD):
        real.advance(goal)
        until(qtbot, real, State.STOPPED)
    qtbot.waitUntil(lambda: "lossesChanged" in told and told["lossesChanged"].values == (1.0,))
    # Losses are also read while the program runs: the rest of the stop may come later.
    qtbot.waitUntil(lambda: told["timelineChanged"].phases[-1].phase == "backward")
    qtbot.waitUntil(lambda: any(v.has_grad for v in told["valuesChanged"]))
    w = next(value for value in told["valuesChanged"] if value.ref == "w")
    assert w.grad.elements == (-2.0,)
    assert real.devices is not None
    assert real.devices.current == "cpu"


def write(folder: Path, text: str) -> str:
    path = folder / "program.py"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("x = \n", "line 1"),
        ("\0", "is not a Python file"),
    ],
    ids=["missing", "empty", "syntax", "not Python"],
)
def test_what_cannot_be_debugged_is_said_in_one_sentence(
    qtbot: QtBot, real: Session, tmp_path: Path, text: str | None, words: str
) -> None:
    path = str(tmp_path / "missing.py") if text is None else write(tmp_path, text)
    real.open(path)
    until(qtbot, real, State.LOST)
    assert words in real.message
    assert Path(path).name in real.message
    assert "\n" not in real.message


def test_an_endless_loop_is_stopped_within_a_second(
    qtbot: QtBot, real: Session, tmp_path: Path
) -> None:
    real.open(write(tmp_path, "print('begun', flush=True)\nwhile True:\n    pass\n"))
    until(qtbot, real, State.STOPPED)
    with qtbot.waitSignal(real.outputArrived, timeout=30_000):
        real.advance(Goal.RUN)
    begun = time.monotonic()
    real.stop_program()
    until(qtbot, real, State.LOST)
    assert time.monotonic() - begun < 1
    assert real.message == "The program was stopped."


def test_a_program_that_leaves_without_a_word_can_be_restarted(
    qtbot: QtBot, real: Session, tmp_path: Path
) -> None:
    real.open(write(tmp_path, "import os\nos._exit(3)\n"))
    until(qtbot, real, State.STOPPED)
    real.advance(Goal.RUN)
    until(qtbot, real, State.LOST)
    assert "exit code 3" in real.message
    real.restart()
    until(qtbot, real, State.STOPPED)
    assert real.message == ""
