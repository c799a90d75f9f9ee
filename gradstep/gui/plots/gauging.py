"""Subscribes to what the plot on show needs, and hands it what was gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, QTimer, Signal
from PySide6.QtGui import QAction

from gradstep.gui.cursor import Cursor
from gradstep.gui.plot_picture import Picture
from gradstep.gui.plots.histograms import Histograms
from gradstep.gui.plots.layers import DeadUnits, LayersPicture, UpdateRatio
from gradstep.gui.states import State
from gradstep.protocol.gauges import Gauge, GaugeHistory, Gauges

if TYPE_CHECKING:
    from gradstep.gui.session import Session

Kinds = tuple[Gauge, ...]
LIMIT = 0.1
"""Part of the running time that gauging may take at full speed."""
BEAT = 300
"""Milliseconds between two looks at a running program, at least."""
PAUSE = 60
"""Milliseconds that the program must stand before its norms are read: a held key steps on."""
COSTLY = 0.03
"""Part of the running time from which the cost of gauging is told."""


_READABLE = (State.STOPPED, State.ENDED, State.RUNNING)


class GaugeReader(QObject):
    """Asks at every stop, and now and then while the program runs, while a plot of gauges is
    seen."""

    noteChanged = Signal()

    def __init__(self, session: Session, cursor: Cursor, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._cursor = session, cursor
        self._picture: Picture | None = None
        self._subscribed: Kinds | None = None
        self._gauges: Gauges | None = None
        self.note = ""
        self.activations = QAction(self.tr("Histograms of activations"), self, checkable=True)
        self.activations.setObjectName("plots_of_activations")
        self.activations.setChecked(str(QSettings().value("plots/activations", "0")) == "1")
        self.activations.toggled.connect(self._show_activations)
        self.actions_ = [self.activations]
        session.loaded.connect(self._loaded)
        self._timer = QTimer(self, singleShot=True, interval=PAUSE)
        self._timer.timeout.connect(self.ask)
        session.stopped.connect(lambda stop: self._timer.start())
        self._beat = QTimer(self, singleShot=True, interval=BEAT)
        session.progressed.connect(self._look_in)
        cursor.selected.connect(lambda ref: self._ask_history())

    def _show_activations(self, on: bool) -> None:
        QSettings().setValue("plots/activations", int(on))
        self.watch(self._picture)

    def show_actions(self, on: bool) -> None:
        self.activations.setVisible(on)

    def clear(self) -> None:
        """Another program."""
        self._subscribed = self._gauges = None
        self._say("")
        if isinstance(self._picture, (LayersPicture, Histograms)):
            self._picture.clear()

    def watch(self, picture: Picture | None) -> None:
        """This plot is seen; None or another kind of plot: nothing need be gathered."""
        self._picture = picture
        self._subscribe()
        if self._gauges is not None and isinstance(picture, LayersPicture):
            picture.show_gauges(self._gauges)
            picture.select(self._cursor.ref)
        self.ask()

    def kinds(self) -> Kinds:
        """What the plot on show needs."""
        if isinstance(self._picture, UpdateRatio):
            return Gauge.GRADIENTS, Gauge.UPDATES
        if isinstance(self._picture, DeadUnits):
            return (Gauge.ACTIVATIONS,)
        if isinstance(self._picture, Histograms):
            more = (Gauge.ACTIVATIONS,) if self.activations.isChecked() else ()
            return Gauge.GRADIENTS, Gauge.HISTOGRAMS, *more
        return (Gauge.GRADIENTS,) if isinstance(self._picture, LayersPicture) else ()

    def ask(self) -> None:
        """What has been gathered so far, if the program stands."""
        if self.kinds() and self._session.state in _READABLE:
            self._session.ask("gauges", Gauges, self._take, tag="gauges", failed=lambda p: None)

    def _look_in(self, _: int) -> None:
        if not self._beat.isActive():
            self._beat.start()
            self.ask()

    def _loaded(self, _: object) -> None:
        self._subscribed = None
        self._subscribe()

    def _subscribe(self) -> None:
        kinds = self.kinds()
        alive = self._session.state not in (State.EMPTY, State.LOST, State.ENDED)
        if alive and kinds != (self._subscribed or ()):
            self._subscribed = kinds
            self._session.tell(
                "gauge",
                Kinds,
                lambda *_: None,
                failed=lambda p: None,
                kinds=kinds,
                limit=LIMIT,
            )

    def _take(self, gauges: Gauges, _: bytes) -> None:
        self._gauges = gauges
        if set(gauges.kinds) != set(self.kinds()):
            self._subscribed = None  # another process has taken over
            self._subscribe()
        if isinstance(self._picture, LayersPicture):
            self._picture.show_gauges(gauges)
            self._picture.select(self._cursor.ref)
        self._ask_history()
        words = [gauges.note] if gauges.note else []
        if gauges.share is not None and gauges.share > COSTLY:
            cost = self.tr("gathering this takes {0} of the time")
            words.append(cost.format(f"{gauges.share:.0%}"))
        self._say("; ".join(words))

    def _ask_history(self) -> None:
        """Of the selected layer, or of the first one."""
        name = self._layer()
        if name and self._session.state in _READABLE and isinstance(self._picture, Histograms):
            self._session.ask(
                "gauge_history",
                GaugeHistory,
                self._take_history,
                tag="gauge_history",
                failed=lambda p: None,
                name=name,
            )

    def _layer(self) -> str:
        gauges = self._gauges
        if gauges is None:
            return ""
        chosen = next((p.name for p in gauges.parameters if p.ref == self._cursor.ref), "")
        if self.activations.isChecked() and gauges.activations:
            owner = chosen.rpartition(".")[0]
            after = [a.name for a in gauges.activations if a.name > owner]
            return (after or [gauges.activations[0].name])[0]
        return chosen or next((p.name for p in gauges.parameters), "")

    def _take_history(self, history: GaugeHistory, _: bytes) -> None:
        if isinstance(self._picture, Histograms):
            parameters = self._gauges.parameters if self._gauges else ()
            activation = history.name not in {p.name for p in parameters}
            self._picture.show_history(history, activation=activation)

    def _say(self, note: str) -> None:
        if note != self.note:
            self.note = note
            self.noteChanged.emit()
