"""The tab that shows the watch list."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QStackedWidget, QWidget

from gradstep.gui.panel import Panel
from gradstep.gui.theme import theme
from gradstep.gui.track_plot import TrackView
from gradstep.gui.tracks import Tracks
from gradstep.gui.watch.keeper import WatchList
from gradstep.gui.watch.table import WatchTable
from gradstep.gui.watch.view import INSET, WatchView


class WatchPanel(Panel):
    """A field, in which Enter adds, and the list below it."""

    opened = Signal(str)
    """The ref of a tensor to be looked at."""
    countChanged = Signal(int)

    def __init__(self, watches: WatchList, tracks: Tracks, parent: QWidget | None = None) -> None:
        super().__init__("watch", "", parent)
        self.set_title(self.tr("Watch"))
        self.watches = watches
        self.table = WatchTable(watches, self)
        self.view = WatchView(self.table, self)
        self.view.opened.connect(self.opened)
        self.field = _Field(self)
        self.field.returnPressed.connect(self._add)
        self.field.left.connect(self.view.setFocus)
        self.empty = QLabel(
            self.tr("Nothing is watched. Pin a value, or add an expression in its names.")
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setProperty("quiet", True)
        self.track = TrackView("watch_track", tracks, self)
        self.track.setMinimumWidth(200)
        watches.evaluated.connect(self._follow)
        self.view.selectionModel().currentChanged.connect(lambda now, before: self._follow())
        both = QWidget()
        beside = QHBoxLayout(both)
        beside.setContentsMargins(0, 0, 8, 0)
        beside.setSpacing(8)
        beside.addWidget(self.view, 3)
        beside.addWidget(self.track, 2, Qt.AlignmentFlag.AlignTop)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(both)
        row = QHBoxLayout()
        row.setContentsMargins(INSET - 8, 6, 8, 6)
        row.addWidget(self.field)
        self.body.addLayout(row)
        self.body.addWidget(self.stack, 1)
        watches.changed.connect(self._refresh)
        self._refresh()

    def _add(self) -> None:
        row = self.watches.add(self.field.text())
        if row >= 0:
            self.field.clear()
            self.view.choose(row)

    def _refresh(self) -> None:
        count = len(self.watches.expressions)
        self.stack.setCurrentIndex(1 if count else 0)
        self._follow()
        self.countChanged.emit(count)

    def _follow(self) -> None:
        """Plot the chosen row over the iterations; have all measured that have been answered, also
        what goes wrong at this stop: ``w.grad.norm()`` is a number when backward has returned."""
        shown = [e for e in self.watches.expressions if self._is_followed(e)]
        row = self.view.currentIndex().row()
        chosen = self.watches.expressions[row] if 0 <= row < len(self.watches.expressions) else ""
        self.track.follow(chosen if chosen in shown else "", also=tuple(shown))

    def _is_followed(self, expression: str) -> bool:
        found = self.watches.results.get(expression)
        return found is not None and not found.text


class _Field(QLineEdit):
    """Escape empties it, then gives the keyboard back to the list."""

    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("watch_add")
        self.setFont(theme().font("small", code=True))
        self.setPlaceholderText("w.grad.norm()")
        self.setAccessibleName(self.tr("Expression to watch"))
        self.setToolTip(self.tr("A Python expression in the program's names; Enter adds it"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear() if self.text() else self.left.emit()
            return
        super().keyPressEvent(event)
