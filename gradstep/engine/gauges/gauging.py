"""Reads parameters and gradients once per iteration, around the engine of backward and after an
optimizer's step. While nobody has subscribed, nothing of it is in the way.

An update is what a parameter changed between the end of one backward and the beginning of the
next, so that those made by hand are seen at full speed, too.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor
from torch.autograd.graph import get_gradient_edge
from torch.optim.optimizer import register_optimizer_step_post_hook

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.backward import Backward
from gradstep.engine.gauges.activations import Activations
from gradstep.engine.gauges.history import Histories, Record, together
from gradstep.engine.gauges.norms import histogram, norm, numbers
from gradstep.engine.gauges.roster import Roster
from gradstep.engine.gauges.shadows import Shadows
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.torch_internals import unobserved
from gradstep.engine.values.scope import Scope
from gradstep.protocol.gauges import Gauge, Gauges, ParameterReading
from gradstep.protocol.trace import Level

MEASURED = 50
"""Iterations over which the cost is measured."""
COMPILED = "Activations are not gauged at full speed, as this program uses torch.compile."


class Gauging:
    """``subscribe`` and ``read`` come from the link, all else from the program's threads."""

    def __init__(self, debugger: Debugger, scope: Scope, backward: Backward) -> None:
        self._debugger, self._backward = debugger, backward
        self.kinds: frozenset[Gauge] = frozenset()
        self.compiles: Callable[[], bool] = lambda: False
        """Whether the program uses ``torch.compile``."""
        self._roster = Roster(scope)
        self._histories = Histories()
        self._shadows = Shadows()
        self._activations = Activations()
        self._activations.spend = lambda: _Spent(self)
        self._on = False
        self._hook: Any = None
        self._depth = 0
        self._added: dict[str, Tensor | None] = {}
        self._before: dict[str, bool] = {}
        self._spent = 0.0
        self._costs: deque[tuple[float, float]] = deque(maxlen=MEASURED)
        self._began: tuple[float, int] | None = None
        self._limit, self._rests_until = 1.0, 0.0
        self._open = False
        """Whether what changed since the last gauged backward belongs to its iteration."""

    # ------------------------------------------------------------------ subscribing

    def subscribe(self, kinds: frozenset[Gauge], limit: float) -> None:
        """Gauge these from now on; none: hands off. At full speed iterations are left out so that
        no more than ``limit`` of the time goes into it (1: every one is gauged)."""
        self.kinds, self._limit, self._rests_until = kinds, limit, 0.0
        if kinds and not self._on:
            self._on = True
            self._backward.surround(self._run)
            self._hook = register_optimizer_step_post_hook(self._stepped)
        elif not kinds and self._on:
            self._on = False
            self._backward.release(self._run)
            self._hook.remove()
            self._costs.clear()
            self._began = None
        if Gauge.UPDATES not in kinds:
            self._shadows.drop()
        self._activations.histograms = Gauge.HISTOGRAMS in kinds
        self.follow_calls()

    def follow_calls(self) -> None:
        """Compiled code would compile what watches modules, too."""
        blocked = self.compiles() and self._debugger.level is Level.RUN
        self._activations.switch(Gauge.ACTIVATIONS in self.kinds and not blocked)

    def read(self) -> Gauges:
        """Of the latest iteration, as it stands now. The program must stand."""
        last, previous = self._histories.last, self._histories.previous
        if last is None:
            return Gauges(tuple(sorted(self.kinds)))
        with unobserved():
            if last.iteration == self._debugger.tracker.iteration:
                self._bring_up_to_date(last)
            self._settle_updates(final=False)
            refs = self._roster.refs(self._debugger.frame)
        return Gauges(
            tuple(sorted(self.kinds)),
            last.iteration,
            tuple(replace(p, ref=refs.get(p.name, p.name)) for p in last.parameters.values()),
            tuple(last.activations.values()),
            tuple(previous.parameters.values()) if previous else (),
            self._share(),
            self._note(),
        )

    def read_running(self) -> Gauges:
        """Of the latest iteration that is whole. Nothing of the program's is looked at."""
        last, previous = self._histories.whole
        kinds = tuple(sorted(self.kinds))
        if last is None:
            return Gauges(kinds)
        return Gauges(
            kinds,
            last.iteration,
            tuple(replace(p, ref=p.name) for p in last.parameters.values()),
            tuple(last.activations.values()),
            tuple(previous.parameters.values()) if previous else (),
            self._share(),
            self._note(),
        )

    @property
    def histories(self) -> Histories:
        return self._histories

    def _note(self) -> str:
        if Gauge.ACTIVATIONS in self.kinds and self.compiles():
            return COMPILED
        return self._shadows.note

    # ------------------------------------------------------------------ backward

    def _run(self, engine: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Around the engine of backward."""
        d = self._debugger
        if self._depth or d.is_child or not d.attended or internals.capturing():
            return engine(outputs, *args, **kwargs)
        if self._rests_until and self._rests():
            return engine(outputs, *args, **kwargs)
        self._depth += 1
        try:
            with _Spent(self):
                hooks = self._begin(sys._getframe(1))
            try:
                result = engine(outputs, *args, **kwargs)
            finally:
                for hook in hooks:
                    hook.remove()
            with _Spent(self):
                self._end()
            if self._limit < 1 and self._began is not None:
                self._rests_until = self._began[0] + self._spent / self._limit
            return result
        finally:
            self._depth -= 1

    def _rests(self) -> bool:
        """Whether this iteration is left out, at full speed, to keep within the limit."""
        d, last = self._debugger, self._histories.last
        if d.level is not Level.RUN or time.perf_counter() >= self._rests_until:
            return False
        if last is None or last.iteration == d.tracker.iteration:
            return False  # a further backward of one that is gauged
        if self._open:
            with _Spent(self):
                self._settle_updates(final=True)
            self._open = False
        return True

    def _begin(self, frame: Any) -> list[Any]:
        """The last iteration is over; hooks that see what this backward brings."""
        d = self._debugger
        self._settle_updates(final=True)
        self._measure()
        self._roster.refresh(d.sites.user_frame(frame), d.stops)
        self._added.clear()
        self._before = {}
        hooks = []
        for name, tensor in self._roster.tensors().items():
            self._before[name] = tensor.grad is not None
            if Gauge.GRADIENTS in self.kinds and not internals.is_opaque(tensor):
                node = get_gradient_edge(tensor).node
                hooks.append(node.register_prehook(self._bringing(name)))
        self._gauge_activations(self._histories.at(d.tracker.iteration))
        return hooks

    def _bringing(self, name: str) -> Callable[[Any], None]:
        def brings(gradients: Any) -> None:
            gradient = gradients[0]
            if gradient is None:
                return
            with _Spent(self):
                # Brought in parts (by a backward within this one): no single norm.
                self._added[name] = norm(gradient) if name not in self._added else None

        return brings

    def _end(self) -> None:
        record = self._histories.at(self._debugger.tracker.iteration)
        self._bring_up_to_date(record)
        tensors = self._roster.tensors()
        if Gauge.HISTOGRAMS in self.kinds:
            for name, tensor in tensors.items():
                counts = histogram(tensor.grad) if tensor.grad is not None else ()
                if counts:
                    record.counts[name] = array("L", counts)
            self._histories.counted(record)
        if Gauge.UPDATES in self.kinds:
            self._shadows.take(tensors)
            self._open = True

    def _bring_up_to_date(self, record: Record) -> None:
        """Norms as they are now; in the middle of a backward, those that it has reached."""
        # After a zero-grad or an update, what backward left is what counts.
        if not self._depth and record.parameters:
            return
        tensors = self._roster.tensors()
        names = list(tensors)
        added = [self._added.get(name) for name in names]
        fresh = [self._before.get(n) is False and self._added.get(n) is not None for n in names]
        grads = [
            added[i] if fresh[i] else norm(t.grad) if t.grad is not None else None
            for i, t in enumerate(tensors.values())
        ]
        between_pieces()
        weights = [norm(tensor) for tensor in tensors.values()]
        rows = zip(
            names, tensors.values(), numbers(weights), numbers(grads), numbers(added), strict=True
        )
        for name, tensor, weight, grad, part in rows:
            old = record.parameters.get(name)
            update = old.update if old is not None else None
            part = grad if part is None and self._before.get(name) is False else part
            record.parameters[name] = ParameterReading(
                name, tensor.numel(), "", weight, grad, part, update
            )

    def _gauge_activations(self, record: Record) -> None:
        name = self._roster.name
        for reading, counts in self._activations.settle(record.iteration, name):
            record.activations[reading.name] = reading
            if counts:
                record.counts[reading.name] = together(counts, record.counts.get(reading.name))
                self._histories.counted(record)

    # ------------------------------------------------------------------ updates

    def _stepped(self, *_: Any) -> None:
        """An optimizer's step returned."""
        if self._debugger.is_child:
            return
        with _Spent(self):
            self._histories.recount(self._debugger.tracker.iteration)
            self._settle_updates(final=True)

    def _settle_updates(self, *, final: bool) -> None:
        """What changed since backward. ``final``: where nothing changed, that is told as 0."""
        record = self._histories.last
        if record is None or not self._open or not self._shadows:
            return
        names, changes = self._shadows.changes(self._roster.tensors())
        for name, change in zip(names, numbers(changes), strict=True):
            old = record.parameters.get(name)
            if old is None or change is None:
                continue
            # One optimizer after another: what the first has done is not undone.
            if change or (final and old.update is None):
                record.parameters[name] = replace(old, update=change)

    # ------------------------------------------------------------------ cost

    def spend(self, seconds: float) -> None:
        """So much time went into gauging."""
        self._spent += seconds

    def _measure(self) -> None:
        """An iteration began; the one before counts if the program ran all through it."""
        now, stops = time.perf_counter(), self._debugger.stops
        if self._began is not None and self._began[1] == stops:
            self._costs.append((self._spent, now - self._began[0]))
        self._spent, self._began = 0.0, (now, stops)

    def _share(self) -> float | None:
        costs = self._costs.copy()
        spent, total = (sum(cost[i] for cost in costs) for i in (0, 1))
        return spent / total if total > 0 else None


class _Spent(unobserved):
    """Our own work, its time counted."""

    __slots__ = ("_gauging", "_start")

    def __init__(self, gauging: Gauging) -> None:
        self._gauging = gauging

    def __enter__(self) -> None:
        self._start = time.perf_counter()
        super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._gauging.spend(time.perf_counter() - self._start)
