"""A layout that nobody waits for any more ends soon, and nothing of what was told is lost."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gradstep.gui.graph.build import build
from gradstep.gui.graph.folding import Wishes
from gradstep.gui.graph.layout.check import Cancelled, Ticket
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.graph.placing import place
from gradstep.gui.graph.studio import Order, Studio
from tests.gui import graphs
from tests.gui.scenes import model_of

ROOM = (900.0, 600.0)


class Last(Ticket):
    """Cancelled at its ``number``-th check, as another thread would do."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def check(self) -> None:
        if self.checks + 1 >= self._number:
            self.cancel()
        super().check()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cancelled_layout_ends_at_its_next_check(share: float) -> None:
    scene = build(model_of(graphs.chain(400)[0]))
    whole = Ticket()
    place(scene, (900.0, 600.0), None, whole.check)
    # There is a check in every loop that grows with the graph: none is without for long.
    assert whole.checks > 2 * len(scene.items)
    ticket = Last(1 + int(share * whole.checks))
    with pytest.raises(Cancelled):
        place(scene, (900.0, 600.0), None, ticket.check)
    assert ticket.checks == 1 + int(share * whole.checks)


@pytest.fixture
def studio(qtbot: QtBot) -> Studio:
    made = Studio(QApplication.instance())
    made.pictures = []  # type: ignore[attr-defined]
    made.pictureMade.connect(lambda picture, fresh: made.pictures.append((picture, fresh)))
    return made


def shown(studio: Studio) -> list[tuple[Picture, bool]]:
    return studio.pictures  # type: ignore[attr-defined, no-any-return]


def test_a_newer_wish_ends_the_picture_under_way(qtbot: QtBot, studio: Studio) -> None:
    graph, stop = graphs.chain(1500)
    studio.order(Order((graph,), stop, ROOM, fresh=True))
    first = studio._ticket
    assert studio.busy and not first.cancelled
    studio.order(Order((), stop, ROOM, wishes=Wishes(frozenset({"x"}))))
    assert first.cancelled
    qtbot.waitUntil(lambda: bool(shown(studio)), timeout=30_000)
    assert not studio.busy
    ((picture, fresh),) = shown(studio)
    assert fresh, "the first picture was wanted afresh and has not been shown"
    operations = sum(node.kind == "result" for node in graph.nodes)
    assert sum(item.role == "operation" for item in picture.items) == operations


def test_steps_in_quick_succession_do_not_keep_every_picture_away(
    qtbot: QtBot, studio: Studio
) -> None:
    graph, stop = graphs.chain(1500)
    studio.order(Order((graph,), stop, ROOM))
    tickets: list[Ticket] = []
    for _ in range(4):
        studio.order(Order((), stop, ROOM))
        tickets.append(studio._ticket)
        qtbot.waitUntil(
            lambda: studio._ticket is not tickets[-1] or not studio.busy, timeout=30_000
        )
    given_up = [ticket.cancelled for ticket in tickets]
    assert given_up[:2] == [True, False], "the second is finished in any case"
    assert shown(studio)


def test_a_closed_window_wants_no_picture(qtbot: QtBot, studio: Studio) -> None:
    graph, stop = graphs.chain(1500)
    studio.order(Order((graph,), stop, ROOM))
    studio.give_up()
    qtbot.waitUntil(lambda: not studio.busy, timeout=30_000)
    assert shown(studio) == []
