"""Is the goal reached: before this operation, at this line, before this node, after this phase?"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType

from gradstep.engine.capture.callers import Callers
from gradstep.engine.stepping.gate import Command
from gradstep.engine.stepping.lines import Wish
from gradstep.engine.stepping.standing import Chain, Out, Over, Standing, chain_of
from gradstep.engine.stepping.tracker import Tracker
from gradstep.phases import Phase
from gradstep.protocol.trace import Goal, Level, Place, Reason

SMALL = frozenset({Goal.STEP, Goal.INTO, Goal.OVER, Goal.OUT})
"""Goals that lie within a phase."""
_LINES = frozenset({Goal.INTO, Goal.OVER, Goal.OUT})


class Goals:
    """What the last command asked for, and how much of it has happened."""

    def __init__(self, tracker: Tracker, callers: Callers, *, driven: bool) -> None:
        self._tracker, self._callers, self._driven = tracker, callers, driven
        self.goal = Goal.STEP
        self.pause = False
        self.reached = False
        """An operation of the phase asked for has been executed."""
        self.executed = 0
        """Operations since the last command."""
        self.boundary: Reason | None = None
        """A phase ended inside of a call: stop at whatever comes next, for this reason."""
        self.ended: Phase | None = None
        """The phase that ended there, if it is not the one that the tracker knows of."""
        self._step: Over | Out | None = None
        self._start: Place | None = None

    def follow(self, command: Command, standing: Standing, start: Place | None) -> None:
        """A new command. ``start``: the program stands before its first line, which is here."""
        self.goal = command.goal
        self.reached = False
        self.executed = 0
        self._start = start
        self._step = None
        if command.goal is Goal.OVER:
            self._step = Over(standing)
        elif command.goal is Goal.OUT:
            self._step = Out(standing)

    def stopped(self) -> None:
        """The program stands; what was asked for is done with."""
        self.boundary, self.ended, self.pause = None, None, False

    @property
    def is_small(self) -> bool:
        return self.goal in SMALL

    # ------------------------------------------------------------------ lines

    def wish(self, action: Callable[[FrameType], None]) -> Wish | None:
        """For the goals that lines can reach."""
        if self.goal not in _LINES:
            return None
        step = self._step
        if step is None:
            return Wish(action, self._at_line)
        return Wish(action, step.at_line, entering=False, left=step.left)

    def _at_line(self, frame: FrameType) -> bool:
        """``INTO``: any line of the user's; but not the one before which the program began."""
        start = self._start
        if start is not None and frame.f_code.co_name == "<module>":
            if frame.f_code.co_filename == start.file and frame.f_lineno <= start.line:
                return False
            self._start = None
        return True

    # ------------------------------------------------------------------ operations and nodes

    def before(
        self, phase: Phase | None, begins: bool, direct: bool, frame: FrameType | None
    ) -> Reason | None:
        """Why to stop before this operation, or None to go on. ``begins``: an iteration would begin
        with it. ``direct``: called from user code itself, at ``frame``."""
        if self.pause:
            return Reason.PAUSE
        if self.boundary is not None:
            return self.boundary
        goal = self.goal
        if goal in SMALL:
            wanted = phase is not None or direct
            return Reason.STEP if wanted and self._at_operation(phase, direct, frame) else None
        if goal is Goal.RUN or phase is None:
            return None
        if goal is Goal.ITERATION:
            over = begins and self._tracker.iteration > 0 and self.executed > 0
            return Reason.ITERATION if over and not self._driven else None
        ended = self.reached and goal.value != phase.value
        by_hand = goal in (Goal.UPDATE, Goal.ZERO_GRAD)
        if ended and by_hand and not self._driven and self.hand_complete(Phase(goal.value)):
            return Reason.PHASE
        return None

    def _at_operation(self, phase: Phase | None, direct: bool, frame: FrameType | None) -> bool:
        step = self._step
        if step is None:
            return True
        modules = chain_of(self._callers.modules)
        return step.at_operation(frame, modules, direct, phase is Phase.BACKWARD)

    def at_node(self, chain: Chain) -> bool:
        """Whether to stop before this node of backward, made by the calls ``chain``."""
        if self._step is not None:
            return self._step.at_node(chain)
        return self.goal in SMALL

    def hand_complete(self, phase: Phase) -> bool:
        """Whether an update by hand has changed something yet (a zero-grad always has)."""
        return phase is Phase.ZERO_GRAD or self._tracker.updated

    def told_by_result(self) -> bool:
        """Whether only the result of the very last operation is told at the stop."""
        return self.goal in (Goal.STEP, Goal.INTO)


def effective(level: Level, needed: Level) -> Level:
    """The higher of two levels."""
    order = list(Level)
    return max(level, needed, key=order.index)
