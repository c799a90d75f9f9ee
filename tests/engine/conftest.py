"""Real programs in real engine processes; nothing of them outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import gradstep
from tests.engine.programs_under_test import LESSONS, PATIENCE, PROGRAMS, Opened

WATCHDOG = 120.0
"""Seconds after which a program that a test forgot, or that hangs, is killed: then every wait on it
ends, and the test fails with what it waited for."""


@pytest.fixture
def start() -> Iterator[Callable[..., Opened]]:
    """Open a program (by its name in ``programs`` or ``lessons``, or by its path); closed at the
    end, and nothing that it started may be left."""
    opened: list[Opened] = []
    watchdogs: list[threading.Timer] = []

    def start(path: str | Path, args: Any = (), **options: Any) -> Opened:
        debuggee = gradstep.open(find(path, options), args, timeout=PATIENCE, **options)
        watchdog = threading.Timer(WATCHDOG, debuggee.kill)
        watchdog.daemon = True
        watchdog.start()
        watchdogs.append(watchdog)
        opened.append(Opened(debuggee))
        return opened[-1]

    yield start
    groups = [program.pid for program in opened]
    for program in opened:
        program.kill()  # the time to end by itself would add up
        program.close()
    for watchdog in watchdogs:
        watchdog.cancel()
        watchdog.join()
    left = [pid for group in groups if group is not None for pid in members(group)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, f"processes of the program left behind: {left}"


@pytest.fixture
def start_all(start: Callable[..., Opened]) -> Callable[..., list[Opened]]:
    """Open several programs side by side: most of the time is torch being imported."""

    def start_all(*paths: str | Path) -> list[Opened]:
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(start, paths))

    return start_all


def find(path: str | Path, options: dict[str, Any]) -> str:
    if options.get("module"):
        return str(path)
    for folder in (PROGRAMS, LESSONS):
        if (folder / path).exists():
            return str(folder / path)
    return str(path)


def members(group: int) -> list[int]:
    """Living processes of a process group (on Linux; elsewhere nothing is checked)."""
    end = time.monotonic() + 5.0
    while True:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue  # it has ended meanwhile
            state, _, number = text.rpartition(")")[2].split()[:3]
            if int(number) == group and state not in "ZX":
                found.append(int(stat.parent.name))
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    """Write a program of the test's own."""

    def script(text: str, name: str = "program.py", **options: Any) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return script


@pytest.fixture
def plain() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """The same program under plain Python, as on a terminal: into a pipe, Python would keep lines
    back, and a forked child would print what its parent had kept."""

    def plain(
        path: str | Path, args: Any = (), *, module: bool = False, cwd: Any = None, text: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, *(["-m"] if module else [])]
        command += [find(path, {"module": module}), *args]
        return subprocess.run(
            command,
            capture_output=True,
            timeout=PATIENCE,
            cwd=cwd,
            input=text.encode(),
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    return plain
