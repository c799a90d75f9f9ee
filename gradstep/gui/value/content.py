"""The column in which one value is shown: its head, its numbers, and all that stands below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.theme import theme
from gradstep.gui.track_plot import TrackView
from gradstep.gui.tracks import Tracks
from gradstep.gui.value.comparison import Comparison, change_field
from gradstep.gui.value.details import Details
from gradstep.gui.value.facts import Facts, StatisticsTable
from gradstep.gui.value.happened import Happened, changed_by
from gradstep.gui.value.header import Header
from gradstep.gui.value.history import History, change_of, single
from gradstep.gui.value.reader import Reader
from gradstep.gui.value.scalar import NumberColumn, ScalarCard, Shown
from gradstep.gui.value.tensor import FIELDS, TensorView
from gradstep.gui.value.words import grad_reason, is_single, watched_name, words
from gradstep.phases import Phase
from gradstep.protocol.examination import Earlier
from gradstep.protocol.trace import Stop
from gradstep.protocol.values import Statistics, ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.session import Session

_MARGIN = 10


@dataclass
class Selected:
    """What is shown: the value called ``ref``. ``past`` says since when it is gone, or nothing."""

    ref: str = ""
    info: ValueInfo | None = None
    past: str = ""
    seen: int = 0


class Content(QScrollArea):
    """Everything about the value that is selected. ``jumped``: whether phases have been passed
    without a look at the values between them."""

    def __init__(self, session: Session, reader: Reader, tracks: Tracks, parent: QWidget) -> None:
        super().__init__(parent)
        self.history = History()
        self.jumped = False
        self._stop: Stop | None = None
        self._selected = Selected()
        self._reader = reader
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = self.column = QWidget(self)
        content.setObjectName("value_content")
        self.header, self.card = Header(content), ScalarCard(content)
        self.tensor = TensorView(content)
        self.statistics, self.facts = StatisticsTable(content), Facts(content)
        self.happened = Happened(content)
        self.cards = QVBoxLayout()
        """What explains the value goes here: below its number, above its facts."""
        self.cards.setSpacing(theme().size("space", "between_cards"))
        self.comparison = Comparison(session, reader, content)
        self.comparison.known.connect(self._compare)
        self.tensor.changeWanted.connect(reader.measure_field)
        self.details = Details(session, reader, self.card, self.tensor, parent)
        self.track = TrackView("value_track", tracks, content)
        self._lay_out(content)
        reader.measured.connect(self._show_statistics)
        reader.fetched.connect(self.tensor.receive)

    def _lay_out(self, content: QWidget) -> None:
        padding = theme().size("space", "panel_padding")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(padding, _MARGIN, padding, _MARGIN)
        layout.setSpacing(10)
        layout.addWidget(self.header)
        layout.addWidget(self.card)
        layout.addWidget(self.tensor, 100)
        layout.addWidget(self.comparison.bar)
        layout.addWidget(self.details.edited)
        layout.addWidget(self.happened)
        layout.addLayout(self.cards)
        layout.addWidget(self.statistics)
        layout.addWidget(self.track)
        layout.addWidget(self.details.optimizer)
        layout.addWidget(self.details.saved)
        layout.addWidget(self.facts)
        layout.addStretch(1)
        self.setWidget(content)
        for ground in (self.viewport(), content):
            ground.setBackgroundRole(QPalette.ColorRole.Base)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The scroll bar stands in the margin: what is beside it is as wide as without one."""
        super().resizeEvent(event)
        padding, layout = theme().size("space", "panel_padding"), self.column.layout()
        bar = self.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() else 0
        if layout is not None:
            layout.setContentsMargins(padding, _MARGIN, padding - taken, _MARGIN)

    def clear(self) -> None:
        """Another program."""
        self._stop, self.jumped = None, False
        self.history.clear()

    def stand(self, stop: Stop, *, jumped: bool) -> None:
        """The program stands at ``stop``; ``jumped``: more than one phase may have passed."""
        self._stop = stop
        self.jumped |= jumped

    def show_value(self, selected: Selected, *, anew: bool) -> None:
        """``selected`` has an ``info``. ``anew``: another value than before, not the same one at a
        later stop."""
        self._selected = selected
        info, past = selected.info, selected.past
        assert info is not None
        alone = is_single(info.tensor)
        self.header.show_info(info, past)
        self.card.setVisible(alone)
        self.tensor.setVisible(not alone)
        self.statistics.setVisible(not alone and info.tensor.numel > 0)
        self.statistics.set_absolute(info.tensor.dtype.startswith("complex"))
        changed = {field: None if past else changed_by(self._stop, info, field) for field in FIELDS}
        if alone:
            data, grad = (self._shown(info, field, changed[field]) for field in FIELDS)
            self.card.show_values(data, grad, info.tensor.dtype, past=bool(past))
        else:
            self.tensor.show_info(info, changed, self._reason(info), anew=anew, past=bool(past))
        self.happened.show_step(self._stop, info, bool(past))
        self.facts.show_info(info)
        self.details.show(selected.ref, info, bool(past))
        self.comparison.show(selected.ref, info, bool(past))
        self.track.follow(watched_name(selected.ref, info) if info.tensor.numel else "")

    def measure(self, *, anew: bool) -> None:
        """Have the statistics taken of what is shown."""
        info = self._selected.info
        if info is None or is_single(info.tensor) or not info.tensor.numel:
            return
        if anew:
            for field in FIELDS:
                self.statistics.show_statistics(field, None)
        elif not info.has_grad:
            self.statistics.show_statistics("grad", None)
        self._reader.measure(info, anew=anew)

    def _reason(self, info: ValueInfo) -> str:
        had = self.history.had_grad(info)
        return grad_reason(info, had=had, later=self.jumped)

    def _shown(self, info: ValueInfo, field: str, changed: Phase | None) -> Shown:
        preview = info.data if field == "data" else info.grad
        if field == "grad" and not info.has_grad:
            return Shown(None, self._reason(info), changed=changed)
        if preview is None or preview.problem:
            return Shown(None, preview.problem if preview else "", True, changed)
        note = self._was(info, field)
        if info.tensor.dtype.startswith("complex"):
            note = words("absolute value of a complex number")
        return Shown(single(preview), note, changed=changed)

    def _was(self, info: ValueInfo, field: str) -> str:
        change = change_of(self._stop, info, field)
        before = single(change.before) if change is not None else None
        if before is not None and before != single(info.data if field == "data" else info.grad):
            return words("was {0} before").format(format_number(before, info.tensor.dtype))
        earlier = self.history.earlier(info, field)
        if earlier is None:
            return ""
        text = format_number(earlier.number, info.tensor.dtype) or "None"
        if earlier.iteration == self._selected.seen:
            return words("was {0} before").format(text)
        if not earlier.iteration:
            return words("was {0} at the start").format(text)
        # The number does not stand alone on a line of its own.
        return words("was {0} in iteration\N{NO-BREAK SPACE}{1}").format(text, earlier.iteration)

    def _show_statistics(self, field: str, found: Statistics) -> None:
        if field in FIELDS:
            self.statistics.show_statistics(field, found)
        self.tensor.show_statistics(field, found)

    # -- what it was -------------------------------------------------------------------------

    def _compare(self, found: dict[str, Earlier]) -> None:
        info = self._selected.info
        if info is None:
            return
        if not is_single(info.tensor):
            self.tensor.compare(found)
            return
        for field, column in (("data", self.card.data), ("grad", self.card.grad)):
            earlier = found.get(field)
            if earlier is None:
                column.show_change(None, "")
            elif earlier.problem or (field == "grad" and not info.has_grad):
                column.show_change(None, "", earlier.problem or words("There is no .grad now."))
            else:
                self._fetch_change(column, earlier, info)

    def _fetch_change(self, column: NumberColumn, earlier: Earlier, info: ValueInfo) -> None:
        def show(number: complex) -> None:
            if self._selected.info is info and self.comparison.since is earlier.since:
                whole = isinstance(number, int)
                column.show_change(number, "int64" if whole else info.tensor.dtype)

        self._reader.fetch_single(change_field(earlier.field, earlier.since), show)
