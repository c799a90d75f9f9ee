"""How values go on over the iterations, as far as the engine has measured them; shared by the views
that plot it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gradstep.gui.states import State
from gradstep.protocol.examination import Measures, Track

if TYPE_CHECKING:
    from gradstep.gui.session import Session

KEPT = 64
"""Expressions whose points are kept; the engine bounds the points of each."""
PAUSE_MS = 60
"""The program must stand for so long before it is asked: a held key steps on."""


@dataclass(eq=False)
class Series:
    """All points of one value or expression; see ``Track``."""

    name: str = ""
    revision: int = 0
    single: bool = True
    problem: str = ""
    iterations: list[int] = field(default_factory=list)
    data: list[Measures | None] = field(default_factory=list)
    grad: list[Measures | None] = field(default_factory=list)

    def apply(self, track: Track) -> bool:
        """Whether there is anything new."""
        said = (track.revision, track.single, track.problem)
        new = bool(track.iterations) or said != (self.revision, self.single, self.problem)
        self.revision, self.single, self.problem = said
        self.iterations[track.first :] = track.iterations
        self.data[track.first :] = track.data
        self.grad[track.first :] = track.grad
        return new


class Tracks(QObject):
    """Views say what they look at; the program measures that, and nothing else."""

    grown = Signal(str)
    """More is known of this expression."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._wanted: dict[str, tuple[str, ...]] = {}
        self._told: tuple[str, ...] | None = None
        self._series: OrderedDict[str, Series] = OrderedDict()
        self._soon = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._soon.timeout.connect(self._ask)
        session.programOpened.connect(self._open)
        session.stopped.connect(lambda stop: self._stand())
        session.progressed.connect(lambda iteration: self._ask())

    def want(self, view: str, names: tuple[str, ...]) -> None:
        """What ``view`` looks at from now on."""
        if names != self._wanted.get(view, ()):
            self._wanted[view] = names
            self._tell()
            self._soon.start()

    def series(self, name: str) -> Series:
        """What is known so far; empty where nothing is."""
        return self._series.get(name) or Series(name)

    def _all(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for names in self._wanted.values() for n in names if n))

    def _open(self, path: str) -> None:
        self._told = None
        self._series.clear()

    def _stand(self) -> None:
        self._tell()
        self._soon.start()

    def _tell(self) -> None:
        """Before whatever the person does next, so that the next iteration is measured."""
        names = self._all()
        if self._session.state is State.STOPPED and names != (self._told or ()):
            self._told = names
            self._session.tell("track", None, _nothing, failed=_nothing, expressions=names)

    def _ask(self) -> None:
        if self._session.state in (State.EMPTY, State.STARTING, State.LOST):
            return
        for name in self._all():
            known = self.series(name)
            self._session.ask(
                "track_history",
                Track,
                self._take,
                tag=f"track.{name}",
                failed=_nothing,
                expression=name,
                revision=known.revision,
                count=len(known.iterations),
            )

    def _take(self, track: Track, _: bytes) -> None:
        name = track.expression
        series = self._series.setdefault(name, Series(name))
        self._series.move_to_end(name)
        while len(self._series) > KEPT:
            self._series.popitem(last=False)
        if track.first <= len(series.iterations) and series.apply(track):
            self.grown.emit(name)


def _nothing(*_: object) -> None:
    """Asked again at the next stop."""
