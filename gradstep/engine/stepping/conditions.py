"""Conditions of breakpoints: Python expressions in the program's names, evaluated unseen."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.running.warned import quiet
from gradstep.engine.values.expressions import Expression, Lookup


class Condition:
    """One expression with what its helpers remember. Raises ``SyntaxError`` or ``ValueError``."""

    def __init__(self, text: str) -> None:
        self._expression = Expression(text, "breakpoint")
        self._memory = Memory()

    def holds(self, lookup: Lookup, extra: Mapping[str, Any], arriving: Mapping[str, Any]) -> bool:
        """Whether it is true now. The program's names come first, then ``extra``; ``arriving``
        before both. Raises whatever the expression raises."""
        given = {"torch": torch, **self._memory.helpers, **extra}
        self._memory.begin()
        with internals.unobserved(), quiet():
            return bool(self._expression.value(lookup, given, arriving))


class Memory:
    """Helpers that compare with the previous evaluation. What they keep is a copy of the program's
    tensor, one for each place in the expression that calls them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], Tensor] = {}
        self._counts: dict[tuple[Any, ...], int] = {}
        self.helpers: dict[str, Callable[[Tensor], float]] = {
            "sign_flip": self.sign_flip,
            "update_ratio": self.update_ratio,
            "cosine": self.cosine,
            "finite": finite,
        }

    def begin(self) -> None:
        self._counts.clear()

    def sign_flip(self, t: Tensor) -> bool:
        """Whether any element of ``t.grad`` has gone from positive to negative or back since the
        previous evaluation. A zero in between (a gradient that was cleared) is no sign."""
        if t.grad is None:
            return False
        key = self._key()
        now = torch.sign(t.grad.detach()).to(torch.int8)
        before = self._before(key, now)
        self._kept[key] = now if before is None else torch.where(now != 0, now, before)
        return before is not None and bool((before * now < 0).any())

    def update_ratio(self, t: Tensor) -> float:
        """‖t − t before‖ / ‖t‖ since the previous evaluation; 0 at the first."""
        key = self._key()
        now = t.detach().clone()
        before, self._kept[key] = self._before(key, now), now
        if before is None:
            return 0.0
        change = float(torch.linalg.vector_norm(now - before))
        norm = float(torch.linalg.vector_norm(now))
        if norm:
            return change / norm
        return math.inf if change else 0.0

    def cosine(self, t: Tensor) -> float:
        """cos of the angle between ``t.grad`` and what it was at the previous evaluation; nan (with
        which every comparison is false) where there is none or it is zero."""
        if t.grad is None:
            return math.nan
        key = self._key()
        now = t.grad.detach().clone()
        before, self._kept[key] = self._before(key, now), now
        if before is None:
            return math.nan
        norms = float(torch.linalg.vector_norm(now)) * float(torch.linalg.vector_norm(before))
        return float((now * before).sum()) / norms if norms else math.nan

    def _before(self, key: tuple[Any, ...], now: Tensor) -> Tensor | None:
        before = self._kept.get(key)
        if before is None or before.shape != now.shape or before.device != now.device:
            return None
        return before

    def _key(self) -> tuple[Any, ...]:
        """The place of the call in the expression, and how often it was run in this evaluation
        (``any(sign_flip(p) for p in …)``)."""
        frame = sys._getframe(2)
        place = (id(frame.f_code), frame.f_lasti)
        count = self._counts[place] = self._counts.get(place, 0) + 1
        return (*place, count)


def finite(t: Tensor) -> bool:
    """Whether every element of ``t`` is a finite number."""
    return bool(torch.isfinite(t).all())
