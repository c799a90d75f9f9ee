"""Every gradient that a node of backward sends is looked at: did the node make a NaN or Inf?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gradstep.engine.capture.records import EdgeRecord, NodeRecord, node_id
from gradstep.engine.nan import nonfinite as reading
from gradstep.engine.nan.origins import Found, Origins, worst
from gradstep.engine.nan.taints import Taint, heir
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Cause, Link, NotFinite

_SAVES_RESULT = frozenset({
    "sqrt", "exp", "exp2", "expm1", "tanh", "sigmoid", "reciprocal", "rsqrt", "softmax",
    "log_softmax", "rdiv", "norm", "cumprod", "prod", "logsumexp", "linalg_vector_norm",
    "linalg_norm",
})  # fmt: skip
"""Their backward computes with their result."""


@dataclass(slots=True)
class Ran:
    """A node that ran: ``upstream`` came to it, ``sent`` went on. ``record`` is its call."""

    node: Any
    name: str
    record: NodeRecord | None
    sent: Any
    upstream: Any


class NodeBirths:
    """Call everything unobserved. One backward at a time."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._arrived: dict[Any, list[Taint]] = {}
        self._roots: list[Any] = []
        self._last: Taint | None = None

    def begin(self, roots: list[Any]) -> None:
        self._roots, self._last = roots, None

    def over(self, result: Any) -> None:
        """Nodes are not kept: they hold the graph. What ``autograd.grad`` gives is remembered."""
        self._arrived.clear()
        self._roots = []
        taint, self._last = self._last, None
        if taint is not None and isinstance(result, tuple):
            for tensor in result:
                if isinstance(tensor, Tensor) and reading.found_in(tensor) is not None:
                    self._origins.taints.add(tensor, taint)

    def ran(self, ran: Ran) -> Found | None:
        """What is to be told of the node, if anything is."""
        arrived = self._arrived.pop(ran.node, [])
        came = _kinds(ran.upstream)
        if ran.record is not None and ran.record.leaf is not None:
            if any(came):
                self._reached_leaf(ran.record, arrived)
            return None
        kinds = _kinds(ran.sent)
        if not any(came) and not any(kinds):
            return None
        found = self._judge(ran, kinds, came, arrived)
        self._last = found.taint
        self._hand_on(ran, found.taint, kinds)
        return found if found.taint.birth else None

    def _judge(
        self,
        ran: Ran,
        kinds: list[NotFinite | None],
        came: list[NotFinite | None],
        arrived: list[Taint],
    ) -> Found:
        worst_came = worst(came)
        kind = worst(kinds) or worst_came
        assert kind is not None
        sent_so_far = {taint.kind for taint in arrived}
        met = worst_came is not None and NotFinite.NAN not in sent_so_far
        met = met and (worst_came is NotFinite.NAN or not arrived)
        if met and worst_came is not None and ran.node not in self._roots:
            # More came together here than was sent: a sum overflowed, Inf met -Inf, or a hook.
            taint = self._origins.born(self._link(ran, worst_came), arrived)
            result = ran.upstream[came.index(worst_came)]
            return Found(Cause.MEETING, taint, result, [], ran.record, in_node=True)
        saved = self._saved(ran.record)
        inherited = arrived + [taint for *_, taint in saved if taint is not None]
        carried = [t for t in inherited if t.kind is kind or kind is NotFinite.INF]
        link = self._link(ran, kind)
        if carried or worst_came is kind:
            taint = heir(link, carried)
        else:
            taint = self._origins.born(link, inherited)
        position = kinds.index(kind) if kind in kinds else 0
        result = ran.sent[position] if kind in kinds else ran.upstream[came.index(kind)]
        operands = _upstream(ran.upstream) + [entry[:3] for entry in saved if entry[2] is not None]
        return Found(
            Cause.OPERATION, taint, result, operands, ran.record, in_node=True, position=position
        )

    def _hand_on(self, ran: Ran, taint: Taint, kinds: list[NotFinite | None]) -> None:
        for (successor, _), kind in zip(ran.node.next_functions, kinds, strict=False):
            if kind is None or successor is None:
                continue
            own = taint
            if kind is not taint.kind:
                own = Taint(self._link(ran, kind), taint.parent, taint.birth, taint.depth)
            self._arrived.setdefault(successor, []).append(own)

    def _saved(self, record: NodeRecord | None) -> list[tuple[str, str, Any, Taint | None]]:
        """What the forward call had: name, role, value as it was then, and its taint. Copies and
        living tensors: asking autograd for what it saved could run the program's own hooks."""
        if record is None:
            return []
        found = [self._input(edge) for edge in record.inputs]
        if record.name.rstrip("_") in _SAVES_RESULT:
            value = self._origins.recorder.store.get(f"#{record.id}:0")
            taint = self._origins.of_output(record, 0)
            found.append((record.result_name, "result", value, taint))
        return found

    def _input(self, edge: EdgeRecord) -> tuple[str, str, Any, Taint | None]:
        recorder, source = self._origins.recorder, edge.source
        leaf = source.leaf() if source.leaf is not None else None
        value: Any = recorder.store.get(f"#{source.id}:{edge.output}")
        if value is None:
            value = leaf if leaf is not None else recorder.live_tensor(source, edge.output)
        if value is None and source.data is not None and len(source.data.elements or ()) == 1:
            (value,) = source.data.elements or (None,)  # a number
        taint = self._origins.of_output(source, edge.output)
        if taint is None and leaf is not None and reading.found_in(leaf) is not None:
            taint = self._origins.taints.of(leaf)
        return edge.name or source.name, "input", value, taint

    def _reached_leaf(self, record: NodeRecord, arrived: list[Taint]) -> None:
        leaf = record.leaf() if record.leaf is not None else None
        gradient = leaf.grad if leaf is not None else None
        kind = reading.found_in(gradient) if gradient is not None else None
        if gradient is None or kind is None:
            return
        name = f"{record.name}.grad" if record.name else ""
        iteration = self._origins.recorder.iteration
        number = node_id(record)
        link = Link("AccumulateGrad", kind, Phase.BACKWARD, None, number, name, iteration)
        self._last = heir(link, arrived)
        self._origins.taints.add(gradient, self._last)

    def _link(self, ran: Ran, kind: NotFinite) -> Link:
        place = ran.record.place if ran.record is not None else None
        iteration = self._origins.recorder.iteration
        number = node_id(ran.record)
        return Link(ran.name, kind, Phase.BACKWARD, place, number, "gradient", iteration)


def _upstream(gradients: Any) -> list[tuple[str, str, Any]]:
    named = len(gradients) > 1
    return [
        (f"gradient {i}" if named else "gradient", "upstream", gradient)
        for i, gradient in enumerate(gradients)
        if isinstance(gradient, Tensor)
    ]


def _kinds(tensors: Any) -> list[NotFinite | None]:
    return [reading.found_in(t) if isinstance(t, Tensor) else None for t in tensors]
