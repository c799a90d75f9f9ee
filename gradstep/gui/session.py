"""The program under debug, as the window knows it: a state, facts, and what may be asked of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from gradstep import headstart
from gradstep.debuggee import Debuggee, Exited, Output, ProgramEnded, Progress, Running
from gradstep.gui import states
from gradstep.gui.latest import Latest
from gradstep.gui.mailbox import Mailbox
from gradstep.gui.reading import Reading
from gradstep.gui.states import State
from gradstep.program import Program
from gradstep.protocol.findings import Finding
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.rerun import LandscapePart
from gradstep.protocol.trace import Devices, Goal, Loaded, Place, Reason, Stop

Done = Callable[[Any, bytes], None]
Failed = Callable[[Problem], None]

WORTH_A_LOOK = frozenset(
    {Reason.EXCEPTION, Reason.REFUSED, Reason.END, Reason.PAUSE, Reason.BREAKPOINT, Reason.NAN}
)
"""Stops at which Run at a speed does not go on by itself."""


class Start(Protocol):
    """How a session starts a program."""

    def __call__(self, program: Program, listener: Callable[[Any], None], /) -> Debuggee: ...


@dataclass(eq=False)
class _Question:
    """One request to the engine. Compared by identity: an old answer fits no new question.
    ``tag`` is empty where every answer counts."""

    debuggee: Debuggee
    tag: str
    verb: str
    kind: Any
    done: Done
    failed: Failed | None
    arguments: dict[str, Any]


@dataclass(eq=False)
class _Run:
    """One run of a program: what restarting forgets."""

    debuggee: Debuggee = field(init=False)
    stopped_by_hand: bool = False
    attached: bool = False


class Session(QObject):
    """Facts come as signals, in the GUI thread; verbs return at once."""

    stateChanged = Signal(object)
    loaded = Signal(object)
    stopped = Signal(object)
    graphChanged = Signal(object)
    timelineChanged = Signal(object)
    lossesChanged = Signal(object)
    valuesChanged = Signal(object)
    devicesChanged = Signal(object)
    found = Signal(object)
    """The phase watch noticed something: a ``Finding``, once each."""
    landscapeArrived = Signal(object)
    """Rows of a loss landscape that was asked for."""
    progressed = Signal(int)
    """The iteration that a running program is in, a few times a second."""
    outputArrived = Signal(str, str)
    programOpened = Signal(str)
    """A program starts (for the first time or again): views clear themselves."""
    messageChanged = Signal(str)
    """One sentence for the person; ``""`` when there is nothing to say any more."""
    playingChanged = Signal(bool)
    """Whether Run goes on operation by operation, at a speed."""

    def __init__(
        self,
        start: Start = headstart.start,
        *,
        python: str | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = State.EMPTY
        self.stop: Stop | None = None
        self.loaded_program: Loaded | None = None
        self.program: Program | None = None
        self.devices: Devices | None = None
        self.findings: tuple[Finding, ...] = ()
        self.message = ""
        self.speed: float | None = None
        self.playing = False
        self._start_program = start
        self._python = python
        self._run: _Run | None = None
        self._leaving: list[threading.Thread] = []
        self._latest: Latest[_Question] = Latest(self._send)
        self._reading = Reading(self)
        self._mailbox = Mailbox(self._deliver, self)
        self._beat = QTimer(self)
        self._beat.timeout.connect(self._play_on)

    @property
    def path(self) -> str:
        """The file (or module) under debug; ``""`` when there is none."""
        return self.program.path if self.program else ""

    @property
    def identity(self) -> str:
        """What the program is called between launches: its absolute path or its module's name."""
        if self.program is None or self.program.module:
            return self.path
        return os.path.abspath(self.path)

    @property
    def stopped_by_hand(self) -> bool:
        """Whether the person ended the program, rather than an accident."""
        return self._run is not None and self._run.stopped_by_hand

    @property
    def attached(self) -> bool:
        """Whether the program ran before there was a window, and will go on without it."""
        return self._run is not None and self._run.attached

    # ------------------------------------------------------------------ life

    def open(self, path: str, args: tuple[str, ...] = (), *, module: bool = False) -> None:
        """Start a program; ``loaded`` and the first ``stopped`` follow, or a message why not."""
        self._start(Program(path, tuple(args), module, self._python))

    def restart(self) -> None:
        """Start the same program again, from its beginning."""
        if self.program is not None and not self.attached:
            self._start(self.program)

    def stop_program(self) -> None:
        """End the process, whatever it is doing; let go of one that was attached to."""
        if self._run is not None and self.state is not State.LOST:
            self._play(False)
            self._run.stopped_by_hand = True
            self._run.debuggee.kill()

    def close(self) -> None:
        """End the program and wait until its process is gone."""
        self._play(False)
        self._retire()
        for thread in self._leaving:
            thread.join()
        self._leaving.clear()

    def _start(self, program: Program) -> None:
        self._play(False)
        self._retire()
        self.program, self.stop, self.loaded_program, self.devices = program, None, None, None
        self.findings = ()
        self._set_state(State.STARTING)
        self._say("")
        self.programOpened.emit(program.path)
        run = self._run = _Run()
        run.debuggee = self._start_program(program, lambda fact: self._mailbox.post((run, fact)))
        run.attached = run.debuggee.attached
        if run.attached:
            self.stateChanged.emit(self.state)  # other things can be done with it

    def _retire(self) -> None:
        """Let go of the program of now; its last words are not heard."""
        run, self._run = self._run, None
        self._latest.clear()
        self._reading.reset()
        if run is None:
            return
        self._leaving = [thread for thread in self._leaving if thread.is_alive()]
        thread = threading.Thread(target=run.debuggee.close, name="gradstep-leave", daemon=True)
        self._leaving.append(thread)
        thread.start()

    # ------------------------------------------------------------------ advance

    def advance(self, goal: Goal, target: Place | None = None) -> None:
        """Go on towards ``goal`` (``Goal.LINE``: to ``target``). Nothing happens while the program
        runs: a held key asks again."""
        if self.state is not State.STOPPED:
            return
        self._play(goal is Goal.RUN and self.speed is not None)
        self._go(Goal.STEP if self.playing else goal, target)

    def pause(self) -> None:
        """Stop as soon as possible."""
        self._play(False)
        if self._run is not None and self.state is State.RUNNING:
            self._run.debuggee.pause()

    def set_speed(self, per_second: float | None) -> None:
        """How many operations a second Run executes; None: as fast as the machine can."""
        self.speed = per_second
        if not self.playing:
            return
        if per_second is None:
            self._play(False)
            self.advance(Goal.RUN)
        else:
            self._beat.setInterval(round(1000 / per_second))

    def _go(self, goal: Goal, target: Place | None = None) -> None:
        assert self._run is not None
        self._set_state(State.RUNNING)
        self._say("")
        try:
            self._run.debuggee.advance(goal, target=target)
        except ProgramEnded as error:
            self._lose(str(error))

    def _play(self, on: bool) -> None:
        if on and self.speed is not None:
            self._beat.start(round(1000 / self.speed))
        else:
            self._beat.stop()
        if on is not self.playing:
            self.playing = on
            self.playingChanged.emit(on)

    def _play_on(self) -> None:
        if self.state is State.STOPPED:
            self._go(Goal.STEP)

    # ------------------------------------------------------------------ ask

    def ask(
        self,
        verb: str,
        kind: Any,
        done: Done,
        *,
        tag: str,
        failed: Failed | None = None,
        **arguments: Any,
    ) -> None:
        """Ask the engine. ``done(result, body)`` or ``failed(problem)`` is called in the GUI
        thread, unless a newer question with the same ``tag`` or another program came between."""
        if self._run is None:
            return
        self._latest.ask(
            tag, _Question(self._run.debuggee, tag, verb, kind, done, failed, arguments)
        )

    def tell(
        self, verb: str, kind: Any, done: Done, *, failed: Failed | None = None, **arguments: Any
    ) -> None:
        """Change something. Sent at once, before whatever the person does next: a breakpoint that
        is set, then F5. Every answer is heard, as long as the program is the same."""
        if self._run is not None:
            self._send(_Question(self._run.debuggee, "", verb, kind, done, failed, arguments))

    def refresh(self) -> None:
        """Read again what the stop shows: something was changed by hand."""
        self._reading.everything()

    def set_device(self, id: str) -> None:
        """Move an experiment to a device; ``devicesChanged`` says where it then is."""
        self.tell("set_device", Devices, self._moved, failed=self._not_moved, id=id)

    def _send(self, question: _Question) -> None:
        future = question.debuggee.request(question.verb, question.kind, **question.arguments)
        future.add_done_callback(lambda answered: self._mailbox.post((question, answered)))

    def _answer(self, question: _Question, future: Any) -> None:
        if question.tag:
            heard = self._latest.settle(question.tag, question)
        else:
            heard = self._run is not None and question.debuggee is self._run.debuggee
        if not heard:
            return
        error = future.exception()
        if error is None:
            question.done(*future.result())
        elif isinstance(error, RequestFailed):
            if question.failed is not None:
                question.failed(error.problem)
            elif error.problem.kind == "bug":
                self._say(self.tr("A mistake of gradstep's own: ") + error.problem.message)
        else:
            raise error

    def _moved(self, devices: Devices, body: bytes) -> None:
        self._say("")
        self._reading.take_devices(devices, body)
        self._reading.everything()

    def _not_moved(self, problem: Problem) -> None:
        self._say(problem.message)
        if self.devices is not None:
            self.devicesChanged.emit(self.devices)

    # ------------------------------------------------------------------ facts

    def _deliver(self, letters: list[Any]) -> None:
        texts: list[str] = []
        stream = ""
        for sender, letter in letters:
            if isinstance(sender, _Question):
                self._answer(sender, letter)
                continue
            if self._run is None or sender is not self._run:
                continue
            if texts and not (isinstance(letter, Output) and letter.stream == stream):
                self.outputArrived.emit(stream, "".join(texts))
                texts = []
            if isinstance(letter, Output):
                stream = letter.stream
                texts.append(letter.text)
            else:
                self._hear(self._run, letter)
        if texts:
            self.outputArrived.emit(stream, "".join(texts))

    def _hear(self, run: _Run, fact: Any) -> None:
        if isinstance(fact, Loaded):
            self.loaded_program = fact
            self.loaded.emit(fact)
        elif isinstance(fact, Stop):
            self._stand(fact)
        elif isinstance(fact, Finding):
            self.findings += (fact,)
            self.found.emit(fact)
        elif isinstance(fact, Running):
            if self.state is State.STOPPED:  # not at our command
                self._set_state(State.RUNNING)
        elif isinstance(fact, Progress):
            self.progressed.emit(fact.iteration)
            self._reading.losses_while_running()
        elif isinstance(fact, LandscapePart):
            self.landscapeArrived.emit(fact)
        elif isinstance(fact, Exited):
            self._bury(run, fact)

    def _stand(self, stop: Stop) -> None:
        if stop.reason is Reason.LOST:
            self._lose(stop.message, stop)
            return
        if stop.reason is Reason.NAN:
            # Its operation has run: what is marked everywhere is the next one.
            stop = replace(stop, operation=None)
        self.stop = stop
        self._set_state(State.ENDED if self._is_final(stop) else State.STOPPED)
        if stop.reason in WORTH_A_LOOK or stop.breakpoints:
            self._play(False)
        if stop.message:
            self._say(stop.message)
        # Asked first: the engine answers while the views take the stop in and paint it.
        self._reading.everything()
        self.stopped.emit(stop)

    def _is_final(self, stop: Stop) -> bool:
        """An experiment can go on after its last sample; a script is over."""
        experiment = self.loaded_program is not None and self.loaded_program.kind == "experiment"
        return stop.reason is Reason.EXCEPTION or (stop.reason is Reason.END and not experiment)

    def _bury(self, run: _Run, exited: Exited) -> None:
        if self.state is State.ENDED and not run.stopped_by_hand:
            # It had ended before; that its process is gone too changes no fact on the screen.
            self._set_state(State.LOST)
        elif self.state is not State.LOST:
            self._lose(self._last_words(run, exited))

    def _last_words(self, run: _Run, exited: Exited) -> str:
        if run.attached and run.stopped_by_hand:
            return self.tr("Detached: the program goes on without gradstep.")
        if run.attached:
            return self.tr("The program's process has ended.")
        if run.stopped_by_hand:
            return self.tr("The program was stopped.")
        if exited.signal:
            return self.tr("The program was killed ({0}) while it stood still.").format(
                exited.signal
            )
        return self.tr("The program's process ended with exit code {0}.").format(exited.code)

    def _lose(self, message: str, stop: Stop | None = None) -> None:
        self._play(False)
        last = self.stop or Stop(Reason.LOST)
        if stop is None:
            stop = replace(last, reason=Reason.LOST, message=message, operation=None, changed=())
        self.stop = stop
        self._set_state(State.LOST)
        self._say(message)
        self.stopped.emit(stop)

    def _set_state(self, state: State) -> None:
        if state is self.state and state is not State.STARTING:
            return
        states.check(self.state, state)
        self.state = state
        self.stateChanged.emit(state)

    def _say(self, message: str) -> None:
        if message != self.message:
            self.message = message
            self.messageChanged.emit(message)
