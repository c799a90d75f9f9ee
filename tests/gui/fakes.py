"""A program that says what a test has it say: for orders of events that no real one can be made
to keep. Everything else is tested with real programs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from gradstep.debuggee import Running
from gradstep.program import Program
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.trace import Goal, Level, Reason, Stop


class ScriptedDebuggee:
    """Records what it is asked; the test tells facts and answers."""

    attached = False

    def __init__(self, program: Program, listener: Callable[[Any], None]) -> None:
        self.program, self.tell = program, listener
        self.goals: list[Goal] = []
        self.questions: list[tuple[str, dict[str, Any], Future[tuple[Any, bytes]]]] = []
        self.killed = self.closed = self.paused = False

    def advance(self, goal: Goal, level: Level | None = None) -> None:
        self.goals.append(goal)
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
