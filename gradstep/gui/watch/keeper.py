"""Keeps a program's watch list between launches, and asks for its values at every stop."""

from __future__ import annotations

import json
from urllib.parse import quote

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.examination import Watched
from gradstep.protocol.values import ValueInfo

LONGEST = 200
"""Expressions in one list."""
MODERATE = 1 << 20
"""Elements of a pinned tensor that is kept at every stop, to be compared with later."""
PATIENCE_MS = 4000
"""After so long without an answer it is said that there is none: the program interrupts Python code
itself, long before; one call of C code it cannot."""


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
        self.unanswered: frozenset[str] = frozenset()
        """Expressions that the program has been busy with for too long."""
        self._session = session
        self._program = ""
        self._pending: dict[str, tuple[str, ...]] = {}
        """By tag: expressions that were asked for and have not been answered."""
        self._late = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._late.timeout.connect(self._miss)
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

    def tensors(self) -> tuple[str, ...]:
        """The refs of those that gave a tensor of moderate size when they were last evaluated."""
        infos = [self.results[e].info for e in self.expressions if e in self.results]
        return tuple(i.ref for i in infos if i is not None and 0 < i.tensor.numel <= MODERATE)

    # ------------------------------------------------------------------ engine

    def ask(self, again: str = "") -> None:
        """Evaluate all of them, if the program stands; those that have never been answered one by
        one, as the program may be lost in one. ``again``: also this one, that took too long."""
        if self._session.state is not State.STOPPED:
            return
        known = tuple(e for e in self.expressions if e in self.results and e != again)
        if known:
            self._ask("watch", known)
        for expression in self.expressions:
            if expression not in known:
                self._ask(f"watch.{expression}", (expression,), again=expression == again)

    def _ask(self, tag: str, expressions: tuple[str, ...], *, again: bool = False) -> None:
        def take(found: tuple[Watched, ...], _: bytes) -> None:
            self.results.update((one.expression, one) for one in found)
            self._settle(tag)

        self._pending[tag] = expressions
        self._late.start()
        self._session.ask(
            "watch",
            tuple[Watched, ...],
            take,
            tag=tag,
            failed=lambda problem: self._settle(tag, missing=True),
            expressions=expressions,
            again=again,
        )

    def _settle(self, tag: str, *, missing: bool = False) -> None:
        self._pending.pop(tag, None)
        self.unanswered = frozenset()
        self.current = not missing and not self._pending
        if self._pending:
            self._late.start()
        else:
            self._late.stop()
        self.evaluated.emit()

    def _miss(self) -> None:
        """The program is busy with the first of the questions that are open."""
        self.unanswered = frozenset(next(iter(self._pending.values()), ()))
        self.evaluated.emit()

    # ------------------------------------------------------------------ session

    def _open(self, path: str) -> None:
        self.results, self.current = {}, False
        self._pending.clear()
        self._late.stop()
        self.unanswered = frozenset()
        if self._session.identity != self._program:
            self._program = self._session.identity
            self.expressions = _read(str(QSettings().value(self._key(), "") or ""))
        self.changed.emit()

    def _stand(self, values: tuple[ValueInfo, ...]) -> None:
        self.ask()

    def _move(self, state: State) -> None:
        if state is State.LOST:
            self._pending.clear()
            self._late.stop()
            self.unanswered = frozenset()
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
