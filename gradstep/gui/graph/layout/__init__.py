"""Where the boxes of a graph stand: layers along the flow, straight main lines across it.

Sugiyama's four steps: ranks (``ranks``), coordinates and with them the order within a layer
(``spread``, ``untangle``, ``push``), routes (``columns``). What runs straight (an operation, the
value it hands on, the operation that takes it first) is one variable, so straight lines are a
matter of construction and not of luck. Groups are frames that hold their members and nobody else.
Everything is deterministic; numbers and names play no part. No Qt here, so that it can run in any
thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradstep.gui.graph.layout.check import Check, no_check
from gradstep.gui.graph.layout.columns import finish
from gradstep.gui.graph.layout.placement import Box, Flow, GroupBox, Placement, Wire
from gradstep.gui.graph.layout.problem import Problem
from gradstep.gui.graph.layout.push import Contradiction
from gradstep.gui.graph.layout.ranks import rank
from gradstep.gui.graph.layout.room import extend
from gradstep.gui.graph.layout.spread import spread

ATTEMPTS, FEW = 4, 60
"""Of at most a few wires, one after the other gives up its straight way into a frame until all
places agree; of more, all do so at once."""
MANY = 3000
"""Of so many wires, none runs straight into a frame."""
APPENDED = 0.5
"""A placement is kept, and added to, when at most this share of the boxes is new (or a few)."""


def arrange(
    boxes: Sequence[Box],
    wires: Sequence[Wire],
    groups: Sequence[GroupBox] = (),
    flow: Flow = Flow.RIGHT,
    previous: Placement | None = None,
    check: Check = no_check,
) -> Placement:
    """Place ``boxes``. With ``previous``, what was placed stays where it was if only little is
    new. Wires whose ends are unknown or the same box are left out."""
    known = {box.key for box in boxes}
    wires = [w for w in wires if w.source in known and w.target in known and w.source != w.target]
    kept = previous if previous is not None and _grows(previous, boxes, flow) else None
    ranks, wires = rank(boxes, wires, kept.ranks if kept else {})
    loose: set[int] = set() if len(wires) <= MANY else set(range(len(wires)))
    attempts = ATTEMPTS if len(wires) <= FEW else 1
    for attempt in range(attempts + 1):
        problem = Problem(boxes, wires, groups, ranks, flow, loose)
        try:
            if kept:
                across = extend(problem, kept, check)
            else:
                across = spread(problem, check, not attempt and FEW < len(wires) <= MANY)
        except Contradiction as found:
            if attempt == attempts:
                raise
            crossing = problem.crossing(found.variables)
            # In the end nothing enters a frame on its line, and nothing can contradict.
            last = attempt == attempts - 1 or not crossing or loose.issuperset(crossing)
            loose |= set(range(len(wires))) if last else set(crossing)
        else:
            break
    return finish(problem, across, kept, check)


def _grows(previous: Placement, boxes: Sequence[Box], flow: Flow) -> bool:
    if previous.flow != flow or not previous.boxes:
        return False
    new = sum(box.key not in previous.across for box in boxes)
    gone = len(previous.across) - (len(boxes) - new)
    return new <= max(6, APPENDED * len(boxes)) and gone <= max(4, 0.2 * len(boxes))
