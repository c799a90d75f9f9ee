"""The four phases of a training iteration, defined once.

Buttons, timeline, graph colours, help and translations all read this table.
Colours belong to the window (``resources/tokens.json``) and are keyed by ``Phase``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"
    ZERO_GRAD = "zero_grad"


@dataclass(frozen=True)
class PhaseInfo:
    """How one phase is named and reached. ``key`` is also its letter in narrow places."""

    phase: Phase
    key: str
    icon: str
    title: str
    short: str
    tip: str


PHASES: tuple[PhaseInfo, ...] = (
    PhaseInfo(
        Phase.FORWARD, "F", "forward", "Forward", "Forward", "Compute the prediction and the loss"
    ),
    PhaseInfo(
        Phase.BACKWARD,
        "B",
        "backward",
        "Backward",
        "Backward",
        "Send the gradient back from the loss and add it to every .grad",
    ),
    PhaseInfo(
        Phase.UPDATE, "U", "update", "Update", "Update", "Change the parameters by their gradients"
    ),
    PhaseInfo(
        Phase.ZERO_GRAD, "Z", "zero_grad", "Zero grad", "Zero", "Clear .grad for the next iteration"
    ),
)

PHASE_INFO: dict[Phase, PhaseInfo] = {info.phase: info for info in PHASES}


def following(phase: Phase) -> Phase:
    """The phase that comes after ``phase`` in an iteration (forward again after zero-grad)."""
    order = [info.phase for info in PHASES]
    return order[(order.index(phase) + 1) % len(order)]
