"""The gradient on its way through the recorded graph: who waits, what went along each edge."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import EdgeRecord, NodeRecord
from gradstep.engine.torch_internals import is_opaque, unobserved
from gradstep.protocol.trace import Change, NodeState
from gradstep.protocol.values import Preview, ValueKind

_NodeBefore = tuple[NodeRecord, NodeState, list[str], int, str, bool]
_EdgeBefore = tuple[EdgeRecord, Preview | None]


class Wave:
    """One backward at a time. ``tell`` hears of every gradient that arrives."""

    def __init__(self, recorder: Recorder, tell: Callable[[Change], None]) -> None:
        self._recorder, self._tell = recorder, tell
        self._assigned: set[int] = set()
        self._reached: list[NodeRecord] = []
        self.reached: set[int] = set()
        """Nodes to which the present backward will come."""
        self._nodes: list[_NodeBefore] = []
        self._edges: list[_EdgeBefore] = []

    def begin(self, roots: list[NodeRecord]) -> int:
        """Backward starts at ``roots``; about how many nodes it will run."""
        recorder = self._recorder
        recorder.roots = list(roots)
        for root in roots:
            root.is_loss = True
        self._assigned.clear()
        self._remember()
        self._reached = self._within_reach(roots)
        self.reached = {node.id for node in self._reached}
        if recorder.watching:
            with unobserved():
                parameters = [n for n in self._reached if n.kind is ValueKind.PARAMETER]
                recorder.before.begin(recorder.iteration, parameters)
        total = 0
        for node in self._reached:
            if node.kind is ValueKind.RESULT:
                node.state, node.backward_done, node.saved = NodeState.BACKWARD_WAITING, 0, "alive"
                node.backward, node.arrived = [], False
                total += max(1, node.last - node.first)
            elif node.kind is ValueKind.PARAMETER:
                total += 1
            recorder.touch(node)
        for edge in recorder.edges.values():
            if edge.grad is not None:
                edge.grad = None
                recorder.touch(edge)
        return total

    def comes(self, record: NodeRecord, number: int, gradients: tuple[Tensor | None, ...]) -> None:
        """Backward is at the call's autograd node ``number``. If that made results of the call,
        these are their whole gradients, summed over their paths."""
        if record.heads:
            made = record.heads.get(number, [])
            pairs = [(index, gradients[at]) for at, index in made if at < len(gradients)]
        else:
            pairs = list(enumerate(gradients)) if number == record.last - 1 else []
        if not pairs:
            return
        recorder = self._recorder
        record.arrived = True
        for output, gradient in pairs:
            if gradient is None:
                continue
            recorder.store.keep(f"#{record.id}:{output}:grad", gradient)
            for edge in record.outputs.get(output, ()):
                if edge.target is None:
                    self._set(edge, gradient)

    def sent(
        self, record: NodeRecord, source: NodeRecord | None, number: int, gradient: Tensor
    ) -> None:
        """A gradient left ``record`` towards ``source``'s result ``number``: along which edge?"""
        if source is None or source is record:
            return
        last = None
        for edge in record.inputs:
            if edge.source is not source:
                continue
            if source.leaf is None and len(source.outputs) > 1 and edge.output != number:
                continue
            last = edge
            if edge.id not in self._assigned:
                self._assigned.add(edge.id)
                self._set(edge, gradient)
                return
        if last is not None:
            self._add(last, gradient)

    def _add(self, edge: EdgeRecord, gradient: Tensor) -> None:
        """The call uses its input several times inside (its length, and to divide by it): what goes
        back along the edge is the sum."""
        so_far = self._recorder.store.get(f"edge:{edge.id}")
        if so_far is None or so_far.shape != gradient.shape or is_opaque(gradient):
            return
        with unobserved():
            self._set(edge, so_far + gradient.detach())

    def node_ran(self, record: NodeRecord, name: str) -> None:
        """One autograd node of the call ``record`` is done."""
        record.backward.append(name)
        record.backward_done += 1
        if record.backward_done >= record.last - record.first:
            record.state = NodeState.BACKWARD_DONE
        self._recorder.touch(record)

    def end(self, *, kept: bool) -> None:
        """Backward returned. ``kept``: with ``retain_graph`` what was saved stays alive."""
        done, saved, result = (
            NodeState.BACKWARD_DONE,
            "alive" if kept else "freed",
            ValueKind.RESULT,
        )
        ran = [node for node in self._reached if node.kind is result]
        for node in ran:
            node.state, node.saved = done, saved
        self._recorder.touch_all(ran)

    def undo(self) -> None:
        """Backward raised. Over a graph that was freed before, nothing has changed: the picture is
        again that of the backward that did run. Else what it reached stays to be seen."""
        for node, state, names, done, saved, arrived in self._nodes:
            node.state, node.backward, node.backward_done, node.saved = state, names, done, saved
            node.arrived = arrived
            self._recorder.touch(node)
        for edge, gradient in self._edges:
            edge.grad = gradient
            self._recorder.touch(edge)

    @staticmethod
    def _within_reach(roots: list[NodeRecord]) -> list[NodeRecord]:
        """Where backward will come: not beyond what was detached or made under ``no_grad``."""
        reached: dict[int, NodeRecord] = {}
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node.id not in reached:
                reached[node.id] = node
                stack += [edge.source for edge in node.inputs if edge.requires_grad]
        return list(reached.values())

    def _remember(self) -> None:
        self._nodes, self._edges = [], []
        nodes, edges = self._recorder.nodes.values(), self._recorder.edges.values()
        if not any(node.saved == "freed" for node in nodes):
            return  # whatever comes, there is no earlier picture to go back to
        self._nodes = [(n, n.state, n.backward, n.backward_done, n.saved, n.arrived) for n in nodes]
        self._edges = [(e, e.grad) for e in edges]

    def _set(self, edge: EdgeRecord, gradient: Tensor) -> None:
        self._recorder.set_gradient(edge, gradient)
        ref = f"#{edge.source.id}:{edge.output}"
        self._tell(Change("grad", ref, edge.name, None, edge.grad, (edge.id,)))
