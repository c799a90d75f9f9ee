"""The nodes of a run of backward, as they come: what the debugger hears of each."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.records import NodeRecord, calls_around, in_common, node_id
from gradstep.engine.capture.wave import Wave
from gradstep.engine.nan.births_of_nodes import Ran
from gradstep.engine.stepping.breakpoints import Ids
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.stepping.pursuit import Spot
from gradstep.engine.stepping.standing import chain_of
from gradstep.phases import Phase
from gradstep.protocol.trace import Group, Operation, Reason


class Nodes:
    """Reports each node before and after it runs, and draws what it sent on the graph."""

    def __init__(self, debugger: Debugger, wave: Wave) -> None:
        self._debugger, self._wave = debugger, wave
        self.frame: FrameType | None = None
        """The user's frame that called backward."""
        self._groups: tuple[Group, ...] = ()

    def before(self, node: Any, gradients: Any) -> None:
        d = self._debugger
        with internals.DisableTorchFunction():
            record, name = self._record(node), internals.node_name(node)
            last = record is not None and record.leaf is None
            if record is not None and last:
                self._wave.comes(record, internals.node_number(node), gradients)
            label = record.name if record is not None and last else _label(name)
            place = record.place if record is not None else None
            groups = self._calls_around(node, record)
            if record is None or record.id not in self._wave.reached:
                d.expect_more()
            stop = node is not d.announced and d.goals.at_node(chain_of(groups))
            ids: Ids = ()
            if d.breakpoints.nodes:
                ids = d.breakpoints.at_node(
                    name, groups, gradients, self._user_frame(sys._getframe(1))
                )
            if stop or ids or d.goals.pause:
                reason = Reason.BREAKPOINT if ids else Reason.STEP
                reason = Reason.PAUSE if d.goals.pause else reason
                operation = Operation(name, Phase.BACKWARD, node_id(record), place)
                spot = Spot(chain=chain_of(groups))
                d.hold(reason, operation, self._user_frame(sys._getframe(1)), ids=ids, spot=spot)
            d.announced = None
            d.tracker.done += 1
            d.journal.operation(label, node_id(record), place)

    def _user_frame(self, frame: FrameType) -> FrameType | None:
        """Of Python code that runs inside of a node, else of the call of backward."""
        return self._debugger.sites.user_frame(frame) or self.frame

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

    def after(self, node: Any, inputs: Any, outputs: Any) -> None:
        d = self._debugger
        with internals.DisableTorchFunction():
            d.executed()
            record = self._record(node)
            if record is not None:
                self._follow(node, record, inputs)
            births = d.nonfinite.births
            if births.on:
                frame = self._user_frame(sys._getframe(1))
                births.node_ran(
                    Ran(node, internals.node_name(node), record, inputs, outputs), frame
                )

    def _follow(self, node: Any, record: NodeRecord, inputs: Any) -> None:
        """A node of the call ``record`` is done: where its gradients went."""
        d = self._debugger
        if record.leaf is not None:
            leaf = record.leaf()
            if leaf is not None and d.recorder.watching:
                for change in d.leaves.look(record, leaf):
                    d.tell(change)
            return
        self._wave.node_ran(record, internals.node_name(node))
        for (successor, number), gradient in zip(node.next_functions, inputs, strict=False):
            if successor is not None and gradient is not None:
                self._wave.sent(record, self._record(successor), number, gradient)

    def _record(self, node: Any) -> NodeRecord | None:
        recorder = self._debugger.recorder
        if node.name() == internals.ACCUMULATE_GRAD:
            return recorder.leaf_of(node.variable)
        return recorder.node_of_number(internals.node_number(node))


def _label(name: str) -> str:
    """``accumulate`` for ``AccumulateGrad``, ``mul`` for ``MulBackward0``."""
    if name == "AccumulateGrad":
        return "accum"
    return name.partition("Backward")[0].lower() or name
