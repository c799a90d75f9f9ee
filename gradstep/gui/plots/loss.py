"""The loss by iteration or by epoch."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSettings, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QStackedLayout, QToolButton, QWidget

from gradstep.gui.numbers import format_number
from gradstep.gui.panel import Panel
from gradstep.gui.plot_axes import Axes, area_in
from gradstep.gui.plots.losses import LossSeries
from gradstep.gui.plots.saving import Saving
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.gui.word_button import WordButton
from gradstep.protocol.trace import Loaded, Losses

if TYPE_CHECKING:
    from gradstep.gui.cursor import Cursor
    from gradstep.gui.plots.loss_plot import LossPlot
    from gradstep.gui.session import Session


FACTORS = (0.0, 0.6, 0.9, 0.97, 0.99)
"""Of the smoothing; 0 for none."""


class LossPanel(Panel):
    """Axes and a sentence until the first loss; then the curves, the last point with a number. How
    they are shown is chosen at the word beside the title, and remembered."""

    _imported = Signal()

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("loss", "", parent)
        self.set_title(self.tr("Loss"))
        self.series = LossSeries()
        self.plot: LossPlot | None = None
        self._importing: threading.Thread | None = None
        self.empty = EmptyPlot(self)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.empty)
        self.body.addLayout(self._pages, 1)
        self._build_options()
        more = self.add_tool("more", self.tr("More about the loss"))
        menu = QMenu(more)
        self.saving = Saving(lambda: self.plot, self)
        menu.addActions(self.saving.actions_)
        more.setMenu(menu)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._imported.connect(self._build, Qt.ConnectionType.QueuedConnection)
        self.setAccessibleDescription(self.empty.sentence)
        self._show_options()
        session.programOpened.connect(self.clear)
        session.loaded.connect(self.prepare)
        session.lossesChanged.connect(self.show_losses)
        session.stateChanged.connect(self._take_state)

    # ------------------------------------------------------------------ options

    def _build_options(self) -> None:
        self.options = WordButton("", self.title_row)
        self.options.setObjectName("loss_options")
        self.options.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.options)
        by = QActionGroup(self)
        self._by_iteration = self._option(menu, "loss_by_iteration", self.tr("By iteration"), by)
        self._by_epoch = self._option(menu, "loss_by_epoch", "", by)
        menu.addSeparator()
        factors = QActionGroup(self)
        self._factors = {
            factor: self._option(
                menu,
                f"loss_smooth_{factor:g}",
                self.tr("Smoothed by {0}").format(factor) if factor else self.tr("Not smoothed"),
                factors,
            )
            for factor in FACTORS
        }
        menu.addSeparator()
        self._log = self._option(menu, "loss_log", self.tr("Logarithmic loss axis"))
        menu.addSeparator()
        self._all = QAction(self.tr("Show all iterations"), self)
        self._all.setObjectName("loss_all")
        self._all.triggered.connect(self._show_all)
        menu.addAction(self._all)
        self.options.setMenu(menu)
        self.title_row.layout_.insertWidget(1, self.options)
        self._recall()

    def _option(
        self, menu: QMenu, name: str, text: str, group: QActionGroup | None = None
    ) -> QAction:
        action = QAction(text, self, checkable=True)
        action.setObjectName(name)
        action.triggered.connect(self._choose)
        if group is not None:
            group.addAction(action)
        menu.addAction(action)
        return action

    @property
    def factor(self) -> float:
        return next(factor for factor, action in self._factors.items() if action.isChecked())

    def _recall(self) -> None:
        settings = QSettings()
        by_epoch = str(settings.value("loss/by", "")) == "epoch"
        (self._by_epoch if by_epoch else self._by_iteration).setChecked(True)
        self._log.setChecked(str(settings.value("loss/log", "0")) == "1")
        try:
            factor = float(str(settings.value("loss/smoothing", 0)))
        except ValueError:
            factor = 0.0
        self._factors.get(factor, self._factors[0.0]).setChecked(True)

    def _choose(self) -> None:
        settings = QSettings()
        settings.setValue("loss/by", "epoch" if self._by_epoch.isChecked() else "iteration")
        settings.setValue("loss/log", int(self._log.isChecked()))
        settings.setValue("loss/smoothing", self.factor)
        self._show_options()

    def _show_options(self) -> None:
        """As they are chosen now."""
        self.series.show(by_epoch=self._by_epoch.isChecked(), factor=self.factor)
        if self.plot is not None:
            self.plot.log = self._log.isChecked()
            self.plot.following, self.plot.spot = True, None
        self._refresh()

    def _say_options(self) -> None:
        known = bool(self.series.epochs)
        # What cannot be done says why in its own words: a menu shows no more of it.
        words = self.tr("By epoch") if known else self.tr("By epoch (none seen so far)")
        self._by_epoch.setText(words)
        self._by_epoch.setEnabled(known or self._by_epoch.isChecked())
        text = self.tr("by epoch") if self.series.in_epochs else self.tr("by iteration")
        if self.factor:
            text += self.tr(" · smoothed by {0}").format(self.factor)
        if self._log.isChecked():
            text += self.tr(" · logarithmic")
        self.options.setText(text)
        self.options.updateGeometry()
        self.options.setAccessibleName(self.tr("How the loss is shown: {0}").format(text))

    # ------------------------------------------------------------------ losses

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
        self.plot.log = self._log.isChecked()
        self.setFocusProxy(self.plot)
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

    def _take_state(self, state: State) -> None:
        """An epoch at whose end the program ended is whole."""
        if self.plot is not None:
            self.plot.set_over(state in (State.ENDED, State.LOST))

    def _refresh(self) -> None:
        shown = self.plot is not None and len(self.series) > 0
        if self.plot is not None:
            self.plot.refresh()
        self._pages.setCurrentWidget(self.plot if shown and self.plot else self.empty)
        self.empty.set_waiting(len(self.series) > 0)
        for action in (self._all, *self.saving.actions_):
            action.setEnabled(shown)
        self._say_options()
        self.setAccessibleDescription(self._in_words() or self.empty.sentence)

    def _in_words(self) -> str:
        """The latest number of each line."""
        words = []
        for line in self.series.lines():
            name = line.name if line.name and len(self.series.lines()) > 1 else self.tr("Loss")
            number = format_number(float(line.y[-1]), self.series.dtype)
            text = self.tr("{0} {1} in epoch {2}") if line.counts is not None else ""
            text = text or self.tr("{0} {1} at iteration {2}")
            words.append(text.format(name, number, int(line.x[-1])))
        return "; ".join(words)

    def _show_all(self) -> None:
        if self.plot is not None:
            self.plot.show_all()

    def set_titled(self, titled: bool) -> None:
        """In a tab, too, the title row says how the loss is shown, and chooses it."""


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
