"""Backward: its one entry, wrapped, and the ways to run it, natively and node by node."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.backward_nodes import Nodes
from gradstep.engine.capture.frontier import Frontier
from gradstep.engine.capture.observer import Observer
from gradstep.engine.capture.records import NodeRecord, calls_around, node_id
from gradstep.engine.capture.wave import Wave
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.stepping.pursuit import Spot
from gradstep.engine.stepping.standing import chain_of
from gradstep.phases import Phase
from gradstep.protocol.trace import Goal, Level, Operation, Reason

# Looking up a member of an Enum costs 70 ns on Python 3.11: seen in small loops at run level.
_RUN, _BACKWARD = Level.RUN, Phase.BACKWARD


class Backward:
    """Reports every run of the backward engine to the debugger."""

    def __init__(self, debugger: Debugger, observer: Observer) -> None:
        self._debugger, self._observer = debugger, observer
        self._wave = Wave(debugger.recorder, debugger.tell)
        self.engine: Callable[..., Any] = lambda *args, **kwargs: None
        """What runs backward: torch's own, or around it whoever measures."""
        self._own = self.engine
        self._around: list[Callable[..., Any]] = []
        self._nodes = Nodes(debugger, self._wave)
        self._frontier = Frontier(self._nodes.before, self._nodes.after, self._stepping)
        self._under_way: Any = None
        """Where the run of the engine began that is under way; nothing is held after it."""
        self._unheard: Any = None
        """The same, of one that began at run level, while the journal has not heard of it."""

    def install(self) -> None:
        internals.wrap_backward_entry(self._wrap)

    def surround(self, wrapper: Callable[..., Any]) -> None:
        """From now on ``wrapper(engine, outputs, …)`` is called for each run of the engine."""
        self._around.append(wrapper)
        self._compose()

    def release(self, wrapper: Callable[..., Any]) -> None:
        """``wrapper`` is in the way no more."""
        self._around.remove(wrapper)
        self._compose()

    def _compose(self) -> None:
        engine = self._own
        for wrapper in self._around:
            engine = functools.partial(wrapper, engine)
        self.engine = engine

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Small loops at run level feel each call and each name with a dot: what lies there has
        left the cache since the last backward. So what each of them needs is in one function."""
        d, watch, tracker = self._debugger, self._debugger.nonfinite, self._debugger.tracker
        goals, number_of = d.goals, internals.plain_number
        note, here = d.losses.note, sys._getframe
        self._own = original
        self._compose()

        def _engine_run_backward(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if d.in_backward:
                return self._nested(outputs, args, kwargs)
            watch.backwards += 1
            if d.level is not _RUN or d.attends:
                told = self._attend(outputs, sys._getframe(1))
                if d.level is not _RUN:
                    return self._followed(outputs, args, kwargs, told)
            if tracker.steady and not (len(args) > 2 and args[2]):
                tracker.iteration += 1
            elif not d.driven or tracker.phase is not _BACKWARD:
                if len(args) > 2 and args[2]:
                    self._enter_differentiable()
                else:
                    tracker.enter_backward_unseen()
            if d.attended:
                value = number_of(outputs[0])
                if value is None or watch.on or d.driven:
                    self._note_loss(outputs, tracker.iteration)
                    if d.level is not _RUN:
                        return self._unstepped(outputs, args, kwargs)
                else:
                    note(tracker.iteration, value, None, here(1))
            d.in_backward, self._unheard = 1, outputs
            try:
                if self.engine is original:
                    result = original(outputs, *args, **kwargs)
                else:
                    result = self.engine(outputs, *args, **kwargs)
            except RuntimeError as error:
                d.broke(error, outputs, sys._getframe(1))
                raise
            finally:
                d.in_backward = 0
                if self._unheard is None or d.level is not _RUN:
                    self._was_raised()
                self._unheard = None
            if d.attends or goals.pause or d.level is not _RUN:
                self._returned(outputs, sys._getframe(1))
            return result

        return internals.inlined(_engine_run_backward, original)

    def _enter_differentiable(self) -> None:
        """At run level, a backward with ``create_graph``. A transform of ``torch.func`` asks for it
        in any case; inside of another, it is a part of that one's forward."""
        transforms = internals.gradient_transforms()
        if transforms < 2:
            self._debugger.tracker.enter_backward_unseen(not transforms)

    # ------------------------------------------------------------------ ways to run it

    def _was_raised(self) -> None:
        """Python code inside of a backward that began at run level stopped, and there the level was
        raised. Perhaps it is run level again by now."""
        inside = self._observer.inside
        self._under_way = None
        self._frontier.close()
        if _BACKWARD in inside:
            del inside[inside.index(_BACKWARD) :]
        self._observer.set_level(self._debugger.level)

    def _followed(self, outputs: Any, args: Any, kwargs: Any, told: bool) -> Any:
        d = self._debugger
        if not d.unwatched:
            return self._stepped(outputs, args, kwargs, told)
        d.enter_backward(0)
        self._note_loss(outputs, d.tracker.iteration)
        return self._unstepped(outputs, args, kwargs)

    def _returned(self, outputs: Any, caller: FrameType) -> None:
        """After a run that was not followed from its beginning."""
        d = self._debugger
        if d.breakpoints.between or d.goals.pause or d.goal is not Goal.RUN:
            d.phase_ended(_BACKWARD, caller)
            d.pursuit.iteration_passed()
        if d.nonfinite.on:
            d.nonfinite.backward_returned(outputs)

    def _unstepped(self, outputs: Any, args: Any, kwargs: Any) -> Any:
        """Modes are on; nodes are followed from where somebody begins to look."""
        number, failed = internals.sequence_number(), True
        try:
            with self._following(outputs), self._modes():
                if self._stepping():
                    self._frontier.add_all(_roots(outputs))
                result = self.engine(outputs, *args, **kwargs)
            failed = False
        finally:
            self._used_up(outputs, args, number, failed)
        if self._debugger.goal is not Goal.RUN:  # it stopped in between
            self._debugger.phase_ended(_BACKWARD, sys._getframe(2))
        return result

    def _stepped(self, outputs: Any, args: Any, kwargs: Any, told: bool) -> Any:
        """Followed from the beginning. ``told``: breakpoints have been, that forward ended."""
        d = self._debugger
        watch = d.nonfinite
        frame = self._nodes.frame = d.sites.user_frame(sys._getframe(2))
        number = internals.sequence_number()
        self._begin(outputs, frame, told)
        result, failed, roots = None, True, _roots(outputs)
        try:
            with self._following(outputs):
                if self._stepping():
                    for root in roots:
                        self._frontier.add(root)
                if watch.births.on:
                    watch.births.backward_begins(roots)
                with self._modes():
                    result = self.engine(outputs, *args, **kwargs)
            failed = False
        finally:
            if watch.births.on:
                watch.births.backward_over(result)
            self._nodes.frame = None
            self._end(_keeps(args), frame, failed)
            d.recorder.differentiated |= len(args) > 2 and bool(args[2])
            self._used_up(outputs, args, number, failed)
        if watch.on:
            watch.backward_returned(outputs)
        return result

    def _nested(self, outputs: Any, args: Any, kwargs: Any) -> Any:
        """A backward inside a node of another (checkpoints, adjoints): it belongs to that node."""
        with self._modes():
            return self.engine(outputs, *args, **kwargs)

    @contextlib.contextmanager
    def _following(self, outputs: Any) -> Iterator[None]:
        d, inside = self._debugger, self._observer.inside
        inside.append(_BACKWARD)
        d.in_backward, self._under_way = 1, outputs
        try:
            yield
        finally:
            d.in_backward, self._under_way = 0, None
            inside.pop()
            self._frontier.close()

    def level_changed(self) -> None:
        """At a stop, perhaps one inside of backward (a hook, a function's backward, a checkpoint):
        if somebody looks from now on, the nodes that have yet to run report themselves."""
        d = self._debugger
        if not self._stepping():
            return
        if self._unheard is not None:
            self._under_way, self._unheard = self._unheard, None
            d.journal.open(_BACKWARD, d.tracker.iteration, outer=d.outer)
        if self._under_way is not None:
            self._frontier.add_all(_roots(self._under_way))

    # ------------------------------------------------------------------ what is noted of it

    def _attend(self, outputs: Any, caller: FrameType) -> bool:
        """At run level, where somebody waits for the end of forward or the loops around backward.
        Whether breakpoints have been told that forward ended; it may have stopped, and the level
        may be another now."""
        d = self._debugger
        if d.level is not _RUN:
            return False
        if d.pursuit.epochs.asks:
            d.pursuit.learn_epochs(caller)
        if d.breakpoints.phases and d.level is _RUN:
            self._forward_ended(outputs, d.sites.user_frame(caller), None)
            return True
        return False

    def _used_up(self, outputs: Any, args: Any, number: int, failed: bool) -> None:
        """What is computed from this graph from now on is for a log."""
        classifier = self._observer.classifier
        classifier.aliases.gradient_read = False
        if not failed:
            classifier.spent.backward_ended(outputs, number, kept=_keeps(args))

    def _stepping(self) -> bool:
        """Whether nodes are followed: not while nobody will look, which is native speed."""
        d = self._debugger
        return d.level is Level.OPERATION and d.recorder.watching

    @contextlib.contextmanager
    def _modes(self) -> Iterator[None]:
        """The call mode is off while its handler runs ``Tensor.backward``; Python code inside
        backward must be seen all the same. The aten mode is off: it would change kernels."""
        observer = self._observer
        aten = internals.remove_dispatch_mode(observer.aten_mode)
        again = bool(
            observer.entering_backward
            and self._debugger.level is not Level.RUN
            and not internals.function_mode_is_on(observer.call_mode)
        )
        handlers, observer.entering_handler = observer.entering_handler, 0
        if again:
            internals.push_function_mode(observer.call_mode)
        try:
            yield
        finally:
            if observer.entering_backward:
                internals.remove_function_mode(observer.call_mode)  # the handler brings it back
            observer.entering_handler = handlers
            if aten or self._stepping():
                internals.remove_dispatch_mode(observer.aten_mode)
                if self._stepping():
                    internals.push_dispatch_mode(observer.aten_mode)

    # ------------------------------------------------------------------ begin and end

    def _begin(self, outputs: Any, frame: FrameType | None, told: bool) -> None:
        """Phase entered, loss noted, graph pruned to what leads to it; a stop if forward was asked
        for. ``told``: its end has been."""
        d = self._debugger
        tensors = [t for t in outputs if isinstance(t, Tensor)]
        begins = d.tracker.begins_iteration(Phase.BACKWARD)
        self._note_loss(outputs, d.tracker.iteration + begins)
        total = self._mark(tensors) if d.recorder.watching else 0
        if d.pursuit.epochs.asks:
            d.pursuit.learn_epochs(frame)
        if not told:
            source = d.recorder.source_of(tensors[0]) if tensors else None
            self._forward_ended(outputs, frame, source)
        d.enter_backward(total)

    def _forward_ended(
        self, outputs: Any, frame: FrameType | None, node: NodeRecord | None
    ) -> None:
        """Stop if that was the goal or a breakpoint's place, with the first node of backward as the
        next operation; ``node`` made the loss."""
        d = self._debugger
        if d.driven:
            return
        ids = d.breakpoints.at_phase(Phase.FORWARD, frame) if d.breakpoints.phases else ()
        if not ids and d.goal is not Goal.FORWARD:
            return
        root = _root(outputs[0])
        name = internals.node_name(root) if root is not None else ""
        place = node.place if node is not None else None
        d.announced = root
        operation = Operation(name, Phase.BACKWARD, node_id(node), place)
        reason = Reason.BREAKPOINT if ids else Reason.PHASE
        spot = Spot(chain=chain_of(calls_around(node)))
        d.hold(reason, operation, frame, phase=Phase.FORWARD, ids=ids, spot=spot)

    def _note_loss(self, outputs: Any, iteration: int) -> None:
        d, loss = self._debugger, outputs[0]
        value = internals.plain_number(loss)
        if value is None and isinstance(loss, Tensor):
            # Nothing of our reading may reach the program's modes, or its own kind of tensor.
            with internals.unobserved():
                value = _number(loss)
        if value is not None:
            d.losses.note(iteration, value, d.sample, sys._getframe(1))
        if d.nonfinite.on:
            d.nonfinite.loss(outputs, value, iteration)

    def _mark(self, tensors: list[Tensor]) -> int:
        """The graph is pruned to what leads to the loss; about how many nodes will run."""
        recorder = self._debugger.recorder
        roots = [n for n in (recorder.source_of(t) for t in tensors) if n is not None]
        leading = recorder.prune(roots)
        self._debugger.prune_phase(leading, set(recorder.nodes))
        total = self._wave.begin(roots)
        self._debugger.subjects.sends_back(recorder.owners(self._wave.reached))
        return total

    def _end(self, keep: bool, frame: FrameType | None, failed: bool) -> None:
        d = self._debugger
        if d.recorder.watching:
            if failed:
                self._wave.undo()
            else:
                self._wave.end(kept=keep)
        d.announced = None
        if not failed:
            d.phase_ended(Phase.BACKWARD, frame)


def _root(output: Any) -> Any:
    """The node of autograd where backward begins for one of its outputs; None for a leaf."""
    with internals.DisableTorchFunction():
        return output.grad_fn if isinstance(output, Tensor) else output.node


def _roots(outputs: Any) -> list[Any]:
    return [root for root in map(_root, outputs) if root is not None]


def _keeps(args: Any) -> bool:
    """``retain_graph`` or ``create_graph``, by the arguments of the backward engine's entry."""
    return any(args[1:3])


def _number(loss: Tensor) -> float | None:
    """A loss of one element; None for others, and for what cannot be read."""
    if internals.is_opaque(loss) or loss.numel() != 1:
        return None
    number = loss.item()
    return number if number.__class__ is float else float(number.real)
