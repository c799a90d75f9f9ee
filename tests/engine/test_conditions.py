"""Conditions of breakpoints, of gradients that are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gradstep.phases import Phase
from gradstep.protocol.breakpoints import BreakOn, Breakpoint
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import Opened

LATE = """
import torch

w, v = (torch.ones(2, requires_grad=True) for _ in range(2))
optimizer = torch.optim.SGD([w, v], 0.1)
for step in range(5):
    loss = (w * v if step > 2 else w).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_gradient_that_is_none(
    start: Callable[..., Opened], script: Callable[[str], Path]
) -> None:
    program = start(script(LATE))
    program.set_breakpoints(
        Breakpoint(1, BreakOn.PHASE, phase=Phase.BACKWARD, condition="v.grad is None")
    )
    stops = []
    while (stop := program.run()).reason is Reason.BREAKPOINT:
        stops.append((stop.iteration, program.value("v").grad))
    assert stops == [(1, None), (2, None), (3, None)]
