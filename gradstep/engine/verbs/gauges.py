"""Verbs of the gauges."""

from __future__ import annotations

from gradstep.engine.gauges import Gauging
from gradstep.engine.running.driver import Driver
from gradstep.engine.verbs.asking import Asking
from gradstep.protocol.gauges import Gauge, GaugeHistory, Gauges


class GaugeCommands(Asking):
    """Part of ``Commands``."""

    _gauging: Gauging
    _driver: Driver | None

    def do_gauge(self, kinds: tuple[Gauge, ...], limit: float = 1.0) -> tuple[Gauge, ...]:
        """Gather these from now on, and no others; none: gather nothing. ``limit``: the part of the
        running time that it may take; iterations are left out to keep it."""
        self._gauging.subscribe(frozenset(kinds), min(max(limit, 0.001), 1.0))
        return tuple(sorted(self._gauging.kinds))

    def do_gauges(self) -> Gauges:
        """The latest iteration's readings; while the program runs, of the latest that is whole."""
        standing = self._debugger.gate.waiting
        return self._gauging.read() if standing else self._gauging.read_running()

    def do_gauge_history(self, name: str) -> GaugeHistory:
        """Of one parameter, or of one activation module, by the name that its readings have."""
        running = not self._debugger.gate.waiting
        return self._gauging.histories.of(name, running=running)
