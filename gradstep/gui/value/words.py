"""Short words about values, as all parts of the panel use them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from gradstep.gui.numbers import format_shape
from gradstep.protocol.examination import BESIDE, EVALUATED
from gradstep.protocol.values import TensorInfo, ValueInfo, ValueKind


def words(text: str) -> str:
    return QCoreApplication.translate("Value", text)


def kind_word(kind: ValueKind) -> str:
    """``Parameter``; what the graph calls it."""
    return {
        ValueKind.PARAMETER: words("Parameter"),
        ValueKind.BUFFER: words("Buffer"),
        ValueKind.DATA: words("Data"),
        ValueKind.RESULT: words("Result"),
        ValueKind.CONSTANT: words("Constant"),
    }[kind]


def shape_word(shape: tuple[int, ...]) -> str:
    return format_shape(shape) if shape else words("scalar")


def shape_of_single(shape: tuple[int, ...]) -> str:
    """One number is a scalar, or has axes all the same."""
    return words("shape {0}").format(format_shape(shape)) if shape else words("scalar")


def device_word(device: str) -> str:
    """``CPU``; others as torch names them."""
    return "CPU" if device == "cpu" else device


def grad_reason(info: ValueInfo, *, had: bool = False, later: bool = False) -> str:
    """Why ``.grad`` is None: the engine's reason, else what follows from the tensor's flags.
    ``had``: it has had one before. ``later``: phases were passed in which it may have had."""
    if info.tensor.requires_grad and info.tensor.is_leaf and (had or later):
        # The engine sees that there is none, not that there was one.
        return words("cleared by zero grad") if had else words("cleared, or not reached yet")
    if info.note:
        return info.note
    if not info.tensor.requires_grad:
        return words("does not require grad")
    if not info.tensor.is_leaf:
        return words("not a leaf: PyTorch keeps no .grad here unless asked (retain_grad)")
    return words("no backward has reached it yet")


def is_single(tensor: TensorInfo) -> bool:
    """One number, whatever its axes are."""
    return tensor.numel == 1


def is_read(ref: str) -> bool:
    """Whether it is none of the named values, and is asked for at every stop."""
    return ref.startswith(("#", EVALUATED)) or BESIDE in ref


def watched_name(ref: str, info: ValueInfo | None) -> str:
    """What the watch list calls it; ``""`` for what has no name that lasts."""
    if ref.startswith(EVALUATED):
        return ref.removeprefix(EVALUATED)
    return info.name if info is not None and info.named and BESIDE not in ref else ""
