"""Is there a parameter that never gets a gradient, and why?

Of an optimizer's parameters, those whose ``.grad`` was None at every update. A graph that is the
same each time shows it in ``UPDATES`` updates. Where the parameters without a gradient are not
always the same (a mixture of experts, a branch taken now and then), ``PATIENCE`` updates are
waited for. In the last iteration before it is told, the graph is looked through for each of them,
and where calls are seen their ways are followed.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from gradstep.engine.phase_watch.names import Census
from gradstep.engine.phase_watch.rule import Rule, Run, Step, counted, listed, where
from gradstep.engine.phase_watch.table import NO_GRADIENT
from gradstep.engine.phase_watch.ways import leaves_of
from gradstep.protocol.trace import Place

UPDATES, PATIENCE = 5, 50
NODES = 5000
STEPS = BACKWARDS = 64
"""Steps after which no further optimizer is waited for."""

_FROZEN = "Call requires_grad_(True) if it is to be trained; else leave it out of the optimizer."
_CLEARED = "Clear the gradients before backward or after the update, not between the two."
_SENT_NONE = "Look at the backward of the custom function, or hooks, on its way: one returns None."
_ADVICE = {
    "frozen": _FROZEN,
    "cleared": _CLEARED,
    "nothing sent": _SENT_NONE,
    "unused": "Use it in forward, or leave it out of the model and the optimizer.",
    "detached": "Take the detach (or .data) away, so that backward finds its way.",
    "no_grad": "Compute this part with gradients on.",
    "integer": "Use an operation that has a gradient there (softmax for argmax, sigmoid for >).",
    "numbers": "Go on with the tensor itself instead of making a new one from its numbers.",
    "no way": "Follow it from its use to the loss: somewhere on the way the graph is left.",
}


@dataclass(slots=True)
class Suspect:
    parameter: weakref.ref[Tensor]
    number: int
    """Its place among the optimizer's parameters."""
    frozen: bool


@dataclass(slots=True)
class Seen:
    """What was seen of one optimizer."""

    suspects: list[Suspect]
    first: frozenset[int]
    """Which parameters had no gradient at the first update."""
    updates: int = 1
    varies: bool = False
    backwards: int = 0
    done: bool = False


@dataclass(slots=True)
class Evidence:
    reached: set[int] = field(default_factory=set)
    """Leaves of a graph that backward went through."""
    filled: set[int] = field(default_factory=set)
    """Parameters that had a gradient when backward ended."""
    too_deep: bool = False
    ends: dict[int, Any] = field(default_factory=dict)


class NoGradient(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: weakref.WeakKeyDictionary[Any, Seen] = weakref.WeakKeyDictionary()
        self._steps = self._backwards = 0
        self._traced: list[Suspect] = []
        self._evidence = Evidence()

    @property
    def tracing(self) -> bool:
        return bool(self._traced) and self.open

    def before_backward(self, run: Run) -> None:
        if not self._traced:
            self._backwards += 1
            if self._backwards > BACKWARDS and not self.watch.steps:
                self.open = False  # there is no optimizer
            return
        leaves = leaves_of(run.outputs, NODES)
        if leaves is None:
            self._evidence.too_deep = True
        else:
            self._evidence.reached.update(leaves)
        for output in run.outputs:
            if isinstance(output, Tensor):
                self._evidence.ends.update(self.watch.ways.breaks(output))

    def after_backward(self, run: Run) -> None:
        for suspect in self._traced:
            p = suspect.parameter()
            if p is not None and p.grad is not None:
                self._evidence.filled.add(id(p))

    def before_step(self, step: Step) -> None:
        self._steps += 1
        if self._steps > STEPS and all(seen.done for seen in self._seen.values()):
            self.open = False
        if not step.closure:
            self._update(step)

    def after_step(self, step: Step) -> None:
        if step.closure:
            self._update(step)

    def _update(self, step: Step) -> None:
        seen = self._seen.get(step.optimizer)
        if seen is not None and (seen.done or seen.backwards == self.watch.backwards):
            return
        if not self.watch.backwards:
            return
        parameters = step.parameters()
        missing = frozenset(i for i, p in enumerate(parameters) if p.grad is None)
        if seen is None:
            suspects = [
                Suspect(weakref.ref(parameters[i]), i, not parameters[i].requires_grad)
                for i in sorted(missing)
            ]
            seen = self._seen[step.optimizer] = Seen(suspects, missing)
        else:
            seen.updates += 1
            seen.varies = seen.varies or missing != seen.first
            seen.suspects = [s for s in seen.suspects if s.number in missing]
        seen.backwards = self.watch.backwards
        seen.done = not seen.suspects
        limit = PATIENCE if seen.varies else UPDATES
        if seen.updates == limit - 1 and not seen.done:
            self._trace(seen)
        elif seen.updates >= limit and not seen.done:
            seen.done = True
            self._found(seen, step)

    def _trace(self, seen: Seen) -> None:
        self._traced = [s for s in seen.suspects if not s.frozen]
        self._evidence = Evidence()
        alive = [p for p in (s.parameter() for s in self._traced) if p is not None]
        self.watch.ways.trace(alive)

    def _found(self, seen: Seen, step: Step) -> None:
        census = Census()
        reasons: dict[str, tuple[str, list[str]]] = {}
        place: Place | None = None
        for suspect in seen.suspects:
            p = suspect.parameter()
            if p is None:
                continue
            name = census.name(p, self.sites, step.frame)
            name = name or f"parameter {suspect.number} of the optimizer"
            kind, words, at = self._reason(suspect, p)
            place = place or at
            reasons.setdefault(words, (kind, []))[1].append(name)
        self._traced = []
        self.watch.ways.trace(())
        parts = [f"{listed(names)}: {words}" for words, (_, names) in reasons.items()]
        text = f"At each of {counted(seen.updates, 'update')} .grad was None. {'; '.join(parts)}."
        kinds = [kind for kind, _ in reasons.values()]
        many = sum(len(names) for _, names in reasons.values())
        title = NO_GRADIENT.title if many == 1 else f"{many} parameters never get a gradient."
        advice = " ".join(dict.fromkeys(_ADVICE[kind] for kind in kinds))
        place = place or self.watch.place(step.frame)
        self.tell(NO_GRADIENT, text, place, suggestion=advice, title=title)

    def _reason(self, suspect: Suspect, p: Tensor) -> tuple[str, str, Place | None]:
        """Kind and words, and the line where the way breaks off."""
        evidence, ways = self._evidence, self.watch.ways
        if suspect.frozen or not p.requires_grad:
            return "frozen", "frozen (requires_grad is False)", None
        if id(p) in evidence.filled:
            return "cleared", "backward gave one, which was cleared before the update", None
        if id(p) in evidence.reached:
            return (
                "nothing sent",
                "the graph leads there, but backward sends nothing along it",
                None,
            )
        end = evidence.ends.get(id(p))
        if end is not None:
            return end.why, str(end), end.place
        if evidence.too_deep:
            return "no way", "no gradient came there", None
        if ways.on and id(p) not in ways.used:
            return "unused", "not used by any call of the iteration", None
        if ways.on:
            used = where(ways.used[id(p)])
            return "no way", f"used at {used}, but no way leads there from the loss", None
        return "no way", "no way leads there from the loss", None
