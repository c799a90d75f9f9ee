"""What the window reads from the engine at every stop, and how far it has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer

from gradstep.protocol.trace import Devices, Graph, Losses, Moment, Timeline

if TYPE_CHECKING:
    from gradstep.gui.session import Session


BEAT = 240
"""Milliseconds between two readings of a running program, at least."""


class Reading:
    """Graph, timeline and losses only grow, so that only what came after the last answer is asked
    for. The answers are told by the session's signals."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._beat = QElapsedTimer()
        self.reset()

    def reset(self) -> None:
        """Another program: read from the beginning."""
        self._graph = self._timeline = self._losses = 0
        self._asked_devices = False

    def everything(self) -> None:
        """Ask for what a stop may have changed."""
        ask = self._session.ask
        ask(
            "moment",
            Moment,
            self._take_moment,
            tag="moment",
            graph=self._graph,
            timeline=self._timeline,
            losses=self._losses,
        )
        if not self._asked_devices:
            self._asked_devices = True
            ask("devices", Devices, self.take_devices, tag="devices")

    def losses_while_running(self) -> None:
        """Ask for the losses that came since, a few times a second at most."""
        if self._beat.isValid() and self._beat.elapsed() < BEAT:
            return
        self._beat.start()

        def take(losses: Losses, _: bytes) -> None:
            self._take_losses(losses)

        self._session.ask("losses", Losses, take, tag="losses", since=self._losses)

    def take_devices(self, devices: Devices, _: bytes) -> None:
        self._session.devices = devices
        self._session.devicesChanged.emit(devices)

    def _take_moment(self, moment: Moment, _: bytes) -> None:
        self._take_graph(moment.graph)
        self._take_timeline(moment.timeline)
        self._take_losses(moment.losses)
        self._session.valuesChanged.emit(moment.values)

    def _take_graph(self, graph: Graph) -> None:
        self._graph = graph.revision
        self._session.graphChanged.emit(graph)

    def _take_timeline(self, timeline: Timeline) -> None:
        # A stretch that still goes on is asked for again.
        whole = 0
        for stretch in timeline.phases:
            if not stretch.complete:
                break
            whole += 1
        self._timeline = timeline.first + whole
        self._session.timelineChanged.emit(timeline)

    def _take_losses(self, losses: Losses) -> None:
        self._losses = losses.first + len(losses.values)
        self._session.lossesChanged.emit(losses)
