"""One fact above the graph that the person must not miss: what failed, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gradstep.gui import icons
from gradstep.gui.findings import heading
from gradstep.gui.nan_details import NanDetails
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.translation import translate
from gradstep.protocol.findings import Finding
from gradstep.protocol.nonfinite import Nonfinite
from gradstep.protocol.trace import Place, Reason, Stop


class Kind(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Notice:
    """``title`` says what happened, ``text`` more of it; ``place`` can be shown, ``details`` be
    unfolded; ``restart``: that is what helps."""

    kind: Kind
    title: str
    text: str = ""
    place: Place | None = None
    details: str = ""
    restart: bool = False
    nonfinite: Nonfinite | None = None


def notice(stop: Stop | None, message: str, stopped_by_hand: bool) -> Notice | None:
    """What the bar should say; None when there is nothing."""
    failure = stop.failure if stop else None
    if stop is not None and failure is not None and stop.reason is Reason.EXCEPTION:
        place = failure.frames[-1] if failure.frames else stop.place
        text = failure.explanation or failure.message
        return Notice(Kind.ERROR, failure.type, text, place, failure.text, restart=True)
    if stop is not None and failure is not None and stop.reason is Reason.REFUSED:
        text = failure.explanation or failure.message
        return Notice(
            Kind.WARNING, translate("Message", "Not possible now"), text, stop.place, failure.text
        )
    if stop is not None and stop.reason is Reason.NAN:
        return _of_nan(stop)
    if stop is not None and stop.reason is Reason.LOST and stop.message:
        kind = Kind.INFO if stopped_by_hand else Kind.ERROR
        details = failure.text if failure else ""
        return Notice(kind, stop.message, details=details, restart=True)
    return Notice(Kind.WARNING, message) if message else None


def _of_nan(stop: Stop) -> Notice | None:
    """The sentence with the numbers, and where: the line of the operation, in backward of its
    forward call."""
    found = stop.nonfinite
    title = stop.message or (found.words if found else "")
    text = found.words if found and found.words not in title else ""
    place = (found.place if found else None) or stop.place
    return Notice(Kind.ERROR, title or text, text if title else "", place, nonfinite=found)


def remark(finding: Finding) -> Notice:
    """What the bar says of a finding of the phase watch; what to do about it is in the log."""
    return Notice(Kind.WARNING, heading(finding), finding.text, finding.place)


class MessageBar(QWidget):
    """Shows a ``Notice``, or is not there. What failed goes before what the phase watch found;
    that waits, each finding until the person has dismissed it."""

    restartRequested = Signal()
    lineRequested = Signal(str, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message")
        self._session = session
        self.notice: Notice | None = None
        self._waiting: list[Notice] = []
        self._dismissed: Notice | None = None
        self._title, self._text = QLabel(), QLabel()
        self._title.setFont(theme().font("body", weight=600))
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.line = self._button("message_line", "")
        self.unfold = self._button("message_details", self.tr("Traceback"))
        self.unfold.setCheckable(True)
        self.restart = self._button("message_restart", self.tr("Restart"))
        self.dismiss = QToolButton()
        self.dismiss.setIcon(icons.icon("close"))
        self.dismiss.setIconSize(QSize(16, 16))
        self.dismiss.setAccessibleName(self.tr("Dismiss"))
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFont(theme().font("code", code=True))
        self.details.setFixedHeight(160)
        self.nan = NanDetails()
        self.nan.hide()
        self._lay_out()
        self._connect()
        self.hide()

    def _button(self, name: str, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        return button

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.setContentsMargins(0, 2, 0, 2)
        words.addWidget(self._title)
        words.addWidget(self._text)
        row = QHBoxLayout()
        row.setContentsMargins(44, 6, 12, 6)
        row.setSpacing(8)
        row.addLayout(words, 1)
        side = theme().size("control", "button_small")
        self.dismiss.setFixedSize(side, side)
        for button in (self.line, self.unfold, self.restart, self.dismiss):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 1)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.details)
        layout.addWidget(self.nan)

    def _connect(self) -> None:
        session = self._session
        for signal in (session.stopped, session.messageChanged, session.programOpened):
            signal.connect(self.refresh)
        session.stateChanged.connect(self.refresh)
        session.found.connect(self._find)
        session.programOpened.connect(self._forget)
        self.restart.clicked.connect(self.restartRequested)
        self.unfold.toggled.connect(self._unfold)
        self.nan.lineRequested.connect(self.lineRequested)
        self.dismiss.clicked.connect(self._dismiss)
        self.line.clicked.connect(self._show_line)
        theme().changed.connect(self.update)

    def refresh(self) -> None:
        """Say what there is to say now."""
        session = self._session
        # What was said of the last stop is no news once the program goes on.
        stop = session.stop if session.state is not State.RUNNING else None
        failed = notice(stop, session.message, session.stopped_by_hand)
        if failed is None:
            self._dismissed = None  # when it comes again, it is news
        unread = failed if failed != self._dismissed else None
        found = unread or (self._waiting[0] if self._waiting else None)
        if found == self.notice:
            return
        self.notice = found
        if found is None:
            self.hide()
            return
        self._title.setText(found.title)
        self._text.setText(found.text)
        self._text.setVisible(bool(found.text))
        self.line.setVisible(found.place is not None)
        if found.place is not None:
            self.line.setText(self.tr("Show line {0}").format(found.place.line))
        self.unfold.setChecked(False)
        self.unfold.setVisible(bool(found.details or found.nonfinite))
        self.unfold.setText(self.tr("Why") if found.nonfinite else self.tr("Traceback"))
        self.details.setPlainText(found.details)
        if found.nonfinite is not None:
            self.nan.explain(found.nonfinite)
        self._unfold(False)
        self.restart.setVisible(found.restart and not session.attached)
        self.setAccessibleName(f"{found.title} {found.text}".strip())
        self.show()

    def _unfold(self, open: bool) -> None:
        nan = self.notice is not None and self.notice.nonfinite is not None
        self.unfold.setChecked(open)
        self.nan.setVisible(open and nan)
        self.details.setVisible(open and not nan)

    def _find(self, finding: Finding) -> None:
        self._waiting.append(remark(finding))
        self.refresh()

    def _forget(self) -> None:
        self._waiting.clear()
        self.refresh()

    def _dismiss(self) -> None:
        """Put away what is shown; what waits behind it comes forward."""
        if self._waiting and self.notice == self._waiting[0]:
            del self._waiting[0]
        else:
            self._dismissed = self.notice
        self.refresh()

    def text(self) -> str:
        """What it says; empty when it is not there."""
        if self.notice is None:
            return ""
        return f"{self.notice.title}\n{self.notice.text}".strip()

    def _show_line(self) -> None:
        if self.notice is not None and self.notice.place is not None:
            self.lineRequested.emit(self.notice.place.file, self.notice.place.line)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.notice is None:
            return
        painter = QPainter(self)
        look, kind = theme(), self.notice.kind
        fill, line, ink, name = {
            Kind.ERROR: ("error_tint", "error", "error", "error"),
            Kind.WARNING: ("warning_tint", "warning_border", "warning_icon", "warning"),
            Kind.INFO: ("sunken", "border", "text_secondary", "info"),
        }[kind]
        painter.fillRect(self.rect(), look.colour(fill))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour(line))
        # Beside the words, whatever is unfolded below them.
        middle = (self._title.geometry().top() + self._lowest()) / 2
        icons.paint(painter, name, QRectF(16, middle - 8, 16, 16), look.colour(ink))

    def _lowest(self) -> int:
        """Where the words end."""
        last = self._title if self._text.isHidden() else self._text
        return last.geometry().bottom() + 1
