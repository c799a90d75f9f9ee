"""How far each of the four phases has come in the iteration of now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.phases import Phase
from gradstep.protocol.trace import Reason, Stop, Timeline, TimelinePhase


class Standing(StrEnum):
    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True)
class PhaseProgress:
    """``fraction`` of its operations done; None when begun and the total is not known."""

    standing: Standing = Standing.WAITING
    fraction: float | None = 0.0


class IterationProgress:
    """Keeps of the timeline what belongs to the newest iteration."""

    def __init__(self) -> None:
        self._stretches: dict[int, TimelinePhase] = {}

    def clear(self) -> None:
        self._stretches.clear()

    def add(self, timeline: Timeline) -> None:
        for index in [i for i in self._stretches if i >= timeline.first]:
            del self._stretches[index]
        for index, stretch in enumerate(timeline.phases, timeline.first):
            self._stretches[index] = stretch
        newest = max((s.iteration for s in self._stretches.values()), default=0)
        self._stretches = {i: s for i, s in self._stretches.items() if s.iteration == newest}

    def of(self, phase: Phase, stop: Stop | None) -> PhaseProgress:
        """Of ``phase``, in the iteration in which ``stop`` stands."""
        if stop is None:
            return PhaseProgress()
        if stop.phase is phase and stop.reason is Reason.PHASE:
            return PhaseProgress(Standing.DONE, 1.0)
        inside = stop.phase is phase
        if inside and stop.total and stop.done < stop.total:
            return PhaseProgress(Standing.BEGUN, stop.done / stop.total)
        mine = [
            stretch
            for stretch in self._stretches.values()
            if stretch.phase is phase and stretch.iteration == stop.iteration
        ]
        if mine and mine[-1].complete:
            return PhaseProgress(Standing.DONE, 1.0)
        if mine or (inside and stop.done):
            return PhaseProgress(Standing.BEGUN, None)
        return PhaseProgress()


def next_phase(stop: Stop | None) -> Phase | None:
    """The phase of the operation that is next: its colour is the solid one."""
    if stop is None or stop.reason in (Reason.LOST, Reason.EXCEPTION):
        return None
    if stop.operation is not None and stop.operation.phase is not None:
        return stop.operation.phase
    return stop.next_phase or stop.phase
