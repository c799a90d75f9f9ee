"""The way from a background thread into the GUI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot


class Mailbox(QObject):
    """``post`` from any thread; ``deliver`` is called in the mailbox's own, in order.

    However many letters arrive while the GUI is busy, they cost it one event: a program that
    prints without end cannot flood the event queue."""

    _rung = Signal()

    def __init__(self, deliver: Callable[[list[Any]], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deliver = deliver
        self._lock = threading.Lock()
        self._letters: list[Any] = []
        self._rung.connect(self._empty, Qt.ConnectionType.QueuedConnection)

    def post(self, letter: Any) -> None:
        with self._lock:
            self._letters.append(letter)
            first = len(self._letters) == 1
        if first:
            # The window may be closed while a program still talks.
            with suppress(RuntimeError):
                self._rung.emit()

    @Slot()
    def _empty(self) -> None:
        with self._lock:
            letters, self._letters = self._letters, []
        self._deliver(letters)
