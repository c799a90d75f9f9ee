"""The value panel: what is selected, now, and what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QMenu,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from gradstep.gui.panel import Panel
from gradstep.gui.tab_order import tab_within
from gradstep.gui.tracks import Tracks
from gradstep.gui.value.content import Content, Selected
from gradstep.gui.value.history import LEAVES
from gradstep.gui.value.names import EmptyPage, NamesModel, NamesPopup
from gradstep.gui.value.reader import Reader
from gradstep.gui.value.table import Window
from gradstep.gui.value.tensor import FIELDS
from gradstep.gui.value.words import is_read, is_single, watched_name
from gradstep.gui.word_button import WordButton
from gradstep.protocol.examination import BESIDE
from gradstep.protocol.messages import PASSING, Problem
from gradstep.protocol.trace import Reason, Stop
from gradstep.protocol.values import ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.cursor import Cursor
    from gradstep.gui.session import Session


_NEAR = (Reason.START, Reason.STEP, Reason.PHASE, Reason.REFUSED, Reason.LOST)
"""Stops between which at most one phase passes."""


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
        self._selected = Selected()
        self._to_pin = ""
        self._names = NamesModel(self)
        self.reader = Reader(session, self)
        self._build_title()
        self.tracks = Tracks(session, self)
        content = self.content = Content(session, self.reader, self.tracks, self)
        self.header, self.card, self.tensor = content.header, content.card, content.tensor
        self.statistics, self.facts = content.statistics, content.facts
        self.happened, self.cards, self.details = content.happened, content.cards, content.details
        self.history = content.history
        self._menu.addSeparator()
        self._menu.addActions(self.details.actions(self))
        self._pages = QStackedLayout()
        self._pages.addWidget(self._build_empty())
        self._pages.addWidget(content)
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
        self.popup.names.pinned.connect(self.pinRequested)
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
        # Made here, as an object of ours: the one that ``menu.addAction(text, slot)`` returned was
        # once found dead in a window that lived.
        self._watch = QAction(self.tr("Watch this value"), self, checkable=True)
        self._watch.triggered.connect(self._pin)
        menu.addAction(self._watch)
        menu.addSeparator()
        menu.addActions([self._copy, self._all_digits])
        self._menu = menu
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _build_empty(self) -> QWidget:
        page = self._empty = EmptyPage(self._names, self)
        self._sentence, self.names = page.sentence, page.names
        self.names.chosen.connect(self._cursor.select)
        self.names.pinned.connect(self.pinRequested)
        return page

    def _connect(self, session: Session) -> None:
        session.programOpened.connect(self.clear)
        session.stopped.connect(self.show_stop)
        session.valuesChanged.connect(self.show_values)
        self._cursor.selected.connect(self.select)
        self.reader.described.connect(self.show_info)
        self.reader.missed.connect(self._miss)
        self.reader.waitingChanged.connect(self._show_title)
        self.tensor.wanted.connect(self._fetch)
        self.details.opened.connect(self._cursor.select)
        self.details.told.connect(self._tell)

    # -- facts from the session --------------------------------------------------------------

    def clear(self, path: str = "") -> None:
        """A new program: nothing of the old one is left."""
        self._stop = None
        self.content.clear()
        self._names.set_values(())
        ref = self._selected.ref
        self._selected = Selected()
        if ref.startswith("#"):
            self._cursor.select("")  # a place on the old graph is nothing on the new one
            ref = ""
        self.select(ref)

    def show_stop(self, stop: Stop) -> None:
        """The program stands still: what is selected may have changed."""
        self._stop = stop
        self.content.stand(stop, jumped=stop.reason not in _NEAR)
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
        self._selected = Selected(ref)
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
        self._show(anew=False)

    # -- showing -----------------------------------------------------------------------------

    def show_info(self, info: ValueInfo) -> None:
        """``info`` is what the selected value is now."""
        anew = self._selected.info is None
        self._selected.info, self._selected.past = info, ""
        self._selected.seen = self._iteration
        self.history.note(info, self._iteration)
        self.header.setToolTip("")
        self._show(anew=anew)
        self.content.measure(anew=anew)
        to_pin, self._to_pin = self._to_pin, ""
        if to_pin and to_pin == self._selected.ref:
            self._pin()

    def _show(self, *, anew: bool) -> None:
        self.content.show_value(self._selected, anew=anew)
        self._pages.setCurrentIndex(1)
        self._show_title()

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
        self._watch.setEnabled(self.pin.isEnabled())
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
        self._watch.setChecked(pinned)
        tip = self.tr("Watch it no longer") if pinned else self.tr("Watch this value")
        self.pin.setToolTip(tip)

    def pin_value(self, ref: str) -> None:
        """Show the value called ``ref`` and watch it, or no longer."""
        self._cursor.select(ref)
        if self._selected.info is not None:
            self._pin()
        else:
            self._to_pin = ref  # when it has been described

    def focusNextPrevChild(self, next: bool) -> bool:
        shown = self.content.column if self._pages.currentIndex() else self._empty
        moved = tab_within(self, (self.title_row, shown), forward=next)
        now = QApplication.focusWidget()
        if now is not None and self.content.isAncestorOf(now):
            self.content.ensureWidgetVisible(now)
        return moved

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._pages.currentIndex():
            self._menu.popup(event.globalPos())

    def _tell(self, problem: str) -> None:
        self.details.edited.tell(problem)

    def _pin(self) -> None:
        name = self.watchable()
        if name:
            self.pinRequested.emit(name)
        else:
            self._tell(self.tr("It has no name that lasts: at the next iteration it is another."))

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
