"""Starts a window for the program that this process runs, and waits until it is there."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from gradstep.protocol.frames import shake_hands

PATIENCE = 60.0
"""Seconds for Qt to load."""


class NoWindow(Exception):
    """No window came; the message says why."""


class WindowProcess:
    """A process of its own, which outlives neither harm nor end of this one: it sees the connection
    close. The secret is handed over on its standard input, where nobody else reads it.

    ``GRADSTEP_WINDOW`` names another program to start in place of this interpreter's ``gradstep``:
    the ``gradstep`` command of an environment that has PySide6, for a program in one that has
    not."""

    def __init__(self, name: str) -> None:
        """Raises ``NoWindow``. ``name``: of the program, for the window's title."""
        self._secret = secrets.token_bytes(32)
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1)
        ticket = {
            "port": self._server.getsockname()[1],
            "secret": self._secret.hex(),
            "name": name,
            "pid": os.getpid(),
        }
        try:
            self._process = _start()
        except OSError as error:
            self._server.close()
            raise NoWindow(f"no window could be started: {error}") from error
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(ticket).encode() + b"\n")
            self._process.stdin.close()
        except OSError:
            pass  # it has ended, and says why

    def connection(self) -> socket.socket:
        """Wait for the window. Raises ``NoWindow``."""
        process, waited = self._process, 0.0
        assert process.stdout is not None
        try:
            with self._server as server:
                server.settimeout(0.05)
                while waited < PATIENCE:
                    sock = self._accept(server)
                    if sock is not None:
                        return sock
                    if process.poll() is not None:
                        raise NoWindow(_last_line(process.stdout.read()))
                    waited += 0.05
            raise NoWindow(f"no window came within {PATIENCE:.0f} seconds.")
        except BaseException:  # Ctrl+C, too
            if process.poll() is None:
                process.kill()
                process.wait()
            raise
        finally:
            process.stdout.close()

    def forget(self) -> None:
        """It may go on without us: Python would warn of a child that nobody has waited for."""
        if self._process.poll() is None:
            self._process.returncode = 0

    def _accept(self, server: socket.socket) -> socket.socket | None:
        try:
            sock, _ = server.accept()
        except TimeoutError:
            return None
        try:
            shake_hands(sock, self._secret, listener=True, timeout=5.0)
        except OSError:
            sock.close()  # a stranger on the loopback; ours is still to come
            return None
        return sock


def _start() -> subprocess.Popen[bytes]:
    chosen = os.environ.get("GRADSTEP_WINDOW")
    package = Path(__file__).resolve().parents[2]
    # -P: what lies in the working folder must not stand in for modules of Python.
    command = [chosen] if chosen else [sys.executable, "-P", "-m", "gradstep"]
    group: dict[str, Any] = (
        {"start_new_session": True}  # Ctrl+C in the terminal is for the program
        if os.name == "posix"
        else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    )
    paths = [str(package.parent), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(
        [*command, "--attach"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ) if chosen else environ,
        **group,
    )


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the window's process ended without a word."
