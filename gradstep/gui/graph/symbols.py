"""What stands in an operation's circle: ``mul`` is ×, ``sigmoid`` is σ, ``AccumulateGrad`` +=."""

from __future__ import annotations

import re

ELLIPSIS = "…"

SYMBOLS: dict[str, str] = {
    **dict.fromkeys(("mul", "multiply", "prod", "__mul__", "__rmul__", "__imul__"), "×"),
    **dict.fromkeys(("add", "__add__", "__radd__", "__iadd__"), "+"),
    **dict.fromkeys(("sub", "subtract", "__sub__", "__isub__"), "−"),
    **dict.fromkeys(("rsub", "__rsub__"), "−"),
    **dict.fromkeys(("div", "true_divide", "divide", "__truediv__", "__rtruediv__"), "÷"),
    **dict.fromkeys(("neg", "negative", "__neg__"), "−( )"),
    **dict.fromkeys(("pow", "__pow__", "__rpow__", "float_power"), "( )ⁿ"),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "__matmul__", "__rmatmul__"), "@"),
    "square": "( )²",
    "sqrt": "√",
    "rsqrt": "1/√",
    "reciprocal": "1/( )",
    "abs": "| |",
    "exp": "exp",
    "log": "ln",
    "sum": "Σ",
    "cumsum": "Σ",
    "mean": "mean",
    "sigmoid": "σ",
    "tanh": "tanh",
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "leaky_relu": "LReLU",
    "softmax": "smax",
    "_softmax": "smax",
    "log_softmax": "lsmax",
    "_log_softmax": "lsmax",
    "linear": "Wx+b",
    "addmm": "Wx+b",
    "mse_loss": "MSE",
    "l1_loss": "L1",
    "cross_entropy": "CE",
    "nll_loss": "NLL",
    "binary_cross_entropy": "BCE",
    "binary_cross_entropy_with_logits": "BCE",
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), "conv"),
    "dropout": "drop",
    "layer_norm": "LN",
    "native_layer_norm": "LN",
    "batch_norm": "BN",
    "native_batch_norm": "BN",
    "embedding": "embed",
    "max": "max",
    "min": "min",
    "maximum": "max",
    "minimum": "min",
    "clamp": "clamp",
    "sin": "sin",
    "cos": "cos",
    **dict.fromkeys(("t", "transpose", "permute", "T", "mT"), "T"),
    **dict.fromkeys(("cat", "concat"), "cat"),
    **dict.fromkeys(("__getitem__", "select", "slice", "index", "index_select"), "[ ]"),
    "scaled_dot_product_attention": "attn",
    "clone": "copy",
    "detach": "detach",
    "to": "to",
    "AccumulateGrad": "+=",
}

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BACKWARD = re.compile(r"Backward\d*$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def symbol(name: str, exponent: float | None = None) -> str:
    """The sign of operation ``name``, or ``""`` when it has none. ``exponent``: of a power."""
    found = SYMBOLS.get(base_name(name), "")
    if found == "( )ⁿ" and exponent is not None and float(exponent).is_integer():
        power = int(exponent)
        return f"( ){str(power).translate(_SUPERSCRIPT)}" if abs(power) < 100 else found
    if found == "( )ⁿ" and exponent == 0.5:
        return "√"
    return found


def base_name(name: str) -> str:
    """``MulBackward0`` and ``mul_`` are both ``mul``; ``aten::mul.Tensor`` too."""
    name = name.rsplit("::", 1)[-1].split(".", 1)[0]
    if name == "AccumulateGrad" or name in SYMBOLS:
        return name
    if _BACKWARD.search(name):
        name = _WORDS.sub("_", _BACKWARD.sub("", name)).lower()
    bare = name.rstrip("_")
    return bare if bare in SYMBOLS else name


def short(name: str, characters: int) -> str:
    """``name`` with its middle left out when it is longer than ``characters``: the end of a
    dotted path says more than its middle."""
    if len(name) <= characters:
        return name
    if characters < 4:
        return name[: max(characters - 1, 0)] + ELLIPSIS
    head = (characters - 1) // 3
    return name[:head] + ELLIPSIS + name[-(characters - 1 - head) :]
