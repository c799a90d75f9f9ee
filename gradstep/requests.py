"""Requests on their way: which future waits for which answer."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from typing import Any

from gradstep.protocol.fields import FieldError, decode, encode
from gradstep.protocol.frames import Connection
from gradstep.protocol.messages import Problem, Refusal, Reply, Request, RequestFailed

Answer = Future[tuple[Any, bytes]]


class Requests:
    """Sends requests over a connection and settles their futures. Thread-safe; never blocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._waiting: dict[int, tuple[Answer, Any]] = {}
        self._next = 0
        self._end = "The program has not started yet."

    def open(self, connection: Connection) -> None:
        with self._lock:
            self._connection = connection

    def send(self, verb: str, kind: Any, arguments: dict[str, Any]) -> Answer:
        """The future gives the result, decoded as ``kind``, and the body; or ``RequestFailed``."""
        future: Answer = Future()
        with self._lock:
            connection = self._connection
            if connection is None:
                future.set_exception(RequestFailed(Problem("gone", self._end)))
                return future
            self._next += 1
            number = self._next
            self._waiting[number] = (future, kind)
        # Whoever receives sees the end of the connection and closes this.
        with contextlib.suppress(OSError):
            connection.send(Request(number, verb, {k: encode(v) for k, v in arguments.items()}))
        return future

    def settle(self, answer: Reply | Refusal, body: bytes) -> None:
        with self._lock:
            waiting = self._waiting.pop(answer.id, None)
        if waiting is None:
            return
        future, kind = waiting
        if isinstance(answer, Refusal):
            future.set_exception(RequestFailed(answer.problem))
            return
        try:
            future.set_result((decode(kind, answer.result) if kind else None, body))
        except FieldError as error:
            future.set_exception(RequestFailed(Problem("bug", str(error))))

    def close(self, message: str) -> None:
        """The other side is gone; ``message`` says why to all who wait and all who come."""
        with self._lock:
            connection, self._connection = self._connection, None
            waiting, self._waiting = list(self._waiting.values()), {}
            self._end = message
        if connection is not None:
            connection.close()
        for future, _ in waiting:
            future.set_exception(RequestFailed(Problem("gone", message)))
