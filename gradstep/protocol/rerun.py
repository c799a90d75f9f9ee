"""What is found by making the recorded calls once more with other values: a derivative checked by
finite differences, and the loss landscape."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    AGREES = "agrees"
    DIFFERS = "differs"
    KINK = "kink"  # no derivative: the gradient lies between the one-sided slopes, as it may
    OUTSIDE = "outside"  # no derivative, and the gradient lies outside of them
    UNTOUCHED = "untouched"  # it has a gradient, and the recorded calls do not depend on it
    NO_GRADIENT = "no_gradient"  # backward has not brought one
    NOT_FINITE = "not_finite"  # the loss is no finite number here


@dataclass(frozen=True)
class Check:
    """A gradient's element beside the central finite difference of the loss.

    ``gradient`` is autograd's, ``difference`` is (L(v + h) − L(v − h)) / 2h with h = ``step``,
    computed in ``dtype``. ``error`` is |gradient − difference| relative to the larger of the two,
    ``tolerance`` what is allowed to the program's own ``precision``. ``left`` and ``right`` are the
    one-sided slopes; where they stay apart however small the step is, the loss has a kink.
    ``losses``: L(v − h), L(v), L(v + h)."""

    name: str
    index: tuple[int, ...]
    value: float
    gradient: float | None
    difference: float
    error: float | None
    tolerance: float
    step: float
    dtype: str
    precision: str
    left: float
    right: float
    losses: tuple[float, float, float]
    verdict: Verdict


class AxisKind(StrEnum):
    ELEMENT = "element"  # one element of a parameter; the axis carries its values
    GRADIENT = "gradient"  # all parameters at once, against their gradient
    RANDOM = "random"  # all parameters at once, in a random direction, each filter by its own norm


@dataclass(frozen=True)
class Axis:
    """One axis of a landscape, from ``low`` to ``high``: of an element the values themselves
    (``relative``: distances from its present value); of a direction multiples of it, 0 being the
    present parameters and 1 as far away as they are from the origin."""

    kind: AxisKind
    low: float
    high: float
    ref: str = ""
    index: tuple[int, ...] = ()
    seed: int = 0
    relative: bool = False


@dataclass(frozen=True)
class AxisFound:
    """``values``: where the loss is computed. ``centre``: the present place. ``slope``: autograd's
    derivative of the loss along the axis at ``centre``, None where there is no gradient."""

    name: str
    values: tuple[float, ...]
    centre: float
    slope: float | None = None


@dataclass(frozen=True)
class Landscape:
    """What will be computed: rows follow as ``LandscapePart`` with the same ``ticket``. ``loss`` is
    that at the centre. ``moved``: parameters were updated since the recorded forward; the centre is
    where they are now. The second axis, if any, gives the rows."""

    ticket: int
    axes: tuple[AxisFound, ...]
    loss: float
    moved: bool = False


@dataclass(frozen=True)
class LandscapePart:
    """Losses in row-major order from number ``first`` on. ``done``: it was the last part;
    ``problem`` says why it ended early (``stopped``: on purpose)."""

    ticket: int
    first: int
    losses: tuple[float, ...]
    done: bool = False
    problem: str = ""
