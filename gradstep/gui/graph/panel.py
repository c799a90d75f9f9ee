"""The panel that shows the graph of the current iteration."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from gradstep.gui.cursor import Cursor
from gradstep.gui.graph import exporting
from gradstep.gui.graph.canvas import GraphCanvas
from gradstep.gui.graph.folding import Wishes
from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.legend import Legend, ZoomControl
from gradstep.gui.graph.menu import Fold, folds, halts
from gradstep.gui.graph.minimap import Minimap
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.refs import key_of, place_of, ref_of
from gradstep.gui.graph.search import SearchRow
from gradstep.gui.graph.seeker import Seeker
from gradstep.gui.graph.studio import Order, Studio
from gradstep.gui.panel import Panel
from gradstep.gui.session import Session
from gradstep.gui.theme import theme
from gradstep.gui.word_button import WordButton
from gradstep.protocol.trace import Graph, Reason, Stop

SHORT = 320
"""A panel lower than this has no legend."""
LATE_MS = 150
"""A picture that is later than this says so in the title; sooner, the word would only flicker."""


class GraphPanel(Panel):
    """Takes the session's facts about the graph, has them laid out beside the GUI thread, and
    shows the result. What cannot be shown yet is announced; the last picture stays."""

    stopRequested = Signal(object, str)
    """A breakpoint is wanted: what to stop on, and its pattern."""
    pinRequested = Signal(str)
    """The ref of a value that is to be watched, or no longer."""
    changed = Signal()
    """What the actions show of it: whether there is a picture, how it is shown."""

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__("graph", "", parent)
        self.iteration, self.note = 0, ""
        self._session, self._cursor = session, cursor
        self._studio = Studio(self)
        self._fresh = True
        self._showing = (False, False)
        self._shown: Stop | None = None
        self._modules: bool | None = None
        self._wishes = Wishes()
        self._anchor = ""
        self._graphs: tuple[Graph, ...] = ()
        self._stop: Stop | None = None
        self._pending: Stop | None = None
        self.canvas = GraphCanvas(self)
        self.legend, self.zoom = Legend(self), ZoomControl(self)
        self.minimap, self.search = Minimap(self.canvas), SearchRow(self)
        self.seeker = Seeker(self.search, self.canvas, self)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(LATE_MS)
        self._late.timeout.connect(self._retitle)
        self._build()
        self._connect()
        self.clear()

    # ------------------------------------------------------------------ parts

    def _build(self) -> None:
        self.add_bar(self.search)
        self.body.addWidget(self.canvas, 1)
        self.footer = Footer(self)
        self._beside_legend = QHBoxLayout(self.footer)
        padding = theme().size("space", "panel_padding")
        self._beside_legend.setContentsMargins(padding, 4, 12, 8)
        self._beside_legend.setSpacing(12)
        self._beside_legend.addWidget(self.legend, 1)
        self._beside_legend.addWidget(self.zoom)
        # The first picture must not take height from the canvas that it was made for.
        for part in (self.legend, self.zoom):
            keeps = part.sizePolicy()
            keeps.setRetainSizeWhenHidden(True)
            part.setSizePolicy(keeps)
        self.body.addWidget(self.footer)
        self.detail_button = WordButton("", self.title_row)
        self.detail_button.setObjectName("graph_detail")
        self.detail_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.detail_button.setToolTip(self.tr("Show every operation, or modules as one"))
        menu = QMenu(self.detail_button)
        group = QActionGroup(menu)
        self.operations = self._detail_action(menu, group, self.tr("Operations"), False)
        self.modules = self._detail_action(menu, group, self.tr("Modules"), True)
        self.detail_button.setMenu(menu)
        self._name_detail(False)
        self.add_to_title(self.detail_button)
        self.follow = self.add_tool("follow", self.tr("Follow the step"), checkable=True)
        self.follow.setObjectName("graph_follow")
        self.find_button = self.add_tool("search", self.tr("Find in the graph (Ctrl+F)"))
        self.find_button.setObjectName("graph_find_button")
        self.find_button.clicked.connect(self.open_search)
        self.follow.setChecked(True)

    def _detail_action(self, menu: QMenu, group: QActionGroup, text: str, modules: bool) -> QAction:
        action = QAction(text, menu, checkable=True)
        group.addAction(action)
        menu.addAction(action)
        action.triggered.connect(lambda: self.show_modules(modules))
        return action

    def _name_detail(self, modules: bool) -> None:
        chosen = self.modules if modules else self.operations
        chosen.setChecked(True)
        self.detail_button.setText(chosen.text())
        self.detail_button.setAccessibleName(self.tr("Level of detail: {0}").format(chosen.text()))
        self.detail_button.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little height, all of it is the graph's: the legend goes, and the zoom
        moves up into the title row."""
        super().resizeEvent(event)
        short = event.size().height() < SHORT
        if short == self.footer.isHidden():
            return
        self.footer.setVisible(not short)
        if short:
            self.title_row.layout_.insertWidget(2, self.zoom)
        else:
            self._beside_legend.addWidget(self.zoom)
        self.zoom.setVisible(bool(self.canvas.picture.items))

    def _connect(self) -> None:
        session, canvas = self._session, self.canvas
        self._studio.pictureMade.connect(self._show)
        session.programOpened.connect(self.clear)
        session.stopped.connect(self.take_stop)
        session.graphChanged.connect(self.take_graph)
        self._cursor.selected.connect(self._select)
        canvas.refSelected.connect(self._cursor.select)
        canvas.lineChosen.connect(self._show_line)
        canvas.foldToggled.connect(self.toggle_fold)
        canvas.menuRequested.connect(self._show_menu)
        canvas.zoomChanged.connect(self.zoom.show_scale)
        self.seeker.openWanted.connect(self._open)
        self.seeker.keyFound.connect(canvas.go_to)
        self.zoom.smaller.connect(canvas.smaller)
        self.zoom.larger.connect(canvas.larger)
        self.zoom.fitted.connect(canvas.fit)
        self.follow.toggled.connect(canvas.set_follow)
        self.follow.toggled.connect(self.changed)

    def set_motion(self, on: bool) -> None:
        """Whether changes and the view move (``False``: reduced motion)."""
        self.canvas.movement.enabled = on
        if not on:
            self.canvas.movement.finish()

    # ------------------------------------------------------------------ facts

    def clear(self, path: str = "") -> None:
        """Another program: nothing to show yet."""
        self.iteration, self.note = 0, ""
        self._studio.clear()
        self._graphs, self._stop, self._pending = (), None, None
        self._fresh = True
        self._wishes = Wishes()
        self._late.stop()
        self._show(Picture(), False)

    def take_stop(self, stop: Stop) -> None:
        """Where the program stands. The graph of that moment is on its way; both are shown at
        once, so that no number is ever beside the wrong mark."""
        if stop.reason in (Reason.LOST, Reason.END, Reason.EXCEPTION):
            self._stop, self._pending = stop, None
            self._refresh()
            return
        self._pending = stop
        self._late.start()

    def take_graph(self, graph: Graph) -> None:
        """What is new on the graph."""
        self._graphs = (*self._graphs, graph)
        self.iteration, self.note = graph.iteration, graph.note
        if self._pending is not None:
            self._stop, self._pending = self._pending, None
        self._refresh()

    # ------------------------------------------------------------------ from model to picture

    @property
    def waiting(self) -> bool:
        """Whether what is shown is not the newest yet."""
        return self._studio.busy or self._pending is not None

    def _refresh(self) -> None:
        """Have a picture made of what is known now."""
        self._late.start()
        room = float(self.canvas.width()), float(self.canvas.height())
        graphs, self._graphs = self._graphs, ()
        order = Order(graphs, self._stop, room, self._modules, self._wishes, self._fresh)
        self._studio.order(order)

    def _show(self, picture: Picture, fresh: bool) -> None:
        old = self.canvas.picture
        kept = old.selected in picture.scene.items or old.selected in picture.scene.links
        picture.selected = old.selected if kept else ""
        if self._cursor.ref and ref_of(picture.selected, picture.scene) != self._cursor.ref:
            picture.selected = self._key_of(self._cursor.ref, picture)
        self._fresh = self._fresh and not picture.items
        if self._modules is None:
            self._name_detail(picture.scene.overview)
        self.canvas.sentence = self._sentence()
        anchor, self._anchor = self._anchor, ""
        picture.found = old.found
        stepped, self._shown = self._stop is not self._shown, self._stop
        self.canvas.show_picture(picture, fresh=fresh, anchor=anchor, stepped=stepped)
        self.minimap.picture_changed()
        self.seeker.picture_changed()
        self.legend.setVisible(bool(picture.items))
        self.zoom.setVisible(bool(picture.items))
        self.legend.explain(
            tensors=picture.tensors,
            marks=picture.marks,
            down=picture.placement.flow == Flow.DOWN and not picture.placement.rows,
        )
        if not self.waiting:
            self._late.stop()
        self._retitle()
        showing = bool(picture.items), picture.scene.overview
        if showing != self._showing:
            self._showing = showing
            self.changed.emit()

    def _sentence(self) -> str:
        if not self._session.path:
            return self.tr("No program is open.")
        return self.note or self.tr("Nothing has run yet. Press Forward.")

    def _retitle(self) -> None:
        """``iteration 2``, and that a picture is late when it is."""
        parts = []
        if self.iteration and self.canvas.picture.items:
            parts.append(self.tr("iteration {0}").format(self.iteration))
        if self.waiting and not self._late.isActive():
            parts.append(self.tr("updating"))
        self.set_title(self.tr("Graph"), " · ".join(parts))

    def give_up(self) -> None:
        """The window closes: no picture is wanted any more."""
        self._studio.give_up()

    def open_search(self) -> None:
        """Let the person type what to find."""
        self.search.open()

    def toggle_minimap(self) -> None:
        self.minimap.set_wanted(not self.minimap.wanted)
        self.changed.emit()

    def ask_for_export(self) -> None:
        """Let the person choose a file for all of the graph."""
        exporting.ask(self, self.canvas.picture)

    # ------------------------------------------------------------------ folding

    def show_modules(self, on: bool) -> None:
        """Show innermost modules as one item each, or every operation."""
        self._modules = on
        self._wishes = Wishes()
        self._name_detail(on)
        self._fresh = True
        self._refresh()

    def toggle_fold(self, key: str) -> None:
        """Fold or unfold one group; show the members of a stack one by one."""
        scene = self.canvas.picture.scene
        item = scene.items.get(key)
        stack = item is not None and item.count > 1
        wanted = scene.series[key] if stack else key
        self._wish(self._wishes.toggled(wanted, item is not None), key)

    def _open(self, groups: frozenset[str]) -> None:
        """Open what hides something."""
        self._wish(self._wishes.open(groups), "")

    def roll_up(self, series: str) -> None:
        """Show the members of ``series`` as a stack again."""
        self._wish(self._wishes.toggled(series, False), series)

    def _wish(self, wishes: Wishes, anchor: str) -> None:
        self._wishes, self._anchor = wishes, anchor
        self._refresh()

    # ------------------------------------------------------------------ cursor

    def _select(self, ref: str) -> None:
        """Something was selected, perhaps in another view."""
        picture = self.canvas.picture
        if ref_of(self.canvas.selected, picture.scene) != ref:
            key = self._key_of(ref, picture)
            self.canvas.select(key)
            self.canvas.reveal(key)

    def _key_of(self, ref: str, picture: Picture) -> str:
        return key_of(ref, picture.scene, picture.index, self._cursor.whereabouts)

    def _show_menu(self, key: str, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setObjectName("graph_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        scene = self.canvas.picture.scene
        place = place_of(key, scene)
        if place is not None:
            line = menu.addAction(self.tr("Show line {0}").format(place.line))
            line.setObjectName("graph_line")
            line.triggered.connect(lambda: self._show_line(key))
            menu.addSeparator()
        ref = ref_of(key, scene)
        if ref:
            pin = menu.addAction(self.tr("Watch this value, or no longer"))
            pin.setObjectName("graph_pin")
            pin.triggered.connect(lambda: self.pinRequested.emit(ref))
            menu.addSeparator()
        self._add_folding(menu, key)
        for halt in halts(key, scene):
            action = menu.addAction(f"{halt.words} ({halt.pattern})")
            action.setObjectName(f"stop_{halt.on.value}")
            action.triggered.connect(
                lambda _=False, halt=halt: self.stopRequested.emit(halt.on, halt.pattern)
            )
        menu.popup(at)

    def _add_folding(self, menu: QMenu, key: str) -> None:
        """What can be opened or shut here."""
        for fold in folds(key, self.canvas.picture.scene):
            action = menu.addAction(fold.words)
            action.setObjectName(f"graph_{fold.what}")
            action.triggered.connect(lambda _=False, fold=fold: self._fold(fold))
        menu.addSeparator()

    def _fold(self, fold: Fold) -> None:
        if fold.what == "roll_up":
            self.roll_up(fold.key)
        elif fold.what == "aten":
            opened = fold.key in self._wishes.opened
            self._wish(self._wishes.toggled(fold.key, not opened), fold.key)
        else:
            self.toggle_fold(fold.key)

    def _show_line(self, key: str) -> None:
        found = place_of(key, self.canvas.picture.scene)
        if found is not None:
            self._cursor.select_line(found.file, found.line)


class Footer(QWidget):
    """The strip under the canvas, of the same ground."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().colour("canvas"))
