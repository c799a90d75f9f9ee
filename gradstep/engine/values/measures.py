"""Statistics and histograms of a tensor's elements, in pieces that stay in a processor's cache."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from gradstep.engine.giving_way import between_pieces
from gradstep.engine.values.reading import Unreadable, problem_of
from gradstep.protocol.examination import Histogram
from gradstep.protocol.values import Statistics

PIECE = 1 << 15
"""Elements that are widened at a time: they stay in the cache, and torch starts no threads for so
few, which would wait for each other on a busy machine."""


def statistics(tensor: Tensor) -> Statistics:
    """Of all elements, computed where the tensor lives. Raises ``Unreadable``. Call unobserved."""
    sums = _Sums()
    for piece, whole in _pieces(tensor):
        sums.add(piece, whole)
    return sums.statistics()


def histogram(tensor: Tensor, bins: int) -> Histogram:
    """Of the finite elements, in ``bins`` bins. Raises ``Unreadable``. Call unobserved."""
    found = statistics(tensor)
    low, high = found.minimum, found.maximum
    if low is None or high is None:
        raise Unreadable("no element is finite" if found.count else "there are no elements")
    if low == high:  # one bin wide enough to be seen
        low, high = low - 0.5, high + 0.5
    counts = torch.zeros(bins, dtype=torch.float64)
    for piece, _ in _pieces(tensor):
        if found.finite < found.count:
            piece = piece[torch.isfinite(piece)]
        counts += _counts(piece, bins, low, high)
    return Histogram(low, high, tuple(int(n) for n in counts.tolist()), found.finite)


def _counts(piece: Tensor, bins: int, low: float, high: float) -> Tensor:
    if piece.device.type != "cpu":
        return torch.histc(piece, bins, low, high).to("cpu", torch.float64)
    return torch.histogram(piece, bins, range=(low, high)).hist


def _pieces(tensor: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The elements in float64 (float32 where there is none), and as they are. On an accelerator in
    one piece: there each call costs more than memory."""
    problem = problem_of(tensor)
    if problem:
        raise Unreadable(problem)
    values = tensor.detach()
    if values.is_complex():
        values = values.abs()
    if values.is_floating_point() and values.element_size() == 1:
        values = values.to(torch.float32)  # 8-bit floats can hardly be computed with
    kind = torch.float32 if values.device.type == "mps" else torch.float64
    size = PIECE if values.device.type == "cpu" else max(values.numel(), 1)
    flat = values.reshape(-1)
    if flat.numel():
        for piece in torch.split(flat, size):
            between_pieces()
            yield piece.to(kind, copy=True), piece


class _Sums:
    """Joined piece by piece; the spread by Chan, Golub and LeVeque (1979), "Updating formulae and
    a pairwise algorithm for computing sample variances"."""

    def __init__(self) -> None:
        self.count = self.finite = self.zeros = self.nan = self.inf = 0
        self.low, self.high = math.inf, -math.inf
        self.mean = self.spread = self.squares = 0.0

    def add(self, wide: Tensor, plain: Tensor) -> None:
        self.count += plain.numel()
        self.zeros += plain.numel() - int(torch.count_nonzero(plain))
        total = float(wide.sum())
        if not math.isfinite(total):
            self.nan += int(torch.isnan(wide).sum())
            self.inf += int(torch.isinf(wide).sum())
            wide = wide[torch.isfinite(wide)]
            total = float(wide.sum())
        more = wide.numel()
        if not more:
            return
        low, high = wide.aminmax()
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))
        norm = float(torch.linalg.vector_norm(wide))
        self.squares = math.hypot(self.squares, norm)
        mean = total / more
        spread = float(torch.linalg.vector_norm(wide.sub_(mean))) ** 2
        apart, both = mean - self.mean, self.finite + more
        self.spread += spread + apart * apart * self.finite * more / both
        self.mean += apart * more / both
        self.finite = both

    def statistics(self) -> Statistics:
        counts = (self.count, self.finite, self.zeros, self.nan, self.inf)
        if not self.finite:
            return Statistics(*counts)
        std = math.sqrt(self.spread / self.finite)
        return Statistics(*counts, self.low, self.high, self.mean, std, self.squares)
