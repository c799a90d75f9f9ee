"""Puts together what a stop says about a NaN or Inf: the numbers, where they stand, and why."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine.capture.callers import Callers
from gradstep.engine.nan import nonfinite as reading
from gradstep.engine.nan import words as words
from gradstep.engine.nan.origins import Found, Index
from gradstep.engine.sites import Sites
from gradstep.engine.torch_internals import unobserved
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Cause, NotFinite, Operand

OPERANDS = 16
"""At most so many are told: a list of parameters may be an argument."""


class Reporter:
    """Turns what was found into operands and a sentence."""

    def __init__(self, sites: Sites, callers: Callers) -> None:
        self._sites, self._callers = sites, callers

    def tell(
        self, found: Found, frame: FrameType | None
    ) -> tuple[Operand, tuple[Operand, ...], str]:
        """The result, what went in, and the words."""
        with unobserved():
            if (
                found.taint.link.phase is Phase.BACKWARD
                and "Backward" in found.taint.link.operation
            ):
                return self._of_node(found)
            return self._of_call(found, frame)

    # ------------------------------------------------------------------ calls

    def _of_call(
        self, found: Found, frame: FrameType | None
    ) -> tuple[Operand, tuple[Operand, ...], str]:
        link, kind = found.taint.link, found.taint.kind
        index = found.index or reading.first_in(found.result, kind)
        name = link.name or self._sites.name_of_result(frame)
        result = reading.operand(name, "result", found.result, index)
        known = [value for _, _, value in found.operands]
        inputs = []
        for position, tensor, number in _in_order(found.args, known):
            if number is not None:
                inputs.append(reading.number_operand(self._called(frame, number, ""), number))
            elif tensor is not None:
                label = self._called(frame, _argument(found.args, position), f"input {position}")
                element = self._element(found, tensor, index)
                inputs.append(reading.operand(label, "input", tensor, element))
        told = tuple(inputs[:OPERANDS])
        if found.cause is not Cause.OPERATION:
            return result, told, self._brought(found, told)
        return result, told, words.forward(link.operation, kind, result, told)

    def _element(self, found: Found, tensor: Tensor, index: Index | None) -> Index | None:
        """The element of an input that the one of the result was made from, or that counts most."""
        if found.cause is not Cause.OPERATION:
            return reading.first_in(tensor, found.taint.kind)
        mapped = reading.broadcast_index(index, found.result.shape, tensor.shape)
        elementwise = mapped is not None and found.taint.link.operation.rstrip("_") not in _MIXING
        return mapped if elementwise else most_extreme(tensor)

    def _brought(self, found: Found, inputs: tuple[Operand, ...]) -> str:
        kind = found.taint.kind
        if found.cause is Cause.NUMBER:
            return f"the number {kind.word} is given to {found.taint.link.operation}"
        culprit = next((o for o in inputs if (o.nan if kind is NotFinite.NAN else o.inf)), None)
        if culprit is None:
            return f"an input of {found.taint.link.operation} holds {kind.word}"
        count = culprit.nan if kind is NotFinite.NAN else culprit.inf
        total = culprit.tensor.numel if culprit.tensor is not None else 0
        what = "parameter" if found.cause is Cause.PARAMETER else "data"
        whole = f"{count} of its {total} elements" if total > 1 else "it"
        where = words.at(culprit.index)
        return (
            f"the {what} {culprit.name} brings it in: {whole} "
            f"{'are' if count > 1 else 'is'} {kind.word}{', the first' + where if where else ''}"
        )

    def _called(self, frame: FrameType | None, value: Any, otherwise: str) -> str:
        name = self._sites.name_of_argument(frame, value)
        if not name and isinstance(value, Tensor):
            name = self._callers.parameter_name(value)[0]
        return name or otherwise

    # ------------------------------------------------------------------ nodes

    def _of_node(self, found: Found) -> tuple[Operand, tuple[Operand, ...], str]:
        link, kind = found.taint.link, found.taint.kind
        index = reading.first_in(found.result, kind)
        result = reading.operand("gradient", "result", found.result, index)
        if found.cause is Cause.MEETING:
            sentence = (
                f"the gradient that arrives at {link.operation} is {kind.word}{words.at(index)}, "
                "though none that was sent to it is: a sum of several, or a hook, made it"
            )
            return result, (), sentence
        told: list[Operand] = []
        for name, role, value in found.operands[:OPERANDS]:
            if isinstance(value, Tensor):
                shape = value.shape
                element = reading.broadcast_index(index, found.result.shape, shape)
                if element is None:
                    element = most_extreme(value)
                told.append(reading.operand(name, role, value, element))
            elif isinstance(value, (int, float)):
                told.append(reading.number_operand(name, float(value)))
        upstream = next((o for o in told if o.role == "upstream"), None)
        output = next((o for o in told if o.role == "result"), None)
        inputs = [o for o in told if o.role == "input"]
        x = inputs[0] if inputs else None
        other = inputs[1] if len(inputs) > 1 else _exponent(found)
        if found.position == 1 and len(inputs) > 1:  # the gradient is the second input's
            x, other = other, x
            if link.operation.startswith("Div"):
                sentence = words.quotient(kind, result, upstream, x, other)
                return result, tuple(told), sentence
        sentence = words.backward(link.operation, kind, result, upstream, x, other, output)
        return result, tuple(told), sentence


def _exponent(found: Found) -> Operand | None:
    """A number that belongs to the operation and is no input of the graph."""
    detail = found.record.detail if found.record is not None else ""
    try:
        return reading.number_operand("exponent", float(detail))
    except ValueError:
        return None


# Each element of their result is made from many of an input, though shapes may agree.
_MIXING = frozenset({
    "matmul", "mm", "bmm", "linear", "conv1d", "conv2d", "conv3d", "addmm", "einsum", "softmax",
    "log_softmax", "layer_norm", "batch_norm", "cumsum", "cumprod", "scaled_dot_product_attention",
    "embedding", "normalize", "group_norm", "rms_norm", "logcumsumexp",
})  # fmt: skip


def most_extreme(tensor: Tensor) -> Index | None:
    """Its first NaN, else its first Inf, else the element that is largest without its sign."""
    for kind in (NotFinite.NAN, NotFinite.INF):
        index = reading.first_in(tensor, kind)
        if index is not None:
            return index
    if tensor.numel() == 0 or not tensor.is_floating_point() or reading.copied(tensor) is None:
        return None
    size = tensor.detach().abs()
    return reading.index_of(size == size.max())


def _in_order(args: Any, known: list[Any]) -> Iterator[tuple[int, Tensor | None, float | None]]:
    """Tensors and numbers in the order of the arguments; then the tensors of keywords."""
    waiting = list(known)
    position = 0
    for position, value in enumerate(args):
        if isinstance(value, Tensor) and waiting:
            yield position, waiting.pop(0), None
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield position, None, float(value)
        elif isinstance(value, (list, tuple)):
            for _ in [t for t in value if isinstance(t, Tensor)]:
                if waiting:
                    yield position, waiting.pop(0), None
    for tensor in waiting:
        position += 1
        yield position, tensor, None


def _argument(args: Any, position: int) -> Any:
    return args[position] if position < len(args) else None
