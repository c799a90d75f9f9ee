"""Every test cleans up after itself: no thread, process, timer or window outlives it."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradstep.launch import EngineProcess
from tests.forks import USABLE, ForkServer
from tests.sizes import too_long

os.environ["QT_QPA_PLATFORM"] = "offscreen"
# Started in the background of a shell script, these tests and all that they start would ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
PATIENCE = 5.0
"""Seconds for what is ending to end."""


def pytest_collection_finish() -> None:
    """What importing made is nobody's leak, and looking through it again and again is slow."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.args == terminalreporter.config.getini("testpaths"):
        for line in too_long():
            terminalreporter.write_line(f"long: {line}")


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail the test that leaves a thread, a child process, an active timer or a window behind."""
    before = {"threads": _threads(), "processes": _children(), "Qt": _qt_things()}
    yield
    _let_qt_finish()
    gc.collect()
    for what, now in (("threads", _threads), ("processes", _children), ("Qt", _qt_things)):
        _wait_for(lambda now=now, what=what: not now() - before[what])
        left = now() - before[what]
        assert not left, f"left behind: {sorted(map(str, left))}"


@pytest.fixture(autouse=True)
def settings_of_this_test(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a window remembers is not the person's own settings, nor another test's."""
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QSettings

        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        folder = str(tmp_path_factory.mktemp("settings"))
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)


STARTS_AFRESH = (
    "test_life", "test_environments", "test_attach", "test_fidelity", "test_programs",
    "test_databases", "test_cuda", "test_intrusions",
)  # fmt: skip
"""Tests about how a program starts, or that it differs in nothing from a plain one."""


_server = ForkServer()


def pytest_sessionfinish() -> None:
    _server.close()


@pytest.fixture(autouse=True)
def quick_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs begin as forks of a process that has imported torch."""
    if USABLE and request.path.stem not in STARTS_AFRESH:
        monkeypatch.setattr(EngineProcess, "popen", staticmethod(_server.popen))


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
        _let_qt_finish()


def _let_qt_finish() -> None:
    """Deliver what is posted and delete what is to be deleted: closed windows would pile up."""
    if "PySide6.QtWidgets" not in sys.modules:
        return
    from PySide6.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance():
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _threads() -> set[object]:
    # A thread of Qt's pool that has run Python once stays on Python's list as a "dummy".
    dummy = threading._DummyThread  # type: ignore[attr-defined]
    threads = {t for t in threading.enumerate() if t.is_alive() and not isinstance(t, dummy)}
    return threads - {_server.thread}


def _children() -> set[object]:
    """Process ids of living children (on Linux; elsewhere nothing is checked)."""
    found: set[object] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(pid) for pid in task.read_text().split())
        except OSError:
            continue  # the thread has ended meanwhile
    return found - {_server.pid}


def _qt_things() -> set[object]:
    if "PySide6.QtWidgets" not in sys.modules:
        return set()
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import isValid

    timers = {
        timer
        for timer in gc.get_objects()
        if type(timer) is QTimer and isValid(timer) and timer.isActive()
    }
    windows = {w for w in QApplication.topLevelWidgets() if w.isVisible()}
    return timers | windows
