"""The journal in memory: bounded however long a program runs, and right about what it keeps."""

from __future__ import annotations

import pytest

from gradstep.engine import journal
from gradstep.engine.journal import Journal
from gradstep.phases import Phase


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("STRETCHES", 6), ("CELLS", 3), ("ALL_CELLS", 10), ("LOSSES", 8)):
        monkeypatch.setattr(journal, name, size)


@pytest.mark.usefixtures("small")
def test_old_stretches_and_old_cells_are_forgotten() -> None:
    kept = Journal()
    for iteration in range(1, 21):
        kept.open(Phase.FORWARD, iteration)
        for name in "abcd":
            kept.operation(name, None, None)
    timeline = kept.timeline(0)
    assert timeline.first == 14 and [p.iteration for p in timeline.phases] == list(range(15, 21))
    assert [p.count for p in timeline.phases] == [4] * 6
    assert [len(p.cells) for p in timeline.phases] == [0, 0, 0, 3, 3, 3]
    assert [c.name for c in timeline.phases[-1].cells] == list("abc")


@pytest.mark.usefixtures("small")
def test_pruned_cells_leave_room_for_others() -> None:
    kept = Journal()
    for iteration in range(1, 5):
        kept.open(Phase.FORWARD, iteration)
        for node in range(3):
            kept.operation("a", node, None)
        assert kept.prune({0}) == 1
        kept.open(Phase.BACKWARD, iteration)
        kept.operation("b", None, None)
    phases = kept.timeline(0).phases
    assert [(p.phase, len(p.cells)) for p in phases] == [
        (Phase.FORWARD, 1),
        (Phase.BACKWARD, 1),
    ] * 3


@pytest.mark.usefixtures("small")
def test_losses_keep_their_numbers_and_samples_when_old_ones_go() -> None:
    kept = Journal()
    for i in range(1, 13):
        kept.loss(i, i / 2, sample=i % 3)
    losses = kept.losses(0)
    assert losses.first == 12 - len(losses.values) and losses.iterations[-1] == 12
    assert losses.values == tuple(i / 2 for i in losses.iterations)
    assert losses.labels == tuple(f"sample {i % 3}" if i % 3 else "" for i in losses.iterations)
    assert kept.losses(11).values == (6.0,)
