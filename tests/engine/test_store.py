"""What is kept of recorded values and when it is previewed, in this process."""

from __future__ import annotations

import gc
import itertools
import weakref

import pytest
import torch
from torch import Tensor

from gradstep.engine.capture.store import Store
from gradstep.engine.stepping.tracker import Tracker
from gradstep.engine.values.reading import LaterPreview, preview
from gradstep.phases import Phase
from gradstep.protocol.fields import encode
from gradstep.protocol.values import Preview

TENSORS = [
    torch.tensor(2.5),
    torch.arange(6.0).reshape(2, 3).t(),
    torch.arange(40.0).reshape(5, 8)[:, ::2],
    torch.tensor([1 + 2j, 3 - 4j]).conj(),
    torch.linspace(0, 1, 100, dtype=torch.bfloat16),
    torch.full((30,), float("nan")),
    torch.arange(30),
]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda t: f"{t.dtype}{tuple(t.shape)}")
def test_a_preview_for_later_tells_what_was_there_then(tensor: Tensor) -> None:
    own = tensor.clone()
    at_once, later = preview(own), Store().told("#1:0", own)
    own.zero_()
    assert isinstance(later, LaterPreview)
    assert repr(later) == repr(at_once) and str(encode(later)) == str(encode(at_once))
    if not tensor.isnan().any():
        assert later == at_once and at_once == later
    assert later != Preview(norm=-1.0) and Preview(norm=-1.0) != later


def test_what_is_beyond_the_budget_is_previewed_at_once() -> None:
    store, tensor = Store(budget=8000), torch.ones(100)
    assert isinstance(store.told("#1:0", tensor), LaterPreview)
    large = torch.ones(2000)
    told = store.told("#2:0", large)
    assert type(told) is Preview and told.norm == pytest.approx(2000**0.5)
    assert store.get("#2:0") is None


def test_no_copy_outlives_the_store_by_what_is_told_of_it() -> None:
    store = Store()
    cleared, forgotten = store.told("#1:0", torch.ones(100)), store.told("#2:0", torch.ones(400))
    unread = weakref.ref(store.told("#3:0", torch.ones(9)))
    copies = [weakref.ref(store.get(key)) for key in ("#1:0", "#2:0")]  # type: ignore[arg-type]
    store.forget("#2:0")
    store.clear()
    gc.collect()
    assert [copy() for copy in copies] == [None, None]
    assert (cleared.norm, forgotten.norm, unread()) == (10.0, 20.0, None)


def test_a_foretold_backward_is_counted_as_one_that_is_entered() -> None:
    """In every order of up to six events, the short way and the long way know the same."""

    def run(events: tuple[str, ...], *, short: bool) -> list[object]:
        tracker, known = Tracker(), []
        for event in events:
            if event == "update":
                tracker.commit_update(optimizer=True, blind=True)
            elif event == "forward":
                tracker.enter(Phase.FORWARD, blind=True)
            elif short and tracker.steady and event == "backward":
                tracker.iteration += 1
            else:
                tracker.enter_backward_unseen(event == "twice")
            known.append({k: v for k, v in vars(tracker).items() if k != "steady"} | {"_after": 0})
        return known

    for events in itertools.product(("backward", "twice", "update", "forward"), repeat=6):
        assert run(events, short=True) == run(events, short=False), events
