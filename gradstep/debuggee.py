"""A program under debug, seen from outside: start, advance, wait, read. No Qt, no torch.

The window and headless tests use the same object. Nothing here blocks unless its name says so:
the blocking verbs (``forward`` ... ``run``) wait for the next stop.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gradstep.facts import Exited, Fact, Listener, Output, Progress, Running
from gradstep.launch import EXIT_TIMEOUT, EngineProcess, LaunchFailed
from gradstep.program import Program, check_program
from gradstep.protocol.fields import FieldError, call
from gradstep.protocol.findings import Finding
from gradstep.protocol.frames import Connection
from gradstep.protocol.messages import Event, Refusal, Reply
from gradstep.protocol.trace import Failure, Goal, Level, Loaded, Place, Reason, Stop
from gradstep.questions import Questions
from gradstep.requests import Answer, Requests

FAR = frozenset({Goal.RUN, Goal.LINE, Goal.EPOCH, Goal.NAN})
"""Goals on the way to which nothing is captured unless asked for."""


class ProgramEnded(RuntimeError):
    """The program is over (or was never started): there is nothing to advance."""


class Debuggee(Questions):
    """One run of a program. Use as a context manager, or call ``start`` and ``close``. What it may
    be asked at a stop is inherited from ``Questions``.

    ``listener`` receives every fact, in background threads, in order per source."""

    def __init__(self, program: Program, listener: Listener | None = None) -> None:
        self.program = program
        self.stop: Stop | None = None
        self.loaded: Loaded | None = None
        self.exit_code: int | None = None
        self.findings: list[Finding] = []
        """What the phase watch noticed so far."""
        self._listener: Listener = listener or (lambda fact: None)
        self._changed = threading.Condition()
        self._process = EngineProcess(program, self._wrote)
        self._requests = Requests()
        self._running = False
        self._closed = False
        self._gone = False
        self._leaving = False
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._raw: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._threads: list[threading.Thread] = []

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start the process in the background; ``Loaded`` and the first ``Stop`` follow."""
        self._running = True
        self._spawn(self._live, "gradstep-link")

    def close(self) -> None:
        """End the program and wait until it is gone. An ended program may finish by itself
        first. Safe to call twice."""
        with self._changed:
            self._closed = True
            ended = self.stop is not None and self.stop.reason in (Reason.END, Reason.EXCEPTION)
        if ended and not self._gone:
            self._let_finish(EXIT_TIMEOUT)
        self.kill()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(EXIT_TIMEOUT)

    def kill(self) -> None:
        """End the process and all that it started, now. Never blocks."""
        self._closed = True
        self._process.kill()

    def finish(self, *, timeout: float | None = None) -> int:
        """Let an ended program leave by itself, however long its exit handlers take; its exit code.
        Blocks; after ``timeout`` seconds it is killed. Raises ``ProgramEnded`` when it has not
        ended."""
        if self.stop is None or self.stop.reason not in (Reason.END, Reason.EXCEPTION, Reason.LOST):
            raise ProgramEnded("the program has not ended: run() it first")
        self._let_finish(timeout)
        self.kill()
        with self._changed:
            self._changed.wait_for(lambda: self._gone, EXIT_TIMEOUT)
        return self.exit_code if self.exit_code is not None else -1

    def __enter__(self) -> Debuggee:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ advance

    def advance(
        self, goal: Goal, level: Level | None = None, *, target: Place | None = None
    ) -> None:
        """Go on towards ``goal``; the next ``Stop`` follows. Raises ``ProgramEnded``.

        ``level`` is how much to capture: by default everything, and nothing for the goals that lie
        far away. ``target`` is the line that ``Goal.LINE`` means."""
        with self._changed:
            if self._gone or self._closed:
                raise ProgramEnded(self._epitaph())
            if self._running:
                raise ProgramEnded("the program is running; pause it first")
            if not self.can_advance:
                raise ProgramEnded(self._epitaph())
            self._running = True
        self._listener(Running())
        chosen = level or (Level.RUN if goal in FAR else Level.OPERATION)
        if chosen is Level.RUN and goal not in FAR:
            chosen = Level.PHASE  # phases by hand are not seen below it
        answer = self.request("advance", None, goal=goal, level=chosen, target=target)
        answer.add_done_callback(self._advanced)

    def _advanced(self, future: Answer) -> None:
        """A refused command leaves the program where it stands: say so again, and why."""
        error = future.exception()
        if error is not None and not self._gone and self.stop is not None:
            self.on_stopped(replace(self.stop, message=str(error)))

    @property
    def can_advance(self) -> bool:
        """Whether the program stands at a stop from which it can go on."""
        final = (Reason.EXCEPTION, Reason.LOST)
        if self._running or self._gone or self.stop is None or self.stop.reason in final:
            return False
        experiment = self.loaded is not None and self.loaded.kind == "experiment"
        return experiment or self.stop.reason is not Reason.END

    def pause(self) -> None:
        """Stop as soon as Python code can be stopped; the ``Stop`` follows."""
        if self._running and not self._gone:
            self.request("pause", None)

    def wait(self, timeout: float | None = None) -> Stop:
        """The stop at which the program stands, once it does. Raises ``TimeoutError``."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, timeout):
                raise TimeoutError(f"the program still runs after {timeout} s")
            assert self.stop is not None
            return self.stop

    def step(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Execute one operation: a forward call, a node of backward, a part of an update."""
        return self._go(Goal.STEP, level, timeout)

    def into(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the next line of the user's code or the next operation, whichever comes first:
        in modules and functions, and in what a node of backward runs in Python."""
        return self._go(Goal.INTO, level, timeout)

    def over(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the next line or operation that lies no deeper than this one: a line of this
        function or one around it, an operation that these call themselves. At a node of backward:
        to the next node whose forward call lay no deeper."""
        return self._go(Goal.OVER, level, timeout)

    def out(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the module or function around this place has returned (from a library's
        code: until the user's goes on). At a node of backward: until the nodes of that call have
        run, and at the top until backward returns."""
        return self._go(Goal.OUT, level, timeout)

    def forward(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the next forward is complete (a script: until it calls backward)."""
        return self._go(Goal.FORWARD, level, timeout)

    def backward(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the next backward is complete."""
        return self._go(Goal.BACKWARD, level, timeout)

    def update(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the parameters have been updated."""
        return self._go(Goal.UPDATE, level, timeout)

    def zero_grad(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the gradients have been cleared."""
        return self._go(Goal.ZERO_GRAD, level, timeout)

    def iteration(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the end of this iteration."""
        return self._go(Goal.ITERATION, level, timeout)

    def epoch(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the beginning of the next epoch, or to the end of the program. A script's epochs
        are the rounds of the loop around the training loop; if there is none, the message of the
        ``Stop`` says so."""
        return self._go(Goal.EPOCH, level, timeout)

    def run_to(
        self,
        file: str | os.PathLike[str],
        line: int,
        *,
        level: Level | None = None,
        timeout: float | None = None,
    ) -> Stop:
        """Go on until ``line`` (from 1) of ``file`` is the next to run, or the program ends. A line
        without code stands for the next one that has some; if there is none the program stays
        where it is, and the message of the ``Stop`` says why."""
        target = Place(os.path.abspath(os.fspath(file)), line)
        return self._go(Goal.LINE, level, timeout, target)

    def run_to_nan(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until something is no finite number, or the program ends."""
        return self._go(Goal.NAN, level, timeout)

    def run(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the end of the program."""
        return self._go(Goal.RUN, level, timeout)

    def _go(
        self,
        goal: Goal,
        level: Level | None,
        timeout: float | None,
        target: Place | None = None,
    ) -> Stop:
        self.advance(goal, level, target=target)
        return self.wait(timeout)

    # ------------------------------------------------------------------ what it says and hears

    def write(self, text: str) -> None:
        """Give the program ``text`` on its standard input. Raises ``OSError`` when it is gone."""
        self._process.write_input(text.encode())

    @property
    def pid(self) -> int | None:
        """Of the program's process, once it has been started."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What the program printed to standard output so far."""
        return "".join(self._texts["stdout"])

    @property
    def errors(self) -> str:
        """What the program printed to standard error so far."""
        return "".join(self._texts["stderr"])

    @property
    def output_bytes(self) -> bytes:
        """Standard output as the program wrote it."""
        return b"".join(self._raw["stdout"])

    def request(self, verb: str, kind: Any, /, **arguments: Any) -> Answer:
        """Ask the engine; the future gives the result (decoded as ``kind``) and the body, or
        raises ``RequestFailed``. Never blocks."""
        return self._requests.send(verb, kind, arguments)

    # ------------------------------------------------------------------ facts from the engine

    def on_loaded(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._listener(loaded)

    def on_stopped(self, stop: Stop) -> None:
        self._process.drain()
        with self._changed:
            self.stop, self._running = stop, False
            self._changed.notify_all()
        self._listener(stop)

    def on_found(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._listener(finding)

    def on_progress(self, iteration: int) -> None:
        self._listener(Progress(iteration))

    # ------------------------------------------------------------------ background

    def _spawn(self, target: Callable[..., None], name: str, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _live(self) -> None:
        """Body of the link thread: start, connect, serve until the process is gone."""
        trouble = ""
        try:
            trouble = check_program(self.program)
            if not trouble and not self._closed:
                connection = self._process.connect()
                if connection is not None:
                    self._requests.open(connection)
                    self._serve(connection)
        except LaunchFailed as error:
            trouble = str(error)
        finally:
            self._bury(trouble)

    def _serve(self, connection: Connection) -> None:
        while True:
            try:
                message, body = connection.receive()
            except EOFError:
                return
            if isinstance(message, Event):
                handler = getattr(self, f"on_{message.name}", None)
                if handler is None:
                    raise FieldError(f"unknown event {message.name!r}")
                call(handler, message.arguments, message.name)
            elif isinstance(message, (Reply, Refusal)):
                self._requests.settle(message, body)

    def _bury(self, trouble: str) -> None:
        """The connection ended: find out how the process died, and say so."""
        code, killer = self._process.bury()
        with self._changed:
            self.exit_code = code
            self._gone = True
            message = self._cause(trouble, code, killer)
            lost = None
            if self._running and not self._leaving:
                lost = self._lost_stop(message, code)
                self.stop = lost
            self._running = False
            self._changed.notify_all()
        self._requests.close(message)
        if lost is not None:
            self._listener(lost)
        self._listener(Exited(code, killer))

    def _cause(self, trouble: str, code: int, killer: str) -> str:
        if trouble:
            return trouble
        if self._closed:
            return "The program was stopped."
        if killer == "SIGKILL":
            return "The program was killed (SIGKILL): by hand, or because memory ran out."
        if killer:
            return f"The program died of {killer}."
        return f"The program left without a word (os._exit) with exit code {code}."

    def _lost_stop(self, message: str, code: int) -> Stop:
        last = self.stop or Stop(Reason.LOST)
        return Stop(
            Reason.LOST,
            iteration=last.iteration,
            phase=last.phase,
            place=last.place,
            message=message,
            failure=Failure("Lost", message, text=self.errors[-4000:]),
            exit_code=code,
        )

    def _epitaph(self) -> str:
        if self.stop is not None and self.stop.message:
            return self.stop.message
        if self.stop is not None and self.stop.failure is not None:
            return f"The program failed: {self.stop.failure.message}"
        return "The program is not running." if not self._gone else "The program has ended."

    def _let_finish(self, timeout: float | None) -> None:
        """Let an ended program run its exit handlers; returns when it is gone or late. A program
        that writes is at work: the time is counted from its last output."""
        with self._changed:
            if self._gone:
                return
            self._leaving = True
        self.request("leave", None)
        self._process.close_input()
        with self._changed:
            written = -1
            while not self._gone and written != (written := self._chunks()):
                self._changed.wait_for(lambda: self._gone, timeout)

    def _chunks(self) -> int:
        return sum(map(len, self._raw.values()))

    def _wrote(self, stream: str, chunk: bytes, text: str) -> None:
        self._raw[stream].append(chunk)
        if text:
            self._texts[stream].append(text)
            self._listener(Output(stream, text))


def open_program(
    path: str | os.PathLike[str],
    args: tuple[str, ...] | list[str] = (),
    *,
    python: str | None = None,
    module: bool = False,
    cwd: str | None = None,
    timeout: float | None = None,
) -> Debuggee:
    """Start ``path`` under the debugger and wait until it stands before its first line.

    ``module``: ``path`` is a module's name, as with ``python -m``. Raises ``ProgramEnded`` with a
    sentence that says why when it cannot be started."""
    program = Program(os.fspath(path), tuple(args), module, python, cwd)
    debuggee = Debuggee(program)
    debuggee.start()
    try:
        stop = debuggee.wait(timeout)
    except BaseException:
        debuggee.close()
        raise
    if stop.reason is Reason.LOST:
        debuggee.close()
        raise ProgramEnded(stop.message)
    return debuggee


__all__ = [
    "Debuggee",
    "Exited",
    "Fact",
    "Output",
    "Program",
    "ProgramEnded",
    "Progress",
    "Running",
    "check_program",
    "open_program",
]
