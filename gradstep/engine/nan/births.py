"""The first operation that made a NaN or Inf: every result of a call and every gradient that a
node sends is looked at, and remembered with what it came from.

NaN is *born* where a result holds one and nothing that went in does; Inf, where neither Inf nor NaN
went in. Element by element for operations that work so, else by whole tensors. What a program
brings in itself (data, a mask of -Inf, a number) is no birth; a NaN of that kind is told where a
forward first uses it, an Inf only if it leads to what the watch is after.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine.capture.calls import Call
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.nan.births_of_calls import Before, CallBirths, Returned
from gradstep.engine.nan.births_of_nodes import NodeBirths, Ran
from gradstep.engine.nan.origins import Found, Origins
from gradstep.engine.sites import Sites
from gradstep.engine.torch_internals import unobserved


class Births:
    """``on``: every operation is checked. ``report`` holds the program, if it is to be held."""

    def __init__(
        self, recorder: Recorder, sites: Sites, report: Callable[[Found, FrameType | None], None]
    ) -> None:
        self._origins = Origins(recorder)
        self._calls, self._nodes = CallBirths(self._origins, sites), NodeBirths(self._origins)
        self._report = report
        self.taints = self._origins.taints
        self.on = False

    def begin(self) -> None:
        self.on = True

    def end(self) -> None:
        self.on = False
        self._origins.clear()
        self._nodes.over(None)

    def before(self, known: Call, args: Any, tensors: list[Tensor]) -> Before | None:
        """A call is about to be executed; ``tensors`` are those among its arguments."""
        with unobserved():
            return self._calls.before(known, args, tensors)

    def called(self, call: Returned, before: Before | None) -> None:
        """A call returned."""
        with unobserved():
            found = self._calls.returned(call, before)
        if found is not None:
            self._report(found, call.frame)

    def backward_begins(self, roots: list[Any]) -> None:
        self._nodes.begin(roots)

    def node_ran(self, ran: Ran, frame: FrameType | None) -> None:
        """A node of backward is done; ``frame`` called backward."""
        with unobserved():
            found = self._nodes.ran(ran)
        if found is not None:
            self._report(found, frame)

    def backward_over(self, result: Any) -> None:
        with unobserved():
            self._nodes.over(result)
