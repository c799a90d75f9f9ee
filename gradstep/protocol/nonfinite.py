"""Where a number that is none came from: NaN, Inf, and the chain back to what made it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.phases import Phase
from gradstep.protocol.place import Place
from gradstep.protocol.values import Preview, TensorInfo


class NotFinite(StrEnum):
    NAN = "nan"  # a tensor that holds both counts as this
    INF = "inf"

    @property
    def word(self) -> str:
        """As a person writes it."""
        return "NaN" if self is NotFinite.NAN else "Inf"


class Cause(StrEnum):
    OPERATION = "operation"  # finite numbers went in, or only Inf where NaN came out
    DATA = "data"  # a batch, or another tensor that the program made elsewhere, held it
    PARAMETER = "parameter"  # a parameter held it already
    NUMBER = "number"  # a Python number given to the operation
    MEETING = "meeting"  # gradients that met and were summed, or a hook on them
    UNKNOWN = "unknown"  # it was noticed later, in a loss or a gradient


@dataclass(frozen=True)
class Operand:
    """A tensor or number that took part. ``role``: ``input``, ``upstream`` (the gradient that came
    to a backward node) or ``result``. ``nan`` and ``inf`` count its elements. ``index`` is the
    element that counts here and ``element`` its value: of the result the first that is not finite,
    of the others the one that it was made from. None where it cannot be told."""

    name: str
    role: str
    tensor: TensorInfo | None = None
    value: Preview | None = None
    nan: int = 0
    inf: int = 0
    index: tuple[int, ...] | None = None
    element: float | None = None


@dataclass(frozen=True)
class Link:
    """One step on the way: ``operation`` handed ``kind`` on, in a value called ``name``."""

    operation: str
    kind: NotFinite
    phase: Phase | None = None
    place: Place | None = None
    node: int | None = None
    name: str = ""
    iteration: int = 0


@dataclass(frozen=True)
class Nonfinite:
    """``operation`` (torch's name; ``SqrtBackward0`` in backward) at ``place`` is where it is seen.
    ``words``: a sentence that says with the actual numbers what happened. ``chain``: from there
    back to where it began, this operation first.

    ``birth`` counts what made or brought one in since every operation is checked, from 1 (0: this
    is none of them); ``origin`` is the number of the one at the end of the chain. ``backwards``:
    how often the program had called backward, ``per_iteration`` how often it does in one."""

    kind: NotFinite
    cause: Cause
    phase: Phase | None = None
    operation: str = ""
    place: Place | None = None
    node: int | None = None
    result: Operand | None = None
    inputs: tuple[Operand, ...] = ()
    words: str = ""
    chain: tuple[Link, ...] = ()
    birth: int = 0
    origin: int = 0
    backwards: int = 0
    per_iteration: int = 1


@dataclass(frozen=True)
class Plan:
    """How a second run finds the operation: at run level until backward number ``after`` has
    returned (0: not at all), then operation by operation. It stops at birth number ``only``; with
    0, at the first NaN that may have led to the strike seen in the first run.

    ``strike``: after how many calls of backward that was; ``gradient``: in a gradient, with a
    finite loss. ``revision`` and ``stretches`` are above what the first run has told of graph and
    timeline, so that a view which goes on reading sees all of the second."""

    after: int = 0
    only: int = 0
    strike: int = 0
    gradient: bool = False
    revision: int = 0
    stretches: int = 0
