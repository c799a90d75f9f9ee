"""Training in a second thread. Modes belong to a thread, so each thread that the program starts
gets a call mode of its own; the first thread that computes with parameters is the one followed.

Others (loaders, writers of logs, replicas) pass their calls on unseen."""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

import torch

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.calls import tensors_of
from gradstep.engine.capture.observer import CallMode, Observer
from gradstep.engine.stepping.debugger import Debugger
from gradstep.protocol.trace import Level

POLL = 0.05
"""Seconds between two looks at what a thread waits for."""


class Threads:
    """Watches threads begin and end. The main thread is followed until another one trains."""

    def __init__(self, debugger: Debugger, observer: Observer) -> None:
        self._debugger, self._observer = debugger, observer
        self._modes: dict[int, CallMode] = {threading.get_ident(): observer.call_mode}
        self._followed: threading.Thread = threading.main_thread()
        self._started: set[threading.Thread] = set()

    def install(self) -> None:
        """Every Python thread runs ``_bootstrap_inner``; ``run`` may be a subclass's own."""
        original = threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

        @functools.wraps(original)
        def _bootstrap_inner(thread: threading.Thread) -> None:
            self._begins(thread)
            try:
                original(thread)
            finally:
                self._ends(thread)

        owner: Any = threading.Thread
        owner._bootstrap_inner = _bootstrap_inner

    def mode_here(self) -> CallMode:
        """The call mode of the thread that asks."""
        return self._modes.get(threading.get_ident(), self._observer.call_mode)

    def wait(self) -> None:
        """The main thread is through: Python waits for the others, and what they train is not over
        before. They see it ended, as they would then; those that wait for it are not waited for,
        nor are a pool's workers, which wait for work until Python tells them to end."""
        main: Any = threading.main_thread()
        main.is_alive = lambda: False
        try:
            for thread in list(self._started):
                target = getattr(thread, "_target", None)
                of_pool = getattr(target, "__module__", "") == "concurrent.futures.thread"
                if not thread.daemon and not of_pool:
                    while thread.is_alive() and not _waits_for(thread, main):
                        thread.join(POLL)
        finally:
            del main.is_alive

    # ------------------------------------------------------------------ inside

    def _begins(self, thread: threading.Thread) -> None:
        self._started.add(thread)
        if self._debugger.level is Level.RUN or not self._is_free():
            return
        mode = CallMode(self._observer)
        mode.hand_to(functools.partial(self._offer, mode))
        self._modes[threading.get_ident()] = mode
        internals.push_function_mode(mode)

    def _is_free(self) -> bool:
        """Whether no thread that still lives has begun to train."""
        return self._debugger.tracker.phase is None or not self._followed.is_alive()

    def _offer(self, mode: CallMode, function: Any, args: Any, kwargs: Any) -> Any:
        """A call in a thread that is not followed: perhaps it is the first of a forward."""
        if self._is_free() and torch.is_grad_enabled():
            with internals.DisableTorchFunction():
                trains = any(tensor.requires_grad for tensor in tensors_of(args, kwargs))
            if trains:
                self._follow(mode)
                return self._observer.call(function, args, kwargs)
        return function(*args, **kwargs)

    def _follow(self, mode: CallMode) -> None:
        """From here on this thread is followed, and the one before is not."""
        observer, before = self._observer, self._observer.call_mode
        before.hand_to(functools.partial(self._offer, before))
        observer.call_mode = mode
        mode.hand_to(observer.call)
        self._followed = threading.current_thread()
        if self._debugger.level is Level.OPERATION and self._debugger.recorder.watching:
            internals.push_dispatch_mode(observer.aten_mode)

    def _ends(self, thread: threading.Thread) -> None:
        self._started.discard(thread)
        self._modes.pop(threading.get_ident(), None)
        if thread is self._followed:
            self._debugger.followed_elsewhere = True


def _waits_for(thread: threading.Thread, other: threading.Thread) -> bool:
    """Whether ``thread`` is in ``other.join()``."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code is threading.Thread.join.__code__ and frame.f_locals["self"] is other:
            return True
        frame = frame.f_back
    return False
