"""The other side of ``gradstep.breakpoint()``: a debuggee of a program that runs already."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from gradstep import headstart
from gradstep.debuggee import Debuggee
from gradstep.facts import Listener
from gradstep.launch import LaunchFailed
from gradstep.program import Program
from gradstep.protocol.frames import Connection, shake_hands

TIMEOUT = 10.0
"""Seconds for the program, which waits, to answer."""


@dataclass(frozen=True)
class Ticket:
    """Where a program waits for its window. ``name``: its file, or a word for what has none."""

    port: int
    secret: bytes
    name: str
    pid: int


def read_ticket(line: bytes) -> Ticket:
    """Of the one line that the program writes to the window's standard input. Raises
    ``ValueError``."""
    try:
        found = json.loads(line)
        return Ticket(
            int(found["port"]),
            bytes.fromhex(found["secret"]),
            str(found["name"]),
            int(found["pid"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("gradstep --attach is started by gradstep.breakpoint()") from error


class RunningProgram:
    """A process that gradstep did not start: it is never killed, only let go of."""

    attached = True

    def __init__(self, ticket: Ticket, connected: Callable[[], None] = lambda: None) -> None:
        self._ticket, self._connected = ticket, connected
        self._connection: Connection | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        return self._ticket.pid

    def connect(self) -> Connection | None:
        """Raises ``LaunchFailed`` when it no longer waits."""
        if self._closed:
            return None
        try:
            sock = socket.create_connection(("127.0.0.1", self._ticket.port), TIMEOUT)
            shake_hands(sock, self._ticket.secret, listener=False, timeout=TIMEOUT)
        except OSError as error:
            raise LaunchFailed(f"The program no longer waits for a window: {error}.") from error
        self._connection = Connection(sock)
        if self._closed:
            self._connection.close()
        self._connected()
        return self._connection

    def kill(self) -> None:
        """Hang up: the program then runs on by itself."""
        self._closed = True
        if self._connection is not None:
            self._connection.hang_up()

    def drain(self) -> None:
        """What it prints goes to its own terminal."""

    def close_input(self) -> None:
        """Its input is its own."""

    def write_input(self, data: bytes) -> None:
        raise OSError("the program reads from its own terminal")

    def bury(self) -> tuple[int, str]:
        """Whether and how it ended cannot be known from here."""
        return 0, ""

    def last_words(self, code: int, killer: str, *, connected: bool, closed: bool) -> str:
        if closed:
            return "Detached: the program goes on without gradstep."
        return "The program's process has ended."


class Join:
    """Starts a session on the program that waits; what is opened after it is started as usual."""

    def __init__(self, ticket: Ticket, connected: Callable[[], None] = lambda: None) -> None:
        self.program = Program(ticket.name)
        self._side: RunningProgram | None = RunningProgram(ticket, connected)

    def take_over(self, program: Program, listener: Listener) -> Debuggee:
        side, self._side = self._side, None
        if side is None:
            return headstart.start(program, listener)
        debuggee = Debuggee(program, listener, side=side)
        debuggee.start()
        return debuggee


def silence() -> None:
    """The program no longer reads what this process says: let it go nowhere, not into a broken
    pipe, and never onto the program's terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
