"""Numbers that are none, in words."""

from __future__ import annotations

from pathlib import Path

from gradstep.gui.numbers import format_number, format_preview, format_shape
from gradstep.gui.translation import translate
from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Link, Operand


def cells(operand: Operand) -> tuple[str, str, str, str, str]:
    """Role, name, shape and type, the element that counts, and how many are NaN or Inf."""
    roles = {
        "input": translate("Nonfinite", "input"),
        "upstream": translate("Nonfinite", "arriving gradient"),
        "result": translate("Nonfinite", "result"),
    }
    tensor = operand.tensor
    kind = f"{format_shape(tensor.shape)} · {tensor.dtype}" if tensor else ""
    return roles.get(operand.role, operand.role), operand.name, kind, element(operand), bad(operand)


def element(operand: Operand) -> str:
    """``[2] 0``: where, and what is there; without an index the value itself."""
    dtype = operand.tensor.dtype if operand.tensor else "float64"
    if operand.element is None:
        return format_preview(operand.value, dtype) if operand.value else ""
    number = format_number(operand.element, dtype)
    return f"[{', '.join(map(str, operand.index))}] {number}" if operand.index else number


def bad(operand: Operand) -> str:
    """``2 NaN, 1 Inf``; empty when all numbers are finite."""
    counts = ((operand.nan, "NaN"), (operand.inf, "Inf"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def way(link: Link, first: bool) -> str:
    """What an operation on the way did: ``made NaN``, ``handed NaN on in loss``."""
    if first:
        words = translate("Nonfinite", "{0} begins here").format(link.kind.word)
        where = translate("Nonfinite", "{0} begins here, in {1}")
    else:
        words = translate("Nonfinite", "hands {0} on").format(link.kind.word)
        where = translate("Nonfinite", "hands {0} on in {1}")
    return where.format(link.kind.word, link.name) if link.name else words


def place_words(link: Link) -> str:
    """``train.py, line 12``; ``backward of train.py, line 12``."""
    if link.place is None:
        return ""
    words = translate("Nonfinite", "{0}, line {1}").format(
        Path(link.place.file).name, link.place.line
    )
    if link.phase is Phase.BACKWARD:
        words = translate("Nonfinite", "backward of {0}").format(words)
    return words
