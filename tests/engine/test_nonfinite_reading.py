"""What is told of a NaN or Inf, in this process: reading tensors, words, and the echo of output."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from gradstep.engine.nan import nonfinite as reading
from gradstep.engine.nan import words as words
from gradstep.engine.nan.report import most_extreme
from gradstep.engine.nan.taints import CHAIN, Taint, Taints, heir
from gradstep.protocol.nonfinite import Link, NotFinite, Operand
from gradstep.protocol.values import TensorInfo
from gradstep.replay import Echo

INF, NAN = NotFinite.INF, NotFinite.NAN
inf, nan = math.inf, math.nan

TENSORS: list[tuple[Tensor, NotFinite | None]] = [
    (torch.ones(3), None),
    (torch.tensor([1.0, nan, inf]), NAN),
    (torch.tensor([1.0, -inf]), INF),
    (torch.tensor([inf, -inf]), INF),  # whose sum is NaN
    (torch.full((4,), 3e38), None),  # whose sum overflows
    (torch.full((8,), 6e4, dtype=torch.float16), None),
    (torch.tensor([1.0, nan], dtype=torch.bfloat16), NAN),
    (torch.tensor([1 + 1j, complex(0, inf)]), INF),
    (torch.tensor([1, 2]), None),
    (torch.tensor([True]), None),
    (torch.ones(0), None),
    (torch.ones(2, device="meta"), None),
    (torch.sparse_coo_tensor([[0, 2]], [1.0, nan], (4,), check_invariants=True), NAN),
    (torch.tensor([1.0, nan]).to(torch.float8_e5m2), NAN),
    (torch.tensor(nan), NAN),
]


@pytest.mark.parametrize(("tensor", "kind"), TENSORS, ids=range(len(TENSORS)))
def test_found_in_a_tensor(tensor: Tensor, kind: NotFinite | None) -> None:
    assert reading.found_in(tensor) is kind
    assert reading.gradients_finite([torch.ones(2), tensor]) is (kind is None)
    if tensor.device.type == "cpu" and not tensor.is_sparse and tensor.element_size() > 1:
        assert (kind is None) == bool(torch.isfinite(tensor).all())


def test_nothing_is_read_inside_a_transform() -> None:
    seen = []

    def function(x: Tensor) -> Tensor:
        seen.append(reading.found_in(x))
        return x.log()

    torch.func.vmap(torch.func.grad(function))(torch.zeros(3))
    assert seen == [None]


def test_the_first_of_a_kind() -> None:
    tensor = torch.zeros(2, 3, 4)
    tensor[1, 0, 2] = nan
    tensor[0, 2, 3] = inf
    assert reading.first_in(tensor, NAN) == (1, 0, 2)
    assert reading.first_in(tensor, INF) == (0, 2, 3)
    assert reading.first_in(torch.tensor(nan), NAN) == ()
    assert reading.first_in(torch.zeros(2), NAN) is None
    assert most_extreme(torch.tensor([[1.0, -5.0], [2.0, 3.0]])) == (0, 1)


def test_what_was_made_among_what_was_there() -> None:
    x = torch.tensor([[-inf, 800.0], [1.0, -inf]])
    assert reading.made_in(x.exp(), INF, [x]) == (0, 1)
    assert reading.made_in(x + 1, INF, [x]) is None
    a, b = torch.tensor([inf, 0.0, 1.0]), torch.tensor([1.0, 0.0, nan])
    assert reading.made_in(a / b, NAN, [a, b]) == (1,)
    column = torch.tensor([[1.0], [0.0]])
    row = torch.tensor([[inf, 1.0]])
    assert reading.made_in(column * row, NAN, [column, row]) == (1, 0)


def test_which_element_belongs_to_which() -> None:
    made, given = torch.Size((2, 3, 4)), torch.Size((3, 1))
    assert reading.broadcast_index((1, 2, 3), made, given) == (2, 0)
    assert reading.broadcast_index((1, 2, 3), made, torch.Size(())) == ()
    assert reading.broadcast_index((1, 2, 3), made, torch.Size((5,))) is None


POINTS: dict[str, tuple[Any, float]] = {
    "sqrt": (torch.sqrt, 2.25),
    "rsqrt": (torch.rsqrt, 2.25),
    "log": (torch.log, 0.3),
    "log2": (torch.log2, 0.3),
    "log10": (torch.log10, 0.3),
    "log1p": (torch.log1p, 0.3),
    "reciprocal": (torch.reciprocal, 0.7),
    "exp": (torch.exp, 0.7),
    "acos": (torch.acos, 0.6),
    "asin": (torch.asin, 0.6),
    "pow": (lambda x: torch.pow(x, torch.tensor(1.7).double()), 0.7),
    "atan2": (lambda x: torch.atan2(x, torch.tensor(1.7).double()), 0.7),
    "div": (lambda x: x / torch.tensor(1.7).double(), 0.7),
    "mul": (lambda x: x * torch.tensor(1.7).double(), 0.7),
}


@pytest.mark.parametrize("name", sorted(words._SLOPES))
def test_the_slope_told_is_that_of_torch(name: str) -> None:
    function, point = POINTS[name]
    special = [0.0, 1.0] if name not in ("mul", "div", "atan2") else [0.0]
    for at in (point, *special):
        x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        (expected,) = torch.autograd.grad(function(x), x)
        slope = words._SLOPES[name](at, float(torch.tensor(1.7).double()), None)
        assert slope is not None
        told, value = slope
        assert told
        if math.isinf(expected.item()):
            assert math.isinf(value)
        else:
            assert value == pytest.approx(expected.item(), rel=1e-6, nan_ok=True)


def operand(value: float, **facts: Any) -> Operand:
    dtype = facts.pop("dtype", "float32")
    return Operand("x", "input", TensorInfo((), dtype, "cpu"), element=value, **facts)


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("log", [0.0], "log(0) = −Inf"),
        ("div_", [0.0, 0.0], "0 / 0 = NaN"),
        ("rdiv", [0.0, 1.0], "1 / 0 = Inf"),
        ("sub", [inf, inf], "Inf − Inf = NaN"),
        ("mul", [0.0, -inf], "0 × −Inf = NaN"),
        ("pow", [0.0, -1.0], "0 ** −1 = Inf"),
        ("exp", [89.0], "exp(89) = Inf"),
        ("acos", [2.0], "acos(2) = NaN"),
        ("reciprocal", [0.0], "1 / 0 = Inf"),
    ],
)
def test_the_words_for_a_call(name: str, values: list[float], text: str) -> None:
    tensors = [torch.tensor(v) for v in values]
    functions = {
        "div_": torch.div, "rdiv": lambda a, b: b / a, "sub": torch.sub, "mul": torch.mul,
    }  # fmt: skip
    result = functions.get(name, getattr(torch, name, None))(*tensors).item()
    kind = NAN if math.isnan(result) else INF
    assert math.isnan(result) or math.isinf(result)
    told = words.forward(name, kind, operand(result), tuple(operand(v) for v in values))
    assert told == text


def test_the_words_for_reductions_and_types() -> None:
    empty = Operand("x", "input", TensorInfo((0,), "float32", "cpu"))
    assert torch.ones(0).mean().isnan()
    assert "0 / 0" in words.forward("mean", NAN, operand(nan, nan=1), (empty,))
    one = Operand("x", "input", TensorInfo((1,), "float32", "cpu"), element=3.0)
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert torch.ones(1).std().isnan()
    assert "1 − 1 = 0" in words.forward("std", NAN, operand(nan, nan=1), (one,))
    assert torch.softmax(torch.full((2,), -inf), 0).isnan().all()
    row = Operand("x", "input", TensorInfo((2,), "float32", "cpu"), inf=2)
    assert "all −Inf" in words.forward("softmax", NAN, operand(nan, nan=2), (row,))
    told = words.forward("to", INF, operand(inf, dtype="float16"), (operand(7e4),))
    assert told == "70000 does not fit into float16 (at most 65504)"


def link(kind: NotFinite = NAN, name: str = "mul") -> Link:
    return Link(name, kind)


def test_a_taint_goes_with_its_tensor_and_is_seen_through_a_view() -> None:
    taints, taint = Taints(), Taint(link())
    base = torch.ones(4)
    taints.add(base[1:], taint)
    assert taints.of(base) is taint and taints.of(base[2:]) is taint
    assert taints.of(torch.ones(4)) is None
    del base
    assert not taints._known


def test_a_chain_keeps_its_beginning_and_stays_short() -> None:
    first = taint = Taint(link(INF, "div"), None, birth=3)
    for _ in range(10 * CHAIN):
        taint = heir(link(), [taint])
    assert taint.origin is first
    assert taint.chain()[-1].operation == "div"
    assert len(taint.chain()) <= CHAIN + 2
    other = Taint(link(NAN, "log"))
    assert heir(link(NAN), [first, other]).parent is other


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_what_was_said_before_is_not_said_again(size: int) -> None:
    expected, new = "step 1 ⟂\nstep 2 ⟂\n".encode(), "step 3 ⟂\n".encode()
    echo = Echo(expected)
    said, text = b"", ""
    whole = expected + new
    for at in range(0, len(whole), size):
        chunk, words_ = echo.hear(whole[at : at + size])
        said, text = said + chunk, text + words_
    assert (said, text, echo.differs) == (new, new.decode(), False)
    other = Echo(b"seed 12\n")
    assert other.hear(b"seed 3") == (b"seed 3", "seed 3")
    assert other.differs
    assert other.hear(b"4\n") == (b"4\n", "4\n")
