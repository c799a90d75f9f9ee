"""What all verbs share: that the program stands, and what a ref means."""

from __future__ import annotations

from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.values.scope import Scope
from gradstep.protocol.messages import Problem, RequestFailed


class Asking:
    """Verbs inherit from it, room by room."""

    _debugger: Debugger
    _scope: Scope

    def _standing(self) -> None:
        if not self._debugger.gate.waiting:
            raise RequestFailed(Problem("busy", "The program is running; pause it first."))

    def _place(self, ref: str) -> tuple[NodeRecord, int] | None:
        """Where a value stands on the graph: the node, and which of its results it is. None for
        what is not on it."""
        recorder = self._debugger.recorder
        if ref.startswith("#"):
            return recorder.find(ref)
        tensor = self._scope.find(ref, self._debugger.frame)
        return recorder.place_of(tensor) if tensor is not None else None
