"""Starting the engine's process, listening to it, and finding out how it died. No Qt, no torch."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from gradstep.program import Program
from gradstep.protocol.frames import Connection, shake_hands

START_TIMEOUT = 120.0
"""Seconds for the interpreter to start and reach gradstep; torch is imported after that."""
EXIT_TIMEOUT = 5.0
"""Seconds for an ended program to leave by itself (``atexit``) before it is killed."""

Say = Callable[[str, bytes, str], None]
"""Called with the stream's name, the bytes and their text."""


class LaunchFailed(Exception):
    """The interpreter could not be started; the message says why."""


class EngineProcess:
    """The user's interpreter with the engine in it, in a process group of its own."""

    def __init__(self, program: Program, say: Say) -> None:
        self._program, self._say = program, say
        self._process: subprocess.Popen[bytes] | None = None
        self._pumps: list[threading.Thread] = []
        self._killed = False

    def connect(self) -> Connection | None:
        """Start it and wait until it speaks; None when it died before. Raises ``LaunchFailed``."""
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
        try:
            code = process.wait(EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            _kill_tree(process)
            code = process.wait()
        _kill_tree(process)  # workers that outlived it hold its pipes open
        for thread in self._pumps:
            thread.join(EXIT_TIMEOUT)
        self.close_input()
        return code, _signal_name(-code) if code < 0 else ""

    def _start(self) -> subprocess.Popen[bytes]:
        python = self._program.python or sys.executable
        engine = Path(__file__).with_name("engine") / "__main__.py"
        group: dict[str, Any] = (
            {"start_new_session": True}
            if os.name == "posix"
            else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        )
        try:
            process = subprocess.Popen(
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
            thread = threading.Thread(
                target=self._pump, args=(pipe, stream), name=f"gradstep-{stream}", daemon=True
            )
            self._pumps.append(thread)
            thread.start()
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

    def _pump(self, pipe: IO[bytes], stream: str) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with pipe:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                self._say(stream, chunk, decoder.decode(chunk))
        rest = decoder.decode(b"", True)
        if rest:
            self._say(stream, b"", rest)


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
