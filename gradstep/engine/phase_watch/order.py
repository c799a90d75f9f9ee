"""Does the update run before any backward?

A step without any gradient changes nothing, and some programs make one on purpose, before training,
to quiet a warning of the scheduler's. So it is told only when the same line steps again (it stands
in the loop), or when it was the program's only step.
"""

from __future__ import annotations

from typing import Any

from gradstep.engine.phase_watch.rule import Rule, Run, Spot, Step, counted
from gradstep.engine.phase_watch.table import UPDATE_FIRST


class UpdateFirst(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._early: Spot | None = None
        self._parameters = 0

    def before_backward(self, run: Run) -> None:
        if self._early is None:
            self.open = False

    def before_step(self, step: Step) -> None:
        user = self.sites.user_frame(step.frame)
        at = (user.f_code, user.f_lasti) if user is not None else None
        if self._early is not None:
            if at == self._early:
                self._found()
            elif self.watch.backwards:
                self.open = False
        elif self.watch.backwards or step.closure:
            self.open = False
        elif at is not None and all(p.grad is None for p in step.parameters()):
            self._early, self._parameters = at, len(step.parameters())

    def finished(self) -> None:
        if self._early is not None and self.watch.backwards:
            self._found()

    def _found(self) -> None:
        text = (
            f"The first optimizer.step() found no gradient at its "
            f"{counted(self._parameters, 'parameter')}, and changed nothing."
        )
        self.tell(UPDATE_FIRST, text, self.watch.place_of(self._early))
