"""Drives an experiment: the four phases in whatever order they are asked for."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from torch import Tensor, nn

from gradstep.engine.capture.observer import Observer
from gradstep.engine.capture.records import calls_around, node_id
from gradstep.engine.running.failures import describe_failure
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.stepping.pursuit import Spot
from gradstep.engine.stepping.standing import chain_of
from gradstep.engine.torch_internals import node_name
from gradstep.experiment import Experiment
from gradstep.phases import Phase, following
from gradstep.program import Program
from gradstep.protocol.trace import Failure, Goal, Level, Operation, Place, Reason


class Driver:
    """``experiment()`` of the user's file, phase by phase."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.file = os.path.abspath(program.path)
        self.globals: dict[str, Any] = {}
        self.experiment: Experiment | None = None
        self._next = Phase.FORWARD
        self._position = 0
        self._advance = False
        self._until = 0

    def load(self) -> Experiment:
        """Run the file and call its ``experiment()``. Raises what it raises, and ``TypeError``."""
        sys.argv = [self.program.path, *self.program.args]
        sys.path[0] = os.path.dirname(os.path.realpath(self.file))
        name = os.path.splitext(os.path.basename(self.file))[0]
        name = name if name.isidentifier() and name not in sys.modules else "gradstep_experiment"
        spec = importlib.util.spec_from_file_location(name, self.file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        self.globals = module.__dict__
        self.module = module
        spec.loader.exec_module(module)
        experiment = module.experiment()
        if not isinstance(experiment, Experiment):
            raise TypeError(
                "experiment() must return a gradstep.Experiment, not " + type(experiment).__name__
            )
        self.experiment = experiment
        self._until = experiment.epochs
        return experiment

    def run(self, debugger: Debugger, observer: Observer) -> int:
        """Serve until the window lets go. Returns the exit code."""
        experiment = self.experiment
        assert experiment is not None
        self._tell_position(debugger)
        debugger.announce_start(None)
        idle = 0
        while not debugger.leaving:
            goal = debugger.goal
            phase = Phase(goal.value) if goal.value in set(Phase) else self._next
            held = debugger.stops
            if not self._run_phase(phase, debugger, observer):
                continue
            self._next = following(phase)
            self._stop_between(phase, debugger)
            idle = 0 if debugger.stops != held else idle + 1
            if idle == len(Phase) and debugger.goals.is_small:
                debugger.hold(Reason.STEP, None, None, message="No operation was executed.")
                idle = 0
        return 0

    def _run_phase(self, phase: Phase, debugger: Debugger, observer: Observer) -> bool:
        """False when it raised, or a breakpoint came first; that stop has been made."""
        experiment = self.experiment
        assert experiment is not None
        observer.inside.clear()
        tracker = debugger.tracker
        begins = phase is Phase.FORWARD and tracker.begins_iteration(phase)
        if begins and debugger.pursuit.iteration_begins():
            return False
        if tracker.phase is phase:
            tracker.again()
        before = (tracker.iteration, tracker.phase, tracker.done)
        if phase is Phase.FORWARD and self._advance:
            self._position += 1
            self._advance = False
            self._tell_position(debugger)
        if phase is Phase.FORWARD and self._ends(debugger.goal):
            debugger.watch()  # so that there is a graph to look at when the run ends
        if debugger.level is Level.RUN and phase is not Phase.BACKWARD:
            debugger.enter_unseen(phase)
        try:
            self._execute(phase, experiment, observer)
        except Exception as error:
            self._refused(error, debugger)
            return False
        if phase is Phase.UPDATE:
            self._advance = True
            tracker.commit_update(optimizer=False)
        if debugger.level is not Level.RUN and before == (
            tracker.iteration,
            tracker.phase,
            tracker.done,
        ):
            debugger.enter_unseen(phase)
        return True

    def _execute(self, phase: Phase, experiment: Experiment, observer: Observer) -> None:
        if phase is Phase.FORWARD:
            experiment.forward(self._position % len(experiment.data))
        elif phase is Phase.BACKWARD:
            experiment.backward()
        else:
            # By hand or by an optimizer: everything in here belongs to the phase.
            observer.inside.append(phase)
            try:
                experiment.update() if phase is Phase.UPDATE else experiment.zero_grad()
            finally:
                if observer.inside:
                    observer.inside.pop()

    def _stop_between(self, phase: Phase, debugger: Debugger) -> None:
        goal, experiment = debugger.goal, self.experiment
        assert experiment is not None
        done = phase is Phase.ZERO_GRAD and self._advance and self._ends(goal)
        ids = debugger.breakpoints.at_phase(phase, None)
        if goal in (Goal.RUN, Goal.NAN) and done:
            self._until += experiment.epochs
            debugger.hold(Reason.END, None, None, ids=ids)
        elif ids or goal.value == phase.value or goal is Goal.OUT:
            operation = self._next_operation(phase, debugger)
            message = self._nothing_done(phase, debugger)
            reason = Reason.STEP if goal is Goal.OUT else Reason.PHASE
            reason = Reason.BREAKPOINT if ids else reason
            node = debugger.recorder.nodes.get(operation.node or 0) if operation else None
            spot = Spot(chain=chain_of(calls_around(node)) if operation else None)
            debugger.hold(reason, operation, None, message=message, ids=ids, spot=spot)
        elif goal is Goal.EPOCH and done:
            debugger.hold(Reason.EPOCH, None, None)
        elif goal is Goal.ITERATION and phase is Phase.ZERO_GRAD:
            debugger.hold(Reason.ITERATION, None, None)

    def _next_operation(self, phase: Phase, debugger: Debugger) -> Operation | None:
        """After forward, the first node of backward is known: the one that made the loss."""
        experiment = self.experiment
        loss = experiment.loss if experiment is not None else None
        if phase is not Phase.FORWARD or not isinstance(loss, Tensor) or loss.grad_fn is None:
            return None
        root = loss.grad_fn
        debugger.announced = root
        node = debugger.recorder.source_of(loss)
        if node is not None:
            node.is_loss = True
            debugger.recorder.touch(node)
        name = node_name(root)
        place = node.place if node is not None else None
        return Operation(name, Phase.BACKWARD, node_id(node), place)

    def _nothing_done(self, phase: Phase, debugger: Debugger) -> str:
        if debugger.tracker.done or phase in (Phase.FORWARD, Phase.BACKWARD):
            return ""
        if phase is Phase.UPDATE:
            return "Nothing was updated: no parameter has a gradient yet."
        return "There was nothing to clear: no parameter has a gradient."

    def _refused(self, error: Exception, debugger: Debugger) -> None:
        failure: Failure = describe_failure(error, debugger.sites)
        place: Place | None = failure.frames[-1] if failure.frames else None
        message = failure.explanation or f"{failure.type}: {failure.message}"
        debugger.hold(Reason.REFUSED, None, None, place=place, message=message, failure=failure)

    # ------------------------------------------------------------------ position

    def _epoch(self) -> int:
        assert self.experiment is not None
        return self._position // len(self.experiment.data) + 1

    def _ends(self, goal: Goal) -> bool:
        """Whether this sample is the last on the way to ``goal``."""
        assert self.experiment is not None
        size = len(self.experiment.data)
        last = self._position % size == size - 1
        whole = goal in (Goal.RUN, Goal.NAN) and self._epoch() >= self._until
        return last and (goal is Goal.EPOCH or whole)

    def _tell_position(self, debugger: Debugger) -> None:
        assert self.experiment is not None
        if debugger.epoch != self._epoch():
            debugger.losses.epoch_begins()
        debugger.epoch = self._epoch()
        debugger.sample = self._position % len(self.experiment.data) + 1

    # ------------------------------------------------------------------ devices

    def at_rest(self, debugger: Debugger) -> bool:
        """Between iterations: nothing of a graph is waiting for its backward."""
        return debugger.gate.waiting and debugger.tracker.phase in (None, Phase.ZERO_GRAD)

    def move(self, device: str) -> None:
        """Model, parameters, gradients, optimizer state and data to ``device``."""
        experiment = self.experiment
        assert experiment is not None
        if isinstance(experiment.model, nn.Module):
            experiment.model.to(device)
        for p in experiment.named_parameters.values():
            p.data = p.data.to(device)
            if p.grad is not None:
                p.grad.data = p.grad.data.to(device)
        if experiment.optimizer is not None:
            for state in experiment.optimizer.state.values():
                for key, value in state.items():
                    # A step counter stays where the optimizer put it.
                    if isinstance(value, Tensor) and value.dim() > 0:
                        state[key] = value.to(device)
        experiment.data = [_moved(sample, device) for sample in experiment.data]
        experiment.loss = experiment.prediction = None


def _moved(value: Any, device: str) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, (tuple, list)):
        return type(value)(_moved(item, device) for item in value)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    return value
