"""The window of a program that runs already: it comes, and goes, and the program goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pytestqt.qtbot import QtBot

from gradstep.attached import Join, read_ticket
from gradstep.gui.app import make_application
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.window import MainWindow
from tests.engine.attachable import Run, runner
from tests.engine.programs_under_test import PATIENCE, marker
from tests.gui.windows import action, until

WAITS = "attach/waits.py"
T = TypeVar("T")
WHOLE = (0, "busy\n[2.0, 2.0, 2.0] 0 0 None\n", "")
"""What the program is to end with, whatever became of its window."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the relay is a shell script")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with runner(tmp_path) as run:
        yield run


def joined(qtbot: QtBot, ticket: bytes) -> MainWindow:
    """The window that ``gradstep --attach`` opens, here."""
    make_application()
    join = Join(read_ticket(ticket))
    window = MainWindow(Session(join.take_over))
    qtbot.addWidget(window)
    window.session.open(join.program.path)
    window.show()
    until(qtbot, window, State.STOPPED)
    return window


def test_closed_in_the_middle_of_a_phase_the_program_goes_on(
    qtbot: QtBot, run: Run, tmp_path: Path
) -> None:
    running = run(WAITS, str(tmp_path / "enough"))
    window = joined(qtbot, running.ticket())
    assert "waits.py" in window.windowTitle() and "breakpoint" in window.windowTitle()
    assert "attached" in window.tag.text()
    assert "own terminal" in window.workspace.console.empty.text()
    assert action(window, "stop").text() == "Detach"
    assert action(window, "stop").isEnabled() and not action(window, "restart").isEnabled()
    held = marker(WAITS, "held")
    assert window.session.stop is not None and window.session.stop.line == held
    action(window, "forward").trigger()
    qtbot.waitUntil(lambda: window.session.state is State.STOPPED, timeout=30_000)
    assert window.session.stop.phase == "forward"
    window.close()
    (tmp_path / "enough").touch()
    assert running.end() == WHOLE


def test_detached_it_goes_on_and_the_window_says_so(qtbot: QtBot, run: Run, tmp_path: Path) -> None:
    running = run(WAITS, str(tmp_path / "enough"))
    window = joined(qtbot, running.ticket())
    action(window, "stop").trigger()
    until(qtbot, window, State.LOST)
    assert window.session.message == "Detached: the program goes on without gradstep."
    assert window.status.headline() == "Detached: the program goes on"
    assert not window.message.restart.isVisible()
    assert not action(window, "restart").isEnabled()
    window.session.restart()
    assert window.session.state is State.LOST
    (tmp_path / "enough").touch()
    assert running.end() == WHOLE
    window.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks into /proc")
def test_the_real_window_process(run: Run, tmp_path: Path) -> None:
    """As a person has it, but for the screen. Ctrl+C ends the window; not the program."""
    environ = {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path)}
    running = run(WAITS, str(tmp_path / "enough"), environ=environ)
    pid = running.process.pid
    child = waited(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split())[0]
    waited(lambda: b"--attach" in Path(f"/proc/{child}/cmdline").read_bytes())
    waited(lambda: [fd for fd in Path(f"/proc/{child}/fd").iterdir() if is_socket(fd)])
    time.sleep(0.5)
    assert running.process.poll() is None
    os.kill(int(child), signal.SIGINT)
    (tmp_path / "enough").touch()
    assert running.end() == WHOLE


def waited(look: Callable[[], T]) -> T:
    """What ``look`` finds, once it finds something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def is_socket(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor).startswith("socket:")
    except OSError:
        return False  # closed meanwhile
