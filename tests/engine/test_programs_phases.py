"""Programs as practitioners write them, phase by phase in their own order: each stop lies where the
program says that the phase is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest

from gradstep.phases import Phase
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import Opened
from tests.engine.table_of_programs import CASES, HELPERS, Case, with_gaps

Start = Callable[..., Opened]
MOST = 8
"""Iterations that are stepped through; the rest is run."""
STEPPED = [case for case in CASES if case.order and case.iterations is not None]
OFTEN = frozenset({
    "backward/custom_function", "update/closure", "update/gan", "update/rebound no_grad",
})  # fmt: skip
"""What is stepped through before every change; the rest in the sweep."""


@pytest.mark.parametrize("case", with_gaps("phases", STEPPED, often=OFTEN))
def test_every_phase_in_its_place(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    case: Case,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("PYTHONPATH", HELPERS)
    folder = tmp_path_factory.mktemp("here")
    case.prepare(folder)
    program = start(case.path(folder), case.args, module=case.module, cwd=str(folder))
    if case.text:
        program.write(case.text)
    assert case.order
    assert case.iterations is not None
    backward, order = case.lines(Phase.BACKWARD), list(pressed(case.order))
    last = min(MOST, case.iterations)
    for iteration in range(1, last + 1):
        for number, phase in enumerate(order):
            stop = getattr(program, phase.value)()
            where = f"phase {number} of iteration {iteration}: {phase}"
            if stop.reason is Reason.END and (iteration, number) == (last, len(order) - 1):
                # What is done by hand is over when something else begins.
                assert (stop.phase, stop.iteration) == (phase, iteration), (where, stop)
                break
            assert stop.reason is Reason.PHASE, (where, stop)
            assert (stop.phase, stop.iteration) == (phase, iteration), (where, stop)
            if phase is Phase.FORWARD:
                assert stop.line in backward, (where, stop)
    stretches = [s for s in program.timeline().phases if s.iteration <= last]
    told = list(merged(s.phase for s in stretches))
    right = list(merged(case.order * last))
    assert told[: len(right)] == right
    for phase in (Phase.UPDATE, Phase.ZERO_GRAD):
        lines = {c.line for s in stretches if s.phase is phase for c in s.cells}
        assert lines <= case.lines(phase), phase
    if stop.reason is not Reason.END:
        assert program.run().reason is Reason.END
    assert program.stop.iteration == case.iterations


def pressed(order: tuple[Phase, ...]) -> Iterator[Phase]:
    """Forward is over when backward begins: clearing in between has then been done."""
    for number, phase in enumerate(order):
        if phase is not Phase.ZERO_GRAD or order[number - 1 : number] != (Phase.FORWARD,):
            yield phase


def merged(phases: Iterable[Phase]) -> Iterator[Phase]:
    """On the timeline, clearing twice in a row is one stretch; two backwards are two."""
    before = None
    for phase in phases:
        if phase is not before or phase is Phase.BACKWARD:
            yield phase
        before = phase
