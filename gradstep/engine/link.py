"""The thread that listens to the window, in the user's process."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

from gradstep.protocol.fields import FieldError, call, encode
from gradstep.protocol.frames import Connection, shake_hands
from gradstep.protocol.messages import Event, Problem, Refusal, Reply, Request, RequestFailed

PROGRESS = 0.1
"""Seconds between two reports of a running program."""


def dial(port: int, secret: bytes) -> socket.socket:
    """A connection to whoever waits for this process at ``port`` of this machine."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    shake_hands(sock, secret, listener=False, timeout=10)
    return sock


def end_program() -> None:
    """Nobody is left to let the program go on."""
    os._exit(1)


class Link:
    """Serves requests by their handler's name. ``gone`` is called when the window is."""

    def __init__(self, sock: socket.socket, gone: Callable[[], None] = end_program) -> None:
        self._socket, self._gone = sock, gone
        self._over = threading.Event()
        self._connection = Connection(sock)
        self._handlers: object = None
        self._pid = os.getpid()

    def start(self, handlers: object, report: Callable[[], int | None]) -> None:
        """Serve ``do_<verb>`` of ``handlers``; ``report`` gives the iteration of a running program,
        None while it stands."""
        self._handlers = handlers
        threading.Thread(target=self._serve, name="gradstep-link", daemon=True).start()
        threading.Thread(
            target=self._report, args=(report,), name="gradstep-progress", daemon=True
        ).start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def tell(self, event: str, **arguments: Any) -> None:
        if os.getpid() == self._pid:
            self._connection.send(Event(event, {k: encode(v) for k, v in arguments.items()}))

    def _serve(self) -> None:
        while True:
            try:
                message, _ = self._connection.receive()
                if isinstance(message, Request):
                    self._connection.send(*self._answer(message))
            except (EOFError, OSError):
                self._over.set()
                self._gone()
                return

    def _answer(self, request: Request) -> tuple[Reply | Refusal, bytes]:
        handler = getattr(self._handlers, f"do_{request.verb}", None)
        if handler is None:
            problem = Problem("unknown", f"no verb {request.verb!r}")
            return Refusal(request.id, problem), b""
        try:
            result = call(handler, request.arguments, request.verb)
        except RequestFailed as failed:
            return Refusal(request.id, failed.problem), b""
        except FieldError as error:
            return Refusal(request.id, Problem("invalid", str(error))), b""
        except Exception as error:  # a bug of ours must not take the user's program with it
            text = traceback.format_exc()
            problem = Problem("bug", f"{type(error).__name__}: {error}", request.verb, text)
            return Refusal(request.id, problem), b""
        body = b""
        if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], bytes):
            result, body = result
        return Reply(request.id, encode(result)), body

    def _report(self, report: Callable[[], int | None]) -> None:
        last = None
        while not self._over.wait(PROGRESS):
            iteration = report()
            if iteration is not None and iteration != last:
                last = iteration
                try:
                    self.tell("progress", iteration=iteration)
                except OSError:
                    return

    def close(self) -> None:
        """Hang up: ``gone`` follows."""
        self._connection.hang_up()

    def _forked(self) -> None:
        """A forked worker must not hold the connection open, nor speak on it."""
        if self._socket.fileno() >= 0:
            os.close(self._socket.detach())
