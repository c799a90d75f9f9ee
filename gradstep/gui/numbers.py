"""Numbers as people read them. No Qt here: the same text serves graph, tables, plots and tests.

The text of an element is the shortest that reads back as the same element of its dtype
(float32 2.0399999618530273 is ``2.04``). Where it had to be rounded further to fit ``digits`` and
came out whole, its zeros are kept: ``8.00000`` is close to eight, ``8`` is eight.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from gradstep.protocol.values import Preview

MINUS = "\N{MINUS SIGN}"
NAN, INF = "NaN", "Inf"

_NUMPY: dict[str, tuple[type[np.floating], float]] = {
    str(np.dtype(kind)): (kind, float(np.finfo(kind).max))
    for kind in (np.float16, np.float32, np.float64)
}
# Significant bits, the hidden one included, of the formats that numpy does not know.
_BITS = {"bfloat16": 8, "float8_e4m3fn": 4, "float8_e4m3fnuz": 4, "float8_e5m2": 3}
_BITS["float8_e5m2fnuz"] = 3
_PARTS = {"complex64": "float32", "complex128": "float64", "complex32": "float16"}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALLEST_PLAIN, _LARGEST_PLAIN, _LARGEST_INTEGER = -4, 6, 12  # powers of ten


def format_number(x: complex | None, dtype: str = "float32", digits: int | None = 6) -> str:
    """``x``, an element of ``dtype``, with at most ``digits`` significant digits (None: as many as
    it takes to tell it from its neighbours). Integers and booleans are exact. None gives ``""``."""
    if x is None:
        return ""
    if isinstance(x, (bool, np.bool_)) or dtype == "bool":
        return str(bool(x))
    if isinstance(x, (complex, np.complexfloating)):
        return _format_complex(complex(x), dtype, digits)
    if isinstance(x, (int, np.integer)):
        return _format_integer(int(x), digits)
    return _format_float(float(x), dtype, digits)


def format_fixed(x: complex | None, dtype: str = "float32", places: int = 4) -> str:
    """For tables: ``x`` with ``places`` decimals, so that points stand below each other; fewer
    where the element has no more (``0``, ``0.5``)."""
    if not isinstance(x, (float, np.floating)) or not math.isfinite(x):
        return format_number(x, dtype, 6)
    exact = format_number(float(x), dtype, None)
    if "·" not in exact and len(exact.partition(".")[2]) <= places:
        return exact
    return f"{float(x):.{places}f}".replace("-", MINUS)


def format_shape(shape: Sequence[int]) -> str:
    """``768 × 768``; ``scalar`` for no axes."""
    return " × ".join(str(size) for size in shape) if shape else "scalar"


def format_preview(preview: Preview | None, dtype: str = "float32", kind: str = "data") -> str:
    """What fits beside an edge: the number itself; of two or three elements the list, if it is
    short; else the size of the whole (``kind`` ``data``: root mean square, ``grad``: norm)."""
    if preview is None:
        return ""
    if preview.problem:
        return preview.problem
    elements = preview.elements
    if elements is not None and len(elements) == 1:
        return format_number(elements[0], dtype)
    if elements is not None and len(elements) <= _LIST_ELEMENTS:
        text = ", ".join(format_number(x, dtype, 3) for x in elements)
        if len(text) <= _LIST_LENGTH:
            return f"[{text}]"
    return format_number(preview.norm if kind == "grad" else preview.rms, "float64", 3)


_LIST_ELEMENTS, _LIST_LENGTH = 3, 18


def norm_of(shown: Preview) -> float | None:
    """Euclidean norm, from the elements when it was not sent."""
    if shown.norm is None and shown.elements is not None:
        return math.hypot(*(abs(x) for x in shown.elements))
    return shown.norm


def rms_of(shown: Preview) -> float | None:
    """Root mean square, from the elements when it was not sent."""
    if shown.rms is None and shown.elements:
        return math.hypot(*(abs(x) for x in shown.elements)) / math.sqrt(len(shown.elements))
    return shown.rms


def format_bytes(count: int) -> str:
    """``4 B``, ``1.5 KiB``, ``2.25 MiB``: at most three digits, powers of 1024."""
    size, units = float(count), ("B", "KiB", "MiB", "GiB", "TiB")
    unit = 0
    while size >= 999.5 and unit < len(units) - 1:
        size, unit = size / 1024, unit + 1
    text = (
        str(count) if unit == 0 else f"{size:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f}"
    )
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {units[unit]}"


def align(texts: Iterable[str], fill: str = " ") -> list[str]:
    """Pad with ``fill`` so that decimal points (or what stands for them: the end of an integer)
    come to lie below each other in a font of one width. All results are equally long."""
    parts = [_at_point(text) for text in texts]
    left = max((len(whole) for whole, _ in parts), default=0)
    right = max((len(rest) for _, rest in parts), default=0)
    return [whole.rjust(left, fill) + rest.ljust(right, fill) for whole, rest in parts]


def is_special(x: complex | None) -> bool:
    """NaN or infinite."""
    return x is not None and not (math.isfinite(x.real) and math.isfinite(x.imag))


def _at_point(text: str) -> tuple[str, str]:
    for mark in (".", "·"):
        at = text.find(mark)
        if at >= 0:
            return text[:at], text[at:]
    return text, ""


def _format_complex(x: complex, dtype: str, digits: int | None) -> str:
    part = _PARTS.get(dtype, "float64")
    imaginary = _format_float(x.imag, part, digits)
    join = "" if imaginary.startswith(MINUS) else "+"
    return f"{_format_float(x.real, part, digits)}{join}{imaginary}i"


def _format_integer(x: int, digits: int | None) -> str:
    text = str(abs(x))
    if digits is not None and len(text) > max(digits, _LARGEST_INTEGER):
        return _format_float(float(x), "float64", digits)
    return MINUS + text if x < 0 else text


def _format_float(x: float, dtype: str, digits: int | None) -> str:
    if math.isnan(x):
        return NAN
    sign = MINUS if math.copysign(1.0, x) < 0 else ""
    x = abs(x)
    if math.isinf(x):
        return sign + INF
    if x == 0:
        return sign + "0"
    figures, exponent = _shortest(x, dtype)
    limit = _LARGEST_PLAIN if digits is None else max(digits, _LARGEST_PLAIN)
    if digits is not None and len(figures) > digits:
        exact = exponent
        # Written out, a rounded 65536 would be the wrong number 65500.
        places = max(digits, exact + 1) if exact < limit else digits
        figures, exponent = _scientific(f"{x:.{places - 1}e}")
        if exact < limit <= exponent:
            figures, exponent = _scientific(f"{x:.{digits - 1}e}")
        figures = _without_zeros(figures, exponent if exponent < limit else 0)
    if _SMALLEST_PLAIN <= exponent < limit:
        return sign + _plain(figures, exponent)
    mantissa = figures[0] + ("." + figures[1:] if len(figures) > 1 else "")
    return f"{sign}{mantissa}·10{str(exponent).translate(_SUPERSCRIPT)}"


def _without_zeros(figures: str, exponent: int) -> str:
    """A rounded number's zeros say nothing, unless it would look like an exact whole one."""
    short = figures.rstrip("0")
    return figures if len(short) <= exponent + 1 else short


def _plain(figures: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + figures
    whole = figures[: exponent + 1].ljust(exponent + 1, "0")
    rest = figures[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


def _shortest(x: float, dtype: str) -> tuple[str, int]:
    """Fewest significant figures that read back as ``x`` in ``dtype``, and the power of ten."""
    bits = _BITS.get(dtype)
    if bits is None:
        kind, largest = _NUMPY.get(dtype, _NUMPY["float64"])
        narrow = kind(x) if x <= largest else np.float64(x)
        # A number that does not fit (an overflowing summary, say) is shown as it came.
        narrow = narrow if narrow != 0 else np.float64(x)
        return _scientific(np.format_float_scientific(narrow, unique=True, trim="-"))
    fraction, power = math.frexp(x)
    # The neighbour below a power of two is twice as near as the one above.
    near = math.ldexp(0.25 if fraction == 0.5 else 0.5, power - bits)
    for count in range(17):
        text = f"{x:.{count}e}"
        if abs(float(text) - x) < near or float(text) == x:
            break
    return _scientific(text)


def _scientific(text: str) -> tuple[str, int]:
    mantissa, exponent = text.split("e")
    return mantissa.replace(".", ""), int(exponent)
