"""The tab that lists where the program will stop."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui.breakpoints.add_row import AddRow
from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.list_view import BreakpointView
from gradstep.gui.breakpoints.table import BreakpointTable
from gradstep.gui.breakpoints.words import phase_name
from gradstep.gui.cursor import Cursor
from gradstep.gui.panel import Panel
from gradstep.gui.session import Session
from gradstep.gui.word_button import WordButton
from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn
from gradstep.protocol.trace import Loaded


class BreakpointsPanel(Panel):
    """Stands in a tab; ``tools`` belongs into the row of the tabs."""

    toggleRequested = Signal()
    """A breakpoint on the line that is selected in the source."""
    countChanged = Signal(int)

    def __init__(
        self,
        session: Session,
        cursor: Cursor,
        breakpoints: Breakpoints,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("breakpoints", "", parent)
        self.set_title(self.tr("Breakpoints"))
        self._session, self._breakpoints = session, breakpoints
        self.table = BreakpointTable(breakpoints, self)
        self.view = BreakpointView(self.table, self)
        self.view.lineChosen.connect(cursor.select_line)
        self.row = AddRow(self)
        self.row.wanted.connect(self._add)
        self.row.closed.connect(self.view.setFocus)
        self.tools = WordButton(self.tr("Add"))
        self.empty = self._make_empty()
        self._dress(self.tools)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.view)
        self.body.addWidget(self.row)
        self.body.addWidget(self.stack, 1)
        breakpoints.changed.connect(self._refresh)
        session.programOpened.connect(self._open)
        session.loaded.connect(self._name)
        self._shown = -1
        self._refresh()

    def choose(self, id: int) -> None:
        """Make the row of breakpoint ``id`` the current one."""
        self.view.choose(id)

    def edit_condition(self, id: int) -> None:
        """Open the field for the condition of breakpoint ``id``."""
        self.view.edit_condition(id)

    # ------------------------------------------------------------------ parts

    def _make_empty(self) -> QWidget:
        words = QLabel(
            self.tr(
                "No breakpoints. Click beside a line number, or add one on an operation, "
                "a module or a node of backward."
            )
        )
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setProperty("quiet", True)
        words.setMaximumWidth(420)
        words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(24, 8, 24, 8)
        column.addStretch(1)
        middle = QHBoxLayout()
        middle.addWidget(words)
        column.addLayout(middle)
        column.addStretch(1)
        return page

    def _dress(self, button: QToolButton) -> None:
        button.setObjectName("breakpoints_add")
        button.setToolTip(self.tr("Add a breakpoint"))
        button.setAccessibleName(self.tr("Add a breakpoint"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setObjectName("menu_breakpoints")
        self._line = self._entry(menu, "line", self.tr("On the selected line"))
        self._line.triggered.connect(self.toggleRequested)
        for on, words in (
            (BreakOn.OPERATION, self.tr("On an operation…")),
            (BreakOn.MODULE, self.tr("On a module…")),
            (BreakOn.NODE, self.tr("On a node of backward…")),
            (BreakOn.ITERATION, self.tr("At an iteration…")),
        ):
            entry = self._entry(menu, on.value, words)
            entry.triggered.connect(lambda _=False, on=on: self.row.ask(on))
        phases = menu.addMenu(self.tr("At the end of a phase"))
        phases.setObjectName("menu_breakpoint_phases")
        for phase in (*Phase, None):
            name = phase.value if phase else "any_phase"
            entry = self._entry(phases, name, phase_name(phase))
            entry.triggered.connect(
                lambda _=False, phase=phase: self._add(BreakOn.PHASE, {"phase": phase})
            )
        menu.addSeparator()
        self._none = self._entry(menu, "none", self.tr("Remove all"))
        self._none.triggered.connect(self._breakpoints.remove_all)
        button.setMenu(menu)

    def _entry(self, menu: QMenu, name: str, words: str) -> QAction:
        action = menu.addAction(words)
        action.setObjectName(f"add_breakpoint_{name}")
        return action

    # ------------------------------------------------------------------ facts

    def _add(self, on: BreakOn, fields: dict[str, Any]) -> None:
        made = self._breakpoints.add(on, **fields)
        self.view.choose(made.id)
        self.view.setFocus()

    def _open(self, path: str) -> None:
        self.table.lines.clear()
        self.table.main = self._session.identity
        self.row.hide()
        self._refresh()

    def _name(self, loaded: Loaded) -> None:
        # A module is known by its name until it has loaded.
        self.table.main = loaded.file or self.table.main
        self.table.refresh()

    def _refresh(self) -> None:
        count = len(self._breakpoints.list)
        self.stack.setCurrentWidget(self.view if count else self.empty)
        self._none.setEnabled(count > 0)
        # Rows with a problem are higher.
        self.view.scheduleDelayedItemsLayout()
        if count != self._shown:
            self._shown = count
            self.countChanged.emit(count)
        hit = self._breakpoints.hit
        if hit:
            row = self.table.row_of(hit[0])
            self.view.scrollTo(self.table.index(row, 0))
