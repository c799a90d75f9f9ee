"""Verbs of the gauges."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradstep.engine.debugger import Debugger
from gradstep.engine.driver import Driver
from gradstep.engine.gauges import Gauging
from gradstep.engine.scope import Scope
from gradstep.engine.torch_internals import is_leaf, is_opaque, unobserved
from gradstep.experiment import Experiment
from gradstep.protocol.gauges import Destination, Gauge, GaugeHistory, Gauges


class GaugeCommands:
    """Part of ``Commands``."""

    _gauging: Gauging
    _debugger: Debugger
    _scope: Scope
    _driver: Driver | None

    def _standing(self) -> None:
        raise NotImplementedError

    def do_gauge(self, kinds: tuple[Gauge, ...], limit: float = 1.0) -> tuple[Gauge, ...]:
        """Gather these from now on, and no others; none: gather nothing. ``limit``: the part of the
        running time that it may take; iterations are left out to keep it."""
        self._gauging.subscribe(frozenset(kinds), min(max(limit, 0.001), 1.0))
        return tuple(sorted(self._gauging.kinds))

    def do_gauges(self) -> Gauges:
        """The latest iteration's readings."""
        self._standing()
        return self._gauging.read()

    def do_gauge_history(self, name: str) -> GaugeHistory:
        """Of one parameter, or of one activation module, by the name that its readings have."""
        self._standing()
        return self._gauging.histories.of(name)

    def do_destination(self, ref: str, index: tuple[int, ...] = ()) -> Destination:
        """Of an experiment's parameter; a script's next update is not known."""
        self._standing()
        experiment = self._driver.experiment if self._driver is not None else None
        tensor = self._scope.find(ref, self._debugger.frame)
        if experiment is None or tensor is None or len(index) != tensor.dim():
            return Destination()
        with unobserved():
            rate = plain_rate(experiment, tensor)
            grad = tensor.grad if is_leaf(tensor) and not is_opaque(tensor) else None
            if rate is None or grad is None or is_opaque(grad) or tensor.is_complex():
                return Destination()
            return Destination(float((tensor - rate * grad)[index]))


def plain_rate(experiment: Experiment, tensor: Tensor) -> float | None:
    """The learning rate of w − lr · .grad; None where ``tensor`` is updated otherwise."""
    optimizer: Any = experiment.optimizer
    if optimizer is None:
        known = any(tensor is p for p in experiment.named_parameters.values())
        return experiment.learning_rate if known else None
    if type(optimizer) is not torch.optim.SGD:
        return None
    for group in optimizer.param_groups:
        if any(tensor is p for p in group["params"]):
            otherwise = group["momentum"] or group["weight_decay"] or group["maximize"]
            return None if otherwise else float(group["lr"])
    return None
