"""Units that return zero, seen where an activation module returns."""

from __future__ import annotations

import weakref
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradstep.engine.gauges.history import together
from gradstep.engine.gauges.norms import histogram
from gradstep.engine.torch_internals import ModuleCalls, is_opaque, unobserved
from gradstep.protocol.gauges import LATELY, ActivationReading

_MODULE = "torch.nn.modules.activation"
_BY_CHANNEL = ("conv", "batchnorm", "instancenorm", "pooling")
"""Modules of these files have their channels on axis 1; a linear layer has its features last."""


@dataclass
class _Units:
    """Of one module. ``alive``: which units were not zero since the last settling; ``awake``: which
    were not in ``iteration``, the last one settled; ``asleep``: for how many of the ``iterations``
    before that one each has been zero."""

    module: weakref.ref[nn.Module]
    alive: Tensor | None = None
    awake: Tensor | None = None
    asleep: Tensor | None = None
    iteration: int = 0
    iterations: int = 0
    counts: array[int] = field(default_factory=lambda: array("L"))

    def settle(self, iteration: int) -> None:
        """What was seen belongs to ``iteration``, of which there may have been a part before."""
        alive, awake, asleep = self.alive, self.awake, self.asleep
        assert alive is not None
        if asleep is None or awake is None or asleep.shape != alive.shape:
            self.asleep, self.iterations = torch.zeros_like(alive, dtype=torch.int32), 0
        elif iteration == self.iteration:
            alive = alive | awake
        else:
            asleep.add_(1).masked_fill_(awake, 0)
            self.iterations += 1
        self.awake, self.alive, self.iteration = alive, None, iteration

    def reading(self, name: str, kind: str) -> ActivationReading:
        """Of the iteration settled last."""
        assert self.awake is not None and self.asleep is not None
        lately = min(LATELY, self.iterations + 1)
        dead = ~self.awake
        long = dead & (self.asleep >= lately - 1)
        now, always = torch.stack((dead.sum(), long.sum())).tolist()
        return ActivationReading(name, kind, dead.numel(), now, always, lately)


class Activations:
    """Told of every call of a module while on."""

    def __init__(self) -> None:
        self.histograms = False
        self._calls = ModuleCalls(self._called)
        self._units: dict[int, _Units] = {}
        self._by_channel = False
        self.spend: Callable[[], Any] = unobserved
        """Makes the context in which our own work is done."""

    def switch(self, on: bool) -> None:
        self._calls.switch(on)
        if not on:
            self._units.clear()

    def _called(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        result = original(module, *args, **kwargs)
        if module._modules:
            return result  # a container: its parts have been seen
        if _is_activation(module):
            if torch.is_grad_enabled() and isinstance(result, Tensor) and result.dim() >= 2:
                with self.spend():
                    self._look(module, result)
        elif type(module).__module__.startswith("torch.nn.modules."):
            file = type(module).__module__.rpartition(".")[2]
            if file != "dropout":
                self._by_channel = file in _BY_CHANNEL
        return result

    def _look(self, module: nn.Module, result: Tensor) -> None:
        if is_opaque(result) or not result.is_floating_point():
            return
        units = self._units.get(id(module))
        if units is None or units.module() is not module:
            units = self._units[id(module)] = _Units(weakref.ref(module))
        axis = unit_axis(result.dim(), by_channel=self._by_channel)
        others = [i for i in range(result.dim()) if i != axis]
        alive = result.detach().ne(0).any(dim=others)
        before = units.alive
        same = before is not None and before.shape == alive.shape
        units.alive = alive | before if before is not None and same else alive
        if self.histograms:
            units.counts = together(units.counts, array("L", histogram(result)))

    def settle(
        self, iteration: int, name: Callable[[nn.Module], str]
    ) -> list[tuple[ActivationReading, array[int]]]:
        """A forward of ``iteration`` is over: what was seen, in the order of the first calls; the
        counts are those since the last settling. Call it unobserved."""
        found = []
        for key, units in list(self._units.items()):
            module = units.module()
            if module is None:
                del self._units[key]
            elif units.alive is not None:
                units.settle(iteration)
                kind = type(module).__name__
                found.append((units.reading(name(module) or kind, kind), units.counts))
                units.counts = array("L")
        return found


def unit_axis(dim: int, *, by_channel: bool) -> int:
    """Which axis of an activation counts its units: after a convolution the channels, after a
    linear layer the features; by the number of axes where neither is known."""
    return 1 if by_channel or dim >= 4 else dim - 1


def _is_activation(module: nn.Module) -> bool:
    return any(c.__module__ == _MODULE for c in type(module).__mro__)
