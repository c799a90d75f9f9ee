"""What happens to a parameter: gradients that add up, and the update taken apart."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.protocol.values import Preview


@dataclass(frozen=True)
class Part:
    """A tensor of the parameter's shape. ``value``: all elements up to ``PREVIEW_ELEMENTS``, else
    the norm. ``element`` is the one that the card follows."""

    value: Preview
    element: float


@dataclass(frozen=True)
class Accumulation:
    """Backward adds to ``.grad``: ``before`` + ``added`` = ``after``.

    ``before``: ``.grad`` as backward found it (None: there was none). ``added``: what this backward
    brings, None while it has not all come. ``after``: ``.grad`` now, once backward has added to it;
    None before. ``coming``: what it will be. ``scaled``: ``.grad`` was multiplied by this since
    (clipping, unscaling). ``cleared``: zero-grad has emptied it since. ``iteration``: that of the
    backward; ``since``: the one in which ``before`` began to collect. ``index``: the element that
    is followed. ``note`` says what is missing and why."""

    ref: str
    name: str
    shape: tuple[int, ...]
    index: tuple[int, ...]
    iteration: int
    since: int
    before: Part | None = None
    added: Part | None = None
    after: Part | None = None
    coming: Part | None = None
    scaled: float | None = None
    cleared: bool = False
    note: str = ""


@dataclass(frozen=True)
class UpdateStep:
    """One line of the computation: ``symbol`` = ``formula`` = ``numbers`` (the formula for the
    followed element, its numbers put in) = ``result``. Formulas are set as in ``cards``."""

    symbol: str
    formula: str
    numbers: str
    result: Part


@dataclass(frozen=True)
class Update:
    """What the next update will make of a parameter, from its ``.grad`` as it is now.

    ``rule``: the optimizer's class, or ``by hand``. ``options``: its settings that take part, name
    and number. ``before`` and ``coming``: the parameter now and after; ``if_zeroed``: what it would
    become had ``.grad`` been zero before this backward (None where that is the same, or not known).
    ``count``: which step of the optimizer for this parameter it is. ``source``: where the rule is
    written down. ``note``: why it cannot be told; then there are no steps."""

    ref: str
    name: str
    shape: tuple[int, ...]
    index: tuple[int, ...]
    rule: str
    options: tuple[tuple[str, float], ...] = ()
    steps: tuple[UpdateStep, ...] = ()
    before: Part | None = None
    coming: Part | None = None
    if_zeroed: Part | None = None
    count: int | None = None
    source: str = ""
    note: str = ""
