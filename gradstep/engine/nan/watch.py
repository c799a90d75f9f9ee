"""Runs to a NaN or Inf. At run level a guard reads the loss where backward begins and the gradients
where an optimizer steps; where every operation is checked, ``Births`` finds the one that made it.
"""

from __future__ import annotations

import functools
import math
import sys
import weakref
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gradstep.engine.capture.records import node_id
from gradstep.engine.nan import nonfinite as reading
from gradstep.engine.nan.births import Births
from gradstep.engine.nan.origins import Found
from gradstep.engine.nan.report import Reporter
from gradstep.engine.nan.taints import Taint
from gradstep.engine.torch_internals import ACCUMULATE_GRAD, DisableTorchFunction, unobserved
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Cause, Nonfinite, NotFinite, Operand, Plan
from gradstep.protocol.trace import Goal, Level, Operation, Reason

if TYPE_CHECKING:
    from gradstep.engine.stepping.debugger import Debugger
    from gradstep.engine.stepping.gate import Command
    from gradstep.engine.values.scope import Scope

LEAVES = 256
"""Nodes of a graph looked through for its leaves, in programs that update by hand."""
NOT_AGAIN = "What struck in the first run did not come again in the second."


class NanWatch:
    """One per debugger. ``backwards`` counts the calls of backward at every level."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self.births = Births(debugger.recorder, debugger.sites, self._born)
        self._reporter = Reporter(debugger.sites, debugger.callers)
        self.scope: Scope | None = None
        """Finds what the program calls a parameter."""
        self.on = False
        self.backwards = 0
        self.has_optimizer = False
        """An optimizer of torch was made: gradients count when it steps."""
        self.due = 0
        """After this many calls of backward every operation is checked."""
        self._plan: Plan | None = None
        self._shown: set[int] = set()
        self._scaled: tuple[weakref.ref[Tensor], weakref.ref[Tensor]] | None = None

    def install(self) -> None:
        """A loss that ``GradScaler`` scaled up may overflow: then it skips the step by itself."""
        original = torch.amp.GradScaler.scale

        @functools.wraps(original)
        def scale(this: Any, outputs: Any) -> Any:
            result: Any = original(this, outputs)
            if self.on and isinstance(outputs, Tensor) and isinstance(result, Tensor):
                self._scaled = weakref.ref(result), weakref.ref(outputs)
            return result

        owner: Any = torch.amp.GradScaler
        owner.scale = scale

    # ------------------------------------------------------------------ what is looked for

    def follow(self, command: Command) -> None:
        """The program goes on, towards this or another goal."""
        self.on = command.goal is Goal.NAN
        self._plan = command.plan if self.on else None
        self.due = 0
        if self.on and command.level is Level.OPERATION:
            self.births.begin()
        else:
            self.births.end()
        if self._plan is not None:
            self.due = self._plan.after
            recorder, journal = self._debugger.recorder, self._debugger.journal
            recorder.revision = max(recorder.revision, self._plan.revision)
            journal.skip_to(self._plan.stretches)

    def backward_returned(self, outputs: Any) -> None:
        """Backward from ``outputs`` returned. A program without optimizer uses the gradients that
        are there now. From ``due`` on the second run looks at every operation."""
        if not self.has_optimizer:
            with DisableTorchFunction():
                leaves = _leaves(outputs)
            self._check(leaves)
        if self.due and self.backwards == self.due:
            self.due = 0
            self._debugger.watch()
            self.births.begin()

    # ------------------------------------------------------------------ the guard

    def loss(self, outputs: Any, value: float | None, iteration: int) -> None:
        """Backward begins at ``outputs``; ``value`` is the loss, if it is one number."""
        if not self.on or (value is not None and math.isfinite(value)):
            if self._plan is not None:
                self._past_the_strike()
            return
        loss = outputs[0]
        with unobserved():
            kind = reading.found_in(loss) if value is None else reading.of_value(value)
            taint = self.births.taints.of(loss) if kind is not None else None
            if kind is None or (kind is NotFinite.INF and self._scaled_up(loss)):
                return
            index = reading.first_in(loss, kind)
            result = reading.operand("loss", "result", loss, index)
        if self._told(taint):
            return
        message = f"The loss of iteration {iteration} is {kind.word}."
        self._strike(kind, Phase.FORWARD, result, message, taint, gradient=False)

    def step(self, optimizer: Any) -> None:
        """An optimizer begins its step: the gradients that it will use. A ``GradScaler`` whose
        gradients overflowed never comes here."""
        if not self.on or self._skips(optimizer):
            return
        self._check([p for group in optimizer.param_groups for p in group["params"]])

    def _check(self, parameters: list[Tensor]) -> None:
        with unobserved():
            gradients = [p.grad for p in parameters]
            if reading.gradients_finite([g for g in gradients if g is not None]):
                return
            found = self._first_wrong(parameters)
            if found is None:
                return
            leaf, kind, result, taint = found
        if self._told(taint):
            return
        frame = self._user_frame()
        name = self._name(leaf, frame)
        iteration = self._debugger.tracker.iteration
        message = f"The gradient of {name} is {kind.word} in iteration {iteration}."
        result = replace(result, name=f"{name}.grad")
        self._strike(kind, Phase.BACKWARD, result, message, taint, gradient=True)

    def _first_wrong(
        self, parameters: list[Tensor]
    ) -> tuple[Tensor, NotFinite, Operand, Taint | None] | None:
        """NaN before Inf, and what is known to have come from somewhere first."""
        found: list[tuple[Tensor, NotFinite, Operand, Taint | None]] = []
        for leaf in parameters:
            gradient = leaf.grad
            kind = reading.found_in(gradient) if gradient is not None else None
            if gradient is None or kind is None:
                continue
            taint = self.births.taints.of(gradient)
            index = reading.first_in(gradient, kind)
            found.append((leaf, kind, reading.operand("", "result", gradient, index), taint))
        found.sort(key=lambda entry: (entry[1] is not NotFinite.NAN, entry[3] is None))
        return found[0] if found else None

    def _strike(
        self,
        kind: NotFinite,
        phase: Phase,
        result: Operand,
        message: str,
        taint: Taint | None,
        *,
        gradient: bool,
    ) -> None:
        d = self._debugger
        origin = taint.origin if taint is not None else None
        link = origin.link if origin is not None else None
        record = Nonfinite(
            kind,
            Cause.UNKNOWN,
            phase,
            operation=link.operation if link is not None else "",
            place=link.place if link is not None else None,
            node=link.node if link is not None else None,
            result=result,
            words=message,
            chain=taint.chain() if taint is not None else (),
            origin=origin.birth if origin is not None else 0,
            backwards=self.backwards,
            per_iteration=d.tracker.backwards_per_iteration,
        )
        d.hold(
            Reason.NAN,
            None,
            self._user_frame(),
            phase=phase if not gradient else None,
            message=message,
            nonfinite=record,
        )

    def _told(self, taint: Taint | None) -> bool:
        """Whether the program has already stood where this came from."""
        return self._plan is None and taint is not None and taint.origin.birth in self._shown

    def _scaled_up(self, loss: Tensor) -> bool:
        if self._scaled is None or self._scaled[0]() is not loss:
            return False
        plain = self._scaled[1]()
        return plain is not None and reading.found_in(plain) is None

    @staticmethod
    def _skips(optimizer: Any) -> bool:
        """A fused step is told by the scaler to skip itself."""
        found = getattr(optimizer, "found_inf", None)
        if not isinstance(found, Tensor):
            return False
        with unobserved():
            return bool(found.any())

    def _past_the_strike(self) -> None:
        plan = self._plan
        if plan is not None and self.backwards > plan.strike + 1:
            self._debugger.hold(Reason.PAUSE, None, self._user_frame(), message=NOT_AGAIN)

    # ------------------------------------------------------------------ births

    def _born(self, found: Found, frame: FrameType | None) -> None:
        if not self._wanted(found):
            return
        d = self._debugger
        link = found.taint.link
        self._shown.add(found.taint.birth)
        result, inputs, words = self._reporter.tell(found, frame)
        record = Nonfinite(
            link.kind,
            found.cause,
            link.phase,
            operation=link.operation,
            place=link.place,
            node=link.node,
            result=result,
            inputs=inputs,
            words=words,
            chain=found.taint.chain(),
            birth=found.taint.birth,
            origin=found.taint.origin.birth,
            backwards=self.backwards,
            per_iteration=d.tracker.backwards_per_iteration,
        )
        operation = Operation(link.operation, link.phase, node_id(found.record), link.place)
        frame = frame or self._user_frame()
        d.hold(Reason.NAN, operation, frame, message=self._message(record), nonfinite=record)

    def _wanted(self, found: Found) -> bool:
        plan, link = self._plan, found.taint.link
        if plan is None:
            return self.on and not found.quiet
        if plan.only:
            return found.taint.birth == plan.only
        if link.kind is not NotFinite.NAN or found.quiet or link.phase is None:
            return False  # passed by: told afterwards if it turns out to be the origin
        inside = self._debugger.tracker.phase is Phase.BACKWARD
        return not plan.gradient or (inside and self.backwards == plan.strike)

    def _message(self, record: Nonfinite) -> str:
        tracker = self._debugger.tracker
        during = f"in iteration {tracker.iteration}"
        if record.phase is not None:
            during = f"in the {record.phase.value} of iteration {tracker.iteration}"
        elif tracker.updated:
            during = f"after iteration {tracker.iteration}"
        verb = "made" if record.cause is Cause.OPERATION else "met"
        return f"{record.operation} {verb} {record.kind.word} {during}: {record.words}."

    # ------------------------------------------------------------------ names

    def _user_frame(self) -> FrameType | None:
        return self._debugger.sites.user_frame(sys._getframe(1))

    def _name(self, leaf: Tensor, frame: FrameType | None) -> str:
        if self.scope is not None:
            with unobserved():
                for name, _, tensor in self.scope.tensors(frame):
                    if tensor is leaf:
                        return name
        return self._debugger.callers.parameter_name(leaf)[0] or "a parameter"


def _leaves(outputs: Any) -> list[Tensor]:
    """The leaves near ``outputs``: a program that updates by hand has a small graph."""
    found: list[Tensor] = []
    stack = [t.grad_fn for t in outputs if isinstance(t, Tensor) and t.grad_fn is not None]
    seen: set[Any] = set(stack)
    while stack and len(seen) < LEAVES:
        node: Any = stack.pop()
        if node.name() == ACCUMULATE_GRAD:
            found.append(node.variable)
            continue
        for successor, _ in node.next_functions:
            if successor is not None and successor not in seen:
                seen.add(successor)
                stack.append(successor)
    return found
