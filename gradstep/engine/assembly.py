"""Everything of the engine put together in the user's process, once."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from typing import TYPE_CHECKING, Any

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.backward import Backward
from gradstep.engine.capture.observer import Observer
from gradstep.engine.capture.optimizers import Optimizers
from gradstep.engine.capture.threads import Threads
from gradstep.engine.link import Link
from gradstep.engine.phase_watch import PhaseWatch
from gradstep.engine.running import tracebacks, warned
from gradstep.engine.running.driver import Driver
from gradstep.engine.stack import grow_stack
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.stepping.losses import watch_loaders
from gradstep.engine.values.scope import Scope
from gradstep.engine.verbs.commands import Commands
from gradstep.protocol.trace import Level

if TYPE_CHECKING:
    from gradstep.engine.gauges import Gauging
    from gradstep.engine.values.tracks import Tracks
    from gradstep.engine.verbs.reading import Reading

current: Engine | None = None
"""The engine of this process, once there is one."""


class Engine:
    """``folder`` is the program's: its files are the user's own. ``driven``: an experiment."""

    def __init__(self, folder: str, *, driven: bool) -> None:
        self.link: Link | None = None
        self._driver: Driver | None = None
        self._reading: Reading | None = None
        self._gauging: Gauging | None = None
        self._tracks: Tracks | None = None
        self._making = threading.Lock()
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
        backward = self._backward = Backward(debugger, observer)
        compiled = self._compiled = internals.CompiledCode(
            debugger.remark_eager, self._gauges_follow
        )
        compiled.install()
        tracebacks.install()
        warned.install()

        def set_level(level: Level) -> None:
            observer.set_level(level)
            backward.level_changed()
            compiled.step_eagerly(level is not Level.RUN)
            self._gauges_follow()

        debugger.set_level = set_level
        backward.install()
        internals.wrap_function_apply(observer.apply)
        internals.wrap_new_parameter(observer.new_parameter)
        Optimizers(debugger, observer).install()
        debugger.nonfinite.install()
        PhaseWatch(debugger, observer).install()
        threads = Threads(debugger, observer)
        threads.install()
        watch_loaders(debugger.losses)
        internals.keep_fast_paths(threads.mode_here)
        debugger.before_end = threads.wait
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """In a child of the program: nothing is observed, and no line is traced."""
        self.observer.set_level(Level.RUN)
        self.debugger.pursuit.finish()

    def _gauges_follow(self) -> None:
        if self._gauging is not None:
            self._gauging.follow_calls()

    def serve(self, link: Link, driver: Driver | None) -> None:
        """Take commands from ``link``."""
        self.link, self._driver, self._reading = link, driver, None
        debugger = self.debugger

        def report() -> int | None:
            return None if debugger.gate.waiting else debugger.tracker.iteration

        debugger.at_leisure = self._settle
        link.start(Commands(debugger, self.reading), report)

    def reading(self) -> Reading:
        """What reads and explains. Loading it takes 0.1 s, which a program that nobody asks about
        does not pay."""
        with self._making:
            if self._reading is None:
                from gradstep.engine.gauges import Gauging
                from gradstep.engine.values.tracks import Tracks
                from gradstep.engine.verbs.reading import Reading

                debugger, scope, backward = self.debugger, self.scope, self._backward
                gauging = self._gauging = self._gauging or Gauging(debugger, scope, backward)
                gauging.compiles = lambda: self._compiled.used
                tracks = self._tracks = self._tracks or Tracks(debugger, scope, backward)
                self._reading = Reading(debugger, scope, self._driver, gauging, tracks, self.tell)
            return self._reading

    def _settle(self) -> None:
        """While the person looks at the start: load what reads, and look once through all that was
        imported (0.1 s), which would else happen in the middle of the program's loop."""
        self.reading()
        gc.collect()

    def tell(self, event: str, **arguments: Any) -> None:
        """Tell the window, if there is one. That it is gone, the link finds out."""
        if self.link is not None:
            with contextlib.suppress(OSError):
                self.link.tell(event, **arguments)
