"""The cards of the selected value: which there are, what they ask, when they are asked again."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gradstep.gui.cards.accumulation import AccumulationCard
from gradstep.gui.cards.below import Below
from gradstep.gui.cards.chain import ChainCard
from gradstep.gui.cards.path import Spot
from gradstep.gui.cards.update import UpdateCard
from gradstep.gui.cards.ways import Ways
from gradstep.gui.cards.words import shown, words
from gradstep.gui.cursor import Cursor
from gradstep.gui.segmented import Segmented
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.protocol.cards import Chain
from gradstep.protocol.messages import PASSING, Problem
from gradstep.protocol.rerun import Check
from gradstep.protocol.trace import Edge, Graph, Node, Stop
from gradstep.protocol.training import Accumulation, Update
from gradstep.protocol.values import ValueKind
from gradstep.protocol.why import Why

CHAIN, ACCUMULATION, UPDATE = range(3)

PAUSE = 60
"""Milliseconds that the program must stand before a card is computed: the engine does one thing at
a time, and a held key steps on."""


class Cards(QWidget):
    """Asks only for the card that is seen, and again at each stop."""

    def __init__(self, session: Session, cursor: Cursor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cards")
        self._session, self._cursor = session, cursor
        self._ways = Ways()
        self._edge: int | None = None
        self._index: tuple[int, ...] = ()
        self._told: Update | None = None
        """What was said of the update to come, to be compared with it."""
        self._done: bool | None = None
        titles = (words("Chain rule"), words("Accumulation"), words("Update"))
        self.segments = Segmented(titles)
        self.segments.setObjectName("cards_choose")
        self.chain, self.accumulation = ChainCard(), AccumulationCard()
        self.update_ = UpdateCard()
        self.pages = (self.chain, self.accumulation, self.update_)
        self.below = Below()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.segments)
        for page in self.pages:
            layout.addWidget(page)
        layout.addWidget(self.below)
        self._soon = QTimer(self, singleShot=True, interval=PAUSE)
        self._soon.timeout.connect(self._refresh)
        self._connect()
        self._arrange()

    def _connect(self) -> None:
        session, cursor = self._session, self._cursor
        session.programOpened.connect(self._forget)
        session.graphChanged.connect(self._learn)
        session.stopped.connect(self._follow)
        cursor.selected.connect(self._select)
        self.segments.chosen.connect(self._turn)
        self.chain.edgeChosen.connect(self._choose)
        self.below.checkRequested.connect(self._check)
        self.below.whyRequested.connect(self._why)
        self.below.placeChosen.connect(cursor.select_line)

    # ------------------------------------------------------------------ facts

    def _forget(self, path: str = "") -> None:
        self._ways.clear()
        self._edge, self._index, self._told, self._done = None, (), None, None
        self._arrange()

    def _learn(self, graph: Graph) -> None:
        self._ways.add(graph)
        self._soon.start()

    def _follow(self, stop: Stop) -> None:
        self.below.clear()
        self._soon.start()

    def _select(self, ref: str) -> None:
        self._edge, self._index, self._told, self._done = None, (), None, None
        self.below.clear()
        self._arrange()
        self._soon.start()

    def show_element(self, index: tuple[int, ...]) -> None:
        """The element of the selected value that is traced in full."""
        if index != self._index:
            self._index = index
            self.below.clear()
            self._soon.start()

    def _choose(self, edge: int) -> None:
        """Another use of the value."""
        self._edge = edge
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._soon.start()

    # ------------------------------------------------------------------ what there is to show

    @property
    def _place(self) -> tuple[Node, int] | None:
        return self._ways.place(self._cursor.ref)

    def _turn(self, index: int) -> None:
        self._arrange()
        self._refresh()

    def _arrange(self) -> None:
        """Cards of what has no gradient are not shown at all."""
        place = self._place
        node = place[0] if place is not None else None
        grown = node is not None and (
            node.kind is ValueKind.PARAMETER
            or (place is not None and bool(self._ways.uses(*place)))
            or node.is_loss
        )
        self.setVisible(grown)
        if not grown or node is None:
            return
        leaf = node.kind is ValueKind.PARAMETER
        self.segments.setVisible(leaf)
        page = self.segments.index if leaf else CHAIN
        for i, card in enumerate(self.pages):
            card.setVisible(i == page)
        self.below.setVisible(page != UPDATE)

    @property
    def _page(self) -> int:
        return next((i for i, page in enumerate(self.pages) if not page.isHidden()), CHAIN)

    def _refresh(self) -> None:
        self._arrange()
        if not self.isVisible() or self._session.state not in (State.STOPPED, State.ENDED):
            return
        if self._page == CHAIN:
            self._ask_chain()
        else:
            self._ask_training()

    # ------------------------------------------------------------------ the chain rule

    def _chosen(self) -> Edge | None:
        """The use that is explained: the one chosen, else the one with the larger gradient."""
        place = self._place
        uses = self._ways.uses(*place) if place is not None else []
        chosen = next((edge for edge in uses if edge.id == self._edge), None)
        return chosen or next((e for e in uses if e.grad is not None), uses[0] if uses else None)

    def _ask_chain(self) -> None:
        edge = self._chosen()
        if edge is None:
            place = self._place
            if place is not None and place[0].is_loss:
                self.chain.clear(words("Backward begins here: the loss changes with itself by 1."))
            else:
                self.chain.clear(words("Nothing on the graph uses it with a gradient."))
            return
        self._session.ask(
            "chain",
            Chain,
            lambda chain, _: self._show_chain(chain),
            tag="cards chain",
            failed=self._no_card,
            edge=edge.id,
            index=self._index,
        )

    def _show_chain(self, chain: Chain) -> None:
        edge = self._ways.edges.get(chain.edge)
        way = self._ways.from_loss(edge) if edge is not None else []
        self.chain.show_chain(chain, self._ways.loss, tuple(self._spots(way)))

    def _spots(self, way: list[Edge]) -> list[Spot]:
        spots = []
        for i, edge in enumerate(way):
            after = way[i + 1] if i + 1 < len(way) else None
            by = self._ways.nodes[after.target].name if after is not None else ""
            dtype = edge.tensor.dtype if edge.tensor else "float32"
            size = shown(edge.grad, dtype) if edge.grad is not None else "?"
            source = self._ways.nodes.get(edge.source)
            name = edge.name or (source.name if source else "")
            if not edge.name and edge.target < 0:
                name = self._ways.loss
            spots.append(Spot(size, name, by))
        return spots

    # ------------------------------------------------------------------ what happens to a parameter

    def _ask_training(self) -> None:
        ref = self._cursor.ref
        self._session.ask(
            "update", Update, lambda found, _: self._show_update(ref, found),
            tag="cards update", failed=self._no_card, ref=ref, index=self._index,
        )  # fmt: skip

    def _show_update(self, ref: str, update: Update) -> None:
        self._compare(update)
        if self._page == UPDATE:
            self.update_.show_update(update, self._done)
            return
        self._session.ask(
            "accumulation", Accumulation,
            lambda found, _: self.accumulation.show_accumulation(found, update),
            tag="cards accumulation", failed=self._no_card, ref=ref, index=self._index,
        )  # fmt: skip

    def _compare(self, update: Update) -> None:
        """Once the parameter has moved: whether to where it was told."""
        told, now = self._told, update.before
        if told is None or told.coming is None or now is None:
            pass
        elif now != told.before:
            there, said = now.element, told.coming.element
            self._done = abs(there - said) <= 1e-5 * max(abs(there), abs(said))
            self._told = None
        if update.coming is not None:
            self._told = update

    def _no_card(self, problem: Problem) -> None:
        if problem.kind not in PASSING:  # else what was there stays until the next stop
            self.pages[self._page].clear(problem.message)

    # ------------------------------------------------------------------ below

    def _check(self) -> None:
        self._session.ask(
            "check", Check, lambda check, _: self.below.show_check(check),
            tag="cards check", failed=lambda problem: self.below.show_problem(problem.message),
            ref=self._cursor.ref, index=self._element,
        )  # fmt: skip

    @property
    def _element(self) -> tuple[int, ...]:
        place = self._place
        shape = place[0].tensor.shape if place is not None and place[0].tensor else ()
        return self._index or (0,) * len(shape)

    def _why(self) -> None:
        self._session.ask(
            "why", Why, lambda why, _: self.below.show_why(why),
            tag="cards why", failed=lambda problem: self.below.show_problem(problem.message),
            ref=self._cursor.ref,
        )  # fmt: skip
