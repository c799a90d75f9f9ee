"""Copies of the parameters as they were when backward returned."""

from __future__ import annotations

from torch import Tensor

from gradstep.engine.gauges.norms import norm
from gradstep.engine.torch_internals import is_opaque

ROOM = 1 << 30
"""Bytes of parameters that are copied at most."""


class Shadows:
    """Memory of our own, used again in every iteration."""

    def __init__(self) -> None:
        self._copies: dict[str, Tensor] = {}
        self.note = ""

    def __bool__(self) -> bool:
        return bool(self._copies)

    def drop(self) -> None:
        self._copies = {}
        self.note = ""

    def take(self, tensors: dict[str, Tensor]) -> None:
        """Copy what there is room for, the first ones first."""
        room, left = ROOM, 0
        copies: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            if is_opaque(tensor):
                continue
            room -= tensor.numel() * tensor.element_size()
            if room < 0:
                left += 1
                continue
            old = self._copies.get(name)
            copies[name] = _copy(tensor.detach(), old)
        self._copies = copies
        self.note = f"The updates of {left} parameters are not gauged: a copy of all takes more"
        self.note = f"{self.note} than {ROOM >> 20} MiB." if left else ""

    def changes(self, tensors: dict[str, Tensor]) -> tuple[list[str], list[Tensor | None]]:
        """Names, and the norms of how far each has moved since."""
        names, moved = [], []
        for name, copy in self._copies.items():
            tensor = tensors.get(name)
            if tensor is not None and _alike(tensor, copy):
                names.append(name)
                moved.append(norm(tensor.detach() - copy))
        return names, moved


def _copy(tensor: Tensor, old: Tensor | None) -> Tensor:
    return old.copy_(tensor) if old is not None and _alike(tensor, old) else tensor.clone()


def _alike(tensor: Tensor, copy: Tensor) -> bool:
    same = tensor.shape == copy.shape and tensor.dtype == copy.dtype
    return same and tensor.device == copy.device
