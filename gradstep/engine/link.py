"""The threads that listen to the window and answer it, in the user's process.

One thread listens, another answers, in the order of the requests. What is to let the program go on
(or end) is thus noticed while a long reading is under way: the reading ends between two of its
pieces, and those asked for before are refused, so that a step never waits for a picture.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

from gradstep.engine.giving_way import Overtaken, giving_way
from gradstep.protocol.fields import FieldError, call, encode
from gradstep.protocol.frames import Connection, shake_hands
from gradstep.protocol.messages import Event, Problem, Refusal, Reply, Request, RequestFailed

PROGRESS = 0.1
"""Seconds between two reports of a running program."""
URGENT = frozenset({"advance", "pause", "leave", "end"})
"""Verbs that no reading keeps waiting."""
LASTING = frozenset({"edit", "keep", "set_breakpoints", "set_device", "gauge", "landscape_stop"})
"""Verbs that change something: once begun, they are carried through, and what comes later waits."""
OVERTAKEN = Problem("overtaken", "Not read to the end: the program was told to go on meanwhile.")


def dial(port: int, secret: bytes) -> socket.socket:
    """A connection to whoever waits for this process at ``port`` of this machine."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    shake_hands(sock, secret, listener=False, timeout=10)
    return sock


def _never() -> bool:
    return False


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
        self._asked: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._pressing = 0
        self._count = threading.Lock()
        self._pid = os.getpid()

    def start(self, handlers: object, report: Callable[[], int | None]) -> None:
        """Serve ``do_<verb>`` of ``handlers``; ``report`` gives the iteration of a running program,
        None while it stands."""
        self._handlers = handlers
        threading.Thread(target=self._listen, name="gradstep-link", daemon=True).start()
        threading.Thread(target=self._serve, name="gradstep-answers", daemon=True).start()
        threading.Thread(
            target=self._report, args=(report,), name="gradstep-progress", daemon=True
        ).start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def tell(self, event: str, **arguments: Any) -> None:
        if os.getpid() == self._pid:
            self._connection.send(Event(event, {k: encode(v) for k, v in arguments.items()}))

    def _listen(self) -> None:
        try:
            while True:
                message, _ = self._connection.receive()
                if isinstance(message, Request):
                    if message.verb in URGENT:
                        self._press(1)
                    self._asked.put(message)
        except (EOFError, OSError):
            self._hear_the_end()

    def _hear_the_end(self) -> None:
        """The window is gone: whatever is read is read for nobody."""
        self._over.set()
        self._press(1)
        self._asked.put(None)

    def _serve(self) -> None:
        while True:
            request = self._asked.get()
            if request is None:
                self._gone()
                return
            answer = self._answer(request)
            if request.verb in URGENT:
                self._press(-1)
            # That the other side is gone, the one who listens finds out.
            with contextlib.suppress(OSError):
                self._connection.send(*answer)

    def _press(self, by: int) -> None:
        with self._count:
            self._pressing += by

    def _pressed(self) -> bool:
        return self._pressing > 0

    def _answer(self, request: Request) -> tuple[Reply | Refusal, bytes]:
        handler = getattr(self._handlers, f"do_{request.verb}", None)
        if handler is None:
            problem = Problem("unknown", f"no verb {request.verb!r}")
            return Refusal(request.id, problem), b""
        patient = request.verb in URGENT or request.verb in LASTING
        try:
            with giving_way(_never if patient else self._pressed):
                result = call(handler, request.arguments, request.verb)
        except Overtaken:
            return Refusal(request.id, OVERTAKEN), b""
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
