"""What a backward added to ``.grad``, and what the next update will make of a parameter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.explain.before import Before
from gradstep.engine.explain.gradients import brought
from gradstep.engine.explain.update_rules import Line, NotTold, Work, run
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.values.reading import Unreadable, preview, problem_of
from gradstep.protocol.training import Accumulation, Part, Update, UpdateStep

SAME = 1e-5
"""Gradients that differ relatively by less are one another's multiples."""


class Owner(Protocol):
    """Who updates a parameter, and how."""

    optimizer: Any

    @property
    def options(self) -> dict[str, Any]: ...

    def state(self, parameter: Tensor) -> dict[Any, Any]: ...


@dataclass(frozen=True)
class Parameter:
    """A leaf, where it stands on the graph (if it does), and the element that is followed."""

    ref: str
    name: str
    tensor: Tensor
    node: NodeRecord | None
    index: tuple[int, ...]

    def part(self, tensor: Tensor) -> Part:
        return Part(preview(tensor), float(tensor.detach()[self.index]))


# ---------------------------------------------------------------------- accumulation


def accumulation(recorder: Recorder, before: Before, parameter: Parameter) -> Accumulation:
    """Call it unobserved. Raises ``Unreadable`` and ``IndexError``."""
    leaf, node = parameter.tensor, parameter.node
    problem = problem_of(leaf)
    if problem:
        raise Unreadable(problem)
    card: dict[str, Any] = {
        "ref": parameter.ref,
        "name": parameter.name,
        "shape": tuple(leaf.shape),
        "index": parameter.index,
        "iteration": before.iteration,
        "since": before.since(leaf),
    }
    if not leaf.requires_grad:
        return Accumulation(**card, note="It does not require a gradient: backward passes it by.")
    if node is None or not recorder.roots:
        return Accumulation(**card, note="No backward has been recorded in this iteration.")
    state, old = before.of(node)
    if state == Before.UNKNOWN:
        note = "What .grad held before this backward was not kept."
        return Accumulation(**card, note=note)
    card["before"] = parameter.part(old) if old is not None else None
    added = brought(recorder, node)
    if added is None:
        return Accumulation(**card, note="Backward has not brought its whole gradient yet.")
    added = added.to_dense() if added.layout is not torch.strided else added
    card["added"] = parameter.part(added)
    coming = added if old is None else old + added
    grad = leaf.grad
    if grad is not None and _same(grad, coming):
        return Accumulation(**card, after=parameter.part(grad))
    if _same(grad, old):
        return Accumulation(**card, coming=parameter.part(coming))
    if grad is None or not bool(grad.count_nonzero()):
        after = parameter.part(coming)
        return Accumulation(**card, after=after, cleared=True)
    factor = _factor(grad, coming)
    note = "" if factor is not None else ".grad was changed since by something else."
    return Accumulation(**card, after=parameter.part(coming), scaled=factor, note=note)


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    if a.shape != b.shape or problem_of(a):
        return False
    between_pieces()
    wide = b.to(a.dtype)
    room = SAME * float(wide.abs().max()) if wide.numel() else 0.0
    return bool(((a - wide).abs() <= room).all())


def _factor(grad: Tensor, coming: Tensor) -> float | None:
    """``grad`` = factor · ``coming``, if one factor does."""
    if problem_of(grad) or not coming.numel():
        return None
    at = coming.abs().argmax()
    largest = float(coming.flatten()[at])
    if not largest:
        return None
    factor = float(grad.flatten()[at]) / largest
    return factor if _same(grad, coming * factor) else None


# ---------------------------------------------------------------------- update


def update(
    recorder: Recorder,
    before: Before,
    parameter: Parameter,
    owner: Owner | None,
    rate: float | None,
) -> Update:
    """``owner``: the optimizer, or ``rate``: that of plain gradient descent by hand; None for both
    when it is not known who updates it. Call it unobserved. Raises ``Unreadable``, ``IndexError``.
    """
    leaf = parameter.tensor
    problem = problem_of(leaf)
    if problem:
        raise Unreadable(problem)
    rule = "by hand" if owner is None else type(owner.optimizer).__name__
    card: dict[str, Any] = {
        "ref": parameter.ref,
        "name": parameter.name,
        "shape": tuple(leaf.shape),
        "index": parameter.index,
        "rule": rule,
        "before": parameter.part(leaf),
    }
    if owner is None and rate is None:
        note = "No optimizer holds it: what updates it is not known before it happens."
        return Update(**card, note=note)
    if leaf.grad is None:
        return Update(**card, note="It has no gradient: the update passes it by.")
    options = {"lr": rate} if owner is None else owner.options
    kind = torch.optim.SGD if owner is None else type(owner.optimizer)
    state = {} if owner is None else owner.state(leaf)
    work = Work(leaf.detach(), leaf.grad.detach(), options, state)
    try:
        after, source = run(kind, work)
    except NotTold as reason:
        return Update(**card, note=str(reason))
    zeroed = _if_zeroed(recorder, before, parameter, kind, work)
    return Update(
        **card,
        options=tuple(work.used.items()),
        steps=tuple(_steps(parameter, work)),
        coming=parameter.part(after),
        if_zeroed=parameter.part(zeroed) if zeroed is not None else None,
        count=work.count if "step" in state else None,
        source="" if owner is None else source,
    )


def _if_zeroed(
    recorder: Recorder, before: Before, parameter: Parameter, kind: type, work: Work
) -> Tensor | None:
    node = parameter.node
    if node is None:
        return None
    _, old = before.of(node)
    added = brought(recorder, node)
    if old is None or added is None or not bool(old.count_nonzero()):
        return None
    if not _same(work.gradient, old + added):
        return None
    alone = Work(work.parameter, added, work.options, work.state)
    return run(kind, alone)[0]


_NAME = re.compile(r"\{((?:[^{}]|\{[^{}]*\})+)\}")


def _steps(parameter: Parameter, work: Work) -> list[UpdateStep]:
    known = {
        "w": float(work.parameter[parameter.index]),
        ".grad": float(work.gradient[parameter.index]),
    }
    steps = []
    for line in work.lines:
        part = parameter.part(line.value)
        earlier = dict(known)
        known[line.symbol] = part.element
        if line.numbers == f"{{{line.symbol}}}":
            earlier = known  # it stands for itself: what was remembered
        steps.append(UpdateStep(line.symbol, line.formula, _filled(line, earlier), part))
    return steps


def _filled(line: Line, known: dict[str, float]) -> str:
    def number(found: re.Match[str]) -> str:
        value = known.get(found.group(1))
        return found.group(0) if value is None else _short(value)

    return _NAME.sub(number, line.numbers)


def _short(value: float) -> str:
    text = f"{value:.6g}".replace("-", "−")
    return f"({text})" if text.startswith("−") else text
