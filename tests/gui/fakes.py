"""A program that says what a test has it say: for orders of events that no real one can be made
to keep. Everything else is tested with real programs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pytestqt.qtbot import QtBot

from gradstep.debuggee import Running
from gradstep.gui.session import Session
from gradstep.program import Program
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.trace import Goal, Level, Loaded, Place, Reason, Stop


class ScriptedDebuggee:
    """Records what it is asked; the test tells facts and answers."""

    attached = False

    def __init__(self, program: Program, listener: Callable[[Any], None]) -> None:
        self.program, self.tell = program, listener
        self.goals: list[Goal] = []
        self.targets: list[Place | None] = []
        self.questions: list[tuple[str, dict[str, Any], Future[tuple[Any, bytes]]]] = []
        self.killed = self.closed = self.paused = False

    def advance(
        self, goal: Goal, level: Level | None = None, *, target: Place | None = None
    ) -> None:
        self.goals.append(goal)
        self.targets.append(target)
        self.tell(Running())

    def pause(self) -> None:
        self.paused = True

    def kill(self) -> None:
        self.killed = True

    def close(self) -> None:
        self.closed = True

    def request(self, verb: str, kind: Any, /, **arguments: Any) -> Future[tuple[Any, bytes]]:
        future: Future[tuple[Any, bytes]] = Future()
        self.questions.append((verb, arguments, future))
        return future

    def asked(self, verb: str) -> list[tuple[dict[str, Any], Future[tuple[Any, bytes]]]]:
        return [(arguments, future) for v, arguments, future in self.questions if v == verb]

    def stand(self, reason: Reason = Reason.STEP, **fields: Any) -> None:
        self.tell(Stop(reason, **fields))


def refuse(future: Future[tuple[Any, bytes]], kind: str, message: str) -> None:
    future.set_exception(RequestFailed(Problem(kind, message)))


LOADED = Loaded("script", "a.py", "3.11", "2.13")


class Scripted:
    """A session with scripted programs, and all that it told."""

    def __init__(self) -> None:
        self.programs: list[ScriptedDebuggee] = []
        self.session = Session(self._start)
        self.told: list[tuple[str, Any]] = []
        for name in ("stateChanged", "loaded", "stopped", "messageChanged", "graphChanged"):
            signal = getattr(self.session, name)
            signal.connect(lambda value, name=name: self.told.append((name, value)))
        self.session.outputArrived.connect(lambda *out: self.told.append(("output", out)))

    def _start(self, program: Any, listener: Any) -> Any:
        self.programs.append(ScriptedDebuggee(program, listener))
        return self.programs[-1]

    @property
    def program(self) -> ScriptedDebuggee:
        return self.programs[-1]

    def tell(self, *names: str) -> list[Any]:
        return [value for name, value in self.told if name in names]

    def stand(self, qtbot: QtBot, reason: Reason = Reason.STEP, **fields: Any) -> None:
        with qtbot.waitSignal(self.session.stopped):
            self.program.stand(reason, **fields)


def opened(scripted: Scripted, qtbot: QtBot) -> Scripted:
    scripted.session.open("a.py")
    scripted.program.tell(LOADED)
    scripted.stand(qtbot, Reason.START)
    return scripted
