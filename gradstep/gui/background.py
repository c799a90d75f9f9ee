"""Work that may take longer than a frame, done beside the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QThreadPool

from gradstep.gui.mailbox import Mailbox

T = TypeVar("T")


class Background(QObject):
    """``do(work, done)`` runs ``work`` in a pool's thread and ``done(result)`` in the GUI thread,
    unless the owner has been deleted meanwhile. ``work`` must not raise."""

    def __init__(self, owner: QObject) -> None:
        super().__init__(owner)
        self._mailbox = Mailbox(self._deliver, self)

    def do(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        QThreadPool.globalInstance().start(lambda: self._mailbox.post((done, work())))

    def _deliver(self, letters: list[Any]) -> None:
        for done, result in letters:
            done(result)
