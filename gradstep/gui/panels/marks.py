"""From a stop to the marks in the source. Pure: no widgets."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.gui.panels.gutter import Arrow, Mark
from gradstep.gui.progress import next_phase
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Nonfinite
from gradstep.protocol.trace import Place, Reason, Stop


@dataclass(frozen=True)
class Marked:
    """A file with what is marked in it; ``caption`` says in words what is next in it,
    when two files are shown."""

    file: str
    marks: tuple[Mark, ...]
    caption: str
    phase: Phase | None


def marked_files(stop: Stop) -> tuple[Marked, ...]:
    """The files to show at ``stop``: one, or two when the line whose backward is next stands in
    another file than Python does; that one first."""
    if stop.reason in (Reason.END, Reason.LOST):
        return ()
    if stop.reason is Reason.EXCEPTION:
        return _failure(stop)
    if stop.nonfinite is not None and stop.nonfinite.place is not None:
        return _not_finite(stop, stop.nonfinite, stop.nonfinite.place)
    here, phase = stop.place, next_phase(stop)
    there = _behind(stop)
    if there is None:
        if here is None:
            return ()
        words = translate("Source", "next") if stop.operation is not None else ""
        return (_marked(here, Arrow.SOLID, phase, words),)
    words = translate("Source", "its backward is next")
    few = translate("Source", "backward")
    its_turn = _marked(there, Arrow.SOLID, phase, words, tinted=here is None, back=True, few=few)
    if here is None:
        return (its_turn,)
    if (here.file, here.line) == (there.file, there.line):
        return (_marked(there, Arrow.SOLID, phase, words, back=True, few=few),)
    python = _marked(here, Arrow.HOLLOW, phase, translate("Source", "Python is here"))
    if here.file == there.file:
        return (Marked(here.file, its_turn.marks + python.marks, "", phase),)
    # Of two files, the caption of the first says it; once is enough.
    return _marked(there, Arrow.SOLID, phase, "", tinted=False, back=True), python


def _behind(stop: Stop) -> Place | None:
    """Inside backward: the line whose backward is next."""
    operation = stop.operation
    inside = operation is not None and operation.phase is Phase.BACKWARD
    return operation.place if operation is not None and inside else None


def _failure(stop: Stop) -> tuple[Marked, ...]:
    failure = stop.failure
    place = failure.frames[-1] if failure and failure.frames else stop.place
    if place is None:
        return ()
    words = failure.type if failure else ""
    return (_marked(place, Arrow.CROSS, None, words),)


def _not_finite(stop: Stop, found: Nonfinite, place: Place) -> tuple[Marked, ...]:
    """A cross at the operation that made it, and where Python stands meanwhile."""
    if found.phase is Phase.BACKWARD:
        words = translate("Source", "its backward made {0}").format(found.kind.word)
    else:
        words = translate("Source", "made {0}").format(found.kind.word)
    culprit, here = _marked(place, Arrow.CROSS, None, words), stop.place
    if here is None or (here.file, here.line) == (place.file, place.line):
        return (culprit,)
    words = translate("Source", "Python is here")
    python = _marked(here, Arrow.HOLLOW, next_phase(stop), words)
    if here.file == place.file:
        return (Marked(here.file, culprit.marks + python.marks, "", None),)
    return culprit, python


def _marked(
    place: Place,
    arrow: Arrow,
    phase: Phase | None,
    words: str,
    *,
    tinted: bool = True,
    back: bool = False,
    few: str = "",
) -> Marked:
    underline = arrow is Arrow.SOLID
    mark = Mark(
        place.line,
        arrow,
        phase,
        words,
        tinted,
        back,
        place.column if underline else -1,
        place.end_column if underline else -1,
        few,
    )
    caption = translate("Source", "backward of line {0} is next").format(place.line) if back else ""
    return Marked(place.file, (mark,), caption, phase)
