"""Verbs of the gauges."""

from __future__ import annotations

from gradstep.engine.gauges import Gauging
from gradstep.protocol.gauges import Gauge, GaugeHistory, Gauges


class GaugeCommands:
    """Part of ``Commands``."""

    _gauging: Gauging

    def _standing(self) -> None:
        raise NotImplementedError

    def do_gauge(self, kinds: tuple[Gauge, ...]) -> tuple[Gauge, ...]:
        """Gather these from now on, and no others; none: gather nothing."""
        self._gauging.subscribe(frozenset(kinds))
        return tuple(sorted(self._gauging.kinds))

    def do_gauges(self) -> Gauges:
        """The latest iteration's readings."""
        self._standing()
        return self._gauging.read()

    def do_gauge_history(self, name: str) -> GaugeHistory:
        """Of one parameter, or of one activation module, by the name that its readings have."""
        self._standing()
        return self._gauging.histories.of(name)
