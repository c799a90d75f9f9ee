"""The thread that listens to the window, in the user's process."""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from gradstep.protocol.fields import FieldError, call, encode
from gradstep.protocol.frames import Connection, shake_hands
from gradstep.protocol.messages import Event, Problem, Refusal, Reply, Request, RequestFailed

PROGRESS = 0.1
"""Seconds between two reports of a running program."""


class Link:
    """Serves requests by their handler's name. When the window is gone, so is the program."""

    def __init__(self, port: int, secret: bytes) -> None:
        sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        shake_hands(sock, secret, listener=False, timeout=10)
        self._socket = sock
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
            except (EOFError, ConnectionError):
                os._exit(1)  # nobody is left to let the program go on
            if isinstance(message, Request):
                answer, body = self._answer(message)
                try:
                    self._connection.send(answer, body)
                except OSError:
                    os._exit(1)

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
        while True:
            time.sleep(PROGRESS)
            iteration = report()
            if iteration is not None and iteration != last:
                last = iteration
                try:
                    self.tell("progress", iteration=iteration)
                except OSError:
                    return

    def _forked(self) -> None:
        """A forked worker must not hold the connection open, nor speak on it."""
        self._socket.detach()
