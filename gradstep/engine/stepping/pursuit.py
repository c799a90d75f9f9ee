"""What a command, and the breakpoints, need: capturing, tracing, lines to watch for.

The debugger decides about operations; this decides about lines and modules, and raises the level of
capture where a breakpoint could not be hit without it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from gradstep.engine.stepping.breakpoints import Breakpoints, Ids
from gradstep.engine.stepping.gate import Command
from gradstep.engine.stepping.goals import effective
from gradstep.engine.stepping.lines import Wish
from gradstep.engine.stepping.loops import NO_EPOCHS, Epochs
from gradstep.engine.stepping.standing import Chain, Standing, chain_of
from gradstep.phases import Phase
from gradstep.protocol.trace import Goal, Group, Level, Place, Reason

if TYPE_CHECKING:
    from gradstep.engine.stepping.debugger import Debugger


@dataclass(frozen=True)
class Spot:
    """What only the one who stops knows of the place. ``below``: a library called the operation.
    ``chain``: the calls around the next node of backward. ``entering``: the innermost module has
    not begun yet. ``start``: nothing has run, and this is the first line."""

    below: bool = False
    chain: Chain | None = None
    entering: bool = False
    start: Place | None = None


NOWHERE = Spot()


class Pursuit:
    """Follows one command after the other."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self.command = Command(Goal.STEP, Level.RUN)
        self.epochs = Epochs(debugger.sites)
        self._over = False
        self._asked_iteration = 0

        self.told: Phase | None = None
        """The phase whose end the breakpoints have heard of."""

    @property
    def _breakpoints(self) -> Breakpoints:
        return self._debugger.breakpoints

    def follow(self, command: Command, frame: FrameType | None, spot: Spot) -> None:
        """From the place where the program stood, at the user's ``frame``."""
        d = self._debugger
        self.command = command
        self._over = self._over or command.leave
        d.goals.follow(command, self._standing(command.goal, frame, spot), spot.start)
        if command.goal is Goal.EPOCH:
            self.epochs.asks = True
        self._set_level(again=True)
        if d.blind:
            d.recorder.begin(d.tracker.iteration)  # nothing of what now runs is recorded
        wish = d.goals.wish(lambda at: self._line_reached(at))
        if wish is not None:
            d.lines.arm(frame, wish)
        self.watch_lines()

    def finish(self) -> None:
        """The program is over: nothing stops it any more."""
        self._over = True
        self._debugger.lines.disarm()
        self.watch_lines()

    def _standing(self, goal: Goal, frame: FrameType | None, spot: Spot) -> Standing:
        d = self._debugger
        place = Standing(driven=d.driven, node=spot.chain, in_backward=d.in_backward > 0)
        if goal not in (Goal.OVER, Goal.OUT):
            return place
        place.surround(frame, d.sites)
        modules = d.callers.modules
        place.modules = chain_of(modules[:-1] if spot.entering else modules)
        place.depth = len(d.callers.groups(frame))
        place.below = spot.below
        place.library = spot.below and d.callers.in_library_module()
        return place

    # ------------------------------------------------------------------ how much is captured

    def _set_level(self, *, again: bool = False) -> None:
        """What was asked for, or more if a breakpoint needs it. ``again``: the modes of run level
        are taken off once more, whoever may have put them on."""
        d, breakpoints = self._debugger, self._breakpoints
        asked = self.command.level
        level = asked if self._over else effective(asked, breakpoints.level())
        looked_at = d.goal is not Goal.RUN and asked is not Level.RUN
        watching = not self._over and (looked_at or breakpoints.records)
        before = (d.level, d.recorder.watching)
        d.level, d.recorder.watching = level, watching
        if before != (level, watching) or d.followed_elsewhere or (again and level is Level.RUN):
            d.followed_elsewhere = False
            d.set_level(level)
        d.attends = self.epochs.asks or breakpoints.between or d.nonfinite.on
        d.callers.follow(watching)
        d.callers.entered = self._module_entered if breakpoints.modules else None

    def changed(self) -> None:
        """From the link: the breakpoints are others now. A program that stands finds them when it
        goes on."""
        d = self._debugger
        if not d.gate.waiting:
            d.lines.in_main(lambda frame: d.lines.errand(frame, self._refresh, _always))

    def _refresh(self, frame: FrameType) -> None:
        if not self._over:
            self._set_level()
            self.watch_lines()

    def iteration_passed(self) -> None:
        """Another iteration: the level may have to rise for the next, or may fall again."""
        if self._breakpoints.iterations and not self._debugger.driven:
            self._set_level()

    # ------------------------------------------------------------------ lines

    def watch_lines(self) -> None:
        """Of breakpoints, the line to run to, the head of the epochs' loop. In the main thread."""
        d = self._debugger
        if threading.current_thread() is not threading.main_thread():
            d.lines.in_main(lambda frame: self.watch_lines())
            return
        keys = set(self._breakpoints.lines) if not self._over else set()
        goal = None if self._over else self._line_of_goal()
        if goal is not None:
            keys.add(goal)
        files = {file for file, _ in keys}
        lines = {f: frozenset(line for file, line in keys if file == f) for f in files}
        d.lines.watch(lines, self._watched_line)

    def _line_of_goal(self) -> tuple[str, int] | None:
        goal, target = self.command.goal, self.command.target
        if goal is Goal.LINE and target is not None:
            return os.path.realpath(target.file), target.line
        if goal is Goal.EPOCH and not self._debugger.driven:
            return self.epochs.header()
        return None

    def _watched_line(self, frame: FrameType) -> bool:
        """One of the watched lines is about to run; whether it stopped."""
        d = self._debugger
        if d.is_child:
            return False
        key = (os.path.realpath(frame.f_code.co_filename), frame.f_lineno)
        ids = self._breakpoints.at_line(key, frame)
        reached = key == self._line_of_goal()
        if not ids and not reached:
            return False
        if ids:
            reason = Reason.BREAKPOINT
        else:
            reason = Reason.LINE if self.command.goal is Goal.LINE else Reason.EPOCH
        d.hold(reason, None, frame, ids=ids)
        return True

    def _line_reached(self, frame: FrameType) -> None:
        self._debugger.hold(Reason.STEP, None, frame)

    def pause(self) -> None:
        """From the link: stop at the next line or operation, whichever comes first."""
        d = self._debugger
        d.goals.pause = True
        d.lines.interrupt(Wish(self.pause_at))

    def widen_pause(self) -> None:
        """From the link: no line of the user's came by; stop in library code too."""
        d = self._debugger
        if d.goals.pause and not d.gate.waiting:
            d.lines.interrupt(Wish(self._pause_in_library, anywhere=True))

    def _pause_in_library(self, frame: FrameType) -> None:
        d = self._debugger
        if d.sites.user_frame(frame) is not None:
            self.pause_at(frame)
        else:  # a notebook between two cells: it is the next one that is to be stopped
            d.lines.arm(frame, Wish(self.pause_at))

    def pause_at(self, frame: FrameType | None) -> None:
        """Here, unless another thread has come to a stop before."""
        d = self._debugger
        if d.goals.pause:
            d.hold(Reason.PAUSE, None, d.sites.user_frame(frame))

    # ------------------------------------------------------------------ modules, phases, epochs

    def _module_entered(self, group: Group, frame: FrameType) -> None:
        d = self._debugger
        user = d.sites.user_frame(frame)
        ids = () if d.is_child else self._breakpoints.at_module(group, user)
        if ids:
            d.hold(Reason.BREAKPOINT, None, user, ids=ids, spot=Spot(entering=True))

    def hits_between(self, phase: Phase | None, begins: bool, frame: FrameType | None) -> Ids:
        """Breakpoints that are hit where one phase, done by hand, gives way to the next."""
        d = self._debugger
        ids: Ids = ()
        if phase is None or d.driven:
            return ids
        last = d.tracker.phase
        by_hand = last in (Phase.UPDATE, Phase.ZERO_GRAD) and last not in (phase, self.told)
        if last is not None and by_hand and d.goals.hand_complete(last):
            self.told = last
            ids += self._breakpoints.at_phase(last, frame)
        return ids + self._hits_iteration(frame) if begins else ids

    def _hits_iteration(self, frame: FrameType | None) -> Ids:
        """The next iteration is about to begin; it may be heard of more than once."""
        number = self._debugger.tracker.iteration + 1
        if number == self._asked_iteration or not self._breakpoints.iterations:
            return ()
        self._asked_iteration = number
        return self._breakpoints.at_iteration(number, frame)

    def zero_grad_begins(self, frame: FrameType | None) -> None:
        """There may be nothing to clear: then no operation of it is seen."""
        d = self._debugger
        if d.driven or d.is_child or not d.tracker.begins_iteration(Phase.ZERO_GRAD):
            return
        user = d.sites.user_frame(frame)
        ids = self._hits_iteration(user)
        if ids:
            d.hold(Reason.BREAKPOINT, None, user, ids=ids)

    def iteration_begins(self) -> bool:
        """An experiment is about to run its first phase of an iteration; whether it stopped."""
        ids = self._hits_iteration(None)
        if ids:
            self._debugger.hold(Reason.BREAKPOINT, None, None, ids=ids)
        return bool(ids)

    def learn_epochs(self, frame: FrameType | None) -> None:
        """Backward is called at ``frame``: which loops are around it?"""
        d = self._debugger
        self.epochs.learn(frame)
        if not d.driven:
            d.losses.count_by(self.epochs.variable(frame))
        d.attends = self._breakpoints.between or d.nonfinite.on
        if self.command.goal is not Goal.EPOCH or d.driven:
            return
        if self.epochs.header() is None:
            d.hold(Reason.EPOCH, None, d.sites.user_frame(frame), message=NO_EPOCHS)
        else:
            self.watch_lines()

    def no_epochs(self) -> str:
        """Why there is no next epoch to go to; empty when there is one, or none was seen yet."""
        known = self.epochs.known and not self._debugger.driven
        return NO_EPOCHS if known and self.epochs.header() is None else ""


def _always(frame: FrameType) -> bool:
    return True
