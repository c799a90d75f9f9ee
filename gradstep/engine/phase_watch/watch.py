"""Where the rules get their events from, and where their findings go."""

from __future__ import annotations

import dataclasses
import os
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.observer import Observer
from gradstep.engine.phase_watch.broken import Broken
from gradstep.engine.phase_watch.eval_mode import EvalLeftOn
from gradstep.engine.phase_watch.kept import KeptLoss
from gradstep.engine.phase_watch.no_gradient import NoGradient
from gradstep.engine.phase_watch.no_optimizer import NoOptimizer
from gradstep.engine.phase_watch.order import UpdateFirst
from gradstep.engine.phase_watch.rule import Rule, Run, Spot, Step, line_of, where
from gradstep.engine.phase_watch.schedules import SchedulerPerBatch
from gradstep.engine.phase_watch.table import WATCH_FAILED, Mistake
from gradstep.engine.phase_watch.ways import Ways
from gradstep.engine.phase_watch.zeroing import NeverZeroed
from gradstep.engine.stepping.debugger import Debugger
from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Level, Place

CALLS = 16
"""Backwards for which calls are followed after the level was raised."""
AWAKE = 64
"""Backwards whose lines are noted at least, for the error that may come of one of them."""
_RUN = Level.RUN


class PhaseWatch:
    """One per process. Finds its events itself: it wraps backward's entry outside of the debugger's
    own wrapper, and adds hooks of its own to ``optimizer.step``."""

    def __init__(self, debugger: Debugger, observer: Observer) -> None:
        self.debugger, self.observer, self.sites = debugger, observer, debugger.sites
        self.ways = Ways(debugger.sites, observer)
        self.backwards = 0
        self.steps = 0
        self.last_backward: Spot | None = None
        """The site of the latest run of the backward engine that came to its end."""
        self.last_step: Spot | None = None
        self.no_gradient = NoGradient(self)
        self.broken = Broken(self)
        self._eval, self._schedule = EvalLeftOn(self), SchedulerPerBatch(self)
        rules = [NeverZeroed(self), self.no_gradient, NoOptimizer(self), KeptLoss(self), self._eval]
        if not debugger.driven:  # there the driver answers what is pressed too early
            rules.append(UpdateFirst(self))
        self._rules: list[Rule] = rules
        self._sort()
        self._told: set[str] = set()
        self._waiting: list[Finding] = []
        self._beginning = False
        self._depth = 0
        self._pid = os.getpid()
        self._seen_until = 0
        self.optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        """That have stepped while the watch was awake."""
        self._inner: Any = None
        self._entry: Any = None
        self._hooks: list[Any] = []

    def install(self) -> None:
        """Call it after the debugger's own wrappers are in place."""
        self._inner = torch.autograd._engine_run_backward  # type: ignore[attr-defined]
        self._entry = self._wrap(self._inner)
        self.wake()
        self._eval.install()
        self._schedule.install()
        self.debugger.at_finish = self._finished
        set_level = self.debugger.set_level

        def and_follow(level: Level) -> None:
            set_level(level)
            if level is not _RUN:
                self.wake()
            self._seen_until = self.backwards + CALLS
            self._follow_calls()

        self.debugger.set_level = and_follow

    def wake(self) -> None:
        """See every backward and step from now on."""
        if not self._hooks and internals.replace_backward_entry(self._inner, self._entry):
            self._hooks = [
                register_optimizer_step_pre_hook(self._step_begins),
                register_optimizer_step_post_hook(self._step_ended),
            ]
            self.debugger.broke = lambda *at: None

    def _rest(self) -> None:
        """Nothing is left to be found out: cost nothing, at run level, until a module is put into
        eval mode, a schedule is made, or a backward raises."""
        waits = self.backwards < AWAKE or self.debugger.level is not _RUN or self._schedule.busy
        if waits or not all(rule.idle for rule in self._rules):
            return
        if internals.replace_backward_entry(self._entry, self._inner):
            for hook in self._hooks:
                hook.remove()
            self._hooks.clear()
            self.last_backward = self.last_step = None
            self.debugger.broke = self._failed

    def tell(self, mistake: Mistake, text: str, place: Place | None, **words: str) -> None:
        """Once per kind. ``words`` fill the gaps of the suggestion, or replace it."""
        if mistake.kind in self._told or os.getpid() != self._pid:
            return
        self._told.add(mistake.kind)
        title = words.pop("title", mistake.title)
        suggestion = words.pop("suggestion", mistake.suggestion)
        suggestion = suggestion.format(where=where(place), **words)
        iteration = self.debugger.tracker.iteration
        finding = Finding(mistake.kind, title, text, suggestion, place, iteration, mistake.phase)
        if self._beginning:
            self._waiting.append(finding)
        else:
            self.debugger.found(finding)

    def _tell_waiting(self) -> None:
        """Backward has begun: only now its iteration is known."""
        self._beginning = False
        for finding in self._waiting:
            iteration = self.debugger.tracker.iteration
            self.debugger.found(dataclasses.replace(finding, iteration=iteration))
        self._waiting.clear()

    def place(self, frame: FrameType | None) -> Place | None:
        user = self.sites.user_frame(frame)
        return self.sites.at(user).place if user is not None else None

    def place_of(self, at: Spot | None) -> Place | None:
        """None where the site is not in the user's own code."""
        if at is None or not self.sites.is_user(at[0]):
            return None
        code = at[0]
        name = code.co_qualname if code.co_name != "<module>" else ""
        return Place(os.path.abspath(code.co_filename), line_of(at), name)

    # ------------------------------------------------------------------ events

    def _sort(self) -> None:
        """Each event goes to the open rules that ask for it."""

        def asking(name: str) -> list[Any]:
            base = getattr(Rule, name)
            rules = [r for r in self._rules if getattr(type(r), name) != base]
            return [getattr(rule, name) for rule in rules]

        self._before_backward = asking("before_backward")
        self._after_backward = asking("after_backward")
        self._before_step = asking("before_step")
        self._after_step = asking("after_step")

    def guarded(self, look: Callable[..., None], *args: Any) -> None:
        """Our own reading, outside of an event."""
        try:
            with internals.unobserved():
                look(*args)
        except Exception as fault:
            self._give_up(fault)

    def _ask(self, handlers: list[Any], event: Any) -> None:
        if internals.capturing():
            return  # reading a value would break the capture
        try:
            with internals.unobserved():
                for handler in handlers:
                    handler(event)
        except Exception as fault:
            self._give_up(fault)
        finally:
            event.frame = None
            if not all(rule.open for rule in self._rules):
                self._rules = [rule for rule in self._rules if rule.open]
                self._sort()

    def _give_up(self, fault: Exception) -> None:
        """The watch is an extra: no fault of its own may stop the program."""
        for rule in (*self._rules, self._schedule):
            rule.open = False
        self.tell(WATCH_FAILED, f"{type(fault).__name__}: {fault}", None)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        own = torch.Tensor.backward.__code__

        def _engine_run_backward(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if self._depth:
                return original(outputs, *args, **kwargs)
            frame: Any = sys._getframe(2)
            if frame is not None and frame.f_code is own:
                frame = frame.f_back
            self._depth = 1
            try:
                if self._before_backward and kwargs.get("accumulate_grad"):
                    self._beginning = True
                    self._ask(self._before_backward, _run(outputs, args, frame))
                result = original(outputs, *args, **kwargs)
                self._beginning = False
                self.backwards += 1
                if self._after_backward and kwargs.get("accumulate_grad"):
                    self._ask(self._after_backward, _run(outputs, args, frame))
            except RuntimeError as error:
                self._beginning = False
                self._failed(error, outputs, frame)
                raise
            finally:
                self._depth = 0
                if self._waiting:
                    self._tell_waiting()
            if self.debugger.level is not _RUN:
                frame = self.sites.user_frame(frame) or frame
                self._follow_calls()
            self.last_backward = frame.f_code, frame.f_lasti
            self._rest()
            return result

        return _engine_run_backward

    def _failed(self, error: RuntimeError, outputs: Any, frame: FrameType | None) -> None:
        grad_on = torch.is_grad_enabled()
        try:
            with internals.unobserved():
                self.broken.judge(error, outputs, frame, grad_on)
        except Exception as fault:  # the program's own exception goes on its way
            self._give_up(fault)

    def _step_begins(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._before_step:
            self._ask(self._before_step, _step(optimizer, args, kwargs, sys._getframe(1)))

    def _step_ended(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self.steps += 1
        self.optimizers.add(optimizer)
        user = self.sites.user_frame(sys._getframe(1))
        self.last_step = (user.f_code, user.f_lasti) if user is not None else None
        if self._after_step:
            self._ask(self._after_step, _step(optimizer, args, kwargs, sys._getframe(1)))
        if self.debugger.level is not _RUN:
            self._follow_calls()

    def _follow_calls(self) -> None:
        seen = self.debugger.level is not _RUN
        wanted = self.backwards < self._seen_until or self.no_gradient.tracing
        self.ways.follow(seen and wanted)

    def _finished(self) -> None:
        for rule in self._rules:
            rule.finished()


def _run(outputs: Any, args: Any, frame: FrameType | None) -> Run:
    # grad_tensors, retain_graph, create_graph, inputs
    retains = bool(args[1]) if len(args) > 1 else False
    return Run(outputs, retains, bool(args[3]) if len(args) > 3 else False, frame)


def _step(optimizer: Any, args: Any, kwargs: Any, frame: FrameType) -> Step:
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    return Step(optimizer, closure is not None, frame)
