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
from gradstep.launch import END_TIMEOUT, EXIT_TIMEOUT, EngineProcess, LaunchFailed, OtherSide, Say
from gradstep.program import Program, check_program
from gradstep.protocol.fields import FieldError, call
from gradstep.protocol.findings import Finding
from gradstep.protocol.frames import Connection
from gradstep.protocol.messages import Event, Refusal, Reply
from gradstep.protocol.nonfinite import Plan
from gradstep.protocol.rerun import LandscapePart
from gradstep.protocol.trace import Failure, Goal, Level, Loaded, Place, Reason, Stop
from gradstep.questions import Parts, Questions
from gradstep.replay import FirstRun, Replay
from gradstep.requests import Answer, Requests
from gradstep.verbs import Verbs

FAR = frozenset({Goal.RUN, Goal.LINE, Goal.EPOCH, Goal.NAN})
"""Goals on the way to which nothing is captured unless asked for."""


class ProgramEnded(RuntimeError):
    """The program is over (or was never started): there is nothing to advance."""


class Debuggee(Verbs, Questions):
    """One run of a program. Use as a context manager, or call ``start`` and ``close``. How it
    goes on is inherited from ``Verbs``, what it may be asked at a stop from ``Questions``.

    ``listener`` receives every fact, in background threads, in order per source. ``heard`` gets
    what the program writes, instead of this object."""

    def __init__(
        self,
        program: Program,
        listener: Listener | None = None,
        heard: Say | None = None,
        *,
        side: OtherSide | None = None,
    ) -> None:
        """``side``: where the engine is; by default in a process that is started for it."""
        self.program = program
        self.stop: Stop | None = None
        self.loaded: Loaded | None = None
        self.exit_code: int | None = None
        self.findings: list[Finding] = []
        """What the phase watch noticed so far."""
        self._listener: Listener = listener or (lambda fact: None)
        self._changed = threading.Condition()
        self._process: OtherSide = side or EngineProcess(program, heard or self.on_output)
        self._connected = False
        self._requests = Requests()
        self._parts = Parts()
        self._running = False
        self._closed = False
        self._gone = False
        self._leaving = False
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._raw: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._threads: list[threading.Thread] = []
        self._typed: list[bytes] = []
        self._breakpoints: dict[str, Any] | None = None
        self._seeking = False
        """On the way to a NaN at run level: when one strikes, a second run finds where it began."""
        self._replay: Replay | None = None

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Start the process in the background; ``Loaded`` and the first ``Stop`` follow."""
        self._running = True
        self._spawn(self._live, "gradstep-link")

    def close(self) -> None:
        """End the program and wait until it is gone; let go of one that gradstep did not start.
        An ended program may finish by itself first; another one gets Ctrl+C and the time to obey.
        Safe to call twice."""
        with self._changed:
            first, self._closed = not self._closed, True
            ended = self.stop is not None and self.stop.reason in (Reason.END, Reason.EXCEPTION)
        if ended and not self._gone and not self.attached:
            self._let_finish(EXIT_TIMEOUT)
        elif first and self._connected and not self.attached:
            self._end()
        self.kill()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(EXIT_TIMEOUT)

    def _end(self) -> None:
        """Ctrl+C, and some time to obey; none, where the program would not hear it."""
        answer = self.request("end", None)
        answer.add_done_callback(self._answered)
        with self._changed:
            self._changed.wait_for(lambda: self._gone or _refused(answer), END_TIMEOUT)

    def _answered(self, _: Answer) -> None:
        with self._changed:
            self._changed.notify_all()

    def kill(self) -> None:
        """End the process and all that it started (or let go of it), now. Never blocks."""
        self._closed = True
        self._process.kill()
        if self._replay is not None:
            self._replay.kill()

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
        self,
        goal: Goal,
        level: Level | None = None,
        *,
        target: Place | None = None,
        plan: Plan | None = None,
    ) -> None:
        """Go on towards ``goal``; the next ``Stop`` follows. Raises ``ProgramEnded``.

        ``level`` is how much to capture: by default everything, and nothing for the goals that lie
        far away. ``target`` is the line that ``Goal.LINE`` means. ``plan``: this is a second run
        that looks for a NaN."""
        with self._changed:
            if self._gone or self._closed:
                raise ProgramEnded(self._epitaph())
            if self._running:
                raise ProgramEnded("the program is running; pause it first")
            if not self.can_advance:
                raise ProgramEnded(self._epitaph())
            self._running = True
        self._listener(Running())
        chosen = level or (
            Level.RUN if goal in FAR and not self._at_birth(goal) else Level.OPERATION
        )
        if chosen is Level.RUN and goal not in FAR:
            chosen = Level.PHASE  # phases by hand are not seen below it
        far = goal is Goal.NAN and chosen is Level.RUN and plan is None
        self._seeking = far and not self.attached  # one that was running cannot be run again
        answer = self.request("advance", None, goal=goal, level=chosen, target=target, plan=plan)
        answer.add_done_callback(self._advanced)

    def _at_birth(self, goal: Goal) -> bool:
        """Whether the way to the next NaN begins at an operation that made one."""
        found = self.stop.nonfinite if self.stop is not None else None
        return goal is Goal.NAN and found is not None and found.birth > 0

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
        if self._replay is not None:
            self._replay.pause()
        elif self._running and not self._gone:
            self.request("pause", None)

    def wait(self, timeout: float | None = None) -> Stop:
        """The stop at which the program stands, once it does. Raises ``TimeoutError``."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, timeout):
                raise TimeoutError(f"the program still runs after {timeout} s")
            assert self.stop is not None
            return self.stop

    # ------------------------------------------------------------------ what it says and hears

    def write(self, text: str) -> None:
        """Give the program ``text`` on its standard input. Raises ``OSError`` when it is gone."""
        data = text.encode()
        self._typed.append(data)
        self._process.write_input(data)

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
        return self.written("stdout")

    def written(self, stream: str) -> bytes:
        """The bytes of ``stdout`` or ``stderr`` so far."""
        return b"".join(self._raw[stream])

    def request(self, verb: str, kind: Any, /, **arguments: Any) -> Answer:
        """Ask the engine; the future gives the result (decoded as ``kind``) and the body, or
        raises ``RequestFailed``. Never blocks."""
        if verb == "set_breakpoints":
            self._breakpoints = arguments  # for another process that takes over
        return self._requests.send(verb, kind, arguments)

    @property
    def attached(self) -> bool:
        """Whether the program ran before us, and will go on after us."""
        return self._process.attached

    # ------------------------------------------------------------------ facts from the engine

    def on_loaded(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._listener(loaded)

    def on_stopped(self, stop: Stop) -> None:
        self._process.drain()
        if self._seeking and stop.reason is Reason.NAN and stop.nonfinite is not None:
            self._spawn(self._go_back, "gradstep-replay", stop)
            return
        self._arrive(stop)

    def _arrive(self, stop: Stop) -> None:
        with self._changed:
            self.stop, self._running = stop, False
            self._changed.notify_all()
        self._listener(stop)

    def on_resumed(self) -> None:
        """It goes on, though not at our command: Ctrl+C in its terminal."""
        with self._changed:
            self._running = True
        self._listener(Running())

    def _go_back(self, stop: Stop) -> None:
        """Something is not finite: find in a second run the operation that made it so."""
        replay = Replay(Debuggee, self.program, FirstRun.of(self, stop, self._typed))
        self._replay = replay
        if self._closed or self._gone:
            replay.kill()
        stop = replay.run(stop)
        first, second = self._process, replay.found
        with self._changed:
            self._replay = None
            over = self._gone or self._closed
            if second is not None and not over:
                self._process, self._requests = second._process, second._requests
                self._threads = self._threads + second._threads
        if over:
            if second is not None:
                second.close()
            return
        if second is not None:
            first.kill()
            replay.hand_over(self)
            if self._breakpoints is not None:
                self.request("set_breakpoints", None, **self._breakpoints)
        self._arrive(stop)

    def on_found(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._listener(finding)

    def on_progress(self, iteration: int) -> None:
        self._listener(Progress(iteration))

    def on_landscape(self, part: LandscapePart) -> None:
        self._parts.arrived(part)
        self._listener(part)

    # ------------------------------------------------------------------ background

    def _spawn(self, target: Callable[..., None], name: str, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _live(self) -> None:
        """Body of the link thread: start, connect, serve until the process is gone."""
        trouble = ""
        process, requests = self._process, self._requests  # another may take over
        try:
            connection = process.connect()
            if connection is not None:
                self._connected = True
                requests.open(connection)
                self._serve(connection, requests)
        except LaunchFailed as error:
            trouble = str(error)
        finally:
            code, killer = process.bury()
            if process is self._process:
                self.bury(trouble, code, killer)
            else:
                requests.close("Another run of the program has taken over.")

    def _serve(self, connection: Connection, requests: Requests) -> None:
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
                requests.settle(message, body)

    def bury(self, trouble: str, code: int, killer: str) -> None:
        """The process is gone: say how it died."""
        if self._replay is not None:
            self._replay.kill()
        with self._changed:
            self.exit_code = None if self.attached else code
            self._gone = True
            self._parts.over()
            message = trouble or self._process.last_words(
                code, killer, connected=self._connected, closed=self._closed
            )
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

    def on_output(self, stream: str, chunk: bytes, text: str) -> None:
        self._raw[stream].append(chunk)
        if text:
            self._texts[stream].append(text)
            self._listener(Output(stream, text))


def _refused(answer: Answer) -> bool:
    return answer.done() and answer.exception() is not None


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
