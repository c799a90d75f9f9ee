"""Makes pictures: builds the scene, places it, works out its lines.

A large graph's beside the GUI thread; of what is asked while one is being made, only the newest is
made next. A small one's at once: the way to a thread and back costs more than the picture, and the
window would be painted once more before it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from gradstep.gui.background import Background
from gradstep.gui.graph.layout.placement import Placement
from gradstep.gui.graph.model import GraphModel
from gradstep.gui.graph.moment import moment
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.placing import place
from gradstep.gui.graph.scene import Scene, build, leaf_modules
from gradstep.gui.graph.shape import structure

AT_ONCE = 48
"""A graph of so few nodes is drawn anew in 2 ms, as long as it has the same structure."""
PLACED_AT_ONCE = 12
"""One of so few nodes is also placed anew within half a frame."""


@dataclass(frozen=True)
class Order:
    """A picture of ``model`` for a view of ``room`` pixels. ``modules``: innermost modules are
    folded; ``toggled``: groups for which it is the other way round. ``fresh``: nothing of the last
    picture needs to stay where it was."""

    model: GraphModel
    room: tuple[float, float]
    modules: bool = False
    toggled: frozenset[str] = frozenset()
    fresh: bool = False


class Studio(QObject):
    """``pictureMade`` tells a ``Picture`` and whether it was ordered ``fresh``."""

    pictureMade = Signal(object, bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._waiting: Order | None = None
        self._working = False
        self._picture = Picture()
        self._structure: Hashable = None
        self._round = self._working_for = 0

    @property
    def busy(self) -> bool:
        """Whether a newer picture is on its way."""
        return self._working and self._working_for == self._round

    def clear(self) -> None:
        """Forget what was made and what is being made."""
        self._round += 1
        self._waiting = None
        self._picture, self._structure = Picture(), None

    def order(self, order: Order) -> None:
        """Make a picture; ``pictureMade`` follows, unless a newer order overtakes this one."""
        if self._waiting is not None and self._waiting.fresh and not order.fresh:
            order = Order(order.model, order.room, order.modules, order.toggled, True)
        self._waiting = order
        self._next()

    def _next(self) -> None:
        if self._working or self._waiting is None:
            return
        order, self._waiting = self._waiting, None
        last, known, this_round = self._picture, self._structure, self._round
        if _nodes(order.model) <= AT_ONCE and (made := _at_once(order, last, known)):
            self._deliver(made, order.fresh)
            return
        self._working, self._working_for = True, this_round

        def work() -> tuple[Picture, Hashable] | Exception:
            try:
                return make(order, last, known)
            except Exception as error:  # told in the GUI thread; the next order must still be made
                return error

        def done(result: tuple[Picture, Hashable] | Exception) -> None:
            self._working = False
            if isinstance(result, Exception):
                self._next()
                raise result
            if this_round == self._round:
                self._deliver(result, order.fresh)
            self._next()

        self._background.do(work, done)

    def _deliver(self, made: tuple[Picture, Hashable], fresh: bool) -> None:
        self._picture, self._structure = made
        self.pictureMade.emit(made[0], fresh)


def make(order: Order, last: Picture, known: Hashable) -> tuple[Picture, Hashable]:
    """The picture that ``order`` wants, and the structure it has. ``last`` and ``known``: the
    picture before and its structure; what still fits is used again."""
    scene = _scene(order)
    return _picture(order, scene, structure(scene), last, known)


def _at_once(order: Order, last: Picture, known: Hashable) -> tuple[Picture, Hashable] | None:
    """What ``make`` makes, if that is done within a frame."""
    scene = _scene(order)
    shape = structure(scene)
    if shape != known and _nodes(order.model) > PLACED_AT_ONCE:
        return None
    return _picture(order, scene, shape, last, known)


def _nodes(model: GraphModel) -> int:
    """How many there may be to draw: those that ran, and those expected as the last time."""
    return max(len(model.now.nodes), len(model.before.nodes))


def _scene(order: Order) -> Scene:
    usual = leaf_modules(order.model) if order.modules else frozenset()
    return build(order.model, usual ^ order.toggled)


def _picture(
    order: Order, scene: Scene, shape: Hashable, last: Picture, known: Hashable
) -> tuple[Picture, Hashable]:
    if not scene:
        placement = Placement()
    elif shape == known:
        placement = last.placement
    else:
        placement = place(scene, order.room, None if order.fresh else last.placement)
    return Picture(scene, placement, moment(scene, order.model.stop), last), shape
