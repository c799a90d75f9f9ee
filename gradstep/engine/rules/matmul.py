"""Products of matrices and vectors, and sums of them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gradstep.engine.capture.arguments import Slot
from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.contraction import Contraction, Equation
from gradstep.engine.rules.families import Derivative, Elementwise, Written
from gradstep.engine.rules.rule import Rule, docs, yaml
from gradstep.engine.rules.shapes import sum_to

_BATCH = string.ascii_uppercase


def _product(a: Tensor, b: Tensor, names: tuple[str, str] = ("A", "B")) -> Equation:
    """``torch.matmul``: the last two axes are matrices, a tensor of one axis is a vector, the rest
    are batches that broadcast."""
    count = max(a.dim(), b.dim()) - 2
    batch = _BATCH[: max(0, count)]
    left = "k" if a.dim() == 1 else batch[len(batch) - (a.dim() - 2) :] + "ik"
    right = "k" if b.dim() == 1 else batch[len(batch) - (b.dim() - 2) :] + "kj"
    out = batch + ("i" if a.dim() > 1 else "") + ("j" if b.dim() > 1 else "")
    return Equation((a, b), names, (left, right), out)


def _scaled(e: Equation, scale: Any) -> Equation:
    return Equation(e.operands, e.symbols, e.labels, e.output, float(scale))


def _matmul(c: BoundCall) -> Equation:
    return _product(c["input"], c["other"])


def _linear(c: BoundCall) -> Equation:
    x, w = c["input"], c["weight"]
    rows = _BATCH[: x.dim() - 1]
    if w.dim() == 1:
        return Equation((x, w), ("X", "W"), (rows + "i", "i"), rows)
    return Equation((x, w), ("X", "W"), (rows + "i", "oi"), rows + "o")


def _bilinear(c: BoundCall) -> Equation:
    x, y, w = c["input1"], c["input2"], c["weight"]
    rows = _BATCH[: x.dim() - 1]
    labels = (rows + "i", rows + "j", "oij")
    return Equation((x, y, w), ("X", "Y", "W"), labels, rows + "o")


def _outer(c: BoundCall) -> Equation:
    return Equation((c["input"], c["other"]), ("a", "b"), ("i", "j"), "ij")


def _inner(c: BoundCall) -> Equation:
    a, b = c["input"], c["other"]
    if not a.dim() or not b.dim():
        raise Unexplained("of a scalar")
    left, right = _BATCH[: a.dim() - 1], _BATCH[a.dim() - 1 : a.dim() + b.dim() - 2]
    return Equation((a, b), ("A", "B"), (left + "k", right + "k"), left + right)


def _tensordot(c: BoundCall) -> Equation:
    a, b, dims = c["a"], c["b"], c["dims"]
    if isinstance(dims, int):
        over = (list(range(a.dim() - dims, a.dim())), list(range(dims)))
    else:
        over = ([d % a.dim() for d in dims[0]], [d % b.dim() for d in dims[1]])
    left, right = list(_BATCH[: a.dim()]), list(string.ascii_lowercase[: b.dim()])
    for i, j in zip(*over, strict=True):
        right[j] = left[i]
    shared = {left[i] for i in over[0]}
    out = "".join(label for label in left + right if label not in shared)
    return Equation((a, b), ("A", "B"), ("".join(left), "".join(right)), out)


def _operands(c: BoundCall) -> list[Tensor]:
    given = c["operands"]
    return (
        list(given[0]) if len(given) == 1 and isinstance(given[0], (list, tuple)) else list(given)
    )


def _einsum(c: BoundCall) -> Equation:
    """Labels as given; an ellipsis becomes labels of its own."""
    tensors = _operands(c)
    text = c["equation"]
    if not isinstance(text, str):
        raise Unexplained("called with lists of axes instead of an equation")
    left, arrow, out = text.replace(" ", "").partition("->")
    free = [s for s in string.ascii_letters if s not in text]
    labels, longest = [], ""
    for part, tensor in zip(left.split(","), tensors, strict=True):
        extra = tensor.dim() - len(part.replace("...", ""))
        dots = "".join(free[:extra][::-1])
        longest = dots if len(dots) > len(longest) else longest
        labels.append(part.replace("...", dots))
    if not arrow:
        once = sorted(s for s in set("".join(labels)) if "".join(labels).count(s) == 1)
        out = "..." + "".join(s for s in once if s not in longest)
    names = tuple(_BATCH[i] for i in range(len(tensors)))
    return Equation(tuple(tensors), names, tuple(labels), out.replace("...", longest))


def _which_operand(c: BoundCall, slot: int) -> int:
    given = c.arguments["operands"]
    flat = given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given
    return list(flat).index(Slot(slot))


def _pair(
    equation: Any, a: str, b: str, entry: str, texts: tuple[str, str]
) -> dict[str, Derivative]:
    """Derivatives of a product of the parameters ``a`` and ``b``."""

    def which(c: BoundCall, slot: int) -> int:
        return 0 if c.place_of(slot)[0] == a else 1

    return {
        a: Contraction(texts[0], yaml(entry), equation, which),
        b: Contraction(texts[1], yaml(entry), equation, which),
    }


_A, _B = "∂L/∂A = ∂L/∂C · B^{T}", "∂L/∂B = A^{T} · ∂L/∂C"
_AB = {"input": "A", "other": "B", "mat2": "B", "vec": "b", "vec2": "b", "output": "C"}


def _plus(names: str, a: str, b: str, batched: bool = False) -> Rule:
    """``β M + α A B``."""
    entry = names.split()[0]

    def equation(c: BoundCall) -> Equation:
        e = _scaled(_product(c[a], c[b]), c["alpha"])
        if batched:  # addbmm: the batch is summed over
            e = Equation(e.operands, e.symbols, ("Nik", "Nkj"), "ij", e.scale)
        return e

    by: dict[str, Derivative] = {
        "input": Elementwise(
            "∂L/∂M = β ∂L/∂C", yaml(entry), lambda c: c.y.new_full(c.y.shape, float(c["beta"]))
        ),
        **_pair(equation, a, b, entry, ("∂L/∂A = α ∂L/∂C · B^{T}", "∂L/∂B = α A^{T} · ∂L/∂C")),
    }
    symbols = {"input": "M", a: "A", b: "B", "output": "C", "alpha": "α", "beta": "β"}
    return Rule(names, f"input, {a}, {b}, *, beta=1, alpha=1", by, symbols)


def _addr(c: BoundCall) -> Equation:
    return Equation((c["vec1"], c["vec2"]), ("a", "b"), ("i", "j"), "ij", float(c["alpha"]))


def _ones(c: BoundCall) -> Tensor:
    return c.y.new_ones(c.y.shape)


def _bias(formula: str) -> Derivative:
    return Written(formula, docs("nn.Linear"), lambda c, g: sum_to(g, c["bias"].shape))


def _of_three(c: BoundCall, slot: int) -> int:
    return ("input1", "input2", "weight").index(c.place_of(slot)[0])


def _rule(names: str, parameters: str, by: Mapping[str, Derivative]) -> Rule:
    return Rule(names, parameters, by, _AB)


RULES: tuple[Rule, ...] = (
    _rule("matmul linalg_matmul rmatmul", "input, other",
          _pair(_matmul, "input", "other", "matmul", (_A, _B))),
    _rule("mm", "input, mat2",
          _pair(lambda c: _product(c["input"], c["mat2"]), "input", "mat2", "mm", (_A, _B))),
    _rule("bmm", "input, mat2",
          _pair(lambda c: _product(c["input"], c["mat2"]), "input", "mat2", "bmm", (_A, _B))),
    Rule("mv", "input, vec",
         _pair(lambda c: _product(c["input"], c["vec"], ("A", "b")), "input", "vec", "mv",
               ("∂L/∂A = ∂L/∂c · b^{T}", "∂L/∂b = A^{T} · ∂L/∂c")),
         {"input": "A", "vec": "b", "output": "c"}),
    Rule("dot vdot linalg_vecdot vecdot", "input, other",
         _pair(lambda c: Equation((c["input"], c["other"]), ("a", "b"), ("i", "i"), ""),
               "input", "other", "dot", ("∂L/∂a = ∂L/∂y · b", "∂L/∂b = ∂L/∂y · a")),
         {"input": "a", "other": "b", "output": "y"}),
    Rule("outer ger", "input, other",
         _pair(_outer, "input", "other", "ger", ("∂L/∂a = ∂L/∂C · b", "∂L/∂b = ∂L/∂C^{T} · a")),
         {"input": "a", "other": "b", "output": "C"}),
    _rule("inner", "input, other",
          _pair(_inner, "input", "other", "inner", ("∂L/∂A = ∂L/∂C · B", "∂L/∂B = ∂L/∂C^{T} · A"))),
    Rule("tensordot", "a, b, dims=2",
         _pair(_tensordot, "a", "b", "tensordot",
               ("∂L/∂A = ∂L/∂C contracted with B", "∂L/∂B = ∂L/∂C contracted with A")),
         {"a": "A", "b": "B", "output": "C"}),
    Rule("linear", "input, weight, bias=None",
         {**_pair(_linear, "input", "weight", "linear",
                  ("∂L/∂X = ∂L/∂Y · W", "∂L/∂W = (∂L/∂Y)^{T} · X")),
          "bias": _bias("∂L/∂b = Σ_{rows} ∂L/∂Y")},
         {"input": "X", "weight": "W", "bias": "b", "output": "Y"}),
    Rule("bilinear", "input1, input2, weight, bias=None",
         {"input1": Contraction("∂L/∂X_{i} = Σ_{oj} ∂L/∂Z_{o} W_{oij} Y_{j}", yaml("_trilinear"),
                                _bilinear, _of_three),
          "input2": Contraction("∂L/∂Y_{j} = Σ_{oi} ∂L/∂Z_{o} W_{oij} X_{i}", yaml("_trilinear"),
                                _bilinear, _of_three),
          "weight": Contraction("∂L/∂W_{oij} = Σ_{rows} ∂L/∂Z_{o} X_{i} Y_{j}", yaml("_trilinear"),
                                _bilinear, _of_three),
          "bias": _bias("∂L/∂b = Σ_{rows} ∂L/∂Z")},
         {"input1": "X", "input2": "Y", "weight": "W", "bias": "b", "output": "Z"}),
    Rule("einsum", "equation, *operands",
         {"operands": Contraction(
             "∂L/∂A = ∂L/∂C contracted with all other operands, over the indices that A lacks",
             docs("torch.einsum"), _einsum, _which_operand)},
         {"operands": "A", "output": "C"}),
    _plus("addmm", "mat1", "mat2"),
    _plus("addmv", "mat", "vec"),
    _plus("baddbmm", "batch1", "batch2"),
    _plus("addbmm", "batch1", "batch2", batched=True),
    Rule("addr", "input, vec1, vec2, *, beta=1, alpha=1",
         {"input": Elementwise("∂L/∂M = β ∂L/∂C", yaml("addr"),
                               lambda c: _ones(c) * float(c["beta"])),
          **_pair(_addr, "vec1", "vec2", "addr",
                  ("∂L/∂a = α ∂L/∂C · b", "∂L/∂b = α ∂L/∂C^{T} · a"))},
         {"input": "M", "vec1": "a", "vec2": "b", "output": "C"}),
)  # fmt: skip
