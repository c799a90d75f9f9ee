"""What the window may ask: one ``do_<verb>`` each, arguments checked by their annotations. Here are
the verbs that go on; those that read have rooms of their own."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gradstep.engine.stepping.codelines import line_with_code
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.stepping.gate import Command
from gradstep.engine.verbs.asking import Asking
from gradstep.protocol.breakpoints import Breakpoint, BreakpointState
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.nonfinite import Plan
from gradstep.protocol.trace import Goal, Level, Place

if TYPE_CHECKING:
    from gradstep.engine.verbs.reading import Reading

WIDEN_AFTER = 0.5
"""Seconds after which a pause no longer waits for a line of the user's own code."""


class Commands(Asking):
    """Runs in the link thread."""

    def __init__(self, debugger: Debugger, reading: Callable[[], Reading]) -> None:
        """``reading`` gives the verbs that are not here. It is called when one is asked for."""
        self._debugger, self._reading = debugger, reading

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return getattr(self._reading(), name)

    # ------------------------------------------------------------------ going on

    def do_advance(
        self, goal: Goal, level: Level, target: Place | None = None, plan: Plan | None = None
    ) -> None:
        self._standing()
        if goal is Goal.LINE:
            target = _with_code(target)
        if goal is Goal.EPOCH and self._debugger.pursuit.no_epochs():
            raise RequestFailed(Problem("unavailable", self._debugger.pursuit.no_epochs()))
        self._debugger.go_on(Command(goal, level, target, plan=plan))

    def do_pause(self) -> None:
        if not self._debugger.gate.waiting:
            self._debugger.pursuit.pause()
            timer = threading.Timer(WIDEN_AFTER, self._debugger.pursuit.widen_pause)
            timer.daemon = True
            timer.start()

    def do_leave(self) -> None:
        self._standing()
        self._debugger.go_on(Command(Goal.RUN, Level.RUN, leave=True))

    def do_end(self) -> None:
        """The window is closed: end the program as Ctrl+C in its terminal would, so that what it
        does in the end is done. It may stand or run. Refused where Ctrl+C does nothing."""
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # Started in the background of a shell script, for one; then it can only be killed.
            raise RequestFailed(Problem("unavailable", "The program ignores Ctrl+C."))
        interrupt_main()
        self._debugger.gate.abandon()

    # ------------------------------------------------------------------ breakpoints

    def do_set_breakpoints(
        self, breakpoints: tuple[Breakpoint, ...]
    ) -> tuple[BreakpointState, ...]:
        states = self._debugger.breakpoints.set(breakpoints)
        self._debugger.pursuit.changed()
        return states

    def do_breakpoints(self) -> tuple[BreakpointState, ...]:
        return self._debugger.breakpoints.states()


def interrupt_main() -> None:
    """Ctrl+C, for the main thread: one that sleeps or reads wakes up."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _with_code(target: Place | None) -> Place:
    """The line asked for, or the next one below it that can be stopped at."""
    if target is None:
        raise RequestFailed(Problem("invalid", "Which line to run to was not said."))
    try:
        line = line_with_code(target.file, target.line)
    except (OSError, SyntaxError, ValueError) as error:
        raise RequestFailed(Problem("invalid", f"{target.file}: {error}")) from None
    if line is None:
        raise RequestFailed(Problem("unavailable", "There is no code on this line or below it."))
    return replace(target, line=line)
