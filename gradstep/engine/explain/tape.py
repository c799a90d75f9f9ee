"""The recorded forward, made once more with other values.

Frozen when it is made: it holds copies of the leaves, so that it neither sees nor touches what the
program does to its own tensors. What autograd takes for constant (what was detached, or computed
under ``no_grad``) is constant here, too: the derivative of the tape is the one that backward gives.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.arguments import Omitted, Slot
from gradstep.engine.capture.calls import tensors_in
from gradstep.engine.capture.chance import again, random_numbers_kept
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import EdgeRecord, NodeRecord, leading_to
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.torch_internals import is_opaque, unobserved
from gradstep.protocol.values import ValueKind

SAME = 1e-6
"""The loss made anew may differ so much from the recorded one, relatively: some kernels add in
another order from time to time."""


class CannotRerun(Exception):
    """The calls cannot be made once more, or give something else; the message says why."""


Port = tuple[int, int]
"""A value: node and output. For a use of a value: node and number of the tensor."""


@dataclass
class Bends:
    """What is different from the recorded run. ``leaves``: data in place of a leaf's, by node.
    ``values`` and ``uses`` are added to a result, or to what one use of it gets."""

    leaves: Mapping[int, Tensor] = field(default_factory=dict)
    values: Mapping[Port, Tensor] = field(default_factory=dict)
    uses: Mapping[Port, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class _Root:
    node: NodeRecord
    output: int
    seed: Tensor | None  # ∂L/∂root that backward began with; None for 1


class Tape:
    """``base`` is the loss of the unchanged tape. Raises ``CannotRerun``."""

    def __init__(self, recorder: Recorder, dtype: torch.dtype | None = None) -> None:
        """``dtype``: floating leaves are converted to it, as given if None."""
        self._recorder, self._dtype = recorder, dtype
        with unobserved():
            self._roots = _roots(recorder)
            ids = leading_to([root.node for root in self._roots])
            self._nodes = [recorder.nodes[i] for i in sorted(ids) if i in recorder.nodes]
            self._draws = any(n.chance is not None for n in self._nodes)
            self._calls = [n for n in self._nodes if n.kind is ValueKind.RESULT]
            self._writes = any(n.in_place or n.name in _WRITES for n in self._calls)
            self.leaves: dict[int, Tensor] = {}
            for node in self._nodes:
                between_pieces()
                self._take(node)
        self._held: dict[Port, Tensor] = {}
        self._sources = {n.id: _sources(n) for n in self._calls}
        self.base = self.loss(Bends(), keep=True)
        self._verify()

    # ------------------------------------------------------------------ running

    def loss(self, bends: Bends, *, keep: bool = False) -> float:
        """The scalar that backward differentiates: the root, or its product with the gradient that
        was given to backward. ``keep``: remember what is to be held."""
        with unobserved(), random_numbers_kept() if self._draws else nullcontext():
            values = {(i, 0): self._leaf(i, bends) for i in self.leaves}
            for node in self._calls:
                between_pieces()
                self._call(node, values, bends, keep)
            total = 0.0
            for root in self._roots:
                value = values[root.node.id, root.output]
                value = value if value.is_complex() else value.to(torch.float64)
                seed = root.seed
                total += float(value if seed is None else (value * seed.to(value.dtype)).sum())
            return total

    def _call(self, node: NodeRecord, values: dict[Port, Tensor], bends: Bends, keep: bool) -> None:
        sources = self._sources[node.id]
        slots: dict[int, Tensor] = {}
        for number, source in sources.items():
            value = values[source]
            bend = bends.uses.get((node.id, number))
            slots[number] = value if bend is None else value + bend.to(value.dtype)
        arguments = node.arguments
        assert arguments is not None  # see _take
        args = [filled(value, slots) for value in arguments.args]
        kwargs = {k: filled(value, slots) for k, value in arguments.kwargs.items()}
        try:
            with again(node.chance, node.autocast):
                result = node.function(*args, **kwargs)
        except CannotRerun:
            raise
        except Exception as error:  # a call may refuse another type than it was given
            raise CannotRerun(f"{node.name} cannot be called again: {error}") from None
        outputs = [result] if isinstance(result, Tensor) else tensors_in((result,))
        for output, value in enumerate(outputs):
            place = (node.id, output)
            if keep and not _differentiable(node, output):
                self._held[place] = value.clone() if self._writes else value
            elif place in self._held:
                value = self._held[place].clone() if self._writes else self._held[place]
            if place in bends.values:
                value = value + bends.values[place].to(value.dtype)
            values[place] = value

    # ------------------------------------------------------------------ leaves

    def _take(self, node: NodeRecord) -> None:
        if node.kind is ValueKind.RESULT:
            if node.function is None or node.arguments is None:
                raise CannotRerun(
                    f"{node.name} is a function of the program's own: its code is not run a second"
                    " time."
                )
            return
        if node.kind is ValueKind.CONSTANT:
            return
        value = self._recorder.store.get(f"#{node.id}:0")
        if value is None and node.leaf is not None:
            value = node.leaf()
        if value is None or is_opaque(value):
            raise CannotRerun(f"The value of {node.name or 'an input'} was not kept.")
        self.leaves[node.id] = self._converted(value.detach().clone())

    def _converted(self, value: Tensor) -> Tensor:
        if self._dtype is None or not value.is_floating_point():
            return value
        return value.to(self._dtype)

    def _leaf(self, node: int, bends: Bends) -> Tensor:
        value = bends.leaves.get(node)
        if value is not None:
            return value
        # Written to in place, the copy would not be the recorded value the next time.
        return self.leaves[node].clone() if self._writes else self.leaves[node]

    # ------------------------------------------------------------------ facts

    @functools.cached_property
    def moved(self) -> bool:
        """Whether parameters were updated since they were used."""
        return any(n.current is not None for n in self._nodes if n.kind is ValueKind.PARAMETER)

    @property
    def wide(self) -> bool:
        """Whether it is computed in float64."""
        return self._dtype is torch.float64

    @staticmethod
    def use_of(edge: EdgeRecord) -> Port:
        """What ``Bends.uses`` calls this edge. Raises ``CannotRerun`` for one that ends nowhere."""
        if edge.target is None:
            raise CannotRerun("Nothing uses this value yet.")
        return edge.target.id, edge.input

    def parameters(self) -> list[NodeRecord]:
        return [n for n in self._nodes if n.kind is ValueKind.PARAMETER]

    def _verify(self) -> None:
        """That it gives what the program got. Raises ``CannotRerun``."""
        if self.moved:
            return  # another loss is to be expected
        recorded = 0.0
        for root in self._roots:
            value = self._recorder.store.get(f"#{root.node.id}:{root.output}")
            if value is None:
                value = self._recorder.live_tensor(root.node, root.output)
            if value is None:
                raise CannotRerun("The loss itself was not kept.")
            with unobserved():
                value = value.detach().to(torch.float64)
                seed = root.seed
                recorded += float(value if seed is None else (value * seed.to(value.dtype)).sum())
        allowed = SAME if self._dtype is None else _allowed(self._calls)
        apart = abs(self.base - recorded)
        if apart > allowed * max(abs(self.base), abs(recorded)) and apart > allowed * 1e-3:
            raise CannotRerun(
                f"The recorded calls, made once more, give a loss of {self.base:.6g}, not "
                f"{recorded:.6g}: something that was not recorded takes part in it."
            )


# Calls that write into buffers given to them though their names do not end in an underscore.
_WRITES = frozenset({"batch_norm", "instance_norm"})


def _allowed(calls: list[NodeRecord]) -> float:
    """How far a loss in float64 may be from the program's, by its least precise type."""
    coarse = any(n.tensor is not None and n.tensor.dtype in ("float16", "bfloat16") for n in calls)
    return 5e-2 if coarse else 1e-3


def _roots(recorder: Recorder) -> list[_Root]:
    nodes = recorder.roots or [n for n in recorder.nodes.values() if n.is_loss]
    found = []
    for node in nodes:
        for output, edges in node.outputs.items():
            open_end = next((e for e in edges if e.target is None), None)
            if open_end is None and len(node.outputs) > 1:
                continue
            seed = recorder.store.get(f"edge:{open_end.id}") if open_end is not None else None
            shape = node.tensor.shape if node.tensor is not None else ()
            if seed is None and functools.reduce(int.__mul__, shape, 1) != 1:
                continue
            found.append(_Root(node, output, seed.detach() if seed is not None else None))
    if not found:
        raise CannotRerun("There is no loss on the graph that backward could begin from.")
    return found


def _sources(node: NodeRecord) -> dict[int, Port]:
    """Where each tensor of a call comes from, by its number."""
    return {
        edge.input: (edge.source.id, edge.output)
        for edge in node.inputs
        if edge.source.kind is not ValueKind.CONSTANT
    }


def _differentiable(node: NodeRecord, output: int) -> bool:
    return any(edge.requires_grad for edge in node.outputs.get(output, ()))


def filled(value: Any, slots: dict[int, Tensor]) -> Any:
    """An argument as it was kept, with tensors in the places of its slots."""
    if isinstance(value, Slot):
        if value.index not in slots:
            raise CannotRerun("One of a call's tensors was not recorded.")
        return slots[value.index]
    if isinstance(value, Omitted):
        raise CannotRerun(f"A call was given a {value.type}, which is not kept.")
    if type(value) in (list, tuple):
        items = [filled(item, slots) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value
