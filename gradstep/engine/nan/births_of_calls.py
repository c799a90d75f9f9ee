"""Every result of a call is looked at: did the call make a NaN or Inf, or hand one on?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine.capture.calls import Call, tensors_in, tensors_of
from gradstep.engine.capture.records import NodeRecord, node_id
from gradstep.engine.nan import nonfinite as reading
from gradstep.engine.nan.origins import Found, Index, Origins, worst
from gradstep.engine.nan.taints import Taint, heir
from gradstep.engine.sites import Sites
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Cause, Link, NotFinite

COPIED = 64 << 20
"""Bytes of targets copied before one in-place call, so that what it changed can be shown."""

# Memory that nobody has written yet, and bits seen as numbers: no operation made what they hold.
_NOT_MADE = frozenset({
    "empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "empty_permuted",
    "resize_", "resize_as_", "set_", "view", "frombuffer", "from_file",
})  # fmt: skip

# Each element of the result is made from those at its place: a new one shows among old ones.
_ELEMENTWISE = frozenset({
    "add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "rdiv", "rsub",
    "pow", "rpow", "float_power", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt",
    "rsqrt", "square", "reciprocal", "acos", "asin", "atanh", "acosh", "arccos", "arcsin", "cosh",
    "sinh", "tan", "sin", "cos", "atan2", "fmod", "remainder", "xlogy", "logit", "lgamma",
    "digamma", "erfinv", "half", "bfloat16", "float", "double", "to", "type", "type_as",
})  # fmt: skip


@dataclass(slots=True)
class Before:
    """Of the arguments of an in-place call, as they were."""

    kinds: list[NotFinite | None]
    copies: dict[int, Tensor]


@dataclass(slots=True)
class Returned:
    """A call that returned. ``node`` is its place on the graph, if it has one."""

    phase: Phase | None
    known: Call
    node: NodeRecord | None
    args: Any
    kwargs: Any
    result: Any
    frame: FrameType | None


@dataclass(slots=True)
class _Case:
    """A call whose results are not all finite. ``inputs`` with what they held (``inside``);
    ``given``: the same as they went in; ``made``: where an element was made among old ones."""

    call: Returned
    kind: NotFinite
    link: Link
    inputs: list[Tensor]
    inside: list[NotFinite | None]
    given: list[Tensor]
    made: Index | None


class CallBirths:
    """Call everything unobserved."""

    def __init__(self, origins: Origins, sites: Sites) -> None:
        self._origins, self._sites = origins, sites

    def before(self, known: Call, args: Any, tensors: list[Tensor]) -> Before | None:
        """What an in-place call is about to write over."""
        if not known.in_place:
            return None
        kinds = [reading.found_in(tensor) for tensor in tensors]
        targets = tensors_in(args[:1])
        size = sum(t.numel() * t.element_size() for t in targets if not t.is_sparse)
        copies = {id(t): reading.copied(t) for t in targets} if size <= COPIED else {}
        return Before(kinds, {key: copy for key, copy in copies.items() if copy is not None})

    def returned(self, call: Returned, before: Before | None) -> Found | None:
        """What is to be told of the call, if anything is."""
        results = tensors_in((call.result,))
        if before is not None:
            results += [t for t in tensors_in(call.args[:1]) if all(t is not r for r in results)]
        kinds = [reading.found_in(tensor) for tensor in results]
        kind = worst(kinds)
        if kind is None:
            return None
        result = results[kinds.index(kind)]
        case = self._case(call, kind, result, before)
        found = self._judge(case)
        if found is None:
            return None
        found.result, found.record, found.args = result, call.node, call.args
        found.operands = [("", "input", tensor) for tensor in case.given]
        self._mark(case, found.taint, results, kinds)
        return found if found.taint.birth else None

    def _case(
        self, call: Returned, kind: NotFinite, result: Tensor, before: Before | None
    ) -> _Case:
        place = self._sites.at(call.frame).place if call.frame is not None else None
        node = call.node
        named = node.result_name if node is not None else self._sites.name_of_result(call.frame)
        iteration = self._origins.recorder.iteration
        link = Link(call.known.name, kind, call.phase, place, node_id(node), named, iteration)
        if before is not None:
            inputs, inside = tensors_of(call.args, call.kwargs), before.kinds
            given = [before.copies.get(id(t), t) for t in inputs]
        else:  # out= is what comes out
            others = {key: value for key, value in call.kwargs.items() if key != "out"}
            inputs = given = tensors_of(call.args, others)
            inside = [reading.found_in(tensor) for tensor in inputs]
        made = None
        if call.known.name.rstrip("_") in _ELEMENTWISE and (before is None or before.copies):
            made = reading.made_in(result, kind, given)
        return _Case(call, kind, link, inputs, inside, given, made)

    def _judge(self, case: _Case) -> Found | None:
        """Born, handed on, brought in, or (None) nothing that an operation did."""
        nan = case.kind is NotFinite.NAN
        call = case.call
        number = reading.of_numbers([*call.args, *call.kwargs.values()])
        if number is NotFinite.NAN or (number is not None and not nan):
            quiet = not nan or call.phase is None
            taint = self._origins.born(case.link, [])
            return _found(Cause.NUMBER, taint, quiet=quiet)
        carriers = [
            tensor
            for tensor, kind in zip(case.inputs, case.inside, strict=True)
            if (kind is NotFinite.NAN if nan else kind is not None)
        ]
        if case.made is None and carriers:
            return self._carried(case, carriers)
        if not case.inputs or call.known.name in _NOT_MADE:
            return None
        taint = self._origins.born(case.link, self._parents(case))
        return _found(Cause.OPERATION, taint, index=case.made)

    def _carried(self, case: _Case, carriers: list[Tensor]) -> Found | None:
        nan, phase = case.kind is NotFinite.NAN, case.call.phase
        taints = [t for t in map(self._origins.taints.of, carriers) if t is not None]
        if taints:
            return _found(Cause.OPERATION, heir(case.link, taints))
        if phase is None and nan:
            return None  # it counts where a forward uses it: it may be cleaned before
        source = carriers[0]
        cause = Cause.PARAMETER if source.requires_grad and source.is_leaf else Cause.DATA
        taint = self._origins.born(case.link, [])
        self._origins.taints.add(source, taint)
        return _found(cause, taint, quiet=not nan)

    def _parents(self, case: _Case) -> list[Taint]:
        """The taints of the Infs that a NaN was made from."""
        parents = []
        for tensor, given, kind in zip(case.inputs, case.given, case.inside, strict=True):
            if kind is None or (case.made and not reading.is_wrong_at(given, case.made)):
                continue
            taint = self._origins.taints.of(tensor)
            if taint is not None:
                parents.append(taint)
        return parents

    def _mark(
        self, case: _Case, taint: Taint, results: list[Tensor], kinds: list[NotFinite | None]
    ) -> None:
        """Every result that is not finite gets its taint."""
        for output, (tensor, kind) in enumerate(zip(results, kinds, strict=True)):
            if kind is None:
                continue
            own = taint
            if kind is not case.kind:
                own = Taint(replace(case.link, kind=kind), taint.parent, taint.birth, taint.depth)
            self._origins.taints.add(tensor, own)
            if case.call.node is not None:
                self._origins.remember(case.call.node, output, own)


def _found(cause: Cause, taint: Taint, *, quiet: bool = False, index: Index | None = None) -> Found:
    nothing: Any = None
    return Found(cause, taint, nothing, [], None, quiet=quiet, index=index)
