"""Verbs that make the recorded forward once more with other values."""

from __future__ import annotations

from gradstep.engine.capture.records import EdgeRecord
from gradstep.engine.explain.check import Subject, check
from gradstep.engine.explain.landscape import Landscapes
from gradstep.engine.explain.tape import CannotRerun
from gradstep.engine.verbs.asking import Asking
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.rerun import Axis, Check, Landscape


class RerunCommands(Asking):
    """Part of ``Commands``."""

    _landscapes: Landscapes

    def do_check(self, ref: str, index: tuple[int, ...] = (), edge: int | None = None) -> Check:
        """``ref`` names a value; with ``edge``, what goes along that edge of the graph."""
        self._standing()
        subject = self._subject(ref, index, edge)
        try:
            return check(self._debugger.recorder, subject)
        except CannotRerun as error:
            raise RequestFailed(Problem("unavailable", str(error), ref)) from None
        except (IndexError, TypeError, ValueError) as error:
            raise RequestFailed(Problem("invalid", str(error), ref)) from None

    def do_landscape(self, axes: tuple[Axis, ...], points: int, ticket: int) -> Landscape:
        """The losses follow as ``landscape`` events with this ticket."""
        self._standing()
        try:
            return self._landscapes.start(self._debugger.recorder, axes, points, ticket)
        except CannotRerun as error:
            raise RequestFailed(Problem("unavailable", str(error))) from None
        except ValueError as error:
            raise RequestFailed(Problem("invalid", str(error))) from None

    def do_landscape_stop(self) -> None:
        self._landscapes.cancel()

    def _subject(self, ref: str, index: tuple[int, ...], edge: int | None) -> Subject:
        recorder = self._debugger.recorder
        if edge is not None:
            found: EdgeRecord | None = recorder.edges.get(edge)
            if found is None:
                raise RequestFailed(Problem("unknown", "This edge is not on the graph.", ref))
            return Subject(found.source, found.output, index, found)
        at = self._place(ref)
        if at is None:
            raise RequestFailed(Problem("unknown", f"{ref} is not on the graph.", ref))
        return Subject(*at, index)
