"""What is asked of one value: its distribution, what stands beside it, what it was, what it is
changed to; and what the watch list evaluates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.protocol.values import Number, ValueInfo

BESIDE = " @ "
"""``w @ exp_avg``: what the optimizer keeps for ``w``; ``#3:0 @ saved self``: what a backward node
of a result keeps."""
EVALUATED = "= "
"""``= w.grad.norm()``: the tensor that an expression gives."""


class Since(StrEnum):
    """With what a value is compared. A field ``data since stop`` is the difference."""

    STOP = "stop"
    ITERATION = "iteration"


@dataclass(frozen=True)
class Histogram:
    """How many of the finite elements lie in each of ``len(counts)`` equally wide bins from ``low``
    to ``high``; a bin has its lower edge, the last one its upper edge as well. Of complex numbers:
    their absolute values."""

    low: float
    high: float
    counts: tuple[int, ...]
    finite: int


@dataclass(frozen=True)
class Axes:
    """What the axes are called, ``""`` where nothing says so. ``told_by``: the program itself
    (``names``), or the operation or module that gives them their meaning."""

    names: tuple[str, ...]
    told_by: str = ""


@dataclass(frozen=True)
class Beside:
    """Something kept beside a value. Of a tensor ``info``, by whose ``ref`` it is read; of one
    number ``number``, too. ``text`` for what is neither."""

    name: str
    info: ValueInfo | None = None
    number: Number | None = None
    text: str = ""


@dataclass(frozen=True)
class OptimizerState:
    """What an optimizer keeps for one parameter, and how it treats the parameter's group.

    ``optimizer``: its class, ``""`` for plain gradient descent by hand. ``name``: the program's
    name of it. ``group`` counts from 0. ``note``: why there is no state."""

    optimizer: str
    name: str = ""
    group: int = 0
    groups: int = 1
    state: tuple[Beside, ...] = ()
    options: tuple[Beside, ...] = ()
    note: str = ""


class Life(StrEnum):
    ALIVE = "alive"
    FREED = "freed"
    CHANGED = "changed"  # in place since it was saved: PyTorch refuses to use it
    PACKED = "packed"  # by the program's own hooks, which are not called


@dataclass(frozen=True)
class SavedTensor:
    """What a node of backward keeps. ``version``: how often the tensor has been changed in place,
    where it can be read."""

    node: str
    name: str
    life: Life
    info: ValueInfo | None = None
    version: int | None = None
    note: str = ""


MEASURES = ("norm", "mean", "minimum", "maximum")
Measures = tuple[float | None, float | None, float | None, float | None]
"""In the order of ``MEASURES``; of one number its absolute value, and three times itself."""


@dataclass(frozen=True)
class Track:
    """How a value or an expression went on: what it was, and its ``.grad``, when the last backward
    of each iteration had returned. ``first``: the number of the first point told here; ``revision``
    changes when earlier points have. ``single``: one number. ``problem``: why there is no more."""

    expression: str
    revision: int = 0
    first: int = 0
    iterations: tuple[int, ...] = ()
    data: tuple[Measures | None, ...] = ()
    grad: tuple[Measures | None, ...] = ()
    single: bool = True
    problem: str = ""


@dataclass(frozen=True)
class Earlier:
    """What ``field`` can be compared with: how it was ``stops`` stops ago, in ``iteration``. If
    ``problem`` is not empty it says why there is nothing to compare."""

    field: str
    since: Since
    stops: int = 0
    iteration: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Edited:
    """``old`` and ``new`` are texts that read back exactly. ``note``: what follows from it."""

    ref: str
    field: str
    index: tuple[int, ...]
    old: str
    new: str
    note: str = ""


@dataclass(frozen=True)
class Watched:
    """What an expression gives at this stop. ``number`` for one number, ``info`` for any tensor,
    ``text`` for anything else; ``problem`` when it gives nothing. ``changed``: whether it differs
    from the last stop's, None where that is not known."""

    expression: str
    number: Number | None = None
    info: ValueInfo | None = None
    text: str = ""
    problem: str = ""
    changed: bool | None = None
