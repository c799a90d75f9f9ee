"""Keeps a program's breakpoints between launches and tells the engine of every change."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from PySide6.QtCore import QObject, QSettings, Signal

from gradstep.gui.breakpoints.model import BreakpointList
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState
from gradstep.protocol.messages import Problem
from gradstep.protocol.trace import Reason, Stop

States = tuple[BreakpointState, ...]


class Breakpoints(QObject):
    """The one list that source, panel and graph change and show. The engine gets it at the first
    stop of every run, before the program goes on, and whenever it changes after that."""

    changed = Signal()
    """A breakpoint was made, changed, removed or hit, or the engine said something of it."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.list = BreakpointList()
        self.hit: tuple[int, ...] = ()
        """Ids of those that the program stands at."""
        self._session = session
        self._program = ""
        self._told = False
        session.programOpened.connect(self._open)
        session.stopped.connect(self._stand)
        session.stateChanged.connect(self._move)
        session.progressed.connect(self._count)

    # ------------------------------------------------------------------ change

    def add(self, on: BreakOn, **fields: Any) -> Breakpoint:
        """A new breakpoint; ``fields`` as of ``Breakpoint``."""
        made = self.list.add(on, **fields)
        self._spread()
        return made

    def toggle_line(self, file: str, line: int) -> Breakpoint | None:
        """Take away the breakpoints of a line, or make one, which is returned."""
        made = self.list.toggle_line(file, line)
        self._spread()
        return made

    def change(self, id: int, **fields: Any) -> None:
        before = self.list[id]
        if self.list.change(id, **fields) != before:
            self._spread()

    def remove(self, id: int) -> None:
        if id in self.list:
            self.list.remove(id)
            self._spread()

    def remove_all(self) -> None:
        self.list.clear()
        self._spread()

    def _spread(self) -> None:
        self._save()
        if self._told:
            self._send()
        self.changed.emit()

    # ------------------------------------------------------------------ engine

    def _send(self) -> None:
        self._session.tell(
            "set_breakpoints",
            States,
            self._take,
            failed=self._refused,
            breakpoints=tuple(self.list),
        )

    def _count(self) -> None:
        """Ask how often they were hit."""
        if self._told and len(self.list):
            self._session.ask("breakpoints", States, self._take, tag="breakpoints")

    def _take(self, states: States, _: bytes) -> None:
        if self.list.take_states(states):
            self.changed.emit()

    def _refused(self, problem: Problem) -> None:
        if problem.kind != "gone":
            self.list.take_problem(problem.message)
            self.changed.emit()

    # ------------------------------------------------------------------ session

    def _open(self, path: str) -> None:
        self._told = False
        self.hit = ()
        if self._session.identity != self._program:
            self._program = self._session.identity
            self.list.load(str(QSettings().value(self._key(), "") or ""))
        self.list.forget_states()
        self.changed.emit()

    def _stand(self, stop: Stop) -> None:
        if stop.reason is Reason.LOST:
            self._told = False
        elif not self._told:
            self._told = True
            if len(self.list):
                self._send()
        else:
            self._count()
        self._show_hit(tuple(id for id in stop.breakpoints if id in self.list))

    def _move(self, state: State) -> None:
        if state is not State.STOPPED:
            self._show_hit(())

    def _show_hit(self, ids: tuple[int, ...]) -> None:
        if ids != self.hit:
            self.hit = ids
            self.changed.emit()

    # ------------------------------------------------------------------ memory

    def _key(self) -> str:
        # A slash would make a group of the settings, a backslash is not allowed in a key.
        return f"breakpoints/{quote(self._program, safe='')}"

    def _save(self) -> None:
        settings = QSettings()
        if len(self.list):
            settings.setValue(self._key(), self.list.dump())
        else:
            settings.remove(self._key())
