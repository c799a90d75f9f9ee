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
    as at any breakpoint. Where no window can be opened, in a worker process, a second thread and
    any rank but the first, one line on standard error says so, once, and the program goes on."""
    trouble = _trouble()
    if trouble:
        say(trouble)
        return
    from gradstep.engine.running.attach import stop_here

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
    if rank() > 0:
        return f"only rank 0 is stopped; rank {rank()} goes on."
    return ""


def rank() -> int:
    """Which of the processes this is that a launcher such as ``torchrun`` has started: by ``RANK``
    (of all machines), else ``LOCAL_RANK``; 0 where nobody has said."""
    for name in ("RANK", "LOCAL_RANK"):
        given = os.environ.get(name, "")
        if given.isdigit():
            return int(given)
    return 0
