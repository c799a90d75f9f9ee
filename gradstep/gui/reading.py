"""What the window reads from the engine at every stop, and how far it has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradstep.protocol.trace import Devices, Graph, Losses, Timeline
from gradstep.protocol.values import ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.session import Session


class Reading:
    """Graph, timeline and losses only grow, so that only what came after the last answer is asked
    for. The answers are told by the session's signals."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.reset()

    def reset(self) -> None:
        """Another program: read from the beginning."""
        self._graph = self._timeline = self._losses = 0
        self._asked_devices = False

    def everything(self) -> None:
        """Ask for what a stop may have changed."""
        ask = self._session.ask
        ask("graph", Graph, self._take_graph, tag="graph", since=self._graph)
        ask("timeline", Timeline, self._take_timeline, tag="timeline", since=self._timeline)
        self.losses()
        ask("values", tuple[ValueInfo, ...], self._take_values, tag="values")
        if not self._asked_devices:
            self._asked_devices = True
            ask("devices", Devices, self.take_devices, tag="devices")

    def losses(self) -> None:
        """Ask for the losses that came since."""
        self._session.ask("losses", Losses, self._take_losses, tag="losses", since=self._losses)

    def take_devices(self, devices: Devices, _: bytes) -> None:
        self._session.devices = devices
        self._session.devicesChanged.emit(devices)

    def _take_graph(self, graph: Graph, _: bytes) -> None:
        self._graph = graph.revision
        self._session.graphChanged.emit(graph)

    def _take_timeline(self, timeline: Timeline, _: bytes) -> None:
        # A stretch that still goes on is asked for again.
        whole = 0
        for stretch in timeline.phases:
            if not stretch.complete:
                break
            whole += 1
        self._timeline = timeline.first + whole
        self._session.timelineChanged.emit(timeline)

    def _take_losses(self, losses: Losses, _: bytes) -> None:
        self._losses = losses.first + len(losses.values)
        self._session.lossesChanged.emit(losses)

    def _take_values(self, values: tuple[ValueInfo, ...], _: bytes) -> None:
        self._session.valuesChanged.emit(values)
