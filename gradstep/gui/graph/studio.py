"""Makes pictures: builds the scene, places it, works out its lines.

A large graph's beside the GUI thread; of what is asked while one is being made, only the newest is
made next. A small one's at once: the way to a thread and back costs more than the picture, and the
window would be painted once more before it.
"""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, Signal

from gradstep.gui.background import Background
from gradstep.gui.graph.build import fold
from gradstep.gui.graph.folding import Wishes, everything, overview
from gradstep.gui.graph.layout.check import Cancelled, Check, Ticket, no_check
from gradstep.gui.graph.layout.placement import Placement
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.moment import Index, moment
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.patching import is_patch, patched, spoils
from gradstep.gui.graph.placing import place
from gradstep.gui.graph.plan import planned
from gradstep.gui.graph.scene import Scene
from gradstep.gui.graph.shape import structure
from gradstep.protocol.trace import Graph, Reason, Stop

AT_ONCE = 48
"""A graph of so few nodes is drawn anew in 2 ms, as long as it has the same structure."""
PLACED_AT_ONCE = 12
"""One of so few nodes is also placed anew within half a frame."""


CROWD = 64
"""With more nodes than this, modules are shown as one each until the person wants otherwise."""


@dataclass(frozen=True)
class Order:
    """A picture of ``stop``, once ``graphs`` have been merged into what is known, for a view of
    ``room`` pixels. ``modules``: give an overview; None: of a large graph. ``wishes``: what is to
    be open or shut. ``fresh``: nothing of the last picture needs to stay where it was."""

    graphs: tuple[Graph, ...]
    stop: Stop | None
    room: tuple[float, float]
    modules: bool | None = False
    wishes: Wishes = field(default_factory=Wishes)
    fresh: bool = False

    def steps_on(self, earlier: Order) -> bool:
        """Whether the program has only gone on since the ``earlier`` order."""
        same = (self.modules, self.wishes) == (earlier.modules, earlier.wishes)
        return same and not self.fresh

    def after(self, earlier: Order) -> Order:
        """This order in the place of an ``earlier`` one that was not begun."""
        graphs, fresh = earlier.graphs + self.graphs, earlier.fresh or self.fresh
        return replace(self, graphs=graphs, fresh=fresh)


class Studio(QObject):
    """``pictureMade`` tells a ``Picture`` and whether it was ordered ``fresh``."""

    pictureMade = Signal(object, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._waiting: Order | None = None
        self._working = False
        # Read and changed by one at a time: the worker while there is one, else the GUI thread.
        self._last = Made(GraphModel())
        self._round = self._working_for = 0
        self._ticket = Ticket()
        self._order = Order((), None, (0.0, 0.0))
        self._gave_up = False
        """Whether the last picture was given up for a newer one."""

    @property
    def busy(self) -> bool:
        """Whether a newer picture is on its way."""
        return self._working and self._working_for == self._round

    def clear(self) -> None:
        """Forget what was made and end what is being made."""
        self._round += 1
        self._waiting = None
        self._ticket.cancel()
        self._last = Made(GraphModel())

    def give_up(self) -> None:
        """End what is being made: nobody will see it."""
        self._waiting = None
        self._ticket.cancel()

    def order(self, order: Order) -> None:
        """Make a picture; ``pictureMade`` follows, unless a newer order overtakes this one, which
        ends what is being made."""
        self._waiting = order.after(self._waiting) if self._waiting is not None else order
        # A program that steps quickly must not keep every picture from being finished.
        if self._working and not (self._gave_up and order.steps_on(self._order)):
            self._ticket.cancel()
        self._next()

    def _next(self) -> None:
        if self._working or self._waiting is None:
            return
        order, self._waiting = self._waiting, None
        last, this_round = self._last, self._round
        if (step := _step(order, last)) is not None:
            self._deliver(step, order.fresh)
            return
        if last.model.size_with(order.graphs) <= AT_ONCE:
            made = _at_once(order, last)
            if made is not None:
                self._deliver(made, order.fresh)
                return
            order = replace(order, graphs=())
        self._working, self._working_for = True, this_round
        ticket = self._ticket = Ticket()
        self._order = order

        def work() -> Made | Exception:
            try:
                with no_collection():
                    return make(order, last, ticket.check)
            except Exception as error:  # told in the GUI thread; the next order must still be made
                return error

        def done(result: Made | Exception) -> None:
            self._working = False
            if isinstance(result, Cancelled):
                self._give_up(order, this_round)
                self._next()
                return
            if isinstance(result, Exception):
                self._next()
                raise result
            if this_round == self._round:
                self._deliver(result, order.fresh)
            self._next()

        self._background.do(work, done)

    def _give_up(self, order: Order, of_round: int) -> None:
        """``order`` was not finished. What it brought of the graph is in the model already, but in
        no picture, so that the next one cannot build upon the last."""
        if of_round != self._round:
            return
        self._gave_up = True
        self._last = replace(self._last, index=None)
        if self._waiting is not None:
            self._waiting = replace(self._waiting, fresh=self._waiting.fresh or order.fresh)

    def _deliver(self, made: Made, fresh: bool) -> None:
        self._last, self._gave_up = made, False
        self.pictureMade.emit(made.picture, fresh)


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the garbage collector meanwhile: a layout makes many small things that all live on,
    and looking at them again and again takes a quarter of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@dataclass(frozen=True)
class Made:
    """The last picture with its structure, what is known of the program, and the order."""

    model: GraphModel
    picture: Picture = field(default_factory=Picture)
    structure: Hashable = None
    index: Index | None = None
    order: Order | None = None


def make(order: Order, last: Made, check: Check = no_check) -> Made:
    """The picture that ``order`` wants. What still fits of the ``last`` is used again; its model
    is changed. ``check`` is called again and again; what it raises ends the work."""
    _take(order, last.model)
    scene = scene_for(order, last.model)
    return _picture(order, scene, structure(scene), last, check)


def _at_once(order: Order, last: Made) -> Made | None:
    """What ``make`` makes, if that is done within a frame."""
    _take(order, last.model)
    scene = scene_for(order, last.model)
    shape = structure(scene)
    if shape != last.structure and last.model.size > PLACED_AT_ONCE:
        return None
    return _picture(order, scene, shape, last)


def _take(order: Order, model: GraphModel) -> None:
    for graph in order.graphs:
        model.merge(graph)
    if order.stop is not None:
        model.take(order.stop)


def scene_for(order: Order, model: GraphModel) -> Scene:
    """The items and links that ``order`` wants to see of ``model``."""
    plan = planned(model)
    modules = model.size > CROWD if order.modules is None else order.modules
    folding = overview(plan, order.wishes) if modules else everything(order.wishes)
    return replace(fold(plan, folding, model.iteration), overview=modules)


def _picture(
    order: Order, scene: Scene, shape: Hashable, last: Made, check: Check = no_check
) -> Made:
    if not scene:
        placement = Placement()
    elif shape == last.structure:
        placement = last.picture.placement
    else:
        kept = None if order.fresh else last.picture.placement
        placement = place(scene, order.room, kept, check)
    index = Index(scene)
    now = moment(scene, last.model.stop, index)
    picture = Picture(scene, placement, now, last.picture, index=index)
    return Made(last.model, picture, shape, index, order)


def _step(order: Order, last: Made) -> Made | None:
    """What ``make`` makes, if a step has left the graph as it is, in a time that does not depend on
    its size; else None."""
    index, before, model = last.index, last.order, last.model
    if index is None or before is None or order.fresh:
        return None
    if (order.modules, order.wishes) != (before.modules, before.wishes):
        return None
    if order.stop is None or order.stop.reason == Reason.EXCEPTION:
        return None
    if not last.picture.items or not is_patch(model, order.graphs):
        return None
    _take(order, model)
    nodes = [model.now.nodes[node.id] for graph in order.graphs for node in graph.nodes]
    edges = [
        model.now.edges[edge.id]
        for graph in order.graphs
        for edge in graph.edges
        if edge.id in model.now.edges
    ]
    scene, items, links = patched(last.picture.scene, index, nodes, edges)
    # A new NaN, or one that is gone, is looked into; else nothing has failed that had not before.
    same = not spoils(scene, links) and not spoils(last.picture.scene, links)
    now = moment(scene, order.stop, index, last.picture.now.failed if same else None)
    picture = Picture(
        scene, last.picture.placement, now, last.picture, touched=(items, links), index=index
    )
    return Made(model, picture, last.structure, index, order)
