"""The value panel: what is selected, now, and what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QMenu,
    QScrollArea,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import Panel
from gradstep.gui.theme import theme
from gradstep.gui.value.details import Details
from gradstep.gui.value.facts import Facts, StatisticsTable
from gradstep.gui.value.happened import Happened, changed_by
from gradstep.gui.value.header import Header
from gradstep.gui.value.history import LEAVES, History, change_of, single
from gradstep.gui.value.names import EmptyPage, NamesModel, NamesPopup
from gradstep.gui.value.reader import Reader
from gradstep.gui.value.scalar import ScalarCard, Shown
from gradstep.gui.value.table import Window
from gradstep.gui.value.tensor import FIELDS, TensorView
from gradstep.gui.value.words import grad_reason, is_read, is_single, watched_name
from gradstep.gui.word_button import WordButton
from gradstep.phases import Phase
from gradstep.protocol.examination import BESIDE
from gradstep.protocol.messages import PASSING, Problem
from gradstep.protocol.trace import Reason, Stop
from gradstep.protocol.values import Statistics, ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.cursor import Cursor
    from gradstep.gui.session import Session


_NEAR = (Reason.START, Reason.STEP, Reason.PHASE, Reason.REFUSED, Reason.LOST)
"""Stops between which at most one phase passes."""


@dataclass
class _Selected:
    """What is shown: the value called ``ref``. ``past`` says since when it is gone, or nothing."""

    ref: str = ""
    info: ValueInfo | None = None
    past: str = ""
    seen: int = 0


class ValuePanel(Panel):
    """Shows the value that the cursor selects. It reads it anew at every stop; a value that is
    gone stays in its last state, marked as past."""

    pinRequested = Signal(str)
    """What is watched from now on, or no longer."""
    shownChanged = Signal()

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("value", "", parent)
        self._session, self._cursor = session, cursor
        self._stop: Stop | None = None
        self._jumped = False
        """Whether phases have been passed without a look at the values between them."""
        self._selected = _Selected()
        self._names = NamesModel(self)
        self.history = History()
        self.reader = Reader(session, self)
        self._build_title()
        self._pages = QStackedLayout()
        self._pages.addWidget(self._build_empty())
        self._pages.addWidget(self._build_content())
        self.body.addLayout(self._pages, 1)
        self._connect(session)
        self.select(cursor.ref)

    # -- building ----------------------------------------------------------------------------

    def _build_title(self) -> None:
        self.choose = WordButton(self.tr("Choose"), self)
        self.choose.setObjectName("value_choose")
        self.choose.setToolTip(self.tr("Choose among all named values"))
        self.choose.setAccessibleName(self.choose.toolTip())
        self.add_to_title(self.choose)
        self.popup = NamesPopup(self._names, self)
        self.popup.names.chosen.connect(self._cursor.select)
        self.choose.clicked.connect(self._open_popup)
        self._copy = QAction(self.tr("Copy value"), self)
        self._copy.setShortcut(QKeySequence.StandardKey.Copy)
        self._copy.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._all_digits = QAction(self.tr("Show all digits"), self, checkable=True)
        self._copy.triggered.connect(self.copy)
        self._all_digits.toggled.connect(self._show_digits)
        self.addAction(self._copy)
        self.pin = self.add_tool("pin", self.tr("Watch this value"), checkable=True)
        self.pin.setObjectName("value_pin")
        self.pin.clicked.connect(self._pin)
        more = self.add_tool("more", self.tr("More about the value"))
        menu = QMenu(more)
        menu.addActions([self._copy, self._all_digits])
        self._menu = menu
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _build_empty(self) -> QWidget:
        page = EmptyPage(self._names, self)
        self._sentence, self.names = page.sentence, page.names
        self.names.chosen.connect(self._cursor.select)
        return page

    def _build_content(self) -> QWidget:
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget(area)
        content.setObjectName("value_content")
        padding = theme().size("space", "panel_padding")
        self.header, self.card = Header(content), ScalarCard(content)
        self.tensor = TensorView(content)
        self.statistics, self.facts = StatisticsTable(content), Facts(content)
        self.happened = Happened(content)
        self.cards = QVBoxLayout()
        """What explains the value goes here: below its number, above its facts."""
        self.cards.setSpacing(theme().size("space", "between_cards"))
        layout = QVBoxLayout(content)
        layout.setContentsMargins(padding, 10, padding, 10)
        layout.setSpacing(10)
        details = self.details = Details(self._session, self.reader, self.card, self.tensor, self)
        details.opened.connect(self._cursor.select)
        details.told.connect(self._tell)
        self._menu.addSeparator()
        self._menu.addActions(details.actions(self))
        layout.addWidget(self.header)
        layout.addWidget(self.card)
        layout.addWidget(self.tensor, 100)
        layout.addWidget(details.edited)
        layout.addWidget(self.happened)
        layout.addLayout(self.cards)
        layout.addWidget(self.statistics)
        layout.addWidget(details.optimizer)
        layout.addWidget(details.saved)
        layout.addWidget(self.facts)
        layout.addStretch(1)
        area.setWidget(content)
        bar = area.verticalScrollBar()
        # Into its own margin: what stands beside a bar is as wide as without one.
        bar.rangeChanged.connect(
            lambda _, end: layout.setContentsMargins(
                padding, 10, padding - (bar.sizeHint().width() if end else 0), 10
            )
        )
        for ground in (area.viewport(), content):
            ground.setBackgroundRole(QPalette.ColorRole.Base)
        return area

    def _connect(self, session: Session) -> None:
        session.programOpened.connect(self.clear)
        session.stopped.connect(self.show_stop)
        session.valuesChanged.connect(self.show_values)
        self._cursor.selected.connect(self.select)
        self.reader.described.connect(self.show_info)
        self.reader.missed.connect(self._miss)
        self.reader.fetched.connect(self.tensor.receive)
        self.reader.measured.connect(self._show_statistics)
        self.reader.waitingChanged.connect(self._show_title)
        self.tensor.wanted.connect(self._fetch)

    # -- facts from the session --------------------------------------------------------------

    def clear(self, path: str = "") -> None:
        """A new program: nothing of the old one is left."""
        self._stop = None
        self._jumped = False
        self.history.clear()
        self._names.set_values(())
        ref = self._selected.ref
        self._selected = _Selected()
        if ref.startswith("#"):
            self._cursor.select("")  # a place on the old graph is nothing on the new one
            ref = ""
        self.select(ref)

    def show_stop(self, stop: Stop) -> None:
        """The program stands still: what is selected may have changed."""
        self._stop = stop
        self._jumped |= stop.reason not in _NEAR
        if stop.reason is Reason.LOST:
            self._become_past(self.tr("The program's process is gone."))
        elif is_read(self._selected.ref):
            self.reader.describe()

    def show_values(self, values: tuple[ValueInfo, ...]) -> None:
        """The named values that are alive now."""
        self._names.set_values(values)
        for info in values:
            self.history.note(info, self._iteration)
        self._show_sentence()
        ref = self._selected.ref
        if not ref or is_read(ref):
            return
        found = next((info for info in values if info.ref == ref), None)
        if found is not None:
            self.show_info(found)
        elif self._selected.info is not None:
            self._become_past(self.tr("There is no value called {0} here.").format(ref))
        else:
            self.reader.describe()

    @property
    def _iteration(self) -> int:
        return self._stop.iteration if self._stop else 0

    # -- selecting ---------------------------------------------------------------------------

    def select(self, ref: str) -> None:
        """Show the value called ``ref``; ``""`` shows the list of all."""
        if ref == self._selected.ref and ref:
            return
        self._selected = _Selected(ref)
        self.reader.about(ref)
        self._pages.setCurrentIndex(0)
        self._show_sentence()
        self._show_title()
        if not ref:
            return
        found = next((info for info in self._names.values if info.ref == ref), None)
        if found is not None:
            self.show_info(found)
        elif self._stop is not None:
            self.reader.describe()

    def _miss(self, problem: Problem) -> None:
        """The selected value cannot be described."""
        if problem.kind in PASSING:
            return  # it runs; at the next stop it is asked again
        info = self._selected.info
        if info is not None and info.kind in LEAVES and info.name in self._names.refs():
            # A leaf was chosen on a graph that is gone; by its name it lives on.
            self._cursor.select(info.name)
        elif info is not None:
            self._become_past(problem.message)
        else:
            self._show_sentence(problem.message)

    def _become_past(self, why: str) -> None:
        info = self._selected.info
        if info is None or self._selected.past:
            return
        last = self.tr("Past: last seen in iteration {0}").format(self._selected.seen)
        self._selected.past = last
        self.header.setToolTip(why)
        self._show(info, anew=False)

    # -- showing -----------------------------------------------------------------------------

    def show_info(self, info: ValueInfo) -> None:
        """``info`` is what the selected value is now."""
        anew = self._selected.info is None
        self._selected.info, self._selected.past = info, ""
        self._selected.seen = self._iteration
        self.history.note(info, self._iteration)
        self.header.setToolTip("")
        self._show(info, anew=anew)
        if not is_single(info.tensor) and info.tensor.numel:
            if anew:
                for field in FIELDS:
                    self.statistics.show_statistics(field, None)
            elif not info.has_grad:
                self.statistics.show_statistics("grad", None)
            self.reader.measure(info, anew=anew)

    def _show(self, info: ValueInfo, *, anew: bool) -> None:
        past, alone = self._selected.past, is_single(info.tensor)
        self.header.show_info(info, past)
        self.card.setVisible(alone)
        self.tensor.setVisible(not alone)
        self.statistics.setVisible(not alone and info.tensor.numel > 0)
        changed = {field: None if past else changed_by(self._stop, info, field) for field in FIELDS}
        if alone:
            data, grad = (self._shown(info, field, changed[field]) for field in FIELDS)
            self.card.show_values(data, grad, info.tensor.dtype, past=bool(past))
        else:
            self.tensor.show_info(info, changed, self._reason(info), anew=anew, past=bool(past))
        self.happened.show_step(self._stop, info, bool(past))
        self.facts.show_info(info)
        self.details.show(self._selected.ref, info, bool(past))
        self._pages.setCurrentIndex(1)
        self._show_title()

    def _reason(self, info: ValueInfo) -> str:
        had = self.history.had_grad(info)
        return grad_reason(info, had=had, later=self._jumped)

    def _shown(self, info: ValueInfo, field: str, changed: Phase | None) -> Shown:
        preview = info.data if field == "data" else info.grad
        if field == "grad" and not info.has_grad:
            return Shown(None, self._reason(info), changed=changed)
        if preview is None or preview.problem:
            return Shown(None, preview.problem if preview else "", True, changed)
        note = self._was(info, field)
        if info.tensor.dtype.startswith("complex"):
            note = self.tr("absolute value of a complex number")
        return Shown(single(preview), note, changed=changed)

    def _was(self, info: ValueInfo, field: str) -> str:
        change = change_of(self._stop, info, field)
        before = single(change.before) if change is not None else None
        if before is not None and before != single(info.data if field == "data" else info.grad):
            return self.tr("was {0} before").format(format_number(before, info.tensor.dtype))
        earlier = self.history.earlier(info, field)
        if earlier is None:
            return ""
        text = format_number(earlier.number, info.tensor.dtype) or "None"
        if earlier.iteration == self._selected.seen:
            return self.tr("was {0} before").format(text)
        # The number does not stand alone on a line of its own.
        return self.tr("was {0} in iteration\N{NO-BREAK SPACE}{1}").format(text, earlier.iteration)

    def _show_statistics(self, field: str, found: Statistics) -> None:
        self.statistics.show_statistics(field, found)
        self.tensor.show_statistics(field, found)

    def _show_title(self, waiting: bool = False) -> None:
        info = self._selected.info
        ref = self._selected.ref
        name = info.name if info is not None and BESIDE not in ref else ref
        parts = [name] if name else []
        if self._selected.past:
            parts.append(self.tr("past"))
        elif waiting:
            parts.append(self.tr("updating"))
        self.set_title(self.tr("Value"), " · ".join(parts))
        self.pin.setEnabled(bool(self.watchable()))
        self.shownChanged.emit()

    def _show_sentence(self, problem: str = "") -> None:
        text = self.tr("Select a node.")
        if self._names.values:
            text = self.tr("Select a node, or one of the values alive now:")
        self._sentence.setText(problem or text)
        self.choose.setVisible(bool(self._names.values))
        self.names.setVisible(bool(self._names.values))
        alone = Qt.AlignmentFlag.AlignCenter
        beside = Qt.AlignmentFlag.AlignLeft
        self._sentence.setAlignment(beside if self._names.values else alone)

    # -- what the person does ----------------------------------------------------------------

    def _fetch(self, field: str, window: Window) -> None:
        info = self._selected.info
        if info is not None and not self._selected.past:
            self.reader.fetch(info, field, self.tensor.index, window)

    def _show_digits(self, on: bool) -> None:
        self.tensor.show_all_digits(on)

    def _open_popup(self) -> None:
        corner = self.mapToGlobal(QPoint(self.width() - 8, self.title_row.height()))
        self.popup.open_at(corner, min(self.width() - 16, 420))

    def watchable(self) -> str:
        """What the watch list calls the selected value; "" for one without a name, which is
        another one at the next iteration."""
        return watched_name(self._selected.ref, self._selected.info)

    def show_pinned(self, pinned: bool) -> None:
        """Whether the watch list has the selected value."""
        self.pin.setChecked(pinned)
        tip = self.tr("Watch it no longer") if pinned else self.tr("Watch this value")
        self.pin.setToolTip(tip)

    def _tell(self, problem: str) -> None:
        self.details.edited.tell(problem)

    def _pin(self) -> None:
        self.pinRequested.emit(self.watchable())

    def copy(self) -> None:
        """The selected elements, or the number, with all digits, to the clipboard."""
        info = self._selected.info
        if info is None:
            return
        if is_single(info.tensor):
            text = self.card.data.number.exact
        else:
            tables = (self.tensor.tables[field].grid for field in FIELDS)
            text = next((copied for grid in tables if (copied := grid.copied())), "")
        if text:
            QGuiApplication.clipboard().setText(text.replace("−", "-"))
