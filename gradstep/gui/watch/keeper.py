"""Keeps a program's watch list between launches, and asks for its values at every stop."""

from __future__ import annotations

import json
from urllib.parse import quote

from PySide6.QtCore import QObject, QSettings, Signal

from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.examination import Watched
from gradstep.protocol.messages import Problem
from gradstep.protocol.values import ValueInfo

LONGEST = 200
"""Expressions in one list."""


class WatchList(QObject):
    """The one list that the panel and the pins change. An expression stands in it once."""

    changed = Signal()
    """Other expressions, or another order."""
    evaluated = Signal()
    """Values came, or are no longer those of now."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.expressions: list[str] = []
        self.results: dict[str, Watched] = {}
        self.current = False
        """Whether the results are those of the stop of now."""
        self._session = session
        self._program = ""
        session.programOpened.connect(self._open)
        session.valuesChanged.connect(self._stand)
        session.stateChanged.connect(self._move)

    # ------------------------------------------------------------------ change

    def add(self, expression: str, at: int | None = None) -> int:
        """Its row; that where it stands already, if it does. -1 for an empty one."""
        expression = expression.strip()
        if not expression or len(self.expressions) >= LONGEST:
            return -1
        if expression not in self.expressions:
            self.expressions.insert(len(self.expressions) if at is None else at, expression)
            self._spread()
        return self.expressions.index(expression)

    def remove(self, expression: str) -> None:
        if expression in self.expressions:
            self.expressions.remove(expression)
            self.results.pop(expression, None)
            self._spread()

    def change(self, row: int, expression: str) -> None:
        """Another expression in this row; an empty one takes the row away."""
        expression, old = expression.strip(), self.expressions[row]
        if expression == old:
            return
        if not expression or expression in self.expressions:
            self.remove(old)
            return
        self.expressions[row] = expression
        self._spread()

    def move(self, row: int, to: int) -> None:
        if 0 <= to < len(self.expressions) and to != row:
            self.expressions.insert(to, self.expressions.pop(row))
            self._spread()

    def toggle(self, expression: str) -> None:
        """Pin it, or no longer."""
        if expression in self.expressions:
            self.remove(expression)
        else:
            self.add(expression)

    def _spread(self) -> None:
        settings = QSettings()
        if self.expressions:
            settings.setValue(self._key(), json.dumps(self.expressions))
        else:
            settings.remove(self._key())
        self.changed.emit()
        self.ask()

    # ------------------------------------------------------------------ engine

    def ask(self) -> None:
        """Evaluate all of them, if the program stands."""
        if self.expressions and self._session.state is State.STOPPED:
            self._session.ask(
                "watch",
                tuple[Watched, ...],
                self._take,
                tag="watch",
                failed=self._fail,
                expressions=tuple(self.expressions),
            )

    def _take(self, found: tuple[Watched, ...], _: bytes) -> None:
        self.results = {one.expression: one for one in found}
        self.current = True
        self.evaluated.emit()

    def _fail(self, problem: Problem) -> None:
        self.current = False
        self.evaluated.emit()

    # ------------------------------------------------------------------ session

    def _open(self, path: str) -> None:
        self.results, self.current = {}, False
        if self._session.identity != self._program:
            self._program = self._session.identity
            self.expressions = _read(str(QSettings().value(self._key(), "") or ""))
        self.changed.emit()

    def _stand(self, values: tuple[ValueInfo, ...]) -> None:
        self.ask()

    def _move(self, state: State) -> None:
        if state is not State.STOPPED and self.current:
            self.current = False
            self.evaluated.emit()

    def _key(self) -> str:
        # A slash would make a group of the settings, a backslash is not allowed in a key.
        return f"watch/{quote(self._program, safe='')}"


def _read(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []  # written by another version, or by hand: not worth a message
    kept = [e for e in found if isinstance(e, str) and e.strip()] if isinstance(found, list) else []
    return list(dict.fromkeys(kept))[:LONGEST]
