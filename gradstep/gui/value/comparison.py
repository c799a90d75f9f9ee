"""With which earlier stop the shown value is compared, and that there is one to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradstep.gui.segmented import Segmented
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.value.reader import Reader
from gradstep.gui.value.words import words
from gradstep.protocol.examination import Earlier, Since
from gradstep.protocol.trace import Stop
from gradstep.protocol.values import ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.session import Session

CHOICES = (None, Since.STOP, Since.ITERATION)
KEPT = 1 << 20
"""Elements up to which a value that is looked at is kept at every stop, in case that somebody wants
to compare; larger ones only while somebody does: the copy would hold up the next step."""


def change_field(field: str, since: Since) -> str:
    """What the engine calls the difference of ``data`` or ``grad`` from then."""
    return f"{field} since {since.value}"


def told(earlier: Earlier) -> str:
    """With what is compared."""
    if not earlier.iteration:
        return words("Δ: minus what it was at the start")
    if earlier.stops == 1:
        return words("Δ: minus what it was one stop ago, in iteration {0}").format(
            earlier.iteration
        )
    text = words("Δ: minus what it was {0} stops ago, in iteration {1}")
    return text.format(earlier.stops, earlier.iteration)


class ComparisonBar(QWidget):
    """``Change since`` and the choice."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_comparison")
        self.choice = Segmented((words("off"), words("last stop"), words("last iteration")), self)
        self.choice.setObjectName("value_since")
        label = QLabel(words("Change since"), self)
        label.setFont(theme().font("small"))
        label.setProperty("quiet", True)
        self.choice.setAccessibleName(label.text())
        self.told = QLabel(self)
        self.told.setFont(theme().font("caption"))
        self.told.setProperty("quiet", True)
        self.told.hide()
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(label)
        row.addWidget(self.choice, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.told)

    def tell(self, found: dict[str, Earlier]) -> None:
        """With what is compared, if there is something to compare with."""
        earlier = next((e for e in found.values() if e.stops), None)
        self.told.setText(told(earlier) if earlier is not None else "")
        self.told.setVisible(earlier is not None)


class Comparison(QObject):
    """At every stop the values that are looked at are kept; what can be compared with what is
    asked once they have been described."""

    known = Signal(object)
    """``dict[str, Earlier]`` by ``data`` and ``grad``; empty while nothing is compared."""

    def __init__(self, session: Session, reader: Reader, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._reader = session, reader
        self.bar = ComparisonBar(parent)
        self.since: Since | None = None
        self.pinned: Callable[[], tuple[str, ...]] = lambda: ()
        """The refs of other values that are looked at."""
        self._ref = ""
        self._info: ValueInfo | None = None
        self._past = False
        self.bar.choice.chosen.connect(lambda i: self.choose(CHOICES[i]))
        session.stopped.connect(self._keep_all)

    def choose(self, since: Since | None) -> None:
        """Compare with then, or with nothing (None)."""
        self.since = since
        self.bar.choice.choose(CHOICES.index(since))
        self._keep(self._ref)
        self._ask()

    def show(self, ref: str, info: ValueInfo, past: bool) -> None:
        """``info`` is what the value called ``ref`` is now."""
        other = ref != self._ref
        self._ref, self._info, self._past = ref, info, past
        self.bar.setVisible(not past and info.tensor.numel > 0)
        if other:
            self._keep(ref)
        self._ask()

    def _ask(self) -> None:
        if self.since is None or self._past or self._info is None:
            self._know({})
            return
        since = self.since

        def take(found: tuple[Earlier, ...]) -> None:
            if since is self.since:
                self._know({e.field: e for e in found if e.since is since})

        self._reader.ask("earlier", tuple[Earlier, ...], take)

    def _know(self, found: dict[str, Earlier]) -> None:
        self.bar.tell(found)
        self.known.emit(found)

    def _keep_all(self, stop: Stop) -> None:
        self._keep(self._ref, *self.pinned())

    def _keep(self, *refs: str) -> None:
        """Told before whatever the person does next, so that it is done at this stop."""
        info = self._info
        large = info is not None and info.tensor.numel > KEPT and self.since is None
        wanted = tuple(dict.fromkeys(r for r in refs if r and not (large and r == self._ref)))
        if wanted and self._session.state is State.STOPPED:
            self._session.tell("keep", None, _nothing, failed=_nothing, refs=wanted)


def _nothing(*_: object) -> None:
    """What was not kept is told when it is asked for."""
