"""The plot beside the loss: gradient flow, update ratio, histograms, dead units, landscape."""

from __future__ import annotations

from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction, QActionGroup, QHideEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QStackedLayout, QToolButton, QWidget

from gradstep.gui.cursor import Cursor
from gradstep.gui.panel import Panel
from gradstep.gui.plot_picture import Picture
from gradstep.gui.plots.gauging import GaugeReader
from gradstep.gui.plots.histograms import Histograms
from gradstep.gui.plots.landscape import LandscapePicture
from gradstep.gui.plots.layers import DeadUnits, GradientFlow, LayersPicture, UpdateRatio
from gradstep.gui.plots.saving import Saving
from gradstep.gui.plots.surveyor import Surveyor
from gradstep.gui.session import Session
from gradstep.protocol.trace import Loaded
from gradstep.protocol.values import ValueInfo, ValueKind


class PlotsPanel(Panel):
    """One plot at a time, chosen in its title. What the person chose for a lesson, or for a
    script, is shown for the next one, too."""

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("plots", "", parent)
        self._session, self._cursor = session, cursor
        self.flow, self.ratio, self.dead = GradientFlow(self), UpdateRatio(self), DeadUnits(self)
        self.histograms, self.landscape = Histograms(self), LandscapePicture(self)
        self.pictures: tuple[Picture, ...] = (
            self.flow,
            self.ratio,
            self.histograms,
            self.dead,
            self.landscape,
        )
        self._chosen_by_hand = False
        self._kind = "script"
        self._pages = QStackedLayout()
        self.body.addLayout(self._pages, 1)
        self._choices = QActionGroup(self)
        self.reader = GaugeReader(session, cursor, self)
        self.surveyor = Surveyor(session, cursor, self.landscape, self)
        self._build_menus()
        for picture in self.pictures:
            self._pages.addWidget(picture)
            picture.changed.connect(self._name)
        for layers in (self.flow, self.ratio, self.dead):
            layers.activated.connect(self._activate)
            cursor.selected.connect(layers.select)
        self.reader.noteChanged.connect(self._name)
        session.programOpened.connect(self._clear)
        session.loaded.connect(self._guess)
        session.valuesChanged.connect(self._guess_again)
        self.choose(self.flow, by_hand=False)

    def _build_menus(self) -> None:
        choice = self.add_tool("chevron_down", self.tr("Choose a plot"))
        choice.setObjectName("plots_choose")
        menu = QMenu(choice)
        for picture in self.pictures:
            action = QAction(picture.title, self, checkable=True)
            action.setObjectName(f"plots_{picture.objectName()}")
            action.triggered.connect(lambda _=False, picture=picture: self.choose(picture))
            self._choices.addAction(action)
            menu.addAction(action)
        choice.setMenu(menu)
        choice.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more = self.add_tool("more", self.tr("More about this plot"))
        more.setObjectName("plots_more")
        self.more = QMenu(more)
        self.saving = Saving(self.picture, self)
        self.more.addActions(self.saving.actions_)
        self.more.addSeparator()
        self.more.addActions(self.surveyor.actions_)
        self.more.addActions(self.reader.actions_)
        more.setMenu(self.more)
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    # ------------------------------------------------------------------ choosing

    def picture(self) -> Picture:
        """The plot that is shown."""
        shown = self._pages.currentWidget()
        assert isinstance(shown, Picture)
        return shown

    def choose(self, picture: Picture, *, by_hand: bool = True) -> None:
        """Show ``picture`` from now on."""
        if by_hand:
            self._chosen_by_hand = True
            QSettings().setValue(self._key, picture.objectName())
        self._pages.setCurrentWidget(picture)
        self.setFocusProxy(picture)
        self._choices.actions()[self.pictures.index(picture)].setChecked(True)
        self.surveyor.show_actions(picture is self.landscape)
        self.reader.show_actions(picture is self.histograms)
        self._look()
        self._name()

    def _guess(self, loaded: Loaded) -> None:
        """A lesson is about how the loss slopes, a model about how its layers learn."""
        self._kind = "experiment" if loaded.kind == "experiment" else "script"
        lesson = self._kind == "experiment"
        name = str(QSettings().value(self._key, ""))
        chosen = next((p for p in self.pictures if p.objectName() == name), None)
        self._chosen_by_hand = chosen is not None
        self.choose(chosen or (self.landscape if lesson else self.flow), by_hand=False)

    @property
    def _key(self) -> str:
        return f"plots/chosen/{self._kind}"

    def _guess_again(self, values: tuple[ValueInfo, ...]) -> None:
        parameters = [v for v in values if v.kind is ValueKind.PARAMETER]
        small = 0 < sum(v.tensor.numel for v in parameters) <= 2
        if small and not self._chosen_by_hand and self.picture() is self.flow:
            self.choose(self.landscape, by_hand=False)

    def _clear(self, path: str = "") -> None:
        self.reader.clear()
        self.landscape.clear()

    # ------------------------------------------------------------------ looking

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look()

    def _look(self) -> None:
        """Only what is seen is gathered and computed."""
        shown = self.picture() if self.isVisible() else None
        self.reader.watch(shown)
        self.surveyor.watch(shown is self.landscape)

    def set_titled(self, titled: bool) -> None:
        """In a tab, too, the title says which plot it is, and chooses it."""

    def _activate(self, i: int) -> None:
        picture = self.picture()
        if isinstance(picture, LayersPicture) and picture.layers[i].ref:
            self._cursor.select(picture.layers[i].ref)

    def _name(self) -> None:
        picture = self.picture()
        words = [picture.subtitle()]
        if picture is not self.landscape and self.reader.note:
            words.append(self.reader.note)
        self.set_title(picture.title, " · ".join(words))
        self.setAccessibleDescription(picture.accessibleDescription())
