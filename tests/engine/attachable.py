"""Programs that plain Python runs, and that ask for a window by ``gradstep.breakpoint()``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradstep.attached import RunningProgram, read_ticket
from gradstep.debuggee import Debuggee
from gradstep.program import Program
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened

ROOT = Path(__file__).parents[2]

# In place of a window: hands its ticket on, and stays until the program has ended.
RELAY = """#!/bin/sh
read -r line
printf '%s\\n' "$line" > "{folder}/$$.new"
mv "{folder}/$$.new" "{folder}/$$.ticket"
while kill -0 $PPID 2>/dev/null; do sleep 0.2; done
"""


class Attachable:
    """A program that plain Python runs, and the windows that it asks for."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self._folder = process, folder
        self._seen: set[Path] = set()
        self._debuggees: list[Debuggee] = []

    def ticket(self) -> bytes:
        """Of the next window that it asks for."""
        end = time.monotonic() + PATIENCE
        while not (new := set(self._folder.glob("*.ticket")) - self._seen):
            assert time.monotonic() < end and self.process.poll() is None, self.process.poll()
            time.sleep(0.02)
        (path,) = new
        self._seen.add(path)
        return path.read_bytes()

    def window(self, listener: Callable[[Any], None] | None = None) -> Opened:
        """Attach as a window would; where it is held, it stands."""
        ticket = read_ticket(self.ticket())
        assert ticket.pid == self.process.pid
        debuggee = Debuggee(Program(ticket.name), listener, side=RunningProgram(ticket))
        self._debuggees.append(debuggee)
        debuggee.start()
        debuggee.wait(PATIENCE)
        return Opened(debuggee)

    @property
    def windows(self) -> int:
        return len(list(self._folder.glob("*.ticket")))

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        out, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.decode(), errors.decode()

    def close(self) -> None:
        for debuggee in self._debuggees:
            debuggee.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


Run = Callable[..., Attachable]


@contextmanager
def runner(folder: Path) -> Iterator[Run]:
    """Starts programs with plain Python; none outlives the block. ``window`` is what they start as
    their window, by default the relay, and with ``environ`` what the variables say."""
    started: list[Attachable] = []

    def run(
        path: str | Path,
        *args: str,
        window: str | None = None,
        environ: dict[str, str] | None = None,
    ) -> Attachable:
        tickets = folder / f"tickets{len(started)}"
        tickets.mkdir()
        relay = tickets / "window"
        relay.write_text(RELAY.format(folder=tickets))
        relay.chmod(0o700)
        chosen = {name: value for name, value in os.environ.items() if name not in SCREENS}
        chosen |= {"PYTHONPATH": str(ROOT)}
        chosen |= {"GRADSTEP_WINDOW": window or str(relay)} if environ is None else environ
        process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / path), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=chosen,
        )
        started.append(Attachable(process, tickets))
        return started[-1]

    try:
        yield run
    finally:
        for running in started:
            running.close()


SCREENS = ("GRADSTEP_WINDOW", "DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
