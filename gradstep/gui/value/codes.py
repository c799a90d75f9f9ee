"""A tensor's elements as text, as NumPy and torch code, as CSV and as a ``.npy`` file. No Qt.

Code is exact: evaluated, it gives the same elements, shape and dtype, bit for bit but for the
payload of NaNs."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradstep.gui.numbers import MINUS, format_number

Elements = NDArray[Any]


def as_text(elements: Elements, dtype: str) -> str:
    """All digits; tabs between columns, an empty line between slices."""
    if elements.ndim == 0:
        return _plain(elements.item(), dtype)
    if elements.ndim == 1:
        return "\n".join(_plain(x, dtype) for x in elements.tolist())
    if elements.ndim == 2:
        return "\n".join("\t".join(_plain(x, dtype) for x in row) for row in elements.tolist())
    return "\n\n".join(as_text(part, dtype) for part in elements)


def _plain(x: Any, dtype: str) -> str:
    return format_number(x, dtype, None).replace(MINUS, "-")


def as_numpy(elements: Elements) -> str:
    """``np.array([1.0, -2.0], dtype=np.float32)``; of bfloat16 the float32 that holds it."""
    return (
        f"np.array({_nested(elements, 'np')}, dtype=np.{_numpy_name(elements)}){_emptied(elements)}"
    )


def as_torch(elements: Elements, dtype: str) -> str:
    """``torch.tensor([1.0, -2.0], dtype=torch.float32)``."""
    if dtype.startswith("float8"):  # torch makes none from a list
        inner = f"torch.tensor({_nested(elements, 'torch')}, dtype=torch.float32)"
        return f"{inner}.to(torch.{dtype}){_emptied(elements)}"
    return f"torch.tensor({_nested(elements, 'torch')}, dtype=torch.{dtype}){_emptied(elements)}"


def _emptied(elements: Elements) -> str:
    """A list does not tell the shape of what has no elements."""
    return f".reshape({elements.shape})" if 0 in elements.shape else ""


def _numpy_name(elements: Elements) -> str:
    return "bool_" if elements.dtype.kind == "b" else str(elements.dtype)


def _nested(elements: Elements, module: str) -> str:
    if 0 in elements.shape:
        return "[]"
    if elements.ndim:
        return f"[{', '.join(_nested(part, module) for part in elements)}]"
    x = elements.item()
    if isinstance(x, complex):
        return f"complex({_number(x.real, module)}, {_number(x.imag, module)})"
    if isinstance(x, float):
        return _number(x, module, elements.dtype)
    return repr(x)


def _number(x: float, module: str, kind: Any = np.float64) -> str:
    """The shortest text that reads back, in the narrow type, as the same number."""
    if x != x:
        return f"{module}.nan"
    if x in (float("inf"), float("-inf")):
        return f"{'-' if x < 0 else ''}{module}.inf"
    narrow = np.dtype(kind).type(x)
    text = repr(float(np.format_float_scientific(narrow, unique=True)))
    # Read first as a float64, as Python does.
    return text if np.dtype(kind).type(float(text)) == narrow else repr(x)


def as_csv(elements: Elements) -> str:
    """Rows of the last axis. Of more than two axes every row begins with its indices."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    table = elements.reshape(1, 1) if elements.ndim == 0 else elements
    if table.ndim == 1:
        table = table.reshape(-1, 1)
    leading = table.shape[:-1] if table.ndim > 2 else ()
    rows = table.reshape(-1, table.shape[-1]) if table.size else table.reshape(0, 0)
    for number, row in enumerate(rows):
        before = np.unravel_index(number, leading) if leading else ()
        writer.writerow([*(int(i) for i in before), *(_csv(x) for x in row)])
    return out.getvalue()


def _csv(x: Any) -> str:
    kind = np.asarray(x).dtype.kind
    return (
        repr(x.item()).strip("()")
        if kind in "iubc"
        else _nested(np.asarray(x), "np").removeprefix("np.")
    )


def as_npy(elements: Elements) -> bytes:
    """A file that ``numpy.load`` reads, without pickle (there are no objects in it)."""
    out = io.BytesIO()
    np.lib.format.write_array(
        out, np.ascontiguousarray(elements).reshape(elements.shape), allow_pickle=False
    )
    return out.getvalue()
