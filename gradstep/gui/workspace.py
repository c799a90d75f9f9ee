"""How the panels share the window, wide and narrow."""

from __future__ import annotations

from PySide6.QtCore import QSettings, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.panel import BreakpointsPanel
from gradstep.gui.cards.panel import Cards
from gradstep.gui.cursor import Cursor
from gradstep.gui.graph.panel import GraphPanel
from gradstep.gui.guide import Guide
from gradstep.gui.lesson import LessonPanel
from gradstep.gui.lesson.course import Course
from gradstep.gui.panel import Panel
from gradstep.gui.panels.console import ConsolePanel
from gradstep.gui.panels.keys import KeysPanel
from gradstep.gui.panels.log import LogPanel
from gradstep.gui.panels.source import SourcePanel
from gradstep.gui.plots.loss import LossPanel
from gradstep.gui.plots.panel import PlotsPanel
from gradstep.gui.session import Session
from gradstep.gui.splitter import Splitter
from gradstep.gui.tabs import Tabs, Tone
from gradstep.gui.theme import theme
from gradstep.gui.timeline import TimelinePanel
from gradstep.gui.value.panel import ValuePanel
from gradstep.gui.watch.keeper import WatchList
from gradstep.gui.watch.panel import WatchPanel

PLOTS_APART = 1200
"""Below this width the plots are tabs beside the console."""
SOURCE_APART = 1100
"""Below this width the source is a tab, too."""
TABS_WIDTH = 600


class Workspace(QWidget):
    """Source, graph and value side by side; the timeline; below it what runs over time."""

    pinChanged = Signal()
    """Whether the selected value is watched, or could be, may be another now."""

    def __init__(
        self, session: Session, cursor: Cursor, breakpoints: Breakpoints, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.guide = Guide(session, cursor, self)
        self.source = SourcePanel(session, cursor, breakpoints)
        self.graph = GraphPanel(session, cursor)
        self.value = ValuePanel(session, cursor)
        self.cards = Cards(session, cursor)
        self.value.cards.addWidget(self.cards)
        self.value.tensor.elementChosen.connect(self.cards.show_element)
        self.timeline = TimelinePanel(session, cursor)
        self.console = ConsolePanel(session)
        self.breakpoints = BreakpointsPanel(session, cursor, breakpoints)
        self.watches = WatchList(session, self)
        self.watch = WatchPanel(self.watches, self.value.tracks)
        self.log = LogPanel(session, cursor)
        self.keys = KeysPanel()
        self.lesson = LessonPanel(Course(session, self))
        self.lesson.offered.connect(self._offer_lesson)
        self.loss = LossPanel(session, cursor)
        self.plots = PlotsPanel(session, cursor)
        self.plots_apart = self.source_apart = True
        self.tabs = Tabs("tabs")
        for panel in (self.console, self.breakpoints, self.watch, self.log, self.keys):
            self._add_tab(panel)
        self.tabs.set_tools(self.breakpoints, self.breakpoints.tools)
        self.breakpoints.countChanged.connect(self._count_breakpoints)
        self.watch.countChanged.connect(self._count_watched)
        self.watch.opened.connect(cursor.select)
        self.watches.changed.connect(self._show_pin)
        self.value.content.comparison.pinned = self.watches.tensors
        self.value.pinRequested.connect(self.pin)
        self.graph.pinRequested.connect(self.value.pin_value)
        self.value.shownChanged.connect(self._show_pin)
        self.log.countChanged.connect(self._count_findings)
        self.top = Splitter("top", Qt.Orientation.Horizontal)
        self.bottom = Splitter("bottom", Qt.Orientation.Horizontal)
        self.halves = Splitter("halves", Qt.Orientation.Vertical)
        self._lay_out()

    def _lay_out(self) -> None:
        size = theme().size
        for panel in (self.source, self.graph, self.value):
            width = size("window", f"{panel.objectName()}_width", "minimum")
            panel.setMinimumWidth(width)
            self.top.addWidget(panel)
        self.top.setStretchFactor(1, 1)
        for i in (0, 2):
            self.top.setStretchFactor(i, 0)
        upper = QWidget()
        layout = QVBoxLayout(upper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.top, 1)
        layout.addWidget(self.timeline)
        self.bottom.addWidget(self.tabs)
        self.bottom.addWidget(self.loss)
        self.bottom.addWidget(self.plots)
        self.bottom.setStretchFactor(1, 1)
        self.tabs.setMinimumHeight(120)
        self._keep_tabs_whole()
        for plot in (self.loss, self.plots):
            plot.setMinimumWidth(240)
        self.halves.addWidget(upper)
        self.halves.addWidget(self.bottom)
        self.halves.setStretchFactor(0, 1)
        self.halves.setStretchFactor(1, 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.halves)
        self.reset_sizes()

    def reset_sizes(self) -> None:
        """The sizes of a first start."""
        size = theme().size
        width, height = size("window", "default")
        bottom = size("window", "bottom")
        widths = [size("window", f"{p}_width", "default") for p in ("source", "graph", "value")]
        self.top.setSizes(widths)
        self.halves.setSizes([height - bottom, bottom])
        # The right-hand plot stands below the value.
        self.bottom.setSizes([TABS_WIDTH, width - TABS_WIDTH - widths[2], widths[2]])

    def sizeHint(self) -> QSize:
        return QSize(*theme().size("window", "default"))

    # ------------------------------------------------------------------ narrow and wide

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(event.size().width())

    def _arrange(self, width: int) -> None:
        plots, source = width >= PLOTS_APART, width >= SOURCE_APART
        if plots != self.plots_apart:
            self.plots_apart = plots
            self._move(self.loss, self.bottom, 1, plots)
            self._move(self.plots, self.bottom, 2, plots)
        if source != self.source_apart:
            self.source_apart = source
            self._move(self.source, self.top, 0, source)

    def _move(self, panel: Panel, home: Splitter, index: int, apart: bool) -> None:
        """Put ``panel`` into its splitter, or into a tab."""
        if apart:
            self.tabs.removeTab(self.tabs.indexOf(panel))
            home.insertWidget(index, panel)
            panel.set_titled(True)
            panel.show()
        else:
            self._add_tab(panel, at=0 if panel is self.source else None)
        self.top.setStretchFactor(self.top.indexOf(self.graph), 1)

    def _add_tab(self, panel: Panel, at: int | None = None) -> None:
        panel.set_titled(False)
        name = self.tr("Plots") if panel is self.plots else panel.accessibleName()
        self.tabs.insertTab(self.tabs.count() if at is None else at, panel, name)
        self._keep_tabs_whole()
        if panel.objectName() == "source":
            self.tabs.setCurrentWidget(panel)

    # ------------------------------------------------------------------ tabs

    def _offer_lesson(self, offered: bool) -> None:
        """The first of the tabs, and in front, while a lesson's program is open."""
        if offered:
            self._add_tab(self.lesson, at=1 if self.tabs.indexOf(self.source) == 0 else 0)
            self.tabs.setCurrentWidget(self.lesson)
        else:
            self.tabs.removeTab(self.tabs.indexOf(self.lesson))
            self._keep_tabs_whole()

    def _count_breakpoints(self, count: int) -> None:
        self.tabs.set_count(self.breakpoints, count)
        self._keep_tabs_whole()

    def _count_watched(self, count: int) -> None:
        self.tabs.set_count(self.watch, count)
        self._keep_tabs_whole()

    def pin(self, name: str) -> None:
        """Watch the value or expression of this name, or no longer."""
        self.watches.toggle(name)
        if name in self.watches.expressions:
            self.watch.view.choose(self.watches.expressions.index(name))
            self.tabs.setCurrentWidget(self.watch)

    def _show_pin(self) -> None:
        self.value.show_pinned(self.value.watchable() in self.watches.expressions)
        self.pinChanged.emit()

    def _count_findings(self, count: int) -> None:
        self.tabs.set_count(self.log, count, Tone.WARNING)
        self._keep_tabs_whole()

    def _keep_tabs_whole(self) -> None:
        self.tabs.setMinimumWidth(max(280, self.tabs.row_width()))

    def edit_condition(self, id: int) -> None:
        """Show the breakpoints, with the field for the condition of ``id`` open."""
        self.tabs.setCurrentWidget(self.breakpoints)
        self.breakpoints.edit_condition(id)

    # ------------------------------------------------------------------ memory

    def save(self, settings: QSettings) -> None:
        """Remember the sizes; those of a narrow window are nobody's choice."""
        settings.setValue("workspace/halves", self.halves.saveState())
        if self.plots_apart:
            settings.setValue("workspace/bottom", self.bottom.saveState())
        if self.source_apart:
            settings.setValue("workspace/top", self.top.saveState())

    def restore(self, settings: QSettings) -> None:
        for splitter in (self.halves, self.bottom, self.top):
            state = settings.value(f"workspace/{splitter.objectName()}")
            if state is not None:
                splitter.restoreState(state)
