"""Reading tensors without changing anything: descriptors, previews, elements.

One guarded way in. Reads run without modes and without a graph, touch no random numbers, and
refuse tensors whose elements cannot be read safely.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.giving_way import between_pieces
from gradstep.engine.torch_internals import is_leaf, is_opaque, is_unmade, unobserved
from gradstep.protocol.values import FORMATS, PREVIEW_ELEMENTS, Preview, TensorInfo

RMS_LIMIT = 1 << 22
"""Elements above which a preview does not compute norms by itself; statistics are asked for."""


class Unreadable(Exception):
    """The elements cannot be had; the message says why."""


DESCRIBED = 4096
"""Descriptors kept: the values of an iteration are described as those of the one before."""
_described: dict[Any, TensorInfo] = {}


def describe(tensor: Tensor) -> TensorInfo:
    """Everything but the elements. Cheap and always safe. Call it unobserved."""
    unmade = is_unmade(tensor)
    shape = () if tensor.is_nested or unmade else tuple(map(int, tensor.shape))
    leaf, grad, layout = is_leaf(tensor), tensor.requires_grad, tensor.layout
    key = (tensor.__class__, shape, tensor.dtype, tensor.device, layout, grad, leaf)
    known = _described.get(key)
    if known is None or tensor.is_nested:  # whose size is not told by its shape
        if len(_described) >= DESCRIBED:
            _described.clear()
        known = _described[key] = TensorInfo(
            shape=shape,
            dtype=str(tensor.dtype).removeprefix("torch."),
            device=str(tensor.device),
            requires_grad=grad,
            is_leaf=leaf,
            layout="uninitialized" if unmade else str(layout).removeprefix("torch."),
            bytes=_size(tensor),
        )
    return known


def _size(tensor: Tensor) -> int:
    """Bytes of its elements; 0 where it has no answer."""
    try:
        return int(tensor.numel() * tensor.element_size())
    except (RuntimeError, NotImplementedError):
        return 0


def problem_of(tensor: Tensor) -> str:
    """Why the elements cannot be read; empty when they can."""
    if not is_opaque(tensor):
        return ""
    if is_unmade(tensor):
        return "a lazy module makes it at its first call"
    if tensor.device.type == "meta":
        return "a meta tensor has no elements"
    if tensor.is_nested:
        return "a nested tensor has rows of different lengths"
    if tensor.layout is not torch.strided:
        return f"{str(tensor.layout).removeprefix('torch.')} layout"
    return "inside a transform or of a tensor subclass"


def preview(tensor: Tensor) -> Preview:
    """A few elements, or the norms. Never raises."""
    try:
        with unobserved():
            problem = problem_of(tensor)
            if problem:
                return Preview(problem=problem)
            count = tensor.numel()
            if count <= PREVIEW_ELEMENTS:
                if tensor.is_complex():
                    tensor = torch.view_as_real(tensor.resolve_conj()).norm(dim=-1)
                return Preview(elements=tuple(tensor.detach().reshape(-1).tolist()))
            if count > RMS_LIMIT or not (tensor.is_floating_point() or tensor.is_complex()):
                return Preview()
            between_pieces()
            norm = _norm(tensor.detach())
            return Preview(norm=norm, rms=norm / math.sqrt(count))
    except Exception as error:  # any tensor subclass may raise anything
        return Preview(problem=str(error).split("\n")[0][:120])


class LaterPreview(Preview):
    """The preview of ``copy``, which nobody changes; computed when it is first asked for, in any
    thread. Of what is recorded most is never shown, and a norm costs several times a copy. Equal
    to, and on the wire the same as, a preview that was computed at once."""

    def __init__(self, copy: Tensor) -> None:
        self.__dict__["_copy"], self.__dict__["_found"] = copy, None

    @property
    def now(self) -> Preview:
        """Computed here if it has not been; the copy is let go."""
        copy: Tensor | None = self.__dict__["_copy"]
        if copy is not None:
            if copy.is_cuda:  # made on the program's stream, read on that of the thread that asks
                torch.cuda.synchronize(copy.device)
            self.__dict__["_found"], self.__dict__["_copy"] = preview(copy), None
        found: Preview = self.__dict__["_found"]
        return found

    elements = property(lambda self: self.now.elements)
    norm = property(lambda self: self.now.norm)
    rms = property(lambda self: self.now.rms)
    problem = property(lambda self: self.now.problem)

    def __eq__(self, other: object) -> bool:
        return self.now == (other.now if isinstance(other, LaterPreview) else other)

    def __hash__(self) -> int:
        return hash(self.now)

    def __repr__(self) -> str:
        return repr(self.now)


def _norm(tensor: Tensor) -> float:
    kind = torch.complex128 if tensor.is_complex() else torch.float64
    if tensor.device.type == "mps":
        kind = torch.float32
    return float(torch.linalg.vector_norm(tensor, dtype=kind))


def cut(
    tensor: Tensor,
    index: tuple[int, ...],
    rows: tuple[int, int] | None,
    columns: tuple[int, int] | None,
) -> Tensor:
    """The window that a view shows: leading axes fixed by ``index``, the rest cut.

    Raises ``Unreadable`` on an index outside the tensor."""
    problem = problem_of(tensor)
    if problem:  # a nested tensor has no shape to cut
        raise Unreadable(problem)
    if len(index) > tensor.dim():
        raise Unreadable(f"{len(index)} indices for {tensor.dim()} axes")
    for axis, (i, size) in enumerate(zip(index, tensor.shape, strict=False)):
        if not 0 <= i < size:
            raise Unreadable(f"index {i} is outside axis {axis} of size {size}")
    part = tensor[tuple(index)] if index else tensor
    if rows is not None and part.dim() >= 2:
        part = part[max(0, rows[0]) : max(0, rows[1])]
    if columns is not None and part.dim() >= 1:
        window = slice(max(0, columns[0]), max(0, columns[1]))
        part = part[..., window]
    return part


def body(tensor: Tensor) -> tuple[str, bytes]:
    """The elements as little-endian bytes and the type they are stored in. Call it unobserved.

    Raises ``Unreadable``. bfloat16 and 8-bit floats are widened to float32, exactly."""
    problem = problem_of(tensor)
    if problem:
        raise Unreadable(problem)
    plain = tensor.detach()
    if plain.is_complex():
        plain = plain.resolve_conj()
        if plain.dtype is torch.complex32:
            plain = plain.to(torch.complex64)
    plain = plain.resolve_neg()
    name = str(plain.dtype).removeprefix("torch.")
    if not plain.is_complex() and name not in FORMATS:
        if not plain.is_floating_point():
            raise Unreadable(f"{name} elements have no plain number")
        plain, name = plain.to(torch.float32), "float32"
    # A copy of our own: asking the program's tensor for its address would un-share lazy copies.
    host = plain.to("cpu", copy=True).contiguous()
    return name, ctypes.string_at(host.data_ptr(), host.numel() * host.element_size())
