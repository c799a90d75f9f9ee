"""Were gradients ever cleared?

Clearing by hand is not seen at run level, and neither is an update by hand; so the gradients are
asked themselves. Of every optimizer's parameters one is the witness (the smallest that has a
gradient). Its ``.grad`` counts as cleared when a backward begins and it is None, another tensor,
all zeros, or was changed in place by somebody since the update. A GAN fills the discriminator's
gradients from the generator's loss before it clears them, and accumulation runs backward several
times per update: so one clearing, at the begin of any backward, settles it for good. Told are only
witnesses that went uncleared through ``UPDATES`` updates, each by the very tensor of the one
before, with more added to it.

Where no optimizer steps, a leaf of the graph is the witness, and an update is a change of its
value.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.phase_watch.names import checksum
from gradstep.engine.phase_watch.rule import Rule, Run, Step, counted
from gradstep.engine.phase_watch.table import NEVER_ZEROED
from gradstep.engine.phase_watch.ways import leaves_of

UPDATES = 3
LOOKS = 256
"""Backwards after which a rule that could not make up its mind gives up."""
NODES = 2000
WITNESSES = 8
LEAVES = 3
"""Leaves of plain tensors that are tried in turn: a name may be bound to a new one each time."""


@dataclass(slots=True)
class Witness:
    leaf: weakref.ref[Tensor]
    gradient: weakref.ref[Tensor] | None
    version: int
    value: float = 0.0
    """A checksum, where updates are told by it."""
    updates: int = 1
    uncleared: int = 0
    waits: bool = True
    """For the first backward after an update."""
    cleared: bool = False


class NeverZeroed(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._witnesses: weakref.WeakKeyDictionary[Any, Witness] = weakref.WeakKeyDictionary()
        self._by_hand: Witness | None = None
        self._leaves = 0
        self._looks = 0

    def before_backward(self, run: Run) -> None:
        self._looks += 1
        if self._looks > LOOKS:
            self.open = False
            return
        for witness in list(self._witnesses.values()):
            self._look(witness, run, "Call optimizer.zero_grad()")
        if self.watch.steps == 0 and self.open:
            self._look_at_leaf(run)
        if self._witnesses and all(w.cleared for w in self._witnesses.values()):
            self.open = False

    def after_backward(self, run: Run) -> None:
        witness = self._by_hand
        leaf = witness.leaf() if witness is not None else None
        if witness is not None and leaf is not None and leaf.grad is not None:
            if witness.gradient is None:
                witness.gradient = weakref.ref(leaf.grad)
            witness.version = leaf.grad._version

    def after_step(self, step: Step) -> None:
        self._by_hand = None
        witness = self._witnesses.get(step.optimizer)
        if witness is None:
            leaf = _smallest(p for p in step.parameters() if _has_gradient(p))
            if leaf is not None and leaf.grad is not None and len(self._witnesses) < WITNESSES:
                gradient = weakref.ref(leaf.grad)
                new = Witness(weakref.ref(leaf), gradient, leaf.grad._version)
                self._witnesses[step.optimizer] = new
            return
        now = witness.leaf()
        added = now.grad if now is not None else None
        if added is None or not _is(witness, added) or added._version <= witness.version:
            witness.cleared = True  # this update went by a gradient of its own, or by none
        elif not witness.cleared:
            witness.updates += 1
            witness.version, witness.waits = added._version, True

    def _look(self, witness: Witness, run: Run, call: str) -> None:
        """The first backward after an update, or a later one before the next."""
        leaf = witness.leaf()
        if leaf is None or witness.cleared:
            witness.cleared = True
            return
        gradient = leaf.grad
        if gradient is None or not _is(witness, gradient) or not _nonzero(gradient):
            witness.cleared = True
        elif witness.waits:
            if gradient._version != witness.version:
                witness.cleared = True
                return
            witness.waits = False
            witness.uncleared += 1
            if witness.uncleared == UPDATES:
                self._found(witness, run, call)

    def _look_at_leaf(self, run: Run) -> None:
        witness = self._by_hand
        if witness is not None and witness.leaf() is None:
            witness = self._by_hand = None
        if witness is None:
            self._by_hand = self._choose(run)
            return
        leaf = witness.leaf()
        if leaf is None:
            return
        value = checksum(leaf)
        if value != witness.value:
            witness.updates, witness.waits = witness.uncleared + 1, True
            witness.value = value
        if leaf.grad is not None or witness.gradient is not None:
            self._look(witness, run, "Clear .grad (w.grad = None)")
            self.open = self.open and not witness.cleared

    def _choose(self, run: Run) -> Witness | None:
        self._leaves += 1
        leaves = leaves_of(run.outputs, NODES) if self._leaves <= LEAVES else None
        leaf = _smallest((leaves or {}).values())
        if leaf is None:
            # With no leaf to look at by hand, only an optimizer can bring a witness.
            self._leaves = LEAVES if leaves is None else self._leaves
            return None
        return Witness(weakref.ref(leaf), None, 0, checksum(leaf), 0, 0, False)

    def _found(self, witness: Witness, run: Run, call: str) -> None:
        text = (
            f"{counted(witness.updates, 'update')}, 0 zero-grads: each .grad is the sum of every "
            "backward so far."
        )
        if self.watch.debugger.driven:
            self.tell(NEVER_ZEROED, text, None, suggestion="Press Zero grad after each Update.")
        else:
            self.tell(NEVER_ZEROED, text, self.watch.place(run.frame), call=call)


def _is(witness: Witness, gradient: Tensor | None) -> bool:
    return witness.gradient is not None and witness.gradient() is gradient


def _has_gradient(p: Tensor) -> bool:
    return p.grad is not None and not internals.is_opaque(p.grad) and _nonzero(p.grad)


def _nonzero(gradient: Tensor) -> bool:
    return not internals.is_opaque(gradient) and bool(gradient.any())


def _smallest(leaves: Any) -> Tensor | None:
    dense = (leaf for leaf in leaves if not internals.is_opaque(leaf) and leaf.numel())
    return min(dense, key=lambda leaf: leaf.numel(), default=None)
