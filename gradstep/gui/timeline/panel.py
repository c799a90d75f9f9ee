"""The timeline: where the run stands at the left, the strip beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gradstep.gui.theme import theme
from gradstep.gui.timeline.model import TimelineModel
from gradstep.gui.timeline.shapes import Box
from gradstep.gui.timeline.strip import INSET, TimelineStrip
from gradstep.phases import PHASE_INFO
from gradstep.protocol.trace import Loaded, Stop, Timeline

if TYPE_CHECKING:
    from gradstep.gui.cursor import Cursor
    from gradstep.gui.session import Session


class TimelinePanel(QWidget):
    """72 px over the full width. Shows ``timelineChanged`` and ``stopped``; choosing an operation
    selects its value and its line."""

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._cursor = session, cursor
        self.setObjectName("timeline")
        self.setAccessibleName(self.tr("Timeline"))
        self.setFixedHeight(theme().size("window", "timeline"))
        self.model = TimelineModel()
        self.gutter = Gutter(self)
        self.strip = TimelineStrip(self.model, self)
        self.setFocusProxy(self.strip)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 1, 0, 1)
        layout.setSpacing(0)
        layout.addWidget(self.gutter)
        layout.addWidget(self.strip, 1)
        session.programOpened.connect(self.clear)
        session.loaded.connect(self.begin)
        session.stopped.connect(self.show_stop)
        session.timelineChanged.connect(self.show_timeline)
        cursor.selected.connect(self.mark)
        self.strip.chosen.connect(self.choose)

    def clear(self, path: str = "") -> None:
        """A new program: nothing has run yet."""
        self.model.begin(False)
        self.gutter.set_lines("", "")
        self.strip.refresh(follow=True)

    def begin(self, loaded: Loaded) -> None:
        """The program is loaded: an experiment's size is known before it runs."""
        total = None
        if loaded.epochs is not None and loaded.samples is not None:
            total = loaded.epochs * loaded.samples
        self.model.begin(loaded.kind == "experiment", total)
        self.gutter.set_lines("", "")
        self.strip.refresh(follow=True)

    def show_stop(self, stop: Stop) -> None:
        """Mark where the program stands."""
        self.model.set_stop(stop)
        count, epoch = "", ""
        if stop.iteration > 0:
            count = self.tr("iteration {0}").format(stop.iteration)
            if self.model.total is not None:
                count = self.tr("{0} of {1}").format(stop.iteration, self.model.total)
        if stop.epoch is not None:
            epoch = self.tr("epoch {0}").format(stop.epoch)
        self.gutter.set_lines(count, epoch)
        self.setAccessibleDescription(self._words(stop))
        self.strip.refresh(follow=True)

    def show_timeline(self, timeline: Timeline) -> None:
        """Add what was done since."""
        self.model.apply(timeline)
        self.strip.refresh(follow=True)

    def mark(self, ref: str) -> None:
        """Outline the operations that made or used the selected value."""
        self.strip.mark(self._cursor.whereabouts.node(ref))

    def choose(self, index: int, box: Box) -> None:
        """Select what an operation made, and its line. Older iterations are no longer on the
        graph, so of theirs only the line."""
        if box.cell is None:
            return
        if box.cell.node is not None and index == len(self.model.iterations) - 1:
            self._cursor.select(f"#{box.cell.node}:0")
        if box.cell.line:  # its own: a value's is the line that made it
            self._cursor.select_line(box.cell.file, box.cell.line)

    def _words(self, stop: Stop) -> str:
        parts = [self.tr("Iteration {0}").format(stop.iteration)]
        if stop.phase is not None:
            done = self.tr("{0}, {1} operations done").format(
                self.tr(PHASE_INFO[stop.phase].title), stop.done
            )
            parts.append(done)
        if stop.operation is not None:
            parts.append(self.tr("next {0}").format(stop.operation.name))
        return ", ".join(parts)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.fillRect(self.rect(), look.colour("panel"))
        painter.fillRect(0, 0, self.width(), 1, look.colour("border"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour("border"))


class Gutter(QWidget):
    """Timeline / 2 of 300 / epoch 1."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedWidth(theme().size("timeline", "gutter") - INSET)
        self.lines = ("", "")
        theme().changed.connect(self.update)

    def set_lines(self, count: str, epoch: str) -> None:
        self.lines = (count, epoch)
        self.setToolTip(" · ".join(line for line in self.lines if line))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        padding = look.size("space", "panel_padding")
        rows = [
            (self.tr("Timeline"), look.font("small", weight=600), "text"),
            (self.lines[0], look.font("small"), "text_secondary"),
            (self.lines[1], look.font("small"), "text_secondary"),
        ]
        for row, (text, font, ink) in enumerate(rows):
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(look.colour(ink))
            shown = metrics.elidedText(
                text, Qt.TextElideMode.ElideRight, self.width() - padding - 4
            )
            painter.drawText(QPointF(padding, 17 + 18 * row + metrics.capHeight() / 2), shown)
