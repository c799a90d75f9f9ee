"""Finite differences: is the gradient that backward brought the slope of the loss?

Central difference (L(v + h) − L(v − h)) / 2h, whose error is h²L‴/6 by truncation and about ε|L|/h
by rounding; the step that balances them is h ≈ ∛ε·max(1, |v|) (Nocedal & Wright, Numerical
Optimization, 2nd ed., section 8.1). Where the one-sided differences do not meet as h shrinks, the
loss has a kink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import EdgeRecord, NodeRecord
from gradstep.engine.explain.gradients import brought
from gradstep.engine.explain.tape import Bends, CannotRerun, Tape
from gradstep.engine.torch_internals import unobserved
from gradstep.protocol.rerun import Check, Verdict

# How far a gradient in this type may be from the slope, relative to the larger.
_TOLERANCE = {"float64": 1e-6, "float32": 1e-3, "float16": 5e-2, "bfloat16": 1e-1}
_BESIDE = 1e-2
"""And relative to the largest element of the gradient's tensor, times that: sums cancel."""


@dataclass(frozen=True)
class Subject:
    """One element of a value, or of what one use of it gets (``edge``)."""

    node: NodeRecord
    output: int
    index: tuple[int, ...]
    edge: EdgeRecord | None = None


def check(recorder: Recorder, subject: Subject) -> Check:
    """Raises ``CannotRerun``, and ``IndexError`` for an index outside of the value."""
    with unobserved():
        value = _value(recorder, subject)
        if not value.is_floating_point():
            raise CannotRerun("A derivative is taken with respect to real numbers only.")
        number = float(value[subject.index])
        gradient = _gradient(recorder, subject)
    tape = _tape(recorder)
    if tape.moved:
        raise CannotRerun(
            "Parameters were updated after this gradient was computed: check it before the update."
        )
    slopes = _Slopes(tape, subject, value)
    h = slopes.step
    below, base, above = (slopes.loss(by) for by in (-h, 0.0, h))
    precision = str(value.dtype).removeprefix("torch.")
    tolerance = _TOLERANCE.get(precision, 1e-1)
    found = float(gradient[subject.index]) if gradient is not None else None
    difference = (above - below) / (2 * h)
    return Check(
        name=subject.node.name,
        index=subject.index,
        value=number,
        gradient=found,
        difference=difference,
        error=None if found is None else _apart(found, difference),
        tolerance=tolerance,
        step=h,
        dtype=str(slopes.dtype).removeprefix("torch."),
        precision=precision,
        left=(base - below) / h,
        right=(above - base) / h,
        losses=(below, base, above),
        verdict=_verdict(slopes, (below, base, above), found, gradient, tolerance),
    )


def _tape(recorder: Recorder) -> Tape:
    """In float64 if the calls can be made in it, else in the program's own types."""
    try:
        return Tape(recorder, torch.float64)
    except CannotRerun:
        return Tape(recorder)


def _value(recorder: Recorder, subject: Subject) -> Tensor:
    node = subject.node
    value = recorder.store.get(f"#{node.id}:{subject.output}")
    if value is None:
        value = recorder.live_tensor(node, subject.output)
    if value is None:
        raise CannotRerun("This value was not kept.")
    return value.detach()


def _gradient(recorder: Recorder, subject: Subject) -> Tensor | None:
    """What the last backward brought: along the edge, or along all edges together."""
    store, node = recorder.store, subject.node
    if subject.edge is not None:
        return store.get(f"edge:{subject.edge.id}")
    whole = store.get(f"#{node.id}:{subject.output}:grad")
    return whole if whole is not None else brought(recorder, node, subject.output)


class _Slopes:
    """Losses around one element."""

    def __init__(self, tape: Tape, subject: Subject, value: Tensor) -> None:
        self._tape, self._subject = tape, subject
        self.dtype = torch.float64 if tape.wide else value.dtype
        self._like = value.to(self.dtype)
        self._epsilon = torch.finfo(self.dtype).eps
        step = self._epsilon ** (1 / 3) * max(1.0, abs(float(value[subject.index])))
        # A power of two: then v ± h is exact, or nearly.
        self.step = 2.0 ** round(math.log2(step))

    def loss(self, by: float) -> float:
        """With the element ``by`` larger."""
        tape, subject = self._tape, self._subject
        bend = torch.zeros_like(self._like)
        bend[subject.index] = by
        node = subject.node.id
        if subject.edge is not None:
            return tape.loss(Bends(uses={tape.use_of(subject.edge): bend}))
        if node in tape.leaves:
            return tape.loss(Bends(leaves={node: tape.leaves[node] + bend}))
        return tape.loss(Bends(values={(node, subject.output): bend}))

    def noise(self, step: float) -> float:
        """Of a slope over ``step``, by rounding."""
        return 16 * self._epsilon * abs(self._tape.base) / step

    def jump(self, base: float, step: float) -> float:
        """Right slope minus left slope: h·L″ where the loss is smooth."""
        return (self.loss(step) - 2 * base + self.loss(-step)) / step


def _verdict(
    slopes: _Slopes,
    losses: tuple[float, float, float],
    found: float | None,
    gradient: Tensor | None,
    tolerance: float,
) -> Verdict:
    below, base, above = losses
    h = slopes.step
    if not all(map(math.isfinite, losses)):
        return Verdict.NOT_FINITE
    if found is None or gradient is None:
        return Verdict.NO_GRADIENT
    left, right, difference = (base - below) / h, (above - base) / h, (above - below) / (2 * h)
    largest = float(gradient.abs().max()) if gradient.numel() else 0.0
    room = max(tolerance * max(abs(found), abs(difference), _BESIDE * largest), 2 * slopes.noise(h))
    if abs(found - difference) <= room and abs(right - left) <= max(room, 1e-3 * abs(left)):
        return Verdict.AGREES
    if _kink(slopes, base, right - left):
        low, high = min(left, right), max(left, right)
        return Verdict.KINK if low - room <= found <= high + room else Verdict.OUTSIDE
    if abs(found - difference) <= room:
        return Verdict.AGREES
    return Verdict.UNTOUCHED if below == base == above else Verdict.DIFFERS


def _kink(slopes: _Slopes, base: float, jump: float) -> bool:
    """The jump between the one-sided slopes shrinks with the step where the loss is smooth."""
    h = slopes.step
    smaller = slopes.jump(base, h / 8)
    floor = 8 * slopes.noise(h / 8)
    return abs(jump) > floor and abs(smaller) > max(floor, abs(jump) / 2)


def _apart(a: float, b: float) -> float:
    """Relative to the larger; 0 for two zeros."""
    larger = max(abs(a), abs(b))
    return abs(a - b) / larger if larger else 0.0
