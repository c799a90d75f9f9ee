"""Tensors as the window sees them: a descriptor first, bytes when somebody asks."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any, cast

Number = int | float | bool

# struct formats, little-endian, of the element types that Python can read. bfloat16 and the
# 8-bit floats are widened to float32 by the engine (exact), complex numbers are pairs.
FORMATS: dict[str, str] = {
    "float64": "d",
    "float32": "f",
    "float16": "e",
    "int64": "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint64": "Q",
    "uint32": "I",
    "uint16": "H",
    "uint8": "B",
    "bool": "?",
}
_COMPLEX = {"complex64": "f", "complex128": "d"}


class ValueKind(StrEnum):
    PARAMETER = "parameter"  # a leaf that requires grad
    BUFFER = "buffer"  # a module's buffer
    DATA = "data"  # a leaf that does not require grad
    RESULT = "result"  # made by an operation
    CONSTANT = "constant"  # a Python number given to an operation


@dataclass(frozen=True)
class TensorInfo:
    """What a tensor is, without its elements. ``dtype`` and ``layout`` are torch's names without
    ``torch.``; ``device`` as torch prints it; ``bytes`` is elements times element size."""

    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool = False
    is_leaf: bool = True
    layout: str = "strided"
    bytes: int = 0

    @property
    def numel(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Preview:
    """The little that a graph edge or a list shows of a tensor.

    ``elements``: all elements in row-major order, when there are at most ``PREVIEW_ELEMENTS``.
    ``norm``: Euclidean norm; ``rms``: root mean square. None where it was not computed.
    ``problem``: why there is no number (a meta tensor, values freed, not readable)."""

    elements: tuple[Number, ...] | None = None
    norm: float | None = None
    rms: float | None = None
    problem: str = ""


PREVIEW_ELEMENTS = 16


@dataclass(frozen=True)
class ValueInfo:
    """A named value. ``ref`` is what ``Debuggee.value`` takes: a variable's or parameter's name, or
    ``#node:output`` for a value on the graph. ``grad`` is None when the tensor has no gradient."""

    ref: str
    name: str
    kind: ValueKind
    tensor: TensorInfo
    data: Preview | None = None
    grad: Preview | None = None
    scope: str = ""
    has_grad: bool = False
    note: str = ""
    named: bool = True
    """False for a result that goes by the name of its operation."""


@dataclass(frozen=True)
class Statistics:
    """Of the finite elements, in float64; counts of all. None when there is no finite element."""

    count: int
    finite: int
    zeros: int
    nan: int
    inf: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None  # population (divides by n)
    norm: float | None = None


class Array:
    """Elements of a tensor outside torch: a nested list that is also a buffer.

    Compares equal to nested lists (``value.grad == -2.0``, ``value.data == [[1, 2], [3, 4]]``).
    ``dtype`` is that of the tensor; ``stored`` that of the bytes (wider for bfloat16)."""

    def __init__(self, shape: tuple[int, ...], dtype: str, stored: str, body: bytes) -> None:
        self.shape, self.dtype, self.stored, self.bytes = shape, dtype, stored, body
        self._complex = stored in _COMPLEX
        self._format = _COMPLEX.get(stored) or FORMATS.get(stored, "")
        if not self._format:
            raise ValueError(f"cannot read elements stored as {stored}")
        count = prod(shape) * (2 if self._complex else 1)
        self._layout = struct.Struct(f"<{count}{self._format}")
        if len(body) != self._layout.size:
            wanted = self._layout.size
            raise ValueError(f"{len(body)} bytes for shape {shape} of {stored}, not {wanted}")

    @property
    def memoryview(self) -> memoryview:
        """The elements as a memoryview of ``shape``; complex numbers have a last axis of two.

        Without elements it is flat: a memoryview has no axis of size 0. float16 becomes float32
        where Python (3.11) has no memoryview of it; every float16 is a float32."""
        shape = (*self.shape, 2) if self._complex else self.shape
        code: Any = self._format  # typeshed wants a literal
        raw = self.bytes
        if code == "e" and sys.version_info < (3, 12):
            code, raw = "f", array("f", self._numbers()).tobytes()
        view: Any = memoryview(raw)
        return cast("memoryview", view.cast(code) if 0 in shape else view.cast(code, shape))

    def flat(self) -> list[Any]:
        """All elements in row-major order."""
        values = list(self._numbers())
        if self._complex:
            return [complex(*pair) for pair in zip(values[::2], values[1::2], strict=True)]
        return values

    def tolist(self) -> Any:
        """Nested lists; a plain number for a scalar."""
        values: list[Any] = self.flat()
        if not self.shape:
            return values[0]
        for axis in range(len(self.shape) - 1, 0, -1):
            size = self.shape[axis]
            count = prod(self.shape[:axis])
            values = [values[i * size : (i + 1) * size] for i in range(count)]
        return values

    def _numbers(self) -> tuple[Any, ...]:
        return self._layout.unpack(self.bytes)

    def item(self) -> Any:
        """The one element. Raises ``ValueError`` when there are more or none."""
        (value,) = self.flat()
        return value

    def __getitem__(self, index: Any) -> Any:
        return self.tolist()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a scalar has no length")
        return self.shape[0]

    def __float__(self) -> float:
        return float(self.item())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Array):
            return (self.shape, self.dtype, self.bytes) == (other.shape, other.dtype, other.bytes)
        if isinstance(other, (list, int, float, complex)):
            return bool(self.tolist() == other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        size = prod(self.shape)
        body = repr(self.tolist()) if size <= 64 else f"<{size} elements>"
        return f"Array({body}, shape={self.shape}, dtype={self.dtype})"


@dataclass(frozen=True)
class Value:
    """A named value with its elements. ``grad`` is None when the tensor has no gradient."""

    info: ValueInfo
    data: Array
    grad: Array | None

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.info.tensor.shape

    @property
    def dtype(self) -> str:
        return self.info.tensor.dtype


@dataclass(frozen=True)
class Fetched:
    """The header of a body: which value, and the ``shape`` of the window that was cut out."""

    info: ValueInfo
    shape: tuple[int, ...]
    dtype: str
    stored: str
