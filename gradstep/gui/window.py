"""The window: menu row, toolbar, panels, status line. It connects them and knows no program."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMessageBox, QVBoxLayout, QWidget

import gradstep
from gradstep.assets import resource
from gradstep.gui import menus
from gradstep.gui.actions import ActionSet, Context
from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.buttons import REST
from gradstep.gui.calm import CalmState
from gradstep.gui.cursor import Cursor
from gradstep.gui.message_bar import MessageBar
from gradstep.gui.motion import reduced_motion
from gradstep.gui.program_tag import ProgramTag
from gradstep.gui.session import Session
from gradstep.gui.status import StatusLine
from gradstep.gui.theme import theme
from gradstep.gui.toolbar import SPEEDS, Toolbar
from gradstep.gui.workspace import Workspace
from gradstep.protocol.breakpoints import BreakOn
from gradstep.protocol.trace import Goal, Place
from gradstep.protocol.values import ValueInfo, ValueKind

FRAME = 32
"""Height that a window manager's title bar may take."""


class MainWindow(QMainWindow):
    """One session in one window."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self.cursor_ = session, Cursor(self)
        self.setObjectName("window")
        self.setWindowTitle("gradstep")
        self.setAcceptDrops(True)
        self.setMinimumSize(self._fitting("minimum"))
        self.calm = CalmState(session, self)
        self.appearance = ""
        self.still = False
        self._looked = False
        self.recent = menus.RecentFiles()
        # Told of a stop before the views that show what was hit.
        self.breakpoints = Breakpoints(session, self)
        self.actions_ = ActionSet(self, self)
        self.toolbar = Toolbar(session, self.actions_, self)
        self.workspace = Workspace(session, self.cursor_, self.breakpoints, self)
        self.graph = self.workspace.graph
        self.message = MessageBar(session)
        self.status = StatusLine(session, self.calm, self.breakpoints, self)
        self._lay_out()
        self._connect()
        self._restore()
        self._refresh()

    def _lay_out(self) -> None:
        # Not the platform's own menu bar: the row also says which program is open.
        self.menuBar().setNativeMenuBar(False)
        self.menuBar().setFixedHeight(theme().size("window", "menu"))
        menus.fill(self.menuBar(), self.actions_, self.recent, self.open_file)
        self.tag = ProgramTag(self.session, self.menuBar())
        self.menuBar().setCornerWidget(self.tag, Qt.Corner.TopRightCorner)
        self.addActions(list(self.actions_.actions.values()))
        self.workspace.graph.add_bar(self.message)
        centre = QWidget()
        centre.setObjectName(REST)
        centre.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.toolbar)
        layout.addWidget(self.workspace, 1)
        layout.addWidget(self.status)
        self.setCentralWidget(centre)
        centre.setFocus()

    def _connect(self) -> None:
        self.calm.changed.connect(self._refresh)
        # After the status line, whose headline the title repeats for the taskbar.
        for fact in (self.session.programOpened, self.session.stopped, self.calm.changed):
            fact.connect(self._name)
        self.session.programOpened.connect(self._look_away)
        self.session.valuesChanged.connect(self._look_at_parameter)
        source = self.workspace.source
        source.openRequested.connect(self.ask_for_program)
        source.placeChanged.connect(self._refresh)
        source.conditionRequested.connect(self.workspace.edit_condition)
        source.runRequested.connect(self._run_to)
        self.graph.stopRequested.connect(self._stop_before)
        self.graph.changed.connect(self._refresh)
        self.workspace.pinChanged.connect(self._refresh)
        self.workspace.breakpoints.toggleRequested.connect(self.toggle_breakpoint)
        self.message.restartRequested.connect(self.session.restart)
        self.cursor_.told.connect(self.status.tell)
        self.message.lineRequested.connect(self.cursor_.select_line)
        self.toolbar.speed.activated.connect(
            lambda i: QSettings().setValue("speed", SPEEDS[i] or 0)
        )

    def _refresh(self) -> None:
        session, line = self.session, self.workspace.source.place is not None
        state, playing = self.calm.state, session.playing
        graph = self.graph
        self.actions_.refresh(
            Context(
                state,
                playing,
                self.appearance,
                self.still,
                line,
                session.attached,
                graph=bool(graph.canvas.picture.items),
                overview=graph.canvas.picture.scene.overview,
                follow=graph.follow.isChecked(),
                minimap=graph.minimap.wanted,
                watchable=bool(self.workspace.value.watchable()),
                watched=self.workspace.value.pin.isChecked(),
            )
        )

    def _look_away(self) -> None:
        self._looked = False
        self.cursor_.select("")

    def _look_at_parameter(self, values: tuple[ValueInfo, ...]) -> None:
        """The first look is at the program's first parameter; after that the person chooses."""
        first = next((v.ref for v in values if v.kind is ValueKind.PARAMETER), "")
        if first and not self._looked:
            self._looked = True
            self.cursor_.select(self.cursor_.ref or first)

    def _name(self) -> None:
        words = (Path(self.session.path).name, self.status.headline(), "gradstep")
        self.setWindowTitle(" – ".join(word for word in words if word))

    # ------------------------------------------------------------------ verbs

    def open_file(self, path: str) -> None:
        """Debug ``path`` from now on."""
        path = os.path.abspath(path)
        if resource("lessons") not in Path(path).parents:
            self.recent.add(path)
        self.session.open(path)

    def ask_for_program(self) -> None:
        """Let the person choose a file."""
        dialog = QFileDialog(self, self.tr("Open a script"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("Python files (*.py)"), self.tr("All files (*)")])
        here = self.recent.paths()
        dialog.setDirectory(str(Path(here[0]).parent) if here else os.getcwd())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def run_to_cursor(self) -> None:
        """Go on to the line that is selected in the source."""
        place = self.workspace.source.place
        if place is not None:
            self._run_to(place.file, place.line)

    def _run_to(self, file: str, line: int) -> None:
        self.session.advance(Goal.LINE, Place(file, line))

    def _stop_before(self, on: BreakOn, pattern: str) -> None:
        self.workspace.breakpoints.choose(self.breakpoints.add(on, pattern=pattern).id)
        self.workspace.tabs.setCurrentWidget(self.workspace.breakpoints)

    def toggle_breakpoint(self) -> None:
        """Stop before the line that is selected in the source, or no longer."""
        place = self.workspace.source.place
        if place is not None:
            self.breakpoints.toggle_line(place.file, place.line)

    def toggle_watch(self) -> None:
        """Pin the selected value to the watch list, or no longer."""
        self.workspace.pin(self.workspace.value.watchable())

    def set_appearance(self, appearance: str) -> None:
        """``light``, ``dark``, or ``""`` to follow the system; remembered."""
        self.appearance = appearance
        QSettings().setValue("appearance", appearance)
        theme().force(appearance or None)
        self._refresh()

    def toggle_motion(self) -> None:
        """Whether the graph moves; remembered."""
        self._set_still(not self.still)
        QSettings().setValue("still", int(self.still))
        self._refresh()

    def _set_still(self, still: bool) -> None:
        self.still = still
        self.workspace.graph.set_motion(not still)

    def show_keys(self) -> None:
        self.workspace.tabs.setCurrentWidget(self.workspace.keys)

    def show_about(self) -> None:
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("About gradstep"))
        box.setText(f"<b>gradstep {gradstep.__version__}</b>")
        box.setInformativeText(
            self.tr("A step-debugger for PyTorch training. MIT licence.\n")
            + self.tr("Fonts: Inter, JetBrains Mono and STIX Two (SIL Open Font License).")
        )
        box.open()

    # ------------------------------------------------------------------ memory

    def _restore(self) -> None:
        settings = QSettings()
        self.resize(self._fitting("default"))
        geometry = settings.value("window/geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.workspace.restore(settings)
        self.appearance = str(settings.value("appearance", "") or "")
        if self.appearance:
            theme().force(self.appearance)
        chosen = settings.value("still")
        self._set_still(reduced_motion() if chosen is None else bool(int(str(chosen))))
        speed = float(str(settings.value("speed", 0) or 0))
        self.session.set_speed(speed if speed in SPEEDS else None)
        self.toolbar.show_speed(self.session.speed)

    def _fitting(self, name: str) -> QSize:
        """A size of the theme, or what the screen has room for: a window manager may leave a window
        that reaches beyond the screen as it is."""
        room = self.screen().availableSize() - QSize(0, FRAME)
        return QSize(*theme().size("window", name)).boundedTo(room)

    def closeEvent(self, event: QCloseEvent) -> None:
        settings = QSettings()
        settings.setValue("window/geometry", self.saveGeometry())
        self.workspace.save(settings)
        # Out of sight first: a program that has ended may take a moment to leave.
        self.hide()
        self.graph.give_up()
        self.session.close()
        event.accept()

    # ------------------------------------------------------------------ drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path:
            event.acceptProposedAction()
            self.open_file(path)


def _dropped(event: QDropEvent) -> str:
    """The one local file that is dragged; empty for anything else."""
    urls = event.mimeData().urls()
    return urls[0].toLocalFile() if len(urls) == 1 else ""
