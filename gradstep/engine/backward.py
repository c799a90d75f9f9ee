"""Backward, node by node: the one entry wrapped, and hooks that advance with the frontier."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.births_of_nodes import Ran
from gradstep.engine.breakpoints import Ids
from gradstep.engine.debugger import Debugger
from gradstep.engine.observer import Observer
from gradstep.engine.pursuit import Spot
from gradstep.engine.records import NodeRecord, calls_around, in_common, node_id
from gradstep.engine.standing import chain_of
from gradstep.engine.wave import Wave
from gradstep.phases import Phase
from gradstep.protocol.trace import Goal, Group, Level, Operation, Reason

# Looking up a member of an Enum costs 70 ns on Python 3.11: seen in small loops at run level.
_RUN, _BACKWARD = Level.RUN, Phase.BACKWARD


class Frontier:
    """Hooks on the nodes that can run next. A node that fires loses its hook and its successors get
    theirs, so nothing is walked beforehand; switched off, the rest runs at native speed."""

    def __init__(
        self,
        before: Callable[[Any, Any], None],
        after: Callable[[Any, Any, Any], None],
        wanted: Callable[[], bool],
    ) -> None:
        self._before, self._after, self._wanted = before, after, wanted
        self._handles: dict[Any, tuple[Any, Any] | None] = {}

    def add(self, node: Any) -> None:
        if node is None or node in self._handles:
            return

        def pre(gradients: Any) -> None:
            handles = self._handles.get(node)
            if handles is not None:
                handles[0].remove()
            if self._wanted():
                self._before(node, gradients)
            if self._wanted():
                for successor, _ in node.next_functions:
                    self.add(successor)

        def post(inputs: Any, outputs: Any) -> None:
            handles = self._handles.get(node)
            if handles is not None:
                handles[1].remove()
                self._handles[node] = None
            if self._wanted():
                self._after(node, inputs, outputs)

        self._handles[node] = (node.register_prehook(pre), node.register_hook(post))

    def close(self) -> None:
        """Hooks left behind would fire again on a retained graph."""
        for handles in self._handles.values():
            if handles is not None:
                handles[0].remove()
                handles[1].remove()
        self._handles.clear()


class Backward:
    """Reports every run of the backward engine to the debugger."""

    def __init__(self, debugger: Debugger, observer: Observer) -> None:
        self._debugger, self._observer = debugger, observer
        self._wave = Wave(debugger.recorder, debugger.tell)
        self._count = self._counter()

    def install(self) -> None:
        internals.wrap_backward_entry(self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        d, inside, watch = self._debugger, self._observer.inside, self._debugger.nonfinite
        count = self._count

        def _engine_run_backward(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if d.in_backward:
                return self._nested(original, outputs, args, kwargs)
            watch.backwards += 1
            if d.level is _RUN and not d.attends:  # only counted: small loops feel each call
                count(outputs, len(args) > 2 and args[2])
                d.in_backward, depth = 1, len(inside)
                try:
                    return original(outputs, *args, **kwargs)
                except RuntimeError as error:
                    d.broke(error, outputs, sys._getframe(1))
                    raise
                finally:
                    d.in_backward = 0
                    if d.level is not _RUN:
                        self._rise(depth)
            asked = d.level is _RUN and (d.pursuit.epochs.asks or d.breakpoints.phases)
            told = bool(asked) and self._attend(outputs, sys._getframe(1))
            if d.level is _RUN:
                return self._attended(original, outputs, args, kwargs)
            if d.unwatched:
                return self._passed_by(original, outputs, args, kwargs)
            frame = d.sites.user_frame(sys._getframe(1))
            number = internals.sequence_number()
            roots, result = self._begin(outputs, frame, told), None
            frontier = Frontier(self._before_node, self._after_node, self._stepping)
            self._frame = frame
            d.in_backward += 1
            inside.append(_BACKWARD)
            try:
                if self._stepping():
                    for root in roots:
                        frontier.add(root)
                if watch.births.on:
                    watch.births.backward_begins(roots)
                with self._modes():
                    result = original(outputs, *args, **kwargs)
            finally:
                d.in_backward -= 1
                inside.pop()
                frontier.close()
                if watch.births.on:
                    watch.births.backward_over(result)
                failed = sys.exc_info()[0] is not None
                self._frame = None
                self._end(_keeps(args), frame, failed)
                self._used_up(outputs, args, number, failed)
            if watch.on:
                watch.backward_returned(outputs)
            return result

        return _engine_run_backward

    def _counter(self) -> Callable[[Any, Any], None]:
        """Called at run level: the iteration and the loss are noted, and nothing else is done.

        One closure, as on the smallest loops each call and each name with a dot is felt: what lies
        in it has left the cache since the last backward."""
        d, watch = self._debugger, self._debugger.nonfinite
        tracker, note = d.tracker, d.journal.loss
        number_of = internals.plain_number

        def count(outputs: Any, differentiable: Any) -> None:
            if tracker.steady and not differentiable:
                tracker.iteration += 1
            elif not d.driven or tracker.phase is not _BACKWARD:
                tracker.enter_backward_unseen(differentiable)
            if not d.attended:
                return
            value = number_of(outputs[0])
            if value is None:
                self._note_loss(outputs, tracker.iteration)
                return
            note(tracker.iteration, value, d.sample)
            if watch.on:
                watch.loss(outputs, value, tracker.iteration)

        return count

    def _rise(self, depth: int) -> None:
        """Python code inside of backward stopped, and the level was raised there."""
        del self._observer.inside[depth:]
        self._observer.set_level(self._debugger.level)

    def _attend(self, outputs: Any, caller: FrameType) -> bool:
        """At run level, where somebody waits for the end of forward or the loops around backward.
        Whether breakpoints have been told that forward ended; it may have stopped, and the level
        may be another now."""
        d = self._debugger
        if d.pursuit.epochs.asks:
            d.pursuit.learn_epochs(caller)
        if d.breakpoints.phases:
            self._forward_ended(outputs, d.sites.user_frame(caller), None)
            return True
        return False

    def _attended(self, original: Callable[..., Any], outputs: Any, args: Any, kwargs: Any) -> Any:
        """The same as at run level otherwise, and breakpoints between phases hear of its end."""
        d = self._debugger
        self._count(outputs, len(args) > 2 and args[2])
        if d.level is not _RUN:  # it stood at a loss that is NaN, and somebody looks now
            return self._unstepped(original, outputs, args, kwargs)
        d.in_backward, depth = 1, len(self._observer.inside)
        try:
            result = original(outputs, *args, **kwargs)
        except RuntimeError as error:
            d.broke(error, outputs, sys._getframe(2))
            raise
        finally:
            d.in_backward = 0
            if d.level is not _RUN:
                self._rise(depth)
        if d.breakpoints.between:
            d.phase_ended(_BACKWARD, sys._getframe(2))
            d.pursuit.iteration_passed()
        if d.nonfinite.on:
            d.nonfinite.backward_returned(outputs)
        return result

    def _passed_by(self, original: Callable[..., Any], outputs: Any, args: Any, kwargs: Any) -> Any:
        """While nobody looks: the phase is followed, and no node."""
        d = self._debugger
        d.enter_backward(0)
        self._note_loss(outputs, d.tracker.iteration)
        return self._unstepped(original, outputs, args, kwargs)

    def _unstepped(self, original: Callable[..., Any], outputs: Any, args: Any, kwargs: Any) -> Any:
        """Modes are on; no node is followed."""
        d = self._debugger
        number = internals.sequence_number()
        inside = self._observer.inside
        inside.append(Phase.BACKWARD)
        d.in_backward += 1
        try:
            with self._modes():
                return original(outputs, *args, **kwargs)
        finally:
            d.in_backward -= 1
            inside.pop()
            self._used_up(outputs, args, number, sys.exc_info()[0] is not None)

    def _used_up(self, outputs: Any, args: Any, number: int, failed: bool) -> None:
        """What is computed from this graph from now on is for a log."""
        classifier = self._observer.classifier
        classifier.aliases.gradient_read = False
        if not failed:
            classifier.spent.backward_ended(outputs, number, kept=_keeps(args))

    def _nested(self, original: Callable[..., Any], outputs: Any, args: Any, kwargs: Any) -> Any:
        """A backward inside a node of another (checkpoints, adjoints): it belongs to that node."""
        with self._modes():
            return original(outputs, *args, **kwargs)

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

    def _begin(self, outputs: Any, frame: FrameType | None, told: bool) -> list[Any]:
        """Phase entered, loss noted, graph pruned to what leads to it; a stop if forward was asked
        for. ``told``: its end has been. Returns the root nodes of autograd."""
        d = self._debugger
        tensors = [t for t in outputs if isinstance(t, Tensor)]
        with internals.DisableTorchFunction():
            roots = [t.grad_fn if isinstance(t, Tensor) else t.node for t in outputs]
        begins = d.tracker.begins_iteration(Phase.BACKWARD)
        self._note_loss(outputs, d.tracker.iteration + begins)
        total = self._mark(tensors) if d.recorder.watching else 0
        if d.pursuit.epochs.asks:
            d.pursuit.learn_epochs(frame)
        if not told:
            source = d.recorder.source_of(tensors[0]) if tensors else None
            self._forward_ended(outputs, frame, source)
        d.enter_backward(total)
        return [root for root in roots if root is not None]

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
        with internals.DisableTorchFunction():
            loss = outputs[0]
            root = loss.grad_fn if isinstance(loss, Tensor) else loss.node
        name = _short(root) if root is not None else ""
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
            d.journal.loss(iteration, value, d.sample)
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

    # ------------------------------------------------------------------ nodes

    def _before_node(self, node: Any, gradients: Any) -> None:
        d = self._debugger
        with internals.DisableTorchFunction():
            record, name = self._record(node), _short(node)
            last = record is not None and record.leaf is None
            if record is not None and last and internals.node_number(node) == record.last - 1:
                self._wave.arrived(record, gradients)
            label = record.name if record is not None and last else _label(name)
            place = record.place if record is not None else None
            groups = self._calls_around(node, record)
            stop = node is not d.announced and d.goals.at_node(chain_of(groups))
            ids: Ids = ()
            if d.breakpoints.nodes:
                ids = d.breakpoints.at_node(name, groups, gradients, self._user_frame())
            if stop or ids or d.goals.pause:
                reason = Reason.BREAKPOINT if ids else Reason.STEP
                reason = Reason.PAUSE if d.goals.pause else reason
                operation = Operation(name, Phase.BACKWARD, node_id(record), place)
                spot = Spot(chain=chain_of(groups))
                d.hold(reason, operation, self._user_frame(), ids=ids, spot=spot)
            d.announced = None
            d.tracker.done += 1
            d.journal.operation(label, node_id(record), place)

    _frame: FrameType | None = None
    _groups: tuple[Group, ...] = ()

    def _user_frame(self) -> FrameType | None:
        return self._debugger.sites.user_frame(sys._getframe(1)) or self._frame

    def _calls_around(self, node: Any, record: NodeRecord | None) -> tuple[Group, ...]:
        """The calls of the forward operation that made this node. A function's own node is linked
        to none: it lies where those made before and after it do. An unknown leaf belongs to the
        node that has just sent its gradient."""
        recorder = self._debugger.recorder
        if record is not None and record.id in recorder.nodes:
            self._groups = calls_around(record)
        elif node.name() != internals.ACCUMULATE_GRAD:
            self._groups = in_common(recorder.neighbours(internals.node_number(node)))
        return self._groups

    def _after_node(self, node: Any, inputs: Any, outputs: Any) -> None:
        d = self._debugger
        with internals.DisableTorchFunction():
            d.executed()
            record = self._record(node)
            if record is not None:
                self._follow(node, record, inputs)
            births = d.nonfinite.births
            if births.on:
                frame = d.sites.user_frame(sys._getframe(1)) or self._frame
                births.node_ran(Ran(node, _short(node), record, inputs, outputs), frame)

    def _follow(self, node: Any, record: NodeRecord, inputs: Any) -> None:
        """A node of the call ``record`` is done: where its gradients went."""
        d = self._debugger
        if record.leaf is not None:
            leaf = record.leaf()
            if leaf is not None and d.recorder.watching:
                for change in d.leaves.look(record, leaf):
                    d.tell(change)
            return
        self._wave.node_ran(record, _short(node))
        for (successor, number), gradient in zip(node.next_functions, inputs, strict=False):
            if successor is not None and gradient is not None:
                self._wave.sent(record, self._record(successor), number, gradient)

    def _record(self, node: Any) -> NodeRecord | None:
        recorder = self._debugger.recorder
        if node.name() == internals.ACCUMULATE_GRAD:
            return recorder.leaf_of(node.variable)
        return recorder.node_of_number(internals.node_number(node))


def _keeps(args: Any) -> bool:
    """``retain_graph`` or ``create_graph``, by the arguments of the backward engine's entry."""
    return any(args[1:3])


def _number(loss: Tensor) -> float | None:
    """A loss of one element; None for others, and for what cannot be read."""
    if internals.is_opaque(loss) or loss.numel() != 1:
        return None
    number = loss.item()
    return number if number.__class__ is float else float(number.real)


def _short(node: Any) -> str:
    return str(node.name()).rpartition("::")[2]


def _label(name: str) -> str:
    """``accumulate`` for ``AccumulateGrad``, ``mul`` for ``MulBackward0``."""
    if name == "AccumulateGrad":
        return "accum"
    return name.partition("Backward")[0].lower() or name
