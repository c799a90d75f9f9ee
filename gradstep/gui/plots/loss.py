"""The loss by iteration."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QStackedLayout, QToolButton, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import Panel
from gradstep.gui.plot_axes import Axes, area_in
from gradstep.gui.plots.losses import LossSeries
from gradstep.gui.plots.saving import Saving
from gradstep.gui.theme import theme
from gradstep.protocol.trace import Loaded, Losses

if TYPE_CHECKING:
    from gradstep.gui.cursor import Cursor
    from gradstep.gui.plots.loss_plot import LossPlot
    from gradstep.gui.session import Session


class LossPanel(Panel):
    """Axes and a sentence until the first loss; then the curve, its last point with a number."""

    _imported = Signal()

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("loss", "", parent)
        self.set_title(self.tr("Loss"), self.tr("by iteration"))
        self.series = LossSeries()
        self.plot: LossPlot | None = None
        self._importing: threading.Thread | None = None
        self.empty = EmptyPlot(self)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.empty)
        self.body.addLayout(self._pages, 1)
        self._log = QAction(self.tr("Logarithmic loss axis"), self, checkable=True)
        self._log.setObjectName("loss_log")
        self._all = QAction(self.tr("Show all iterations"), self)
        self._all.setObjectName("loss_all")
        self._log.toggled.connect(self._set_log)
        self._all.triggered.connect(self._show_all)
        more = self.add_tool("more", self.tr("More about the loss"))
        menu = QMenu(more)
        menu.addActions([self._log, self._all])
        self.saving = Saving(lambda: self.plot, self)
        menu.addActions(self.saving.actions_)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._imported.connect(self._build, Qt.ConnectionType.QueuedConnection)
        self.setAccessibleDescription(self.empty.sentence)
        session.programOpened.connect(self.clear)
        session.loaded.connect(self.prepare)
        session.lossesChanged.connect(self.show_losses)

    def clear(self, path: str = "") -> None:
        """A new program: no loss yet."""
        self.series.clear()
        self._refresh()

    def prepare(self, loaded: Loaded | None = None) -> None:
        """pyqtgraph takes hundreds of milliseconds to import. It is done when the program stands
        ready and the person reads, in a thread, so that the window never waits for it."""
        if self._importing is None:
            self._importing = threading.Thread(target=self._import, name="gradstep-import-plots")
            self._importing.start()

    def _import(self) -> None:
        importlib.import_module("gradstep.gui.plots.loss_plot")
        # The window may have been closed meanwhile.
        with suppress(RuntimeError):
            self._imported.emit()

    def _build(self) -> None:
        from gradstep.gui.plots.loss_plot import LossPlot

        self.plot = LossPlot(self.series, self)
        self.plot.set_log(self._log.isChecked())
        self._pages.addWidget(self.plot)
        self._refresh()

    def show_losses(self, losses: Losses) -> None:
        """Add what came since: after most stops nothing, and the plot is left in peace."""
        if self.series.has(losses):
            return
        self.series.apply(losses)
        if len(self.series):
            self.prepare()
        self._refresh()

    def _refresh(self) -> None:
        x, y = self.series.arrays()
        shown = self.plot is not None and len(self.series) > 0
        if self.plot is not None:
            self.plot.refresh()
        self._pages.setCurrentWidget(self.plot if shown and self.plot else self.empty)
        self.empty.set_waiting(len(self.series) > 0)
        for action in (self._all, *self.saving.actions_):
            action.setEnabled(shown)
        self._log.setEnabled(shown)
        text = self.empty.sentence
        if len(y):
            number = format_number(float(y[-1]), self.series.dtype)
            text = self.tr("Loss {0} at iteration {1}").format(number, int(x[-1]))
        self.setAccessibleDescription(text)

    def _set_log(self, on: bool) -> None:
        if self.plot is not None:
            self.plot.set_log(on)

    def _show_all(self) -> None:
        if self.plot is not None:
            self.plot.show_all()


class EmptyPlot(QWidget):
    """Axes without data, and what is awaited."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.sentence = self.tr("The loss appears here when backward is called on it.")
        self._waiting = False
        theme().changed.connect(self.update)

    def set_waiting(self, waiting: bool) -> None:
        """There is data, and the plot is being made ready: no sentence that says otherwise."""
        self._waiting = waiting
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.fillRect(self.rect(), look.colour("panel"))
        area = area_in(self.width(), self.height(), (0.0, 1.08), False)
        Axes(area, (1.0, 6.0), (0.0, 1.08)).draw(painter)
        if self._waiting:
            return
        painter.setFont(look.font("small"))
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        needed = painter.boundingRect(area.toRect(), flags, self.sentence)
        ground = QRectF(needed).adjusted(-8, -4, 8, 4)
        painter.fillRect(ground, look.colour("panel"))
        painter.setPen(look.colour("text_secondary"))
        painter.drawText(area, flags, self.sentence)
