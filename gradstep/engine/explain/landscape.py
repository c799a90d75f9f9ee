"""The loss over one or two axes, computed beside the program while it stands.

Random directions are normalised filter by filter (Li et al., Visualizing the Loss Landscape of
Neural Nets, 2018, section 4): each filter of the direction gets the norm of the parameter's own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.explain.gradients import brought
from gradstep.engine.explain.tape import Bends, CannotRerun, Tape
from gradstep.engine.giving_way import Overtaken, giving_way
from gradstep.engine.torch_internals import unobserved
from gradstep.protocol.rerun import Axis, AxisFound, AxisKind, Landscape, LandscapePart

Tell = Callable[[LandscapePart], None]
POINTS = 40_000
"""Of one landscape at most."""


@dataclass(frozen=True)
class _Way:
    """An axis in the space of parameters: where it is at ``centre``, and the direction of one
    unit, by leaf."""

    found: AxisFound
    unit: dict[int, Tensor]


class Landscapes:
    """One landscape at a time; a newer one, or the program's going on, ends the older."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def start(
        self, recorder: Recorder, axes: tuple[Axis, ...], points: int, ticket: int
    ) -> Landscape:
        """Begin to compute; the losses are told as they come, ``points`` along each axis.

        Raises ``CannotRerun``, and ``ValueError`` for axes that are none."""
        self.cancel()
        if not 1 <= len(axes) <= 2 or points < 2 or points ** len(axes) > POINTS:
            raise ValueError(f"one or two axes, and at most {POINTS} points in all")
        tape = Tape(recorder)
        with unobserved():
            ways = _ways(tape, recorder, axes, points)
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._compute,
            args=(tape, ways, ticket, self._over),
            name="gradstep-landscape",
            daemon=True,
        )
        self._thread.start()
        found = tuple(way.found for way in ways)
        return Landscape(ticket, found, tape.base, moved=tape.moved)

    def cancel(self) -> None:
        """Returns when the call that is being made once more is done: nothing of ours runs then."""
        self._over.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _compute(self, tape: Tape, ways: list[_Way], ticket: int, over: threading.Event) -> None:
        across, *up = ways
        first = 0
        problem = ""
        try:
            with giving_way(over.is_set):
                for row in up[0].found.values if up else (None,):
                    losses = []
                    for x in across.found.values:
                        at = [(across, x)] + ([(up[0], row)] if row is not None else [])
                        losses.append(_loss(tape, at))
                    self._tell(LandscapePart(ticket, first, tuple(losses)))
                    first += len(losses)
        except Overtaken:
            problem = "stopped"
        except (CannotRerun, RuntimeError) as error:
            problem = str(error)
        self._tell(LandscapePart(ticket, first, (), done=True, problem=problem))


def _loss(tape: Tape, at: list[tuple[_Way, float]]) -> float:
    with unobserved():
        moved: dict[int, Tensor] = {}
        for way, x in at:
            by = x - way.found.centre
            for leaf, unit in way.unit.items():
                moved[leaf] = moved.get(leaf, tape.leaves[leaf]) + by * unit
    return tape.loss(Bends(leaves=moved))


# ---------------------------------------------------------------------- axes


def _ways(tape: Tape, recorder: Recorder, axes: tuple[Axis, ...], points: int) -> list[_Way]:
    parameters = [p for p in tape.parameters() if tape.leaves[p.id].is_floating_point()]
    if not parameters:
        raise CannotRerun("No parameter takes part in this loss.")
    gradients = {p.id: brought(recorder, p) for p in parameters}
    ways: list[_Way] = []
    for axis in axes:
        if axis.kind is AxisKind.ELEMENT:
            name, centre, unit = _element(tape, recorder, axis)
        else:
            name, centre = axis.kind.value, 0.0
            unit = _direction(tape, parameters, gradients, axis)
            if ways and axes[0].kind is not AxisKind.ELEMENT:
                unit = _orthogonal(unit, ways[0].unit)
        offset = centre if axis.relative else 0.0
        step = (axis.high - axis.low) / (points - 1)
        values = tuple(offset + axis.low + i * step for i in range(points))
        slope = None if tape.moved else _slope(unit, gradients)
        ways.append(_Way(AxisFound(name, values, centre, slope), unit))
    return ways


def _element(tape: Tape, recorder: Recorder, axis: Axis) -> tuple[str, float, dict[int, Tensor]]:
    node = next(
        (n for n in tape.parameters() if axis.ref in (n.name, f"#{n.id}", f"#{n.id}:0")), None
    )
    if node is None:
        raise CannotRerun(f"{axis.ref} is no parameter of this loss.")
    value = tape.leaves[node.id]
    index = axis.index if len(axis.index) == value.dim() else (0,) * value.dim()
    unit = torch.zeros_like(value)
    unit[index] = 1.0
    name = node.name if value.numel() == 1 else f"{node.name}[{', '.join(map(str, index))}]"
    return name, float(value[index]), {node.id: unit}


def _direction(
    tape: Tape, parameters: list[NodeRecord], gradients: dict[int, Tensor | None], axis: Axis
) -> dict[int, Tensor]:
    """One unit is as far as the parameters are from the origin."""
    leaves = {p.id: tape.leaves[p.id] for p in parameters}
    if axis.kind is AxisKind.RANDOM:
        # A generator of our own: the program's numbers are not touched.
        generator = torch.Generator().manual_seed(axis.seed)
        return {i: _filtered(leaf, generator) for i, leaf in leaves.items()}
    found = {i: g for i, g in gradients.items() if g is not None}
    length = _norm(found)
    if not length > 0:
        raise CannotRerun("There is no gradient to go along: run backward first.")
    scale = (_norm(leaves) or 1.0) / length
    return {i: -scale * g for i, g in found.items()}


def _filtered(leaf: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(leaf.shape, generator=generator, dtype=torch.float32)
    noise = noise.to(leaf.device, leaf.dtype)
    if leaf.dim() <= 1:
        # Biases and scales are one filter.
        return noise.mul(leaf.norm() / noise.norm().clamp_min(1e-12))
    scale = leaf.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1).clamp_min(1e-12)
    return noise.mul(scale.reshape(-1, *[1] * (leaf.dim() - 1)))


def _orthogonal(unit: dict[int, Tensor], to: dict[int, Tensor]) -> dict[int, Tensor]:
    """What is left of ``unit`` at a right angle to the other direction, as long as before."""
    length, inner = _norm(unit), _inner(unit, to)
    part = inner / (_inner(to, to) or 1.0)
    rest = {i: u - part * to[i] if i in to else u for i, u in unit.items()}
    left = _norm(rest)
    if not left > 1e-9 * length:
        raise CannotRerun("The two directions are the same.")
    return {i: u * (length / left) for i, u in rest.items()}


def _inner(a: dict[int, Tensor], b: dict[int, Tensor]) -> float:
    return sum(float((a[i].double() * b[i].double()).sum()) for i in a if i in b)


def _norm(a: dict[int, Tensor]) -> float:
    return float(_inner(a, a) ** 0.5)


def _slope(unit: dict[int, Tensor], gradients: dict[int, Tensor | None]) -> float | None:
    """Autograd's derivative of the loss along a direction."""
    known = {i: g for i, g in gradients.items() if g is not None}
    return _inner(unit, known) if all(i in known for i in unit) else None
