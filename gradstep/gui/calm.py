"""The session's state without its flicker."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from gradstep.gui.session import Session
from gradstep.gui.states import State

GRACE_MS = 150
"""A step is over sooner than this. What went grey for it, and back, would only flicker."""


class CalmState(QObject):
    """``state`` follows the session's, but a program runs only once it has run for ``GRACE_MS``.

    Nothing wrong comes of it: the session itself ignores a verb that comes too early."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.state = session.state
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(GRACE_MS)
        self._later.timeout.connect(self._settle)
        session.stateChanged.connect(self._follow)
        session.playingChanged.connect(self.changed)

    def _follow(self, state: State) -> None:
        if state is State.RUNNING and self.state is State.STOPPED:
            if not self._later.isActive():
                self._later.start()
        else:
            self._settle()

    def _settle(self) -> None:
        self._later.stop()
        self.state = self._session.state
        self.changed.emit()
