"""Leads from a value to its line and from a line to its values, so that what is selected in one
view is selected in all."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gradstep.gui.cursor import Cursor
from gradstep.gui.session import Session
from gradstep.protocol.trace import Graph


class Guide(QObject):
    """To be made before the views: it has to know the graph before they ask where something is."""

    def __init__(self, session: Session, cursor: Cursor, parent: QObject) -> None:
        super().__init__(parent)
        self._cursor = cursor
        self._line: tuple[str, int] = ("", 0)
        session.programOpened.connect(self._forget)
        session.graphChanged.connect(self._learn)
        session.stopped.connect(lambda stop: cursor.told.emit(""))
        for chosen in (cursor.selected, cursor.again):
            chosen.connect(self._show_line)
        cursor.lineSelected.connect(self._keep)
        cursor.lineAsked.connect(self._choose)

    def _forget(self, path: str) -> None:
        self._line = ("", 0)
        self._cursor.whereabouts.clear()

    def _learn(self, graph: Graph) -> None:
        self._cursor.whereabouts.add(graph)

    def _keep(self, file: str, line: int) -> None:
        self._line = file, line

    def _show_line(self, ref: str) -> None:
        self._cursor.told.emit("")
        place = self._cursor.whereabouts.place(ref)
        if place is not None and (place.file, place.line) != self._line:
            self._cursor.select_line(place.file, place.line)

    def _choose(self, file: str, line: int, way: int) -> None:
        found = self._cursor.whereabouts.at(file, line)
        if not found:
            self._cursor.told.emit(self.tr("Nothing recorded at line {0}").format(line))
            return
        here = self._cursor.ref
        number = (found.index(here) + way) % len(found) if here in found else 0
        self._cursor.select(found[number])
        if len(found) > 1:
            words = self.tr("Line {0}: {1} of {2}").format(line, number + 1, len(found))
            self._cursor.told.emit(words)
