"""The source panel: the program's text, where it stands in it, and what lines computed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.background import Background
from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.breakpoints.words import explain
from gradstep.gui.calm import CalmState
from gradstep.gui.cursor import Cursor
from gradstep.gui.findings import heading
from gradstep.gui.panel import ElidedLabel, Panel
from gradstep.gui.panels.code import Code, code_of, read_code
from gradstep.gui.panels.code_view import CodeView
from gradstep.gui.panels.gutter import BreakMark
from gradstep.gui.panels.line_menu import LineMenu
from gradstep.gui.panels.line_values import LineValues
from gradstep.gui.panels.marks import Marked, marked_files
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.protocol.trace import Graph, Loaded, Place, Source, Stop


class SourcePanel(Panel):
    """Follows the program from file to file; shows two when backward and Python are in different
    ones."""

    openRequested = Signal()
    conditionRequested = Signal(int)
    """The condition of the breakpoint with this id is to be edited."""
    runRequested = Signal(str, int)
    """The program is to run to a line of a file."""
    placeChanged = Signal()
    """``place`` may be another one."""

    def __init__(
        self,
        session: Session,
        cursor: Cursor,
        breakpoints: Breakpoints,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("source", "", parent)
        self.set_title(self.tr("Source"))
        self._session, self._cursor, self._breakpoints = session, cursor, breakpoints
        self._calm = CalmState(session, self)
        self._background = Background(self)
        self._codes: dict[str, Code] = {}
        self._reading: set[str] = set()
        self._wanted: tuple[Marked, ...] = ()
        self._main = ""
        self._selected = ("", 0)
        self._values = LineValues()
        self.empty = EmptySource(self)
        self.empty.button.clicked.connect(self.openRequested)
        self.body.addWidget(self.empty, 1)
        self.sections = [Section(self), Section(self)]
        for section in self.sections:
            section.hide()
            self._listen_to(section)
            self.body.addWidget(section, 1)
        self._connect()

    def _listen_to(self, section: Section) -> None:
        view, cursor, toggle = section.view, self._cursor, self._breakpoints.toggle_line
        view.lineAsked.connect(lambda line, way: cursor.ask_line(section.file, line, way))
        view.lineHovered.connect(lambda line: cursor.hover_line(section.file, line))
        view.marginClicked.connect(lambda line: toggle(section.file, line))
        view.menuRequested.connect(lambda line, at: self._show_menu(section, line, at))

    @property
    def view(self) -> CodeView:
        """The view in which Python stands."""
        shown = [section for section in self.sections if section.file]
        return (shown[-1] if shown else self.sections[0]).view

    @property
    def place(self) -> Place | None:
        """The line that is selected, or else the one that is marked."""
        shown = [section for section in reversed(self.sections) if section.file]
        for section in shown:
            if section.view.selected:
                return Place(section.file, section.view.selected)
        marked = [(section.file, mark.line) for section in shown for mark in section.view.marks]
        return Place(*marked[-1]) if marked else None

    def _connect(self) -> None:
        self._session.programOpened.connect(self._open)
        self._session.loaded.connect(self._name)
        self._session.stopped.connect(self._follow)
        self._session.graphChanged.connect(self._learn)
        self._calm.changed.connect(self._settle)
        self._session.found.connect(self._decorate)
        self._breakpoints.changed.connect(self._decorate)
        self._cursor.lineHovered.connect(self._hover)
        self._cursor.lineSelected.connect(self._select)
        theme().changed.connect(self._present)

    # ------------------------------------------------------------------ facts

    def _open(self, path: str) -> None:
        self._codes.clear()
        self._reading.clear()
        self._values.clear()
        self._main = os.path.abspath(path)
        self._wanted, self._selected = (), ("", 0)
        for section in self.sections:
            section.dismiss()
        if Path(self._main).is_file():
            self._show((Marked(self._main, (), "", None),))
        else:
            self.set_title(self.tr("Source"))
            self.empty.show()

    def _name(self, loaded: Loaded) -> None:
        if loaded.file and loaded.file != self._main:
            self._main = loaded.file
            self._show((Marked(self._main, (), "", None),))

    def _follow(self, stop: Stop) -> None:
        files = marked_files(stop)
        if files:
            self._show(files)
        else:
            self._unmark()

    def _settle(self) -> None:
        # An arrow that stands still while the program runs would be a lie.
        if self._calm.state is State.RUNNING:
            self._unmark()

    def _unmark(self) -> None:
        for section in self.sections:
            section.view.show_marks(())

    def _learn(self, graph: Graph) -> None:
        self._values.add(graph)
        for section in self.sections:
            section.view.show_values(self._values.of(section.file))

    def _decorate(self) -> None:
        """What stands beside the lines: values, breakpoints, what the phase watch found."""
        for section in self.sections:
            section.view.show_values(self._values.of(section.file))
            section.view.show_breakpoints(self._breaks_of(section.file))
            section.view.show_notes(self._notes_of(section.file))
            section.view.tell_selection()

    def _breaks_of(self, file: str) -> dict[int, BreakMark]:
        breakpoints, marks = self._breakpoints.list, {}
        for found in breakpoints.of_file(file):
            state = breakpoints.state(found.id)
            marks[breakpoints.line_of(found)] = BreakMark(
                enabled=found.enabled,
                conditional=bool(found.condition or found.ignore),
                broken=bool(state.problem),
                hit=found.id in self._breakpoints.hit,
                words=explain(found, state),
            )
        return marks

    def _notes_of(self, file: str) -> dict[int, str]:
        notes: dict[int, list[str]] = {}
        for finding in self._session.findings:
            if finding.place is not None and finding.place.file == file:
                notes.setdefault(finding.place.line, []).append(heading(finding))
        return {line: " · ".join(titles) for line, titles in notes.items()}

    def _show_menu(self, section: Section, line: int, at: QPoint) -> None:
        self._cursor.select_line(section.file, line)
        can_run = self._calm.state is State.STOPPED
        LineMenu(
            self,
            Place(section.file, line),
            self._breakpoints,
            run=partial(self.runRequested.emit, section.file, line) if can_run else None,
            edit=self.conditionRequested.emit,
        ).popup(at)

    # ------------------------------------------------------------------ show

    def _show(self, files: tuple[Marked, ...]) -> None:
        """Read what has not been read yet, then show it; a newer stop overtakes an older."""
        missing = [marked.file for marked in files if marked.file not in self._codes]
        self._wanted = files
        if not missing:
            self._present()
            return
        for file in missing:
            # Once: the same text read a second time would begin at its top again.
            if file not in self._reading:
                self._reading.add(file)
                self._background.do(partial(read_code, file), self._take)

    def _take(self, code: Code) -> None:
        if code.problem and self._session.attached:
            # No file: a cell of a notebook. The program knows its own text.
            self._session.ask(
                "source",
                Source,
                lambda found, _: self._keep(code_of(code.path, found.text, found.title)),
                tag=f"source {code.path}",
                failed=lambda problem: self._keep(code),
                file=code.path,
            )
            return
        self._keep(code)

    def _keep(self, code: Code) -> None:
        self._reading.discard(code.path)
        self._codes[code.path] = code
        if all(marked.file in self._codes for marked in self._wanted):
            self._present()

    def _present(self) -> None:
        files = self._wanted
        if not files:
            return
        self.empty.hide()
        first = self._codes[files[0].file]
        name = (first.title or Path(first.path).name) if len(files) == 1 else ""
        self.set_title(self.tr("Source"), name)
        # The title row names a single file; of two, each has its own caption.
        for i, section in enumerate(self.sections):
            if i < len(files):
                section.present(self._codes[files[i].file], files[i], captioned=len(files) > 1)
            else:
                section.dismiss()
        self._show_selected(anew=False)
        self._decorate()
        self.placeChanged.emit()

    def _hover(self, file: str, line: int) -> None:
        for section in self.sections:
            section.view.show_hovered(line if section.file == file else 0)

    def _select(self, file: str, line: int) -> None:
        """A line was selected, perhaps in another view: its file is shown, too."""
        self._selected = file, line
        if self._wanted and file not in {marked.file for marked in self._wanted}:
            self._show((Marked(file, (), "", None), self._wanted[-1]))
            return
        self._show_selected()
        self.placeChanged.emit()

    def _show_selected(self, *, anew: bool = True) -> None:
        """``anew``: bring it into view even if it is selected already."""
        file, line = self._selected
        for section in self.sections:
            wanted = line if section.file == file else 0
            if anew or section.view.selected != wanted:
                section.view.show_selected(wanted)


class Section(QWidget):
    """A file, with its name and what is next in it when it is not alone."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.file = ""
        self.view = CodeView(self)
        self._name, self._words = ElidedLabel(), QLabel()
        self._name.setFont(theme().font("code", code=True))
        self._name.setProperty("quiet", True)
        self._words.setFont(theme().font("small", weight=500))
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setProperty("quiet", True)
        self._problem.setContentsMargins(16, 12, 16, 12)
        self._caption = QWidget()
        row = QHBoxLayout(self._caption)
        row.setContentsMargins(16, 6, 12, 0)
        row.addWidget(self._name, 1)
        row.addWidget(self._words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._caption)
        layout.addWidget(self._problem)
        layout.addWidget(self.view, 1)

    def present(self, code: Code, marked: Marked, *, captioned: bool) -> None:
        self.file = marked.file
        if self.view.code is not code:
            self.view.show_code(code)
        self._problem.setText(code.problem)
        self._problem.setVisible(bool(code.problem))
        name = code.title or Path(marked.file).name
        self._name.setText(name)
        self._words.setText(marked.caption)
        ink = theme().phase(marked.phase).text if marked.phase else theme().colour("text")
        self._words.setStyleSheet(f"color: {ink.name()}")
        self._caption.setVisible(captioned)
        self.show()
        self.view.show_marks(marked.marks)

    def dismiss(self) -> None:
        self.file = ""
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.y() > theme().size("window", "panel_title"):  # below another
            QPainter(self).fillRect(0, 0, self.width(), 1, theme().colour("border"))


class EmptySource(QWidget):
    """What is there before any program: how to open one."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.button = QPushButton(self.tr("Open a script…"))
        self.button.setObjectName("empty_open")
        self.button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        words = QLabel(self.tr("or drop a .py file here"))
        words.setProperty("faint", True)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addStretch(2)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def sizeHint(self) -> QSize:
        return QSize(360, 400)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme().colour("border_strong"), 1)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        radius = theme().size("radius", "card")
        painter.drawRoundedRect(self.rect().adjusted(16, 16, -16, -16), radius, radius)
