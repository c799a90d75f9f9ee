"""What is known of every NaN and Inf found so far: shared by the checks of calls and of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.nan.taints import Taint, Taints, heir
from gradstep.protocol.nonfinite import Cause, Link, NotFinite

Index = tuple[int, ...]


@dataclass(slots=True)
class Found:
    """What was found at a call or node, for the record and for the decision to hold.

    ``operands``: name, role, and the tensor (or number) as it went in. ``index``: the element of
    the result that was made here; None for the first that is not finite. ``quiet``: the program's
    own Inf. ``in_node``: in a node of backward, which sent ``result`` as its
    gradient number ``position``."""

    cause: Cause
    taint: Taint
    result: Tensor
    operands: list[tuple[str, str, Any]]
    record: NodeRecord | None
    args: Any = ()
    index: Index | None = None
    quiet: bool = False
    in_node: bool = False
    position: int = 0


class Origins:
    """Taints of tensors and of the results on the graph, and how many births there were."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.taints = Taints()
        self.count = 0
        self._outputs: dict[tuple[int, int], Taint] = {}
        self._iteration = -1

    def clear(self) -> None:
        self.taints.clear()
        self._outputs.clear()

    def born(self, link: Link, parents: list[Taint]) -> Taint:
        """A new one. ``parents``: an Inf that a NaN was made from."""
        self.count += 1
        return heir(link, parents, self.count)

    def remember(self, node: NodeRecord, output: int, taint: Taint) -> None:
        """Of a result on the graph, which backward will want to know."""
        if self._iteration != self.recorder.iteration:
            self._iteration = self.recorder.iteration
            self._outputs.clear()
        self._outputs[node.id, output] = taint

    def of_output(self, node: NodeRecord, output: int) -> Taint | None:
        return self._outputs.get((node.id, output))


def worst(kinds: list[NotFinite | None]) -> NotFinite | None:
    if NotFinite.NAN in kinds:
        return NotFinite.NAN
    return NotFinite.INF if NotFinite.INF in kinds else None
