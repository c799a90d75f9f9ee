"""Layers along the flow: longest paths, with what feeds others pulled next to its consumer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradstep.gui.graph.layout.placement import Box, Wire


def rank(
    boxes: Sequence[Box], wires: Sequence[Wire], known: Mapping[str, int]
) -> tuple[list[int], list[Wire]]:
    """The layer of every box, and the wires that lead forward (all, unless there is a cycle).
    Boxes in ``known`` keep their layer where the wires allow it."""
    number = {box.key: i for i, box in enumerate(boxes)}
    order, wires = _topological(number, wires)
    sources: list[list[int]] = [[] for _ in boxes]
    targets: list[list[int]] = [[] for _ in boxes]
    for wire in wires:
        sources[number[wire.target]].append(number[wire.source])
        targets[number[wire.source]].append(number[wire.target])
    ranks = [0] * len(boxes)
    outside = [_from_outside(boxes, i, sources[i]) for i in range(len(boxes))]
    for i in order:
        # The frame begins with the leaves inside of it: what comes from outside has to stand
        # before them, or it could not run straight into the frame.
        lowest = max((ranks[j] + 1 + (j in outside[i]) for j in sources[i]), default=0)
        ranks[i] = max(lowest, known.get(boxes[i].key, 0))
    for i in reversed(order):
        if not targets[i]:
            continue
        if boxes[i].key in known and all(
            known.get(boxes[j].key, ranks[j]) == ranks[j] for j in targets[i]
        ):
            continue  # what it feeds is where it was, and so is it
        if boxes[i].leaf or all(boxes[j].leaf for j in sources[i]):
            ranks[i] = max(ranks[i], min(ranks[j] - (i in outside[j]) for j in targets[i]) - 1)
    lowest = min(ranks, default=0)
    return ([r - lowest for r in ranks] if not known else ranks), wires


def _from_outside(boxes: Sequence[Box], i: int, sources: Sequence[int]) -> Sequence[int]:
    """Those of the ``sources`` of box ``i`` that are outside of its innermost frame, if a leaf that
    it uses is inside."""
    if not boxes[i].groups or boxes[i].leaf:
        return ()
    frame = boxes[i].groups[-1]
    if not any(boxes[j].leaf and frame in boxes[j].groups for j in sources):
        return ()
    return [j for j in sources if not boxes[j].leaf and frame not in boxes[j].groups]


def _topological(number: Mapping[str, int], wires: Sequence[Wire]) -> tuple[list[int], list[Wire]]:
    targets: list[list[int]] = [[] for _ in number]
    waiting = [0] * len(number)
    for wire in wires:
        targets[number[wire.source]].append(number[wire.target])
        waiting[number[wire.target]] += 1
    order = [i for i, count in enumerate(waiting) if count == 0]
    for i in order:
        for j in targets[i]:
            waiting[j] -= 1
            if waiting[j] == 0:
                order.append(j)
    if len(order) == len(number):
        return order, list(wires)
    # A cycle: values cannot flow in circles, but a folded module called in between could make it
    # look so. What leads backwards in the order of the boxes is not used for the layers.
    forward = [wire for wire in wires if number[wire.source] < number[wire.target]]
    return _topological(number, forward)
