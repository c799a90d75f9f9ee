"""What the phase watch found, kept."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTime, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui import icons
from gradstep.gui.cursor import Cursor
from gradstep.gui.findings import heading
from gradstep.gui.panel import Panel
from gradstep.gui.session import Session
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.phases import PHASE_INFO
from gradstep.protocol.findings import Finding


class LogPanel(Panel):
    """Findings in the order in which they came, each with its line."""

    countChanged = Signal(int)

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("log", "", parent)
        self.set_title(self.tr("Log"))
        self._cursor = cursor
        self.entries: list[Entry] = []
        self.empty = QLabel(self.tr("Nothing to report: no step of the training looks wrong."))
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("quiet", True)
        self.empty.setContentsMargins(24, 8, 24, 8)
        sheet = QWidget()
        self._column = QVBoxLayout(sheet)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(sheet)
        self.area.viewport().setAutoFillBackground(False)
        sheet.setAutoFillBackground(False)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.area)
        self.body.addWidget(self.stack, 1)
        session.found.connect(self._add)
        session.programOpened.connect(self._clear)

    def _add(self, finding: Finding) -> None:
        entry = Entry(finding, QTime.currentTime().toString("HH:mm:ss"))
        entry.lineRequested.connect(self._cursor.select_line)
        self.entries.append(entry)
        self._column.insertWidget(self._column.count() - 1, entry)
        self._tell()

    def _clear(self) -> None:
        for entry in self.entries:
            entry.hide()
            entry.deleteLater()
        self.entries.clear()
        self._tell()

    def _tell(self) -> None:
        self.stack.setCurrentWidget(self.area if self.entries else self.empty)
        self.countChanged.emit(len(self.entries))


class Entry(QWidget):
    """One finding: what happened, with the numbers; what to do; when; where."""

    lineRequested = Signal(str, int)

    def __init__(self, finding: Finding, time: str) -> None:
        super().__init__()
        self.finding = finding
        self.setObjectName(f"finding_{finding.kind}")
        self.title = _label(heading(finding), weight=600)
        self.text, self.suggestion = _label(finding.text), _label(finding.suggestion)
        self.when = _label(_when(finding, time), role="small")
        for quiet in (self.text, self.when):
            quiet.setProperty("quiet", True)
        head = QHBoxLayout()
        head.setSpacing(10)
        self.when.setWordWrap(False)
        head.addWidget(self.title, 1)
        head.addWidget(self.when)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addLayout(head)
        for label in (self.text, self.suggestion):
            label.setVisible(bool(label.text()))
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(44, 12, 16, 12)
        row.setSpacing(12)
        row.addLayout(words, 1)
        self.button = QPushButton()
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.button.setVisible(finding.place is not None)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        if finding.place is not None:
            self.button.setText(self.tr("Show line {0}").format(finding.place.line))
            self.button.clicked.connect(self._show_line)
        said = (finding.title, finding.text, finding.suggestion)
        self.setAccessibleName(" ".join(filter(None, said)))

    def _show_line(self) -> None:
        place = self.finding.place
        if place is not None:
            self.lineRequested.emit(place.file, place.line)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        icons.paint(painter, "warning", QRectF(16, 12, 16, 16), look.colour("warning_icon"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour("border"))


def _label(text: str, *, role: str = "body", weight: int = 400) -> QLabel:
    label = QLabel(text)
    label.setFont(theme().font(role, weight=weight))
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _when(finding: Finding, time: str) -> str:
    """``14:02:31 · iteration 7 · Backward``."""
    parts = [time]
    if finding.iteration:
        parts.append(translate("Log", "iteration {0}").format(finding.iteration))
    if finding.phase is not None:
        parts.append(translate("Phases", PHASE_INFO[finding.phase].title))
    return " · ".join(parts)
