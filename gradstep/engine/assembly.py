"""Everything of the engine put together in the user's process, once."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.backward import Backward
from gradstep.engine.capture.observer import Observer
from gradstep.engine.capture.optimizers import Optimizers
from gradstep.engine.capture.threads import Threads
from gradstep.engine.gauges import Gauging
from gradstep.engine.link import Link
from gradstep.engine.phase_watch import PhaseWatch
from gradstep.engine.running import tracebacks, warned
from gradstep.engine.running.driver import Driver
from gradstep.engine.stack import grow_stack
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.values.scope import Scope
from gradstep.engine.verbs.commands import Commands
from gradstep.protocol.trace import Level

current: Engine | None = None
"""The engine of this process, once there is one."""


class Engine:
    """``folder`` is the program's: its files are the user's own. ``driven``: an experiment."""

    def __init__(self, folder: str, *, driven: bool) -> None:
        self.link: Link | None = None
        d = self.debugger = Debugger(
            folder, lambda stop: self.tell("stopped", stop=stop), driven=driven
        )
        d.found = lambda finding: self.tell("found", finding=finding)
        self.observer = Observer(d)
        self.scope = Scope(d.sites, d.callers, d.recorder, d.leaves, d.tracker)
        d.breakpoints.lookup = self.scope.lookup
        d.nonfinite.scope = self.scope

    def install(self) -> None:
        """Hook into torch. Where nobody looks, what is hooked costs next to nothing."""
        global current
        current = self
        grow_stack()
        debugger, observer = self.debugger, self.observer
        backward = Backward(debugger, observer)
        gauging = self.gauging = Gauging(debugger, self.scope, backward)
        compiled = internals.CompiledCode(debugger.remark_eager, gauging.follow_calls)
        gauging.compiles = lambda: compiled.used
        compiled.install()
        tracebacks.install()
        warned.install()

        def set_level(level: Level) -> None:
            observer.set_level(level)
            backward.level_changed()
            compiled.step_eagerly(level is not Level.RUN)
            gauging.follow_calls()

        debugger.set_level = set_level
        backward.install()
        internals.wrap_function_apply(observer.apply)
        internals.wrap_new_parameter(observer.new_parameter)
        Optimizers(debugger, observer).install()
        debugger.nonfinite.install()
        PhaseWatch(debugger, observer).install()
        threads = Threads(debugger, observer)
        threads.install()
        internals.keep_fast_paths(threads.mode_here)
        debugger.before_end = threads.wait
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """In a child of the program: nothing is observed, and no line is traced."""
        self.observer.set_level(Level.RUN)
        self.debugger.pursuit.finish()

    def serve(self, link: Link, driver: Driver | None) -> None:
        """Take commands from ``link``."""
        self.link = link
        debugger = self.debugger

        def report() -> int | None:
            debugger.journal.settle()
            return None if debugger.gate.waiting else debugger.tracker.iteration

        link.start(Commands(debugger, self.scope, driver, self.gauging, self.tell), report)

    def tell(self, event: str, **arguments: Any) -> None:
        """Tell the window, if there is one. That it is gone, the link finds out."""
        if self.link is not None:
            with contextlib.suppress(OSError):
                self.link.tell(event, **arguments)
