"""Sliding windows: which input element each output element sees, for convolution and pooling."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gradstep.engine.rules.shapes import Index


@dataclass(frozen=True)
class Windows:
    """Per spatial axis. Output ``p`` sees inputs ``p · stride + k · dilation − padding`` for
    ``k`` in ``kernel``; ``padding`` is that before the first element."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def taps(self) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]]:
        """Each place of the kernel, with the inputs that it sees and the outputs that see them."""
        for place in itertools.product(*(range(k) for k in self.kernel)):
            cut = [self._cut(axis, k) for axis, k in enumerate(place)]
            if all(pair is not None for pair in cut):
                pairs = [pair for pair in cut if pair is not None]
                yield place, tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)

    def _cut(self, axis: int, k: int) -> tuple[slice, slice] | None:
        stride, shift = self.stride[axis], k * self.dilation[axis] - self.padding[axis]
        first = max(0, -(shift // stride))  # the first output whose tap lies inside
        last = min(self.outputs[axis], (self.inputs[axis] - 1 - shift) // stride + 1)
        if first >= last:
            return None
        start = first * stride + shift
        return slice(start, (last - 1) * stride + shift + 1, stride), slice(first, last)

    def place(self, output: Index, seen: Index) -> Index:
        """The place in the kernel through which ``output`` sees the input ``seen``."""
        return tuple(
            (i + p - o * s) // d
            for o, i, s, p, d in zip(
                output, seen, self.stride, self.padding, self.dilation, strict=True
            )
        )

    def seen(self, output: Index, place: Index) -> Index:
        """The input that ``output`` sees through ``place``; it may lie outside."""
        return tuple(
            o * s + k * d - p
            for o, k, s, p, d in zip(
                output, place, self.stride, self.padding, self.dilation, strict=True
            )
        )


def spatial(tensor: Tensor, count: int) -> tuple[int, ...]:
    return tuple(int(n) for n in tensor.shape[tensor.dim() - count :])
