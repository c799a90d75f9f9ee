"""The chain rule at one edge of the graph: the table's rule applied to what was recorded there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import EdgeRecord, NodeRecord
from gradstep.engine.explain.agreement import TOLERANCE, Comparison, apart, coarsest
from gradstep.engine.explain.numeric import Numeric
from gradstep.engine.explain.tape import CannotRerun
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Derivative
from gradstep.engine.rules.rule import Rule
from gradstep.engine.rules.shapes import axes_summed
from gradstep.engine.rules.table import rule_of
from gradstep.engine.torch_internals import is_opaque
from gradstep.engine.values.reading import preview
from gradstep.protocol.cards import Agreement, Chain, FanOut, Path, Quantity, Term, Traced
from gradstep.protocol.values import Preview, ValueKind

TERMS = 8
"""Terms of a sum that are written out; the rest is one number."""
LARGEST = 1 << 25
"""Elements of an operation's tensors, all together, beyond which it is not computed again."""
TWICE = "A gradient was differentiated itself (create_graph): a part of this one came that way."
UPDATED = "A parameter was updated since it was used here: what it was then is not known any more."


@dataclass
class _Seen:
    """What was recorded of one operation."""

    node: NodeRecord
    edge: EdgeRecord
    tensors: list[Tensor | None] = field(default_factory=list)
    sources: list[EdgeRecord | None] = field(default_factory=list)
    outputs: list[Tensor | None] = field(default_factory=list)
    upstream: list[Tensor | None] = field(default_factory=list)
    downstream: Tensor | None = None
    moved: bool = False


def chain(recorder: Recorder, edge: EdgeRecord, index: tuple[int, ...]) -> Chain:
    """``edge`` must end at an operation; ``index``: the element of the value on it that is written
    out, the first by default. Call it unobserved. Raises ``IndexError``."""
    assert edge.target is not None
    seen = _look(recorder, edge, edge.target)
    rule = rule_of(seen.node.name)
    shown = _Card(recorder, seen, rule)
    try:
        return shown.explained(_whole_index(seen, index))
    except Unexplained as reason:
        note = UPDATED if seen.moved else str(reason)
    except IndexError:
        raise
    except Exception as error:  # whatever a call may have been given, the rest is worth showing
        note = f"The rule cannot be applied to this call: {str(error).splitlines()[0][:160]}"
    return shown.plain(note)


def _look(recorder: Recorder, edge: EdgeRecord, node: NodeRecord) -> _Seen:
    seen = _Seen(node, edge)
    by_slot = {e.input: e for e in node.inputs if e.source.kind is not ValueKind.CONSTANT}
    for slot in range(max(by_slot, default=-1) + 1):
        source = by_slot.get(slot)
        seen.sources.append(source)
        seen.tensors.append(_value(recorder, source, seen) if source is not None else None)
    for output in sorted(node.outputs):
        seen.outputs.append(recorder.store.get(f"#{node.id}:{output}"))
        came = recorder.store.get(f"#{node.id}:{output}:grad") if node.arrived else None
        seen.upstream.append(came)
    seen.downstream = _sent(recorder, edge)
    return seen


def _value(recorder: Recorder, edge: EdgeRecord, seen: _Seen) -> Tensor | None:
    source = edge.source
    kept = recorder.store.get(f"#{source.id}:{edge.output}")
    if kept is not None:
        return kept
    if source.current is not None:  # the leaf itself is another by now
        seen.moved = True
        return None
    live = recorder.live_tensor(source, edge.output)
    return live.detach() if live is not None and not is_opaque(live) else None


def _sent(recorder: Recorder, edge: EdgeRecord) -> Tensor | None:
    """What the present backward sent along ``edge``; the last one's copy may still be there."""
    return recorder.store.get(f"edge:{edge.id}") if edge.grad is not None else None


def _whole_index(seen: _Seen, index: tuple[int, ...]) -> tuple[int, ...]:
    tensor = seen.tensors[seen.edge.input]
    shape = tensor.shape if tensor is not None else ()
    index = index or (0,) * len(shape)
    if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexError(f"index {index} is outside of shape {tuple(shape)}")
    return index


class _Card:
    """A card in the making."""

    def __init__(self, recorder: Recorder, seen: _Seen, rule: Rule | None) -> None:
        self._recorder, self._seen, self._rule = recorder, seen, rule

    # ------------------------------------------------------------------ whole

    def explained(self, index: tuple[int, ...]) -> Chain:
        """With the rule's numbers. Raises ``Unexplained``, and whatever the rule raises."""
        seen, rule = self._seen, self._rule
        if rule is None or seen.node.arguments is None:
            return self.numeric(index)
        between_pieces()
        call = self._bound(rule)
        between_pieces()
        slot = seen.edge.input
        parameter, _ = call.place_of(slot)
        derivative = rule.derivative(parameter)
        if derivative is None:
            return self.numeric(index)
        facts: dict[str, Any] = {
            "argument": parameter,
            "symbol": rule.symbol(parameter),
            "in_table": True,
            "formula": derivative.formula,
            "source": derivative.source,
            "local": self._quantity(derivative.local(call, slot), "local"),
        }
        facts |= self._kinks(call)
        upstream = tuple(None if u is None else u.to(torch.float64) for u in seen.upstream)
        if any(u is not None for u in upstream):
            facts |= self._numbers(call, derivative, upstream, index)
        else:
            facts["note"] = "No gradient has come to its result yet."
        return self._chain(**facts, fan_out=self._fan_out(index))

    def numeric(self, index: tuple[int, ...]) -> Chain:
        """Without a rule: the call made again, and differentiated numerically."""
        seen, slot = self._seen, self._seen.edge.input
        upstream = [None if u is None else u.to(torch.float64) for u in seen.upstream]
        if not any(u is not None for u in upstream):
            return self.plain("No gradient has come to its result yet.", index)
        try:
            if sum(t.numel() for t in (*seen.tensors, *seen.outputs) if t is not None) > LARGEST:
                raise CannotRerun("Its tensors are too large to be computed with a second time.")
            made = Numeric(seen.node, seen.tensors)
            between_pieces()
            ours = made.vjp(slot, upstream)
            traced = Traced(index, (), made.element(slot, index, upstream))
        except CannotRerun as reason:
            return self.plain(UPDATED if seen.moved else str(reason), index)
        facts: dict[str, Any] = {"traced": traced}
        if seen.downstream is None:
            given = seen.tensors[slot]
            assert given is not None
            facts["coming"] = self._quantity(ours.to(given.dtype), "∂L/∂x")
            facts["agreement"] = Agreement(None, note="Autograd has not sent it yet.")
        else:
            facts["agreement"] = self._numerically(ours, seen.downstream)
        return self.plain("", index, **facts)

    def _numerically(self, ours: Tensor, sent: Tensor) -> Agreement:
        seen = self._seen
        tolerance = TOLERANCE.get(coarsest((*seen.tensors, *seen.outputs, sent)), 1e-4)
        error = apart(ours, sent)
        if error is None or error != error:
            return Agreement(None, note="It holds numbers that are not finite.")
        if error > tolerance and self._recorder.differentiated:
            return Agreement(None, error, tolerance, note=TWICE)
        return Agreement(error <= tolerance, error, tolerance)

    def plain(self, note: str, index: tuple[int, ...] | None = None, **facts: Any) -> Chain:
        """Without a rule: what autograd sent, as it is."""
        rule, slot = self._rule, self._seen.edge.input
        symbol = "x" if rule is None else rule.symbol("input")
        return self._chain(
            argument=f"input {slot}", symbol=symbol, in_table=False, formula="", source="",
            note=note, fan_out=self._fan_out(index), **facts,
        )  # fmt: skip

    def _chain(self, **facts: Any) -> Chain:
        seen, rule = self._seen, self._rule
        result = rule.symbol("output") if rule is not None else "y"
        names = [self._name_of_output(i) for i in range(len(seen.outputs))]
        count = len(seen.outputs)
        symbols = [result] if count == 1 else [f"{result}_{{{i}}}" for i in range(count)]
        return Chain(
            node=seen.node.id,
            edge=seen.edge.id,
            operation=seen.node.name,
            input=seen.edge.input,
            operands=tuple(self._operand(i) for i in range(len(seen.tensors))),
            result=tuple(
                self._known(value, symbol, name, self._edge_of(i))
                for i, (value, symbol, name) in enumerate(
                    zip(seen.outputs, symbols, names, strict=True)
                )
            ),
            upstream=tuple(
                self._quantity(u, f"∂L/∂{symbol}")
                for u, symbol in zip(seen.upstream, symbols, strict=True)
            ),
            downstream=self._quantity(seen.downstream, f"∂L/∂{facts['symbol']}"),
            **facts,
        )

    # ------------------------------------------------------------------ numbers

    def _bound(self, rule: Rule) -> BoundCall:
        seen = self._seen
        tensors = [t for t in seen.tensors if t is not None]
        outputs = [t for t in seen.outputs if t is not None]
        if len(tensors) != len(seen.tensors) or len(outputs) != len(seen.outputs):
            raise Unexplained("Not every value that takes part was kept: there was no room.")
        assert seen.node.arguments is not None
        if sum(t.numel() for t in (*tensors, *outputs)) > LARGEST:
            raise Unexplained("Its tensors are too large to be computed with a second time.")
        return rule.bind(seen.node.arguments, tuple(tensors), tuple(outputs), torch.float64)

    def _numbers(
        self,
        call: BoundCall,
        derivative: Derivative,
        upstream: tuple[Tensor | None, ...],
        index: tuple[int, ...],
    ) -> dict[str, Any]:
        seen, slot = self._seen, self._seen.edge.input
        between_pieces()
        ours = derivative.vjp(call, slot, upstream)
        between_pieces()
        unreduced = derivative.unreduced(call, slot, upstream)
        summed: tuple[int, ...] = ()
        if unreduced is not None:
            summed = axes_summed(unreduced.shape, call.tensors[slot].shape)
        rule = self._rule
        assert rule is not None
        symbol = rule.symbol(call.place_of(slot)[0])
        found: dict[str, Any] = {
            "unreduced": self._quantity(unreduced, f"∂L/∂{symbol}"),
            "summed": summed,
            "traced": self._traced(call, derivative, upstream, ours, index),
        }
        if seen.downstream is None:
            found["coming"] = self._quantity(ours.to(call.given[slot].dtype), f"∂L/∂{symbol}")
            found["agreement"] = Agreement(None, note="Autograd has not sent it yet.")
        else:
            given = (*seen.tensors, *seen.outputs, *seen.upstream, seen.downstream)
            comparison = Comparison(rule, call, derivative, slot, upstream)
            verdict = comparison.agreement(ours, seen.downstream, coarsest(given))
            if verdict.agrees is False and self._recorder.differentiated:
                verdict = replace(verdict, agrees=None, note=TWICE)
            found["agreement"] = verdict
        return found

    def _traced(
        self,
        call: BoundCall,
        derivative: Derivative,
        upstream: tuple[Tensor | None, ...],
        ours: Tensor,
        index: tuple[int, ...],
    ) -> Traced:
        assert self._rule is not None
        result = self._rule.symbol("output")
        count = len(upstream)
        symbols = [result] if count == 1 else [f"{result}_{{{i}}}" for i in range(count)]
        slot = self._seen.edge.input
        many, terms = derivative.terms(call, slot, upstream, index, symbols)
        listed: tuple[Term, ...] = tuple(itertools.islice(terms, TERMS))
        total = float(ours[index])
        left = many - len(listed)
        rest = total - sum(term.value for term in listed) if left > 0 else 0.0
        return Traced(index, listed, total, max(0, left), rest)

    def _kinks(self, call: BoundCall) -> dict[str, Any]:
        rule = self._rule
        if rule is None or rule.kink is None:
            return {}
        count = int(rule.kink(call).sum())
        return {"kinks": count, "kink": rule.kink_note if count else ""}

    # ------------------------------------------------------------------ paths

    def _fan_out(self, index: tuple[int, ...] | None) -> FanOut | None:
        edge, store = self._seen.edge, self._recorder.store
        uses = [
            e
            for e in edge.source.outputs.get(edge.output, ())
            if e.target is not None and e.requires_grad
        ]
        if len(uses) < 2:
            return None
        total: Tensor | None = None
        paths, complete = [], True
        for use in uses:
            between_pieces()
            sent = _sent(self._recorder, use)
            complete = complete and sent is not None
            if sent is not None:
                total = sent if total is None else total + sent
            assert use.target is not None
            paths.append(
                Path(
                    use.id, use.target.id, use.target.name, self._quantity(sent, "∂L/∂x"),
                    _element(sent, index), chosen=use is edge,
                )
            )  # fmt: skip
        whole = store.get(f"#{edge.source.id}:{edge.output}:grad") if edge.source.arrived else None
        error = (
            apart(whole, total) if whole is not None and total is not None and complete else None
        )
        return FanOut(
            tuple(paths), self._quantity(total, "∂L/∂x"), _element(total, index), complete,
            self._quantity(whole, "∂L/∂x"), error,
        )  # fmt: skip

    # ------------------------------------------------------------------ names

    def _operand(self, slot: int) -> Quantity:
        seen, rule = self._seen, self._rule
        source = seen.sources[slot]
        symbol = self._symbol(rule, slot)
        name = (source.name or source.source.name) if source is not None else ""
        return self._known(seen.tensors[slot], symbol, name, source)

    def _symbol(self, rule: Rule | None, slot: int) -> str:
        arguments = self._seen.node.arguments
        if rule is None or arguments is None:
            return f"x_{{{slot}}}" if len(self._seen.tensors) > 1 else "x"
        try:
            empty = torch.empty(())
            tensors = tuple(empty if t is None else t for t in self._seen.tensors)
            outputs = tuple(empty if t is None else t for t in self._seen.outputs)
            return rule.symbol(rule.bind(arguments, tensors, outputs).place_of(slot)[0])
        except Unexplained:
            return "x"

    def _edge_of(self, output: int) -> EdgeRecord | None:
        keys = sorted(self._seen.node.outputs)
        edges = self._seen.node.outputs.get(keys[output], []) if output < len(keys) else []
        return edges[0] if edges else None

    def _name_of_output(self, output: int) -> str:
        keys = sorted(self._seen.node.outputs)
        edges = self._seen.node.outputs.get(keys[output], [])
        return next((edge.name for edge in edges if edge.name), "")

    def _known(
        self, value: Tensor | None, symbol: str, name: str, edge: EdgeRecord | None
    ) -> Quantity:
        """A tensor of the graph, whose shape is known even if its values are not."""
        if value is not None:
            return Quantity(symbol, name, tuple(value.shape), _dtype(value), preview(value))
        described = edge.tensor if edge is not None else None
        shape = described.shape if described is not None else ()
        dtype = described.dtype if described is not None else "float32"
        return Quantity(symbol, name, shape, dtype, Preview(problem="not kept"))

    @staticmethod
    def _quantity(value: Tensor | None, symbol: str) -> Quantity | None:
        if value is None:
            return None
        return Quantity(symbol, "", tuple(value.shape), _dtype(value), preview(value))


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _element(tensor: Tensor | None, index: tuple[int, ...] | None) -> float | None:
    if tensor is None or is_opaque(tensor):
        return None
    if index is None or len(index) != tensor.dim():
        return float(tensor) if tensor.numel() == 1 else None
    return float(tensor[index])
