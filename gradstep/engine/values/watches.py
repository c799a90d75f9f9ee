"""Evaluates the watch list at a stop, and says what changed since the one before."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.store import Store
from gradstep.engine.values.expressions import Expression, Forbidden, reading_only
from gradstep.engine.values.limits import Limits, TimeUp
from gradstep.engine.values.optimizer_state import in_words
from gradstep.protocol.examination import EVALUATED, Watched
from gradstep.protocol.values import ValueInfo

REMEMBERED = 256
"""Expressions whose last values are compared with the next."""

LIMIT = 2.0
"""Seconds that one expression may take."""

Describe = Callable[[str, Tensor], ValueInfo]


class TooSlow(Exception):
    """``seconds``: after so long it was interrupted; None: it was so before, and was not tried
    again."""

    def __init__(self, limit: float, seconds: float | None) -> None:
        super().__init__(limit, seconds)
        self.limit, self.seconds = limit, seconds


class Watches:
    """``lookup``: what the program means by a name at the stop. ``named``: the tensor that is
    called so, also where the name is no Python (``layers.0.weight``)."""

    def __init__(
        self,
        lookup: Callable[[str], Any],
        named: Callable[[str], Tensor | None],
        *,
        limit: float = LIMIT,
    ) -> None:
        self._lookup, self._named, self._limit = lookup, named, limit
        self._compiled: OrderedDict[str, Expression] = OrderedDict()
        self._limits = Limits()
        self._slow: set[str] = set()
        self._seen: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._before: dict[str, tuple[int, Any]] = {}
        self._store = Store()

    def evaluate(self, text: str, given: dict[str, Any]) -> Any:
        """Raises whatever the expression raises, and ``TooSlow``: one that took longer than
        ``LIMIT`` seconds is not tried again before ``forgive``. Call within ``reading_only``."""
        found = self._named(text.strip())
        if found is not None:
            return found
        expression = self._compiled.get(text)
        if expression is None:
            expression = self._compiled[text] = Expression(text, "watch")
            if len(self._compiled) > REMEMBERED:
                self._compiled.popitem(last=False)
        if text in self._slow:
            raise TooSlow(self._limit, None)
        began = time.perf_counter()
        try:
            return expression.value(
                self._lookup,
                {"torch": torch, **given},
                {},
                lambda work: self._limits.run(self._limit, work),
            )
        except TimeUp:
            self._slow.add(text)
            raise TooSlow(self._limit, time.perf_counter() - began) from None

    def is_slow(self, text: str) -> bool:
        """Whether it has taken too long, and was not forgiven."""
        return text in self._slow

    def forgive(self, text: str) -> None:
        """Try it again, though it took too long."""
        self._slow.discard(text)

    def watch(self, text: str, stop: int, given: dict[str, Any], describe: Describe) -> Watched:
        """What ``text`` gives at stop number ``stop``. Never raises."""
        try:
            with reading_only():
                value = self.evaluate(text, given)
                told = _told(text, value, describe)
                return replace(told, changed=self._changed(text, value, stop))
        except BaseException as error:  # the person's expression may raise anything, and exit
            return Watched(text, problem=sentence(error))

    def _changed(self, text: str, value: Any, stop: int) -> bool | None:
        """Compared with the last stop at which it was watched; asked again at the same stop, with
        the same one as before."""
        seen = self._seen.get(text)
        if seen is not None and seen[0] != stop:
            self._before[text] = seen
            copy = self._store.get(f"now|{text}")
            self._store.forget(f"before|{text}")
            if copy is not None:
                self._store.keep(f"before|{text}", copy)
        self._seen[text] = (stop, self._keep(text, value))
        self._seen.move_to_end(text)
        while len(self._seen) > REMEMBERED:
            old, _ = self._seen.popitem(last=False)
            self._before.pop(old, None)
            self._store.forget(f"now|{old}")
            self._store.forget(f"before|{old}")
        before = self._before.get(text)
        if before is None:
            return None
        if not isinstance(value, Tensor):
            return not _same(before[1], self._seen[text][1])
        then = self._store.get(f"before|{text}")
        return None if then is None else not _equal(then, value)

    def _keep(self, text: str, value: Any) -> Any:
        if isinstance(value, Tensor):
            if self._store.keep(f"now|{text}", value) is None:
                self._store.forget(f"now|{text}")
            return None
        self._store.forget(f"now|{text}")
        return value if isinstance(value, (bool, int, float)) else in_words(value)


def sentence(error: BaseException) -> str:
    """One line that says what went wrong."""
    if isinstance(error, Forbidden):
        return f"Not evaluated: {error}."
    if isinstance(error, TooSlow):
        return _too_slow(error.limit, error.seconds)
    if isinstance(error, SyntaxError):
        return f"No Python expression: {error.msg}."
    text = str(error).split("\n", 1)[0].strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _too_slow(limit: float, seconds: float | None) -> str:
    if seconds is None:
        return f"Not tried again: it took longer than {limit:g} s."
    if seconds < limit + 2:
        return f"Interrupted: it took longer than {limit:g} s."
    return f"It took {seconds:.0f} s, in one call that Python cannot interrupt."


def _told(text: str, value: Any, describe: Describe) -> Watched:
    if isinstance(value, Tensor):
        info = describe(f"{EVALUATED}{text}", value)
        elements = info.data.elements if info.data is not None else None
        number = elements[0] if elements is not None and len(elements) == 1 else None
        return Watched(text, number, info)
    if isinstance(value, (bool, int, float)):
        return Watched(text, value)
    return Watched(text, text=in_words(value))


def _same(a: Any, b: Any) -> bool:
    both_nan = isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
    return type(a) is type(b) and (a == b or both_nan)


def _equal(then: Tensor, now: Tensor) -> bool:
    if then.shape != now.shape or then.dtype != now.dtype or then.device != now.device:
        return False
    if then.is_floating_point() or then.is_complex():
        return bool(((then == now) | (then.isnan() & now.isnan())).all())
    return torch.equal(then, now)
