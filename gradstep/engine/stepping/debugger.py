"""Decides when the program stops, and says what it is told about that stop.

Observers (calls, backward, optimizers) report what is about to happen and what happened; this
object follows the phases, keeps graph and journal, and holds the program at the gate.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from gradstep.engine.capture.callers import Callers
from gradstep.engine.capture.leaves import Leaves
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord, node_id
from gradstep.engine.capture.store import Store
from gradstep.engine.capture.subjects import Subjects
from gradstep.engine.nan.watch import NanWatch
from gradstep.engine.sites import Sites
from gradstep.engine.stepping.breakpoints import Breakpoints, Ids
from gradstep.engine.stepping.gate import Command, Gate
from gradstep.engine.stepping.goals import Goals
from gradstep.engine.stepping.journal import Journal
from gradstep.engine.stepping.lines import Lines, Wish, in_python_thread
from gradstep.engine.stepping.losses import LossLog
from gradstep.engine.stepping.pursuit import NOWHERE, Pursuit, Spot
from gradstep.engine.stepping.tracker import Tracker
from gradstep.phases import Phase
from gradstep.protocol.findings import Finding
from gradstep.protocol.nonfinite import Nonfinite
from gradstep.protocol.trace import (
    Change,
    Failure,
    Goal,
    Level,
    Operation,
    Place,
    Reason,
    Stop,
)

CHANGES = 200
"""At most so many changes are told at one stop."""
_RUN, _NAN = Goal.RUN, Goal.NAN  # looked up at every call of the program

EAGER = "torch.compile is stepped eagerly: the last bits of its numbers may differ."


class Debugger:
    """One per process. ``send`` delivers a stop; ``set_level`` pushes or pops modes."""

    def __init__(self, folder: str, send: Callable[[Stop], None], *, driven: bool) -> None:
        self.driven = driven
        """An experiment: gradstep calls the phases, and there are stops between them."""
        self.sites = Sites(folder)
        self.gate = Gate()
        self.lines = Lines(self.sites)
        self.tracker = Tracker(driven=driven)
        self.journal = Journal(driven=driven)
        self.losses = LossLog(self.sites)
        self.subjects = Subjects(self.sites)
        self.callers = Callers(self.sites, self.subjects)
        self.recorder = Recorder(self.sites, self.callers, Store())
        self.leaves = Leaves(self.recorder)
        self.goals = Goals(self.tracker, self.callers, driven=driven)
        self.breakpoints = Breakpoints(self.tracker, self.callers, driven=driven)
        self.level = Level.RUN
        self.nonfinite = NanWatch(self)
        self.set_level: Callable[[Level], None] = lambda level: None
        self.at_stop: Callable[[], None] = lambda: None
        self.at_leisure: Callable[[], None] = lambda: None
        """Called at the start, once the person has let the program stand for a moment."""
        self.before_end: Callable[[], None] = lambda: None
        """Waits for what still trains when the program's file is through."""
        self.followed_elsewhere = False
        """Training went on in another thread, which has ended: modes are set anew."""
        self.at_finish: Callable[[], None] = lambda: None
        self.broke: Callable[[RuntimeError, Any, FrameType], None] = lambda *at: None
        """Backward raised at run level, while the phase watch is at rest."""
        self.found: Callable[[Finding], None] = lambda finding: None
        """Tells what the phase watch noticed."""
        self.frame: FrameType | None = None
        self.failure: BaseException | None = None
        self.epoch: int | None = None
        self.sample: int | None = None
        self.changes: list[Change] = []
        self._lasting = 0  # so many of them, from the first, are told whatever follows
        self.announced: object = None
        """The operation that the last stop named as next and that must not stop again."""
        self.outer: Phase | None = None
        """The phase around the present one: an optimizer calls the program's closure."""
        # An experiment's forward may be run again in the same iteration: then its graph is new.
        self._first_phase = Phase.FORWARD if driven else None
        self.stops = 0
        self.leaving = False
        self.attended = True
        """Somebody is there to look; a program that was attached to may be left alone."""
        self._send = send
        self._pid = os.getpid()
        self.in_backward = 0
        """How many runs of the backward engine are under way, one inside the other."""
        self.attends = True
        """At run level: somebody waits for more of a backward than that it is counted."""
        self._hits: Ids = ()
        """Breakpoints hit where a phase ended, until the stop is made."""
        self.pursuit = Pursuit(self)
        self._total: int | None = None
        self._remark = ""

    # ------------------------------------------------------------------ before and after operations

    @property
    def goal(self) -> Goal:
        return self.goals.goal

    @property
    def is_child(self) -> bool:
        """Forked off the program: nobody debugs it."""
        return os.getpid() != self._pid

    @property
    def blind(self) -> bool:
        return self.level is Level.RUN

    @property
    def unwatched(self) -> bool:
        """Nobody looks and nothing can stop here: calls need not be recorded."""
        if self.goals.goal is not _RUN or self.goals.pause or self.breakpoints.between:
            return False
        return not self.recorder.watching

    def pass_by(self, phase: Phase) -> None:
        """An operation of ``phase`` while nobody looks."""
        tracker = self.tracker
        if phase is not tracker.phase or tracker.updated:
            self._enter_phase(phase)
        tracker.done += 1

    def before(
        self,
        phase: Phase | None,
        name: str,
        frame: FrameType | None,
        *,
        direct: bool = True,
        enter: Callable[[Place | None], NodeRecord | None] | None = None,
    ) -> NodeRecord | None:
        """An operation is about to be executed. Holds here if the goal is reached or it is the next
        step. ``direct``: called from user code itself; ``enter`` puts it on the graph."""
        if self.is_child:
            return None
        place = self.sites.at(frame).place if frame is not None else None
        begins = phase is not None and self.tracker.begins_iteration(phase, blind=self.blind)
        reason = self.goals.before(phase, begins, direct, frame)
        ids: Ids = (
            self.pursuit.hits_between(phase, begins, frame) if self.breakpoints.between else ()
        )
        between = bool(ids)
        if self.breakpoints.operations and (phase is not None or direct):
            ids += self.breakpoints.at_operation(name, phase, frame)
        if ids:
            reason = Reason.BREAKPOINT
        operation, spot = Operation(name, phase, None, place), Spot(below=not direct)
        here = reason is Reason.STEP or (reason is Reason.BREAKPOINT and bool(ids) and not between)
        if reason is not None and (begins or not here):
            self.hold(reason, operation, frame, ids=ids, spot=spot)
            reason = None
        self._enter_phase(phase)
        if phase is Phase.BACKWARD:
            self.expect_more()  # Python code that runs inside of a node
        if begins:
            self.pursuit.iteration_passed()
        recorded = enter is not None and not self.blind and self.recorder.watching
        node = enter(place) if enter is not None and recorded else None
        if reason is not None:
            operation = Operation(name, phase, node_id(node), place)
            self.hold(reason, operation, frame, ids=ids, spot=spot)
        if phase is not None:
            self.goals.reached = self.goals.reached or self.goal.value == phase.value
            self.tracker.done += 1
            if not self.blind:
                self.journal.operation(name, node_id(node), place)
        return node

    def _enter_phase(self, phase: Phase | None) -> None:
        if phase is None:
            return
        iteration = self.tracker.iteration
        changes = self.tracker.changes_phase(phase)
        if changes:
            self.pursuit.told = None
        self.tracker.enter(phase, blind=self.blind)
        if self.tracker.iteration != iteration or (changes and phase is self._first_phase):
            self.recorder.begin(self.tracker.iteration, carry=not self.driven)
            self.leaves.forget_graph()
            changes = True
        if changes and not self.blind:
            self._total = None
            title = f"sample {self.sample}" if self.sample is not None else ""
            self.journal.open(phase, self.tracker.iteration, title, self.outer)

    def enter_backward(self, total: int) -> None:
        """Backward begins; its nodes report themselves if they are watched."""
        if self.tracker.phase is Phase.BACKWARD:
            self.tracker.again()
        if not self.recorder.watching:
            self.journal.sent_back(None)
        self._enter_phase(Phase.BACKWARD)
        self.goals.reached = self.goals.reached or self.goal is Goal.BACKWARD
        self._total = total or None

    def expect_more(self) -> None:
        """What comes next was not counted among the operations of this phase."""
        if self._total is not None:
            self._total += 1

    def enter_unseen(self, phase: Phase) -> None:
        """A phase begins (or was run) of which no operation is seen."""
        self._enter_phase(phase)

    def zeroed(self) -> None:
        """``zero_grad`` returned, whether or not there was anything to clear."""
        if self.tracker.phase is not Phase.ZERO_GRAD:
            self.enter_unseen(Phase.ZERO_GRAD)

    def commit_update(self, *, optimizer: bool) -> None:
        """Parameters have changed by their gradients: the iteration is complete."""
        if not optimizer and self.nonfinite.has_optimizer and not self.tracker.hand_completes():
            return
        first = not self.tracker.updated
        self.tracker.commit_update(optimizer=optimizer, blind=self.blind)
        if first and not self.blind:
            self.journal.tidy(self.recorder.waiting)

    def phase_ended(self, phase: Phase, frame: FrameType | None) -> None:
        """Backward, ``optimizer.step`` or ``zero_grad`` returned: if that was the goal, stop at the
        next line of user code, or at the next operation if one comes first."""
        if self.goals.pause and threading.current_thread() is not threading.main_thread():
            self.pursuit.pause_at(self.sites.user_frame(frame))  # whose lines do not come by
        if self.driven:
            return
        self.pursuit.told = phase
        stops, goal = self.breakpoints.phases, self.goals.goal
        if not stops and (goal is _RUN or goal is _NAN or goal.value != phase.value):
            return  # the way of small loops at run level
        user, child = self.sites.user_frame(frame), self.is_child
        ids = self.breakpoints.at_phase(phase, user) if stops and not child else ()
        if child or (not ids and goal.value != phase.value):
            return
        reason = Reason.BREAKPOINT if ids else Reason.PHASE
        self.goals.boundary, self.goals.ended, self._hits = reason, phase, self._hits + ids
        if in_python_thread():
            self.lines.arm(user, Wish(lambda at: self._hold_at(reason, at)))

    # ------------------------------------------------------------------ stops

    def hold(
        self,
        reason: Reason,
        operation: Operation | None,
        frame: FrameType | None,
        *,
        place: Place | None = None,
        phase: Phase | None = None,
        message: str = "",
        failure: Failure | None = None,
        exit_code: int | None = None,
        ids: Ids = (),
        spot: Spot = NOWHERE,
        nonfinite: Nonfinite | None = None,
    ) -> Command:
        """Stand still until a command comes, then follow it. ``ids``: breakpoints hit."""
        self.lines.disarm()
        ids, self._hits = self._hits + ids, ()
        phase = phase or self.goals.ended
        self.goals.stopped()
        self.frame = frame
        _flush()
        self.changes.extend(self.leaves.refresh())
        if place is None and frame is not None:
            place = self._place(frame)
        self.stops += 1
        stop = Stop(
            reason=reason,
            iteration=self.tracker.iteration,
            phase=phase or self.tracker.phase,
            place=place,
            operation=operation,
            changed=tuple(self.changes[-CHANGES:]),
            done=self.tracker.done,
            total=self._total,
            epoch=self.epoch,
            sample=self.sample,
            level=self.level,
            message=message or self._remark,
            failure=failure,
            exit_code=exit_code,
            next_phase=self._next_phase(operation),
            breakpoints=ids,
            outer=self.outer,
            subject=self.subjects.name(phase or self.tracker.phase, frame),
            nonfinite=nonfinite,
        )
        self._remark = ""
        self.at_stop()
        meanwhile = self.at_leisure if reason is Reason.START else None
        command = self.gate.wait(lambda: self._send(stop), meanwhile)
        self.frame = None
        self.leaving = command.leave
        self.changes.clear()
        self._lasting = 0
        self.nonfinite.follow(command)
        self.pursuit.follow(command, frame, spot)
        return command

    def _hold_at(self, reason: Reason, frame: FrameType | None) -> None:
        self.hold(reason, None, frame)

    def announce_start(self, place: Place | None) -> None:
        """Loaded; nothing has run yet."""
        self.hold(Reason.START, None, None, place=place, spot=Spot(start=place))

    def finish(self) -> None:
        """The program is over: no more capturing."""
        self.pursuit.finish()
        self.at_finish()
        self.level = Level.RUN
        self.set_level(Level.RUN)
        self.callers.follow(False)
        self.journal.close()

    def watch(self) -> None:
        """Record from here on although the goal is far: the last iteration of a run."""
        self.level, self.recorder.watching = Level.OPERATION, True
        self.set_level(self.level)
        self.callers.follow(True)

    def executed(self, change: Change | None = None) -> None:
        """An operation was executed; ``change`` is what it did. Only the last one's result is told,
        changes of parameters and gradients all are."""
        self.goals.executed += 1
        if self.goal is Goal.RUN:
            return
        changes, lasting = self.changes, self._lasting
        if self.goals.told_by_result():
            changes.clear()
        elif len(changes) > lasting:  # those before have been looked at
            told = changes[lasting:]
            changes[lasting:] = [c for c in told if not c.ref.startswith("#") or c.field == "grad"]
        del changes[:-CHANGES]
        self._lasting = len(changes)
        if change is not None:
            changes.append(change)

    def tell(self, change: Change) -> None:
        self.changes.append(change)

    def prune_phase(self, leading: set[int], kept: set[int]) -> None:
        """Of the forward, ``leading`` operations lead to the loss, and those ``kept`` to some loss;
        the others do not count."""
        count = self.journal.prune(kept)
        self.journal.sent_back(leading)
        if count is not None and self.tracker.phase is Phase.FORWARD:
            self.tracker.done = count

    def remark_eager(self) -> None:
        """Told once, at the next stop."""
        self._remark = EAGER

    def go_on(self, command: Command) -> None:
        """From the link: open the gate. A pause that comes from now on is for what then runs."""
        self.goals.pause = False
        self.gate.open(command)

    def leave_alone(self) -> None:
        """From the link: nobody is there any more; run on at native speed, from the gate or from
        the next line or operation."""
        self.attended = False
        standing = self.gate.waiting
        self.breakpoints.set(())
        self.gate.abandon()
        if standing:
            return  # as it goes on, it finds no breakpoints
        if self.goal is not Goal.RUN or self.level is not Level.RUN:
            self.pursuit.pause()
        else:
            self.pursuit.changed()

    def _place(self, frame: FrameType) -> Place:
        place = self.sites.at(frame).place
        if place.line != frame.f_lineno and self.lines.armed is False:
            # At a line event the instruction is the line's first; its position may lie elsewhere.
            return Place(place.file, frame.f_lineno, place.function)
        return place

    def _next_phase(self, operation: Operation | None) -> Phase | None:
        if operation is not None and operation.phase is not None:
            return operation.phase
        return self.tracker.expected()


def _flush() -> None:
    """What the program printed must be seen at the stop."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
