"""How strongly a model learns, layer by layer: norms, ratios, histograms, dead units.

Gathered only while somebody has subscribed, once per iteration.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LOWEST, BINS = -20, 30
"""A histogram has ``BINS`` bins for negative elements (from large to small magnitude), one for
zeros, and ``BINS`` for positive ones (from small to large). Bin b of a sign holds the magnitudes
4^(LOWEST + b) <= |x| < 4^(LOWEST + b + 1); what lies outside falls into the outermost bin."""
SAMPLE = 1 << 16
"""Of a larger tensor, as many elements at even strides are counted: element 0, s, 2 s, ... with
s = ceil(numel / SAMPLE)."""
LATELY = 20
"""Iterations that a unit must have been zero for to be called dead lately."""


class Gauge(StrEnum):
    """What may be subscribed to."""

    GRADIENTS = "gradients"  # norms of .grad, of what a backward added, and of the weights
    UPDATES = "updates"  # norm of what an update changed; keeps a copy of the parameters
    HISTOGRAMS = "histograms"  # of .grad, and with ACTIVATIONS of what those return
    ACTIVATIONS = "activations"  # units that return zero for the whole batch


@dataclass(frozen=True)
class ParameterReading:
    """Norms of one parameter in one iteration; None where there is none (yet). ``name`` stays the
    same from stop to stop, ``ref`` is what the value is called at this one. ``grad``: of ``.grad``
    after backward. ``added``: of what the last backward added to it. ``weight``: of the parameter
    when backward returned. ``update``: of what the iteration then changed of it."""

    name: str
    numel: int
    ref: str = ""
    weight: float | None = None
    grad: float | None = None
    added: float | None = None
    update: float | None = None

    @property
    def ratio(self) -> float | None:
        """``update`` relative to ``weight``; None where the weights are all zero."""
        if self.update is None or not self.weight:
            return None
        return self.update / self.weight


@dataclass(frozen=True)
class ActivationReading:
    """What one activation module returned in one iteration. ``units``: channels or features.
    ``dead``: those that were zero for every sample (and position) of the iteration; ``dead_lately``
    those that were so in each of the last ``lately`` iterations."""

    name: str
    kind: str
    units: int
    dead: int
    dead_lately: int
    lately: int


@dataclass(frozen=True)
class Gauges:
    """The latest iteration that was gauged; ``previous``: the norms of the one before. ``share``:
    the part of the running time that gauging took lately, None before it is known. ``note``: what
    could not be gauged, and why."""

    kinds: tuple[Gauge, ...] = ()
    iteration: int = 0
    parameters: tuple[ParameterReading, ...] = ()
    activations: tuple[ActivationReading, ...] = ()
    previous: tuple[ParameterReading, ...] = ()
    share: float | None = None
    note: str = ""


@dataclass(frozen=True)
class GaugeHistory:
    """One parameter's norms over the iterations, or one activation's dead units (as fractions of
    its units). Thinned where it is long. ``counts``: a histogram for each of ``counted``."""

    name: str
    iterations: tuple[int, ...] = ()
    weight: tuple[float | None, ...] = ()
    grad: tuple[float | None, ...] = ()
    added: tuple[float | None, ...] = ()
    update: tuple[float | None, ...] = ()
    dead: tuple[float | None, ...] = ()
    dead_lately: tuple[float | None, ...] = ()
    counted: tuple[int, ...] = ()
    counts: tuple[tuple[int, ...], ...] = ()
