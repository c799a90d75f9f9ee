"""Programs for tests in a fraction of the time: most of it is torch being imported.

``ForkServer.popen`` stands in for ``subprocess.Popen`` where an engine is started: a process that
has imported torch forks one that goes on as a fresh one would. What is about the start itself
(other interpreters, variables that torch reads while it loads, fidelity as a whole) starts afresh.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from gradstep.engine.running.environment import READ_BY_TORCH

USABLE = sys.platform == "linux" and hasattr(os, "pidfd_open")


class ForkServer:
    """Started on first use. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._environment = dict(os.environ)
        """Of the tests; one may have put more into its own by the time that the server starts."""
        self._changed = threading.Condition()
        self._codes: dict[int, int] = {}
        self._pids: list[int] = []
        self._sock: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self.thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server is not None else None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        root = Path(__file__).parents[1]
        # As text: frames of a file that is no library's would be taken for the program's own.
        source = Path(__file__).with_name("fork_server.py").read_text(encoding="utf-8")
        self._server = subprocess.Popen(
            [sys.executable, "-c", source, str(theirs.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # pipes, so that streams are buffered as a program's are
            stderr=subprocess.PIPE,
            env={**self._environment, "PYTHONPATH": str(root)},
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._sock = ours
        self._answers = ours.makefile("rb")
        if self._answers.readline() != b"\n":
            raise RuntimeError(f"it does not start: {self._server.communicate()[1].decode()}")
        self.thread = threading.Thread(target=self._listen, name="fork-server", daemon=True)
        self.thread.start()

    def close(self) -> None:
        if self._sock is not None and self._server is not None:
            self._sock.shutdown(socket.SHUT_RDWR)
            self._server.communicate()
            self._sock.close()

    def popen(self, command: list[str], **options: Any) -> Any:
        """As ``subprocess.Popen`` in ``EngineProcess``."""
        with self._lock:
            if self._server is None:
                self._start()
        if command[0] != sys.executable or self._reads_other_variables():
            return subprocess.Popen(command, **options)
        return Forked(self, options.get("cwd"))

    def _reads_other_variables(self) -> bool:
        """Python and torch have read them long since, with other values."""
        names = {n for n, v in os.environ.items() if self._environment.get(n) != v}
        names |= set(self._environment) - set(os.environ)
        return any(name.startswith((*READ_BY_TORCH, "PYTHON")) for name in names)

    def fork(self, streams: list[int], cwd: str | None) -> int:
        request = json.dumps({"cwd": cwd, "environment": dict(os.environ)}).encode()
        assert self._sock is not None
        with self._lock:
            message = len(request).to_bytes(4, "big") + request
            sent = socket.send_fds(self._sock, [message], streams)
            self._sock.sendall(message[sent:])
            with self._changed:
                self._changed.wait_for(lambda: self._pids)
                return self._pids.pop()

    def code(self, pid: int, timeout: float | None) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: pid in self._codes, timeout)
            return self._codes.get(pid)

    def _listen(self) -> None:
        for line in self._answers:
            answer = json.loads(line)
            with self._changed:
                if "code" in answer:
                    self._codes[answer["pid"]] = answer["code"]
                else:
                    self._codes.pop(answer["pid"], None)  # the number was given to another one
                    self._pids.append(answer["pid"])
                self._changed.notify_all()


class Forked:
    """As much of ``subprocess.Popen`` as ``EngineProcess`` uses."""

    def __init__(self, server: ForkServer, cwd: str | None) -> None:
        self._server = server
        self.returncode: int | None = None
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_err, theirs_err = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(ours_in, "wb", 0)
        self.stdout: IO[bytes] = os.fdopen(ours_out, "rb", 0)
        self.stderr: IO[bytes] = os.fdopen(ours_err, "rb", 0)
        self.pid = server.fork([theirs_in, theirs_out, theirs_err], cwd)
        for descriptor in (theirs_in, theirs_out, theirs_err):
            os.close(descriptor)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._server.code(self.pid, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a forked program", timeout or 0.0)
        return self.returncode
