"""Why a gradient is None, zero or huge: the way it took, and the first place that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.protocol.place import Place


class Because(StrEnum):
    """The reason; ``Why`` says where."""

    # there is no gradient
    NOT_REQUIRED = "not_required"  # requires_grad is False
    FROZEN = "frozen"  # a module's parameter with requires_grad False
    NOT_A_LEAF = "not_a_leaf"  # PyTorch keeps .grad of leaves only
    INTEGER = "integer"  # integers have no derivative
    NO_BACKWARD = "no_backward"  # no backward has run
    NOT_USED = "not_used"  # no operation of the graph leads from it to the loss
    DETACHED = "detached"  # on the way to the loss it was cut off
    NO_GRAD = "no_grad"  # the way to the loss leads through a call with gradients off
    UNDIFFERENTIABLE = "undifferentiable"  # ... through an operation that has no derivative
    NOT_YET = "not_yet"  # this backward has not come so far
    CLEARED = "cleared"  # zero-grad has removed it
    # it is zero
    ZEROED = "zeroed"  # zero-grad has set it to zero, and no backward has come since
    LOSS_CONSTANT = "loss_constant"  # nothing came in: the first gradient is zero
    LOST = "lost"  # an operation got a gradient and passed on none
    CANCELLED = "cancelled"  # several paths add up to zero
    # it is large, or small
    GREW = "grew"  # one operation multiplied it most
    SHRANK = "shrank"  # one operation made it smaller than all others
    ADDED_UP = "added_up"  # .grad was not cleared: several backwards are in it
    # nothing is peculiar
    ORDINARY = "ordinary"
    UNKNOWN = "unknown"  # what happened was not recorded


@dataclass(frozen=True)
class Hop:
    """One operation on the way from the loss to the value, and the norms of the gradient that came
    to it (``upstream``) and that it passed on (``downstream``); None where it passed on none, or
    where it is not known."""

    operation: str
    node: int
    edge: int | None
    place: Place | None
    upstream: float | None
    downstream: float | None


@dataclass(frozen=True)
class Why:
    """``subject`` is ``none``, ``zero``, ``huge``, ``tiny`` or ``ordinary``. ``hops`` from the loss
    to the value, along the path that carries most of the gradient; ``at`` is the number of the one
    that explains it, None for none of them. ``norm``: of the whole gradient."""

    ref: str
    name: str
    subject: str
    because: Because
    norm: float | None
    hops: tuple[Hop, ...] = ()
    at: int | None = None
    operation: str = ""
    place: Place | None = None
