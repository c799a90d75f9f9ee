"""What was gauged in each iteration: bounded, thinned where it grows old."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from operator import add

from gradstep.protocol.gauges import ActivationReading, GaugeHistory, ParameterReading

ITERATIONS = 2000
COUNTED = 256
"""Iterations whose histograms are kept: they are a hundred times larger than norms."""


@dataclass(eq=False)
class Record:
    """One iteration."""

    iteration: int
    parameters: dict[str, ParameterReading] = field(default_factory=dict)
    activations: dict[str, ActivationReading] = field(default_factory=dict)
    counts: dict[str, array[int]] = field(default_factory=dict)


def together(one: array[int], other: array[int] | None) -> array[int]:
    """The sum of two histograms, of which either may be empty."""
    return array("L", map(add, one, other)) if one and other else one or other or array("L")


class Histories:
    """Records in the order of their iterations; the first and the last are never dropped."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._counted: list[Record] = []

    @property
    def last(self) -> Record | None:
        return self._records[-1] if self._records else None

    @property
    def previous(self) -> Record | None:
        return self._records[-2] if len(self._records) > 1 else None

    @property
    def whole(self) -> tuple[Record | None, Record | None]:
        """The last record to which nothing comes any more, and the one before; another thread may
        be at the last of all."""
        records = [None, None, *self._records[-3:-1]]
        return records[-1], records[-2]

    def at(self, iteration: int) -> Record:
        """The record of ``iteration``, which is the last or a new one."""
        last = self.last
        if last is not None and last.iteration == iteration:
            return last
        record = Record(iteration)
        self._records.append(record)
        if len(self._records) > ITERATIONS:
            # Every second one, but neither the first nor the last two, which are compared.
            del self._records[1:-2:2]
        return record

    def recount(self, iteration: int) -> None:
        """The last record belongs to ``iteration``: what were taken for iterations of their own
        were parts of it (seen at run level, before the first optimizer's step)."""
        last = self.last
        if last is not None and last.iteration > iteration:
            last.iteration = iteration
            dropped = [r for r in self._records[:-1] if r.iteration >= iteration]
            for record in dropped:
                for name in record.activations.keys() & record.counts.keys():
                    last.counts[name] = together(record.counts[name], last.counts.get(name))
            self._records = [r for r in self._records if r not in dropped]
            self._counted = [r for r in self._counted if r not in dropped]

    def counted(self, record: Record) -> None:
        """``record`` has histograms."""
        if self._counted and self._counted[-1] is record:
            return
        self._counted.append(record)
        if len(self._counted) > COUNTED:
            for dropped in self._counted[1:-1:2]:
                dropped.counts.clear()
            del self._counted[1:-1:2]

    def of(self, name: str, *, running: bool = False) -> GaugeHistory:
        """Of one parameter or activation; empty where it was never gauged. ``running``: another
        thread is at the last record."""
        last = self.last if running else None
        records = [
            r
            for r in list(self._records)
            if r is not last and (name in r.parameters or name in r.activations)
        ]
        readings = [r.parameters.get(name) for r in records]
        units = [r.activations.get(name) for r in records]
        counted = [(r, r.counts.get(name)) for r in list(self._counted) if r is not last]
        with_counts = [(r.iteration, tuple(counts)) for r, counts in counted if counts]
        return GaugeHistory(
            name,
            tuple(r.iteration for r in records),
            tuple(p.weight if p else None for p in readings),
            tuple(p.grad if p else None for p in readings),
            tuple(p.added if p else None for p in readings),
            tuple(p.update if p else None for p in readings),
            tuple(u.dead / u.units if u and u.units else None for u in units),
            tuple(u.dead_lately / u.units if u and u.units else None for u in units),
            tuple(iteration for iteration, _ in with_counts),
            tuple(counts for _, counts in with_counts),
        )
