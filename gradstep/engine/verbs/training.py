"""Verbs that explain what happens to a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gradstep.engine.explain.chains import chain
from gradstep.engine.explain.training import Parameter, accumulation, update
from gradstep.engine.explain.why import Value, why
from gradstep.engine.torch_internals import unobserved
from gradstep.engine.values.optimizer_state import OptimizerStates
from gradstep.engine.values.reading import Unreadable
from gradstep.engine.verbs.asking import Asking
from gradstep.protocol.cards import Chain
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.training import Accumulation, Update
from gradstep.protocol.values import ValueKind
from gradstep.protocol.why import Why

T = TypeVar("T")


class TrainingCommands(Asking):
    """Part of ``Commands``."""

    _optimizers: OptimizerStates

    def do_accumulation(self, ref: str, index: tuple[int, ...] = ()) -> Accumulation:
        """``ref`` names a parameter; ``index`` is the element to follow, the first by default."""
        recorder = self._debugger.recorder
        return self._explain(
            ref, index, lambda found: accumulation(recorder, recorder.before, found)
        )

    def do_update(self, ref: str, index: tuple[int, ...] = ()) -> Update:
        """As of now: nothing is changed, and no optimizer is called."""
        recorder = self._debugger.recorder

        def taken_apart(found: Parameter) -> Update:
            owner = self._optimizers.owner(found.tensor, self._debugger.frame)
            rate = self._optimizers.rate_by_hand(found.tensor) if owner is None else None
            return update(recorder, recorder.before, found, owner, rate)

        return self._explain(ref, index, taken_apart)

    def do_chain(self, edge: int, index: tuple[int, ...] = ()) -> Chain:
        """The chain rule at an edge of the graph; ``index``: the element to write out in full."""
        self._standing()
        recorder = self._debugger.recorder
        found = recorder.edges.get(edge)
        if found is None or found.target is None:
            raise RequestFailed(Problem("unknown", "This edge leads to no operation."))
        if found.source.kind is ValueKind.CONSTANT:
            raise RequestFailed(Problem("unavailable", "A plain number has no gradient."))
        with unobserved():
            try:
                return chain(recorder, found, index)
            except IndexError as error:
                raise RequestFailed(Problem("invalid", str(error))) from None

    def do_why(self, ref: str) -> Why:
        """Why the gradient of a value is None, zero, huge or tiny."""
        self._standing()
        recorder = self._debugger.recorder
        with unobserved():
            return why(recorder, self._value_at(ref))

    def _value_at(self, ref: str) -> Value:
        at = self._place(ref)
        if ref.startswith("#"):
            if at is None:
                raise RequestFailed(Problem("unknown", f"{ref} is not on the graph.", ref))
            node, output = at
            tensor = node.leaf() if node.leaf is not None else None
            edges = node.outputs.get(output, [])
            name = next((edge.name for edge in edges if edge.name), node.name)
            return Value(ref, name, tensor, node, output)
        tensor = self._scope.find(ref, self._debugger.frame)
        if tensor is None:
            raise RequestFailed(Problem("unknown", f"No value is called {ref} here.", ref))
        return Value(ref, ref, tensor, *at) if at is not None else Value(ref, ref, tensor, None)

    def _explain(self, ref: str, index: tuple[int, ...], explain: Callable[[Parameter], T]) -> T:
        self._standing()
        with unobserved():
            try:
                return explain(self._parameter(ref, index))
            except Unreadable as error:
                raise RequestFailed(Problem("unavailable", str(error), ref)) from None
            except IndexError as error:
                raise RequestFailed(Problem("invalid", str(error), ref)) from None

    def _parameter(self, ref: str, index: tuple[int, ...]) -> Parameter:
        recorder = self._debugger.recorder
        if ref.startswith("#"):
            found = recorder.find(ref)
            node = found[0] if found is not None and found[0].leaf is not None else None
            tensor = node.leaf() if node is not None and node.leaf is not None else None
        else:
            tensor = self._scope.find(ref, self._debugger.frame)
            node = recorder.leaf_of(tensor) if tensor is not None else None
        if tensor is None:
            raise RequestFailed(Problem("unknown", f"No parameter is called {ref} here.", ref))
        name = node.name if node is not None and node.name else ref
        return Parameter(ref, name, tensor, node, index or (0,) * tensor.dim())
