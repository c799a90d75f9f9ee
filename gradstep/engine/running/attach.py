"""``gradstep.breakpoint()`` in the program's own process: the engine comes in, with a window."""

from __future__ import annotations

import atexit
import os
import platform
import sys
from collections.abc import Callable
from types import CodeType, FrameType, TracebackType
from typing import Any

from gradstep.engine.running.notebook import cell, shell
from gradstep.engine.running.window_process import NoWindow, WindowProcess

COUNTED = "Attached to a running program: iterations count from the first breakpoint on."


class Attachment:
    """The window of a program that gradstep did not start. It comes at a breakpoint, and may go
    and come again; the engine is put together once, and then stays."""

    def __init__(self) -> None:
        self.possible = True
        """Whether a window can be opened at all: it is tried once."""
        self._window: WindowProcess | None = None
        self._engine: Any = None
        self._seen: dict[tuple[int, int], CodeType] = {}
        self._silent: dict[tuple[int, int], CodeType] = {}
        """Breakpoints that were come by in a window that is closed. The code is kept, so that its
        address is not given to another."""
        self._cell = 0
        self._pid = os.getpid()

    @property
    def attended(self) -> bool:
        return self._window is not None and self._engine.debugger.attended

    def is_silent(self, frame: FrameType) -> bool:
        """Whether the person has closed the window on this breakpoint. In a notebook that holds
        for the cell: whoever runs one anew wants to look again."""
        if self._silent and self._cell != cell():
            self._silent.clear()
        return (id(frame.f_code), frame.f_lasti) in self._silent

    def open(self) -> None:
        """A window, and the engine. Raises ``NoWindow``, or ``ImportError`` without torch."""
        import torch

        window = WindowProcess(_name())
        from gradstep.engine.assembly import Engine  # while the window starts

        if self._engine is None:
            self._engine = Engine(_folder(), driven=False)
        self._take(window, window.connection(), torch.__version__)

    def _take(self, window: WindowProcess, sock: Any, torch_version: str) -> None:
        from gradstep.engine.link import Link
        from gradstep.protocol.trace import Loaded

        engine, first = self._engine, self._window is None
        if self._window is not None:
            self._window.forget()
        self._window = window
        if first:
            self._install()
        engine.debugger.attended = True
        engine.debugger.gate.attend()
        engine.serve(Link(sock, self._gone), None)
        python = platform.python_version()
        engine.tell("loaded", loaded=Loaded("attached", _file(), python, torch_version, COUNTED))

    def _install(self) -> None:
        engine = self._engine
        engine.install()
        debugger = engine.debugger
        debugger.gate.broken = self._interrupted
        debugger.at_stop = self._look_around
        before = sys.excepthook

        def excepthook(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            trace = self._failed(error) if self.attended else trace
            before(kind, error, trace)

        sys.excepthook = excepthook
        atexit.register(self._ended)

    # ------------------------------------------------------------------ stops

    def stop(self, frame: FrameType) -> None:
        """Hold the program at ``frame``."""
        from gradstep.protocol.trace import Reason

        self._seen[id(frame.f_code), frame.f_lasti] = frame.f_code
        self._cell = cell()
        self._engine.debugger.hold(Reason.BREAKPOINT, None, frame)

    def _look_around(self) -> None:
        """Which names are alive where it stands."""
        debugger, scope = self._engine.debugger, self._engine.scope
        frame = debugger.sites.user_frame(debugger.frame)
        names = frame.f_globals if frame is not None else sys.modules["__main__"].__dict__
        if shell() is not None:  # it keeps every cell's result under names like _12
            names = {name: value for name, value in names.items() if not name.startswith("_")}
        scope.globals = names

    def _interrupted(self) -> None:
        """Ctrl+C while it stands still: it is for the program."""
        self._let_go()
        self._engine.debugger.frame = None
        self._engine.tell("resumed")

    def _let_go(self) -> None:
        from gradstep.engine.stepping.gate import Command
        from gradstep.engine.stepping.pursuit import NOWHERE
        from gradstep.protocol.trace import Goal, Level

        self._engine.debugger.pursuit.follow(Command(Goal.RUN, Level.RUN), None, NOWHERE)

    # ------------------------------------------------------------------ ends

    def _gone(self) -> None:
        """In the link's thread: the window was closed. The program runs on."""
        self._silent.update(self._seen)
        self._seen.clear()
        self._engine.debugger.leave_alone()

    def _failed(self, error: BaseException) -> TracebackType | None:
        """The program ends by an exception: tell the window; the traceback as plain Python's."""
        from gradstep.engine.running.failures import describe_failure
        from gradstep.protocol.trace import Reason

        failure = describe_failure(error, self._engine.debugger.sites)
        place = failure.frames[-1] if failure.frames else None
        message = f"{failure.type}: {failure.message}"
        self._tell_end(Reason.EXCEPTION, message=message, failure=failure, place=place, exit_code=1)
        return error.__traceback__

    def _ended(self) -> None:
        """The process ends; no later than now."""
        from gradstep.protocol.trace import Reason

        if os.getpid() != self._pid:
            return
        self.possible = False
        if self.attended:
            self._tell_end(Reason.END, exit_code=0)
        if self._window is not None:
            self._window.forget()

    def _tell_end(self, reason: Any, **facts: Any) -> None:
        from gradstep.protocol.trace import Stop

        debugger = self._engine.debugger
        debugger.finish()
        debugger.attended = False
        tracker = debugger.tracker
        stop = Stop(reason, iteration=tracker.iteration, phase=tracker.phase, **facts)
        self._engine.tell("stopped", stop=stop)


_here = Attachment()


def stop_here(frame: FrameType, say: Callable[[str], None]) -> None:
    """Body of ``gradstep.breakpoint``, in the main thread of the program's first process. ``frame``
    is the caller's, ``say`` tells the person one line."""
    engine = _started_engine()
    if engine is not None:
        from gradstep.protocol.trace import Reason

        engine.debugger.hold(Reason.BREAKPOINT, None, frame)
        return
    if not _here.attended:
        if not _here.possible or _here.is_silent(frame):
            return
        try:
            _here.open()
        except NoWindow as error:
            _here.possible = False
            say(f"the program goes on without a window: {error}")
            return
        except ImportError as error:
            _here.possible = False
            say(f"the program goes on: torch cannot be imported ({error}).")
            return
    _here.stop(frame)


def _started_engine() -> Any:
    """The engine, if it was here before the program: under ``gradstep train.py``."""
    assembly = sys.modules.get("gradstep.engine.assembly")
    engine = assembly.current if assembly is not None else None
    return engine if engine is not None and engine is not _here._engine else None


def _file() -> str:
    """The file that Python runs; empty for what is typed."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.abspath(file) if file and shell() is None else ""


def _name() -> str:
    """What the window calls this program."""
    return _file() or ("notebook" if shell() is not None else "python")


def _folder() -> str:
    return os.path.dirname(os.path.realpath(_file())) if _file() else os.getcwd()
