"""Starting the engine's process, listening to it, and finding out how it died. No Qt, no torch."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Protocol

from gradstep.program import Program, check_program
from gradstep.protocol.frames import Connection, shake_hands

START_TIMEOUT = 120.0
"""Seconds for the interpreter to start and reach gradstep; torch is imported after that."""
EXIT_TIMEOUT = 5.0
"""Seconds for an ended program to leave by itself (``atexit``) before it is killed."""
END_TIMEOUT = 2.0
"""Seconds for a program that is closed to run its exit handlers, before it is killed. Stop does not
wait for them."""
DYING_TIMEOUT = 60.0
"""Seconds from the last word of a process to its end: Python frees all that it holds, on a busy
machine slowly, and one that is killed then has lost its exit code."""

Say = Callable[[str, bytes, str], None]
"""Called with the stream's name, the bytes and their text."""


class LaunchFailed(Exception):
    """The interpreter could not be started; the message says why."""


class OtherSide(Protocol):
    """Where the engine is: a process that was started for it, or one that runs already."""

    attached: bool
    """It runs already, and goes on without us."""

    @property
    def pid(self) -> int | None: ...
    def connect(self) -> Connection | None:
        """Wait until it speaks; None when it never will. Raises ``LaunchFailed``."""

    def kill(self) -> None:
        """Be rid of it, now: end what was started, let go of the other. Never blocks."""

    def drain(self) -> None:
        """Hear all that the program wrote before it stopped: a stop comes by another way."""

    def close_input(self) -> None: ...
    def write_input(self, data: bytes) -> None: ...
    def bury(self) -> tuple[int, str]:
        """After the connection ended: wait for the end; exit code and the signal's name."""

    def last_words(self, code: int, killer: str, *, connected: bool, closed: bool) -> str:
        """Why it is gone, for a person. ``closed``: by us. What ``bury`` returned is given."""


class EngineProcess:
    """The user's interpreter with the engine in it, in a process group of its own."""

    attached = False
    popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen
    """What starts it."""

    def __init__(self, program: Program, say: Say) -> None:
        self._program, self._say = program, say
        self._errors = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._pumps: list[Pump] = []
        self._killed = False

    def connect(self) -> Connection | None:
        """Start it and wait until it speaks; None when it died before. Raises ``LaunchFailed``."""
        trouble = check_program(self._program)
        if trouble:
            raise LaunchFailed(trouble)
        if self._killed:
            return None
        with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
            secret = secrets.token_bytes(32)
            process = self._start()
            self._give_ticket(process, server.getsockname()[1], secret)
            return self._accept(process, server, secret)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def kill(self) -> None:
        """End the process and all that it started, now. Never blocks on POSIX."""
        self._killed = True
        if self._process is not None:
            _kill_tree(self._process)

    def drain(self) -> None:
        """Hear all that the program wrote before it stopped: a stop comes by another way."""
        for pump in self._pumps:
            pump.drain()

    def close_input(self) -> None:
        """Nothing more will be typed: the program's reads see the end."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it may be gone already
                self._process.stdin.close()

    def write_input(self, data: bytes) -> None:
        """Raises ``OSError`` when the program no longer reads."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def bury(self) -> tuple[int, str]:
        """Wait for its end, and for the last of its output; exit code and the signal's name."""
        process = self._process
        if process is None:
            return -1, ""
        # A wait with a timeout polls, and would see the end up to 50 ms late.
        waiter = threading.Thread(target=process.wait, name="gradstep-wait", daemon=True)
        waiter.start()
        waiter.join(DYING_TIMEOUT)
        if waiter.is_alive():
            _kill_tree(process)
        code = process.wait()
        _kill_tree(process)  # workers that outlived it hold its pipes open
        for thread in self._pumps:
            thread.join(EXIT_TIMEOUT)
        self.close_input()
        return code, _signal_name(-code) if code < 0 else ""

    def last_words(self, code: int, killer: str, *, connected: bool, closed: bool) -> str:
        if closed:
            return "The program was stopped."
        if not connected:
            return self._stillborn(code, killer)
        if killer == "SIGKILL":
            return "The program was killed (SIGKILL): by hand, or because memory ran out."
        if killer:
            return f"The program died of {killer}."
        return f"The program left without a word (os._exit) with exit code {code}."

    def _stillborn(self, code: int, killer: str) -> str:
        """It never came so far as to run gradstep's engine: is it Python at all?"""
        said = self._errors.strip().splitlines()
        if said and said[-1].startswith("gradstep "):
            return said[-1]
        how = f"it died of {killer}" if killer else f"it ended with exit code {code}"
        words = f": {said[-1]}" if said else "."
        return f"gradstep could not start in {self._python()}; {how}{words}"

    def _python(self) -> str:
        return self._program.python or sys.executable

    def _hear(self, stream: str, chunk: bytes, text: str) -> None:
        if stream == "stderr":
            self._errors = (self._errors + text)[-1000:]
        self._say(stream, chunk, text)

    def _start(self) -> subprocess.Popen[bytes]:
        python = self._python()
        engine = Path(__file__).with_name("engine") / "__main__.py"
        group: dict[str, Any] = (
            {"start_new_session": True}
            if os.name == "posix"
            else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        )
        try:
            process = type(self).popen(
                [python, str(engine)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._program.cwd,
                **group,
            )
        except OSError as error:
            raise LaunchFailed(f"{python} cannot be started: {error.strerror or error}.") from error
        self._process = process
        if self._killed:
            _kill_tree(process)
        assert process.stdout is not None and process.stderr is not None
        for pipe, stream in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            self._pumps.append(Pump(pipe, stream, self._hear))
        return process

    def _give_ticket(self, process: subprocess.Popen[bytes], port: int, secret: bytes) -> None:
        """The first line of standard input carries the secret; what follows is the program's."""
        ticket = {
            "port": port,
            "secret": secret.hex(),
            "program": asdict(replace(self._program, python=None)),
        }
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(ticket).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            pass  # it died at once; its exit code tells more than a broken pipe

    def _accept(
        self, process: subprocess.Popen[bytes], server: socket.socket, secret: bytes
    ) -> Connection | None:
        server.settimeout(0.1)
        waited = 0.0
        while process.poll() is None and waited < START_TIMEOUT:
            try:
                sock, _ = server.accept()
            except TimeoutError:
                waited += 0.1
                continue
            try:
                shake_hands(sock, secret, listener=True, timeout=5.0)
            except OSError:
                sock.close()  # a stranger on the loopback; ours is still to come
                continue
            return Connection(sock)
        return None


class Pump(threading.Thread):
    """Reads one of the program's streams as it comes, and on request all that is there."""

    def __init__(self, pipe: IO[bytes], stream: str, say: Say) -> None:
        super().__init__(name=f"gradstep-{stream}", daemon=True)
        self._pipe, self._stream, self._say = pipe, stream, say
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()
        self._open = True
        self.start()

    def run(self) -> None:
        descriptor = self._pipe.fileno()
        with self._pipe:
            while self._open:
                if os.name == "posix":
                    select.select([descriptor], [], [])
                    with self._lock:
                        self._read_waiting(descriptor)
                else:  # pipes cannot be waited for: read as it comes
                    self._read(descriptor)
        rest = self._decoder.decode(b"", True)
        if rest:
            self._say(self._stream, b"", rest)

    def drain(self) -> None:
        """Return when all that was written before has been said (at once where a pipe cannot be
        asked whether it holds something)."""
        with self._lock:
            if self._open and os.name == "posix":
                self._read_waiting(self._pipe.fileno())

    def _read_waiting(self, descriptor: int) -> None:
        while self._open and select.select([descriptor], [], [], 0)[0]:
            self._read(descriptor)

    def _read(self, descriptor: int) -> None:
        chunk = os.read(descriptor, 1 << 16)
        if chunk:
            self._say(self._stream, chunk, self._decoder.decode(chunk))
        else:
            self._open = False


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its group: a loader's workers must not outlive it."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
