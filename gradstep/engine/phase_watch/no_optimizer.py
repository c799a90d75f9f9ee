"""Does a parameter get gradients that nobody uses?

Parameters of modules that backward reaches and that no optimizer alive holds, unchanged over
``STEPS`` steps (a change would be an update by hand). Only modules in training mode count: what is
in eval mode (a perceptual loss, a teacher) is meant to stay as it is; and only where an optimizer
holds parameters of modules: one that moves an image through a network trains no network.
"""

from __future__ import annotations

import weakref
from typing import Any

from torch import Tensor, nn

from gradstep.engine import torch_internals as internals
from gradstep.engine.phase_watch.names import Census, checksum
from gradstep.engine.phase_watch.rule import Rule, Run, Step, counted, listed
from gradstep.engine.phase_watch.table import NO_OPTIMIZER
from gradstep.engine.phase_watch.ways import leaves_of

STEPS = 4
WALKS = 4
"""Graphs that are looked through: a program may have several losses."""
NODES = 5000
BACKWARDS = 64


class NoOptimizer(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._held: set[int] = set()
        self._suspects: dict[int, tuple[weakref.ref[Tensor], float]] = {}
        self._walks = 0
        self._steps = self._waited = 0

    def before_backward(self, run: Run) -> None:
        if not self._held or self._walks == WALKS:
            self._waited += 1
            if self._waited > BACKWARDS and not self._suspects:
                self.open = False
            return
        self._walks += 1
        leaves = leaves_of(run.outputs, NODES)
        if leaves is None:
            self.open = False
            return
        for key, leaf in leaves.items():
            if not isinstance(leaf, nn.Parameter) or internals.is_opaque(leaf):
                continue
            if key not in self._held:
                self._suspects.setdefault(key, (weakref.ref(leaf), checksum(leaf)))

    def before_step(self, step: Step) -> None:
        for p in step.parameters():
            self._held.add(id(p))
            self._suspects.pop(id(p), None)
        if self._walks == WALKS and not self._suspects:
            self.open = False
        if not self._suspects:
            return
        self._steps += 1
        if self._steps >= STEPS:
            self._decide(step)

    def _decide(self, step: Step) -> None:
        self.open = False
        suspects = [
            p
            for ref, value in self._suspects.values()
            if (p := ref()) is not None and p.grad is not None and checksum(p) == value
        ]
        if not suspects:
            return
        census = Census()
        held = census.held()
        trains = any(census.owner(p) is not None for p in step.parameters())
        free = [p for p in suspects if id(p) not in held and _trained(census, p)]
        names = [census.name(p, self.sites, step.frame) for p in free]
        if not names or not trains:
            return
        many = len(names) > 1
        them, stay = ("them", "they stay as they are") if many else ("it", "it stays as it is")
        text = (
            f"{listed(names)} got gradients in {counted(self._steps + 1, 'iteration')}, and no "
            f"optimizer holds {them}: {stay}."
        )
        title = f"{len(names)} parameters are in no optimizer." if many else NO_OPTIMIZER.title
        self.tell(NO_OPTIMIZER, text, self.watch.place(step.frame), title=title, them=them)


def _trained(census: Census, parameter: Tensor) -> bool:
    owner = census.owner(parameter)
    return owner is not None and owner.training
