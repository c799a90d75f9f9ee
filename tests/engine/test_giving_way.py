"""A step never waits for a picture: readings under way end early, and nothing else does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from gradstep.engine.giving_way import Overtaken, between_pieces, ending_python, giving_way
from gradstep.engine.rules.contraction import einsum
from gradstep.engine.values.measures import PIECE, histogram, statistics
from gradstep.protocol.examination import Histogram, Watched
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.rerun import Axis, AxisKind, Check
from gradstep.protocol.trace import Goal, Level, Moment
from gradstep.protocol.values import Statistics
from tests.engine.programs_under_test import PATIENCE, Opened
from tests.engine.test_life import wait_for

# Made once more in float64, the forward takes a second or more; its pieces some hundredths each.
SLOW = """
import torch

torch.manual_seed(0)
w = torch.ones((), requires_grad=True)
huge = torch.zeros(60_000_000)
a = torch.eye(500)
print(torch.rand(()).item())
for i in range(4):
    b = a * w
    for k in range(60):
        b = b @ a
    loss = torch.nn.functional.dropout(b, 0.5).mean() + torch.rand(())
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
    print(loss.item(), torch.rand(()).item())
"""


class Counted:
    """Says that the work is to end when it has been asked ``after`` times."""

    def __init__(self, after: int) -> None:
        self.asked, self.after = 0, after

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.after


@pytest.mark.parametrize("read", [statistics, lambda tensor: histogram(tensor, 8)])
def test_a_large_tensor_is_read_in_pieces(read: Callable[[torch.Tensor], Any]) -> None:
    tensor, pieces = torch.arange(10.0 * PIECE), Counted(3)
    with giving_way(pieces), pytest.raises(Overtaken):
        read(tensor)
    assert pieces.asked == 4
    never = Counted(1000)
    with giving_way(never):
        assert read(tensor) == read(tensor.clone())
    assert never.asked >= 2 * 10


@pytest.mark.parametrize(
    ("labels", "output", "shapes"),
    [
        (("ab", "bc"), "ac", ((30, 700), (700, 20_000))),
        (("zab", "zbc"), "zac", ((1, 300, 1000), (3, 1000, 400))),
    ],
)
def test_a_large_product_is_made_in_pieces(
    labels: tuple[str, ...], output: str, shapes: tuple[tuple[int, ...], ...]
) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(shape) for shape in shapes]
    pieces = Counted(1000)
    with giving_way(pieces):
        found = einsum(labels, output, tensors)
    assert pieces.asked > 1
    torch.testing.assert_close(found, torch.einsum(f"{','.join(labels)}->{output}", *tensors))
    with giving_way(Counted(1)), pytest.raises(Overtaken):
        einsum(labels, output, tensors)


def test_only_what_may_be_broken_off_is() -> None:
    between_pieces()  # nobody said that this thread's work may end
    with giving_way(lambda: True):
        with giving_way(lambda: False):
            between_pieces()
        with pytest.raises(Overtaken):
            between_pieces()
    between_pieces()


def test_a_persons_endless_expression_ends() -> None:
    given = {"count": itertools.count}
    for endless in ("sum(1 for _ in count())", "[None for _ in count()]", "f()"):

        def f() -> None:
            while True:
                try:
                    int("no number")
                except Exception:
                    continue

        def broken_off(endless: str = endless, f: Any = f) -> bool:
            with giving_way(Counted(50)), pytest.raises(Overtaken), ending_python():
                eval(endless, {**given, "f": f})
            return True

        # In another thread: Python 3.11 leaves the error that was being handled in the one where a
        # trace function raised.
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(broken_off).result(PATIENCE)


def overtaken(future: Any) -> bool:
    error = future.exception(PATIENCE)
    return isinstance(error, RequestFailed) and error.problem.kind == "overtaken"


def test_a_step_never_waits_for_a_reading(
    start: Callable[..., Opened], script: Callable[..., Path], plain: Callable[..., Any]
) -> None:
    """One program, a reading of another kind after each of its backwards."""
    slow = start(script(SLOW))
    for iteration, read in enumerate((a_check, a_landscape, many, a_watch), 1):
        slow.backward(level=Level.OPERATION)
        read(slow)
        stop = slow.stop
        assert (stop.iteration, stop.phase) == (iteration, "update")
    # Nothing is left of what was not read to the end: the program prints what it would have.
    slow.run()
    assert slow.output_bytes == plain(script(SLOW)).stdout


def go_on(slow: Opened) -> None:
    slow.advance(Goal.UPDATE, Level.OPERATION)
    slow.wait()


def a_check(slow: Opened) -> None:
    asked = slow.request("check", Check, ref="w", index=())
    behind = slow.request("statistics", Statistics, ref="huge", field="data")
    go_on(slow)
    assert overtaken(asked)
    assert "go on" in str(asked.exception())
    assert overtaken(behind)
    # The same can be asked now.
    assert slow.statistics("huge").count == 60_000_000


def a_landscape(slow: Opened) -> None:
    axis = Axis(AxisKind.ELEMENT, -1, 1, "w")
    with ThreadPoolExecutor(1) as pool:
        gathered = pool.submit(slow.landscape, axis, points=41)
        # That it has begun: what is asked while it is computed is answered beside it.
        wait_for(lambda: "gradstep-landscape" in threads_of(slow))
        go_on(slow)
        _, losses = gathered.result(PATIENCE)
    assert losses == []


def threads_of(program: Opened) -> set[str]:
    text = "' '.join(t.name for t in __import__('threading').enumerate())"
    return set(program.watch(text)[0].text.strip("'").split())


def many(slow: Opened) -> None:
    """What reads is refused, what changes something is carried through."""
    readings = [slow.request("histogram", Histogram, ref="huge", field="data") for _ in range(3)]
    moment = slow.request("moment", Moment)
    set_ = slow.request("set_breakpoints", None, breakpoints=())
    kept = slow.request("keep", None, refs=("w",))
    go_on(slow)
    assert all(map(overtaken, readings))
    assert overtaken(moment) or moment.result()
    assert set_.exception() is None and kept.exception() is None
    assert slow.earlier("w")[0].problem == ""


def a_watch(slow: Opened) -> None:
    endless = "sum(1 for _ in iter(int, 1))"
    asked = slow.request("watch", tuple[Watched, ...], expressions=(endless, "w"))
    go_on(slow)
    assert overtaken(asked)
    assert slow.watch("w")[0].number is not None


def test_a_program_ends_during_a_reading(start: Callable[..., Opened]) -> None:
    program = start("values.py")
    program.request("watch", tuple[Watched, ...], expressions=("sum(1 for _ in iter(int, 1))",))
    program.request("end", None)
    wait_for(lambda: "KeyboardInterrupt" in program.errors)
