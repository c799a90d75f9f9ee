"""``gradstep.breakpoint()``: from inside a program that runs already, in its own process."""

from __future__ import annotations

import os
import sys
import threading

_PID = os.getpid()
_said: set[str] = set()


def breakpoint() -> None:
    """Hold the program here, in a window.

    In a program that gradstep did not start, the first call opens a window (a process of its own).
    Closing it lets the program run on at native speed; the breakpoints that it came by until then
    stay silent, any other opens a window again. Under ``gradstep train.py`` the program stops here
    as at any breakpoint. Where no window can be opened, and in a worker process or a second thread,
    one line on standard error says so, once, and the program goes on."""
    trouble = _trouble()
    if trouble:
        say(trouble)
        return
    from gradstep.engine.attach import stop_here

    stop_here(sys._getframe(1), say)


def say(trouble: str) -> None:
    """One line on standard error, once."""
    if trouble not in _said:
        _said.add(trouble)
        print(f"gradstep.breakpoint(): {trouble}", file=sys.stderr, flush=True)


def _trouble() -> str:
    """Why this process and thread cannot be held."""
    if threading.current_thread() is not threading.main_thread():
        return "only the main thread can be stopped; this one goes on."
    processes = sys.modules.get("multiprocessing.process")
    if os.getpid() != _PID or (processes is not None and processes.parent_process() is not None):
        return "a worker process cannot be stopped; it goes on."
    return ""
