"""What may be asked of a program that stands at a stop."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from typing import Any, TypeVar

from gradstep.protocol.breakpoints import Breakpoint, BreakpointState
from gradstep.protocol.cards import Chain
from gradstep.protocol.examination import (
    Axes,
    Earlier,
    Edited,
    Histogram,
    OptimizerState,
    SavedTensor,
    Since,
    Track,
    Watched,
)
from gradstep.protocol.gauges import Gauge, GaugeHistory, Gauges
from gradstep.protocol.rerun import Axis, Check, Landscape, LandscapePart
from gradstep.protocol.trace import Devices, Graph, Losses, Timeline
from gradstep.protocol.training import Accumulation, Update
from gradstep.protocol.values import Array, Fetched, Statistics, Value, ValueInfo
from gradstep.protocol.why import Why
from gradstep.requests import Answer

T = TypeVar("T")
_MAYBE_STATE: Any = OptimizerState | None


class Parts:
    """Collects the parts of the landscape that somebody waits for."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[LandscapePart] = queue.SimpleQueue()
        self._tickets = itertools.count(-1, -1)  # a window counts upwards
        self._ticket = 0

    def arrived(self, part: LandscapePart) -> None:
        if part.ticket == self._ticket:
            self._queue.put(part)

    def over(self) -> None:
        """The program is gone: nothing more will come."""
        self._queue.put(LandscapePart(self._ticket, 0, (), done=True, problem="stopped"))

    def gather(self, ask: Callable[[int], Landscape]) -> tuple[Landscape, list[float]]:
        self._ticket = next(self._tickets)
        self._queue = queue.SimpleQueue()
        found = ask(self._ticket)
        losses: list[float] = []
        while True:
            part = self._queue.get()
            losses += part.losses
            if part.done:
                return found, losses


class Questions:
    """Each method blocks until the engine has answered; all rest on ``request``."""

    _parts: Parts

    def request(self, verb: str, kind: Any, /, **arguments: Any) -> Answer:
        """Ask the engine; the future gives the result (decoded as ``kind``) and the body, or
        raises ``RequestFailed``. Never blocks."""
        raise NotImplementedError

    def values(self) -> tuple[ValueInfo, ...]:
        """Descriptors of every named value alive now. Raises ``RequestFailed`` while running."""
        return self._ask("values", tuple[ValueInfo, ...])

    def value(self, name: str) -> Value:
        """A value with all of its elements. Raises ``RequestFailed`` when there is none."""
        data, body = self._fetch(name, "data")
        grad = self._fetch(name, "grad") if data.info.has_grad else None
        return Value(data.info, _array(data, body), _array(*grad) if grad else None)

    def statistics(self, name: str, field: str = "data") -> Statistics:
        """Of a value's ``data`` or ``grad``."""
        return self._ask("statistics", Statistics, ref=name, field=field)

    def histogram(self, name: str, field: str = "data", bins: int = 64) -> Histogram:
        """How the finite elements of a value's ``data`` or ``grad`` are distributed."""
        return self._ask("histogram", Histogram, ref=name, field=field, bins=bins)

    def axes(self, name: str) -> Axes:
        """What a value's axes are called, where something says so."""
        return self._ask("axes", Axes, ref=name)

    def optimizer(self, name: str) -> OptimizerState | None:
        """What the optimizer of a parameter keeps for it; None where no optimizer updates it. Its
        tensors are values, too: ``value("w @ exp_avg")``."""
        found: OptimizerState | None = self._ask("optimizer", _MAYBE_STATE, ref=name)
        return found

    def saved(self, name: str) -> tuple[SavedTensor, ...]:
        """What the backward nodes of a result's operation have saved."""
        return self._ask("saved", tuple[SavedTensor, ...], ref=name)

    def keep(self, *names: str) -> None:
        """Remember what these values are now, so that a later stop can tell the ``change``."""
        self.request("keep", None, refs=names).result()

    def earlier(self, name: str) -> tuple[Earlier, ...]:
        """With what a value's data and grad can be compared."""
        return self._ask("earlier", tuple[Earlier, ...], ref=name)

    def change(self, name: str, since: Since, field: str = "data") -> Array:
        """The difference of a value from what it was (see ``keep``). Raises ``RequestFailed``."""
        return _array(*self._fetch(name, f"{field} since {since.value}"))

    def watch(self, *expressions: str, again: bool = False) -> tuple[Watched, ...]:
        """Evaluate expressions in the program's names. Nothing in it is changed. One that takes
        longer than two seconds is interrupted, and not tried again unless ``again`` is said."""
        return self._ask("watch", tuple[Watched, ...], expressions=expressions, again=again)

    def track(self, *expressions: str) -> None:
        """Measure these, and no others, in every iteration from now on, when its backward has
        returned."""
        self.request("track", None, expressions=expressions).result()

    def track_history(self, expression: str, revision: int = 0, count: int = 0) -> Track:
        """What ``track`` has measured; after the first ``count`` points, if they are those of
        ``revision``."""
        return self._ask(
            "track_history", Track, expression=expression, revision=revision, count=count
        )

    def edit(
        self, name: str, value: str, *, field: str = "data", index: tuple[int, ...] = ()
    ) -> Edited:
        """Change one element of an experiment's leaf, or an option of its optimizer (``w @ lr``).
        Raises ``RequestFailed`` where that cannot be done."""
        return self._ask("edit", Edited, ref=name, value=value, field=field, index=index)

    def graph(self, since: int = 0) -> Graph:
        """Nodes and edges of the current iteration."""
        return self._ask("graph", Graph, since=since)

    def timeline(self, since: int = 0) -> Timeline:
        """The phases so far, from stretch number ``since`` on."""
        return self._ask("timeline", Timeline, since=since)

    def losses(self, since: int = 0) -> Losses:
        """What backward was called on, by iteration."""
        return self._ask("losses", Losses, since=since)

    def check(self, name: str, index: tuple[int, ...] = (), edge: int | None = None) -> Check:
        """A gradient's element beside the finite difference of the loss. ``name`` as in ``value``;
        ``edge``: along that edge of the graph. Raises ``RequestFailed``."""
        return self._ask("check", Check, ref=name, index=index, edge=edge)

    def chain(self, edge: int, index: tuple[int, ...] = ()) -> Chain:
        """The chain rule at an edge of the graph that leads to an operation; ``index``: the element
        that is written out in full."""
        return self._ask("chain", Chain, edge=edge, index=index)

    def accumulation(self, name: str, index: tuple[int, ...] = ()) -> Accumulation:
        """What the last backward added to a parameter's ``.grad``; ``index``: the element that is
        followed."""
        return self._ask("accumulation", Accumulation, ref=name, index=index)

    def update_of(self, name: str, index: tuple[int, ...] = ()) -> Update:
        """What the next update will make of a parameter, line by line."""
        return self._ask("update", Update, ref=name, index=index)

    def why(self, name: str) -> Why:
        """Why a value's gradient is None, zero, huge or tiny, and the way that it came."""
        return self._ask("why", Why, ref=name)

    def landscape(self, *axes: Axis, points: int = 41) -> tuple[Landscape, list[float]]:
        """The loss over one axis, or two, and the losses in row-major order; blocks until all are
        there, or the program goes on. Raises ``RequestFailed``."""
        return self._parts.gather(
            lambda ticket: self._ask(
                "landscape", Landscape, axes=axes, points=points, ticket=ticket
            )
        )

    def gauge(self, *kinds: Gauge, limit: float = 1.0) -> tuple[Gauge, ...]:
        """Gather these, and no others, from now on: in every iteration, or at full speed in as many
        as take no more than ``limit`` of the running time."""
        return self._ask("gauge", tuple[Gauge, ...], kinds=kinds, limit=limit)

    def gauges(self) -> Gauges:
        """What was gathered in the latest iteration."""
        return self._ask("gauges", Gauges)

    def gauge_history(self, name: str) -> GaugeHistory:
        """Of one parameter, or of one activation module, over the iterations."""
        return self._ask("gauge_history", GaugeHistory, name=name)

    def devices(self) -> Devices:
        """What the program's interpreter offers."""
        return self._ask("devices", Devices)

    def set_device(self, device: str) -> Devices:
        """Move an experiment, between iterations. Raises ``RequestFailed`` when it cannot move."""
        return self._ask("set_device", Devices, id=device)

    def set_breakpoints(self, *breakpoints: Breakpoint) -> tuple[BreakpointState, ...]:
        """These, and no others, from now on. What became of each, in the same order."""
        return self._ask("set_breakpoints", tuple[BreakpointState, ...], breakpoints=breakpoints)

    def breakpoints(self) -> tuple[BreakpointState, ...]:
        """How often each was hit so far, and what is wrong with it."""
        return self._ask("breakpoints", tuple[BreakpointState, ...])

    def _ask(self, verb: str, kind: type[T], /, **arguments: Any) -> T:
        result: T = self.request(verb, kind, **arguments).result()[0]
        return result

    def _fetch(self, ref: str, field: str) -> tuple[Fetched, bytes]:
        result, body = self.request("value", Fetched, ref=ref, field=field).result()
        return result, body


def _array(fetched: Fetched, body: bytes) -> Array:
    return Array(fetched.shape, fetched.dtype, fetched.stored, body)
