"""The timeline's bookkeeping: what is taken out of it, and how its readers hear of that."""

from __future__ import annotations

from gradstep.engine.stepping.journal import Journal
from gradstep.phases import Phase
from gradstep.protocol.trace import Timeline

F, B, U, Z = Phase.FORWARD, Phase.BACKWARD, Phase.UPDATE, Phase.ZERO_GRAD


class Reader:
    """Reads what is new, as the window does."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._seen = journal, 0
        self.phases: list[Phase] = []

    def read(self) -> Timeline:
        timeline = self._journal.timeline(self._seen)
        self.phases[timeline.first :] = [stretch.phase for stretch in timeline.phases]
        self._seen = timeline.first + sum(stretch.complete for stretch in timeline.phases)
        return timeline


def a_forward(journal: Journal, node: int) -> None:
    journal.open(F, 1)
    journal.operation("mul", node, None)


def iteration(journal: Journal, reader: Reader, waiting: set[int]) -> None:
    """A forward for a plot, clearing, the forward that is sent back, and another for a log."""
    for node in (1, 2):
        a_forward(journal, node)
        reader.read()
        if node == 1:
            journal.open(Z, 1)
    journal.sent_back({2})
    journal.open(B, 1)
    reader.read()
    a_forward(journal, 3)
    journal.open(U, 1)
    assert reader.read().phases[-1].phase is U
    journal.tidy(lambda: waiting)


def test_forwards_that_led_to_no_backward_are_taken_out() -> None:
    journal = Journal()
    reader = Reader(journal)
    iteration(journal, reader, set())
    assert reader.phases == [F, Z, F, B, F, U]
    assert reader.read().first == 0, "the first stretch is gone: all after it has moved"
    assert reader.phases == [Z, F, B, U]
    assert [p.index for p in journal.timeline(0).phases] == [0, 1, 2, 3]
    assert reader.read().first == 3, "nothing more was taken out"


def test_what_may_still_be_sent_back_stays() -> None:
    journal = Journal()
    reader = Reader(journal)
    iteration(journal, reader, {1})
    reader.read()
    assert reader.phases == [F, Z, F, B, U]


def test_an_experiments_forwards_were_all_asked_for() -> None:
    journal = Journal(driven=True)
    reader = Reader(journal)
    iteration(journal, reader, set())
    reader.read()
    assert reader.phases == [F, Z, F, B, F, U]
