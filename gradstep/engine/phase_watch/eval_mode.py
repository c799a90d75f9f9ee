"""Did an evaluation leave the model in eval mode?

Told when a module that had been trained in train mode was put into eval mode, never came back, and
all the parameters of an optimizer are its own and are still updated, ``UPDATES`` times, while a
Dropout or BatchNorm layer in it is in eval mode. A model that was never trained otherwise is in
eval mode on purpose (fine-tuning), and so is a part of a larger one (frozen BatchNorm): nothing is
said.
"""

from __future__ import annotations

import functools
import sys
import weakref
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from gradstep.engine.phase_watch.rule import Rule, Step, counted
from gradstep.engine.phase_watch.table import EVAL_LEFT_ON
from gradstep.protocol.trace import Place

UPDATES = 3
ENTRIES = 4
LOOKS = 32
"""Steps after which what was left in eval mode is none of the optimizers' concern."""


@dataclass(slots=True)
class Entry:
    module: weakref.ref[nn.Module]
    place: Place | None
    trained: frozenset[int]
    """Optimizers (by ``id``) that had stepped before."""
    backwards: int
    updates: int = 0
    looks: int = 0


class EvalLeftOn(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._entries: list[Entry] = []
        self.idle = True

    def install(self) -> None:
        """``eval`` itself is called on the module that the program names; ``train``, which it goes
        through, once for each module inside."""
        original = nn.Module.eval

        @functools.wraps(original)
        def eval(this: Any) -> Any:
            trained = this.training
            result = original(this)
            if trained and self.open and self.watch.steps:
                self.watch.guarded(self._note, this, sys._getframe(1))
            return result

        owner: Any = nn.Module
        owner.eval = eval

    def _note(self, module: nn.Module, frame: FrameType) -> None:
        trained = frozenset(map(id, self.watch.optimizers))
        place = self.watch.place(frame)
        self._entries = self._entries[-ENTRIES + 1 :]
        self._entries.append(Entry(weakref.ref(module), place, trained, self.watch.backwards))
        self.idle = False
        self.watch.wake()

    def before_step(self, step: Step) -> None:
        for entry in list(self._entries):
            module = entry.module()
            entry.looks += 1
            if module is None or module.training or entry.looks > LOOKS:
                self._entries.remove(entry)
            elif self.watch.backwards > entry.backwards and self._concerns(entry, module, step):
                entry.updates += 1
                entry.backwards = self.watch.backwards
                if entry.updates == UPDATES:
                    self._found(entry, module)
                    return
        self.idle = not self._entries

    def _concerns(self, entry: Entry, module: nn.Module, step: Step) -> bool:
        if id(step.optimizer) not in entry.trained or not _layers(module):
            return False
        own = {id(p) for p in module.parameters()}
        return all(id(p) in own for p in step.parameters())

    def _found(self, entry: Entry, module: nn.Module) -> None:
        kinds: dict[str, int] = {}
        for layer in _layers(module):
            kinds[type(layer).__name__] = kinds.get(type(layer).__name__, 0) + 1
        layers = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
        text = (
            f"{counted(entry.updates, 'update')} since eval() with {layers} in eval mode: dropout "
            "drops nothing, and batch norm goes by its running averages."
        )
        self.tell(EVAL_LEFT_ON, text, entry.place)


def _layers(module: nn.Module) -> list[nn.Module]:
    """Layers that behave otherwise in training, and are in eval mode."""
    return [
        layer
        for layer in module.modules()
        if not layer.training
        and (
            (isinstance(layer, _DropoutNd) and layer.p > 0)
            or (isinstance(layer, _BatchNorm) and layer.track_running_stats)
        )
    ]
