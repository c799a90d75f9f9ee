"""The table: every rule by every name that its operation goes by."""

from __future__ import annotations

from gradstep.engine.rules import (
    activations,
    attention,
    binary,
    convolution,
    indexing,
    linalg,
    losses,
    matmul,
    norms,
    pooling,
    recurrent,
    reductions,
    rowlosses,
    softmax,
    unary,
    views,
)
from gradstep.engine.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *unary.RULES,
    *activations.RULES,
    *binary.RULES,
    *matmul.RULES,
    *linalg.RULES,
    *reductions.RULES,
    *softmax.RULES,
    *losses.RULES,
    *rowlosses.RULES,
    *convolution.RULES,
    *pooling.RULES,
    *norms.RULES,
    *attention.RULES,
    *indexing.RULES,
    *views.RULES,
    *recurrent.RULES,
)

BY_NAME: dict[str, Rule] = {name: rule for rule in RULES for name in rule.names.split()}


def rule_of(name: str) -> Rule | None:
    """By a node's name (``mul``, ``add_``), an operator's (``aten::mul.Tensor``, ``aten.mul``) or a
    method's (``__rmul__``)."""
    plain = name.replace("::", ".").removeprefix("aten.").partition(".")[0]
    if plain in BY_NAME:
        return BY_NAME[plain]
    bare = plain.strip("_")
    for candidate in (bare, _REFLECTED.get(bare, "")):
        if candidate in BY_NAME:
            return BY_NAME[candidate]
    return None


_REFLECTED = {
    "radd": "add", "iadd": "add", "rmul": "mul", "imul": "mul", "isub": "sub", "truediv": "div",
    "rtruediv": "rdiv", "itruediv": "div", "ipow": "pow", "relu6_": "relu6",
}  # fmt: skip
"""Python's names of operators that are not the operation's own."""
