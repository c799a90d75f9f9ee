"""How values go on over the iterations: measured when backward has returned, where a value, its
gradient and the loss are all there, whether somebody steps or the program runs at full speed."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.backward import Backward
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.values.expressions import reading_only
from gradstep.engine.values.measures import statistics
from gradstep.engine.values.reading import Unreadable
from gradstep.engine.values.scope import Scope
from gradstep.engine.values.watches import TooSlow, Watches, sentence
from gradstep.protocol.examination import Measures, Track
from gradstep.protocol.trace import Level

FOLLOWED = 16
"""Expressions that are measured at a time."""
REMEMBERED = 64
"""Expressions whose points are kept, though some are not measured any more."""
POINTS = 1000
"""Iterations of one expression; when there are more, every second one is dropped."""
SHARE = 0.1
"""Part of the running time that may go into it at full speed; iterations are left out for it."""
QUICK = 0.1
"""Seconds that one expression may take in the program's way."""

Point = tuple[int, Measures | None, Measures | None]


@dataclass(eq=False)
class _Points:
    revision: int = 0
    points: list[Point] = field(default_factory=list)
    single: bool = True
    problem: str = ""

    def add(self, point: Point) -> None:
        """A later point of the same iteration takes the place of an earlier one; so does one of an
        earlier iteration: what were taken for iterations of their own were parts of it."""
        if self.points and self.points[-1][0] >= point[0]:
            while self.points and self.points[-1][0] >= point[0]:
                self.points.pop()
            self.revision += 1
        self.points.append(point)
        if len(self.points) > POINTS:
            del self.points[1:-1:2]
            self.revision += 1


class Tracks:
    """``follow`` and ``read`` come from the link, all else from the program's threads."""

    def __init__(self, debugger: Debugger, scope: Scope, backward: Backward) -> None:
        self._debugger, self._scope, self._backward = debugger, scope, backward
        self._texts: tuple[str, ...] = ()
        self._tracks: OrderedDict[str, _Points] = OrderedDict()
        self._lock = threading.Lock()
        self._watches = Watches(self._lookup, self._named, limit=QUICK)
        self._frame: FrameType | None = None
        self._known: dict[str, weakref.ref[Tensor]] = {}
        self._stops = -1
        self._depth = 0
        self._rests_until = 0.0

    # ------------------------------------------------------------------ the link's side

    def follow(self, texts: tuple[str, ...], slow: dict[str, str]) -> None:
        """Measure these from now on, and no others; none: hands off. ``slow``: those that are not
        measured, and why."""
        texts = tuple(dict.fromkeys(texts))[:FOLLOWED]
        with self._lock:
            for text in texts:
                points = self._tracks.setdefault(text, _Points())
                points.problem = slow.get(text, "")
                self._tracks.move_to_end(text)
                self._watches.forgive(text)
            while len(self._tracks) > REMEMBERED:
                self._tracks.popitem(last=False)
        if texts and not self._texts:
            self._backward.surround(self._run)
        elif self._texts and not texts:
            self._backward.release(self._run)
        self._texts, self._rests_until = texts, 0.0

    def read(self, text: str, revision: int, count: int) -> Track:
        """The points after the first ``count``; all, if those of ``revision`` have been thinned."""
        with self._lock:
            found = self._tracks.get(text) or _Points()
            first = count if revision == found.revision else 0
            part = found.points[first:]
            return Track(
                text,
                found.revision,
                first,
                tuple(p[0] for p in part),
                tuple(p[1] for p in part),
                tuple(p[2] for p in part),
                found.single,
                found.problem,
            )

    # ------------------------------------------------------------------ the program's side

    def _run(self, engine: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Around the engine of backward."""
        d = self._debugger
        self._depth += 1
        try:
            result = engine(outputs, *args, **kwargs)
        finally:
            self._depth -= 1
        if self._depth or d.is_child or not d.attended or internals.capturing():
            return result
        if d.level is Level.RUN and time.perf_counter() < self._rests_until:
            return result
        began = time.perf_counter()
        self._measure(d.sites.user_frame(sys._getframe(1)))
        spent = time.perf_counter() - began
        self._rests_until = began + spent / SHARE
        return result

    def _measure(self, frame: FrameType | None) -> None:
        self._frame = frame
        try:
            given = {"iteration": self._debugger.tracker.iteration}
            with reading_only():
                for text in self._texts:
                    points = self._tracks.get(text)
                    if points is not None and not points.problem:
                        self._add(text, points, given)
        finally:
            self._frame = None

    def _add(self, text: str, points: _Points, given: dict[str, Any]) -> None:
        try:
            value = self._watches.evaluate(text, given)
            data, grad = _measured(value), _measured(_gradient(value))
        except TooSlow as error:
            points.problem = f"Not followed any more. {sentence(error)}"
            return
        except BaseException:  # the person's expression may raise anything: no point here
            return
        if data is None:
            return
        with self._lock:
            points.single = not isinstance(value, Tensor) or value.numel() == 1
            points.add((given["iteration"], data, grad))

    def _lookup(self, name: str) -> Any:
        return self._scope.lookup(name, self._frame)

    def _named(self, text: str) -> Tensor | None:
        """The tensor of that name. Paths of modules' parameters are searched for once a stop."""
        if text.isidentifier():
            try:
                found = self._lookup(text)
            except KeyError:
                return None
            return found if isinstance(found, Tensor) else None
        if self._stops != self._debugger.stops:
            self._stops = self._debugger.stops
            self._known.clear()
        known = self._known.get(text)
        tensor = known() if known is not None else None
        if tensor is None:
            tensor = self._scope.find(text, self._frame)
            if tensor is not None:
                self._known[text] = weakref.ref(tensor)
        return tensor


def _gradient(value: Any) -> Tensor | None:
    leaf = isinstance(value, Tensor) and internals.is_leaf(value) and value.requires_grad
    return value.grad if leaf else None


def _measured(value: Any) -> Measures | None:
    """Of a number itself, whatever it is; of a tensor its finite elements. None where there is
    nothing to measure."""
    if isinstance(value, Tensor):
        try:
            if value.numel() == 1 and not value.is_complex() and not internals.is_opaque(value):
                value = value.item()
            else:
                found = statistics(value)
                return (found.norm, found.mean, found.minimum, found.maximum)
        except (Unreadable, RuntimeError, NotImplementedError):
            return None
    if isinstance(value, (bool, int, float)):
        number = float(value)
        return (abs(number), number, number, number)
    return None
