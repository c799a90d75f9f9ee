"""What the table holds: enough, each with its formula and source, and found by every name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gradstep.engine.capture.calls import Kind, judge, tensors_of
from gradstep.engine.rules.table import BY_NAME, RULES, rule_of
from tests.engine.rules.drawn import LOOSE, RTOL, by_autograd, close, seen


def test_the_table_is_large_and_no_name_is_there_twice() -> None:
    names = [name for rule in RULES for name in rule.names.split()]
    assert len(RULES) >= 250 and len(names) == len(set(names)) == len(BY_NAME)


def test_every_derivative_has_a_formula_and_a_source() -> None:
    assert all(rule.by for rule in RULES)
    for derivative in (derivative for rule in RULES for derivative in rule.by.values()):
        text = derivative.formula
        assert text and re.search(r"yaml: \w|documentation: \w", derivative.source)
        assert text.count("{") == text.count("}")
        # Every brace belongs to a subscript, a superscript or a fraction.
        for opening in re.finditer(r"\{", text):
            before = text[: opening.start()]
            mark = before.endswith(("_", "^", "/")) or _closes_with_fraction(text, opening.start())
            assert mark, f"a brace without a meaning in {text!r}"


def _closes_with_fraction(text: str, start: int) -> bool:
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[place + 1 : place + 3] == "/{"
    return False


NAMES = [
        ("aten.mul", "mul"), ("aten::mul.Tensor", "mul"), ("mul_", "mul"), ("__rmul__", "mul"),
        ("__iadd__", "add"), ("relu_", "relu"), ("masked_fill_", "masked_fill"), ("copy_", "copy_"),
        ("aten::_softmax", "softmax"), ("rdiv", "rdiv"), ("setitem_", "setitem_"),
        ("clamp_min_", "clamp_min"), ("aten.add_.Tensor", "add"), ("aten::t", "t"),
]  # fmt: skip


def test_a_row_is_found_by_every_name() -> None:
    for name, row in NAMES:
        found = rule_of(name)
        assert found is not None and row in found.names.split(), name


def test_what_is_not_there_is_not_found() -> None:
    assert rule_of("linalg_matrix_exp") is None and rule_of("") is None


# ---------------------------------------------------------------------- common layers

X, IMAGE, LINE, BLOCK = (torch.randn(2, *s) for s in ((6,), (4, 6, 6), (4, 6), (4, 6, 6, 6)))
ROWS = torch.randn(2, 3, 8)
LAYERS: list[tuple[nn.Module, tuple[Tensor, ...]]] = [
    *((layer, (X,)) for layer in (
        nn.Linear(6, 3), nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.CELU(),
        nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softsign(), nn.Tanh(),
        nn.Sigmoid(), nn.LogSigmoid(), nn.Tanhshrink(), nn.Hardshrink(), nn.Softshrink(),
        nn.Hardtanh(), nn.Hardsigmoid(), nn.Hardswish(), nn.Threshold(0.1, 0.0), nn.PReLU(),
        nn.RReLU(), nn.GLU(), nn.Softmax(1), nn.Softmin(1), nn.LogSoftmax(1), nn.Dropout(),
        nn.LayerNorm(6), nn.RMSNorm(6), nn.BatchNorm1d(6), nn.GroupNorm(2, 6), nn.Flatten(),
        nn.Unflatten(1, (2, 3)), nn.Identity(), nn.LSTMCell(6, 2), nn.GRUCell(6, 2),
        nn.RNNCell(6, 2),
    )),
    *((layer, (IMAGE,)) for layer in (
        nn.Conv2d(4, 2, 3, padding="same"), nn.Conv2d(4, 4, 3, groups=2), nn.BatchNorm2d(4),
        nn.ConvTranspose2d(4, 2, 3), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.LPPool2d(2, 2),
        nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(2), nn.InstanceNorm2d(4), nn.Softmax2d(),
        nn.Dropout2d(), nn.Upsample(scale_factor=2), nn.PixelShuffle(2), nn.ZeroPad2d(1),
        nn.ReflectionPad2d(1), nn.ReplicationPad2d(1), nn.Unfold(2), nn.LocalResponseNorm(2),
        nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"), nn.PixelUnshuffle(2),
    )),
    *((layer, (LINE,)) for layer in (
        nn.Conv1d(4, 2, 3), nn.ConvTranspose1d(4, 2, 3), nn.MaxPool1d(2), nn.AvgPool1d(2),
        nn.AdaptiveAvgPool1d(2), nn.InstanceNorm1d(4),
    )),
    *((layer, (BLOCK,)) for layer in (
        nn.Conv3d(4, 2, 3), nn.ConvTranspose3d(4, 2, 3), nn.MaxPool3d(2), nn.AvgPool3d(2),
        nn.BatchNorm3d(4), nn.AdaptiveAvgPool3d(1),
    )),
    (nn.Embedding(5, 3), (torch.tensor([[0, 4]]),)),
    (nn.EmbeddingBag(5, 3), (torch.tensor([[0, 4]]),)),
    (nn.Bilinear(6, 6, 2), (X, X)),
    (nn.CosineSimilarity(), (X, X)),
    (nn.PairwiseDistance(), (X, X)),
]  # fmt: skip
HALF, SIGNS = torch.full((2, 6), 0.5), torch.tensor([1.0, -1.0])
LOSSES: list[tuple[nn.Module, tuple[Tensor, ...]]] = [
    *((loss, (X, HALF)) for loss in (
        nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(), nn.HuberLoss(), nn.BCEWithLogitsLoss(),
        nn.KLDivLoss(reduction="batchmean"), nn.PoissonNLLLoss(), nn.CrossEntropyLoss(),
        nn.MultiLabelSoftMarginLoss(),
    )),
    (nn.BCELoss(), (HALF, HALF)),
    (nn.CrossEntropyLoss(label_smoothing=0.1), (X, torch.tensor([0, 3]))),
    (nn.NLLLoss(), (X.log_softmax(1), torch.tensor([0, 3]))),
    (nn.MultiMarginLoss(), (X, torch.tensor([0, 3]))),
    (nn.SoftMarginLoss(), (X[:, 0], SIGNS)),
    (nn.HingeEmbeddingLoss(), (X[:, 0], SIGNS)),
    (nn.MarginRankingLoss(), (X[:, 0], X[:, 1], SIGNS)),
    (nn.CosineEmbeddingLoss(), (X, X + 1, SIGNS)),
    (nn.TripletMarginLoss(), (X, X + 1, X + 2)),
    (nn.GaussianNLLLoss(), (X, HALF, HALF)),
]  # fmt: skip


class _Every(TorchFunctionMode):
    """Names of the outermost calls that a graph would show."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = judge(func)
        result = func(*args, **(kwargs or {}))
        if known.kind is Kind.OPERATION and not known.no_gradient and tensors_of(args, kwargs):
            tensor = isinstance(result, (Tensor, tuple))
            self.names |= {known.name} if tensor and not known.name.startswith("has_") else set()
        return result


@pytest.mark.parametrize(
    ("layer", "inputs"), [*LAYERS, *LOSSES], ids=lambda value: type(value).__name__
)
def test_common_layers_and_losses_are_in_the_table(
    layer: nn.Module, inputs: tuple[Tensor, ...]
) -> None:
    with _Every() as every:
        layer(*inputs)
    missing = {name for name in every.names - _COUNTING if rule_of(name) is None}
    assert not missing


_COUNTING = {"add_", "zeros", "new_zeros", "zeros_like"}
"""A normalization's count of batches, a cell's first state."""

# ---------------------------------------------------------------------- where there is none

ZERO = [-1.0, 0.0, 2.0]
ONE, ONES = torch.ones(1, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
KINKS: list[tuple[str, Callable[[Tensor], Any], list[float], list[bool]]] = [
    ("relu", torch.relu, ZERO, [False, True, False]),
    ("abs", torch.abs, ZERO, [False, True, False]),
    ("leaky_relu", F.leaky_relu, ZERO, [False, True, False]),
    ("relu6", F.relu6, [0.0, 1.0, 6.0], [True, False, True]),
    ("hardtanh", F.hardtanh, [-1.0, 0.0, 1.0], [True, False, True]),
    ("hardswish", F.hardswish, [-3.0, 0.0, 3.0], [True, False, True]),
    ("hardsigmoid", F.hardsigmoid, [-3.0, 0.0, 3.0], [True, False, True]),
    ("hardshrink", F.hardshrink, [-0.5, 0.0, 0.5], [True, False, True]),
    ("softshrink", F.softshrink, [-0.5, 0.0, 0.5], [True, False, True]),
    ("clamp", lambda x: x.clamp(-1.0, 2.0), ZERO, [True, False, True]),
    ("clamp_min", lambda x: x.clamp_min(0.0), ZERO, [False, True, False]),
    ("sign", torch.sign, ZERO, [False, True, False]),
    ("floor", torch.floor, [0.5, 1.0, 2.0], [False, True, True]),
    ("round", torch.round, [0.5, 1.0, -1.5], [True, False, True]),
    ("frac", torch.frac, [0.5, 1.0, 2.0], [False, True, True]),
    ("amax", lambda x: x.amax(), [1.0, 3.0, 3.0], [False, True, True]),
    ("max", lambda x: x.max(), [3.0, 3.0, 1.0], [True, True, False]),
    ("max along", lambda x: x.max(0), [3.0, 3.0, 1.0], [True, True, False]),
    ("min", lambda x: x.min(), [3.0, 2.0, 1.0], [False, False, False]),
    ("maximum", lambda x: torch.maximum(x, ONE), [1.0, 3.0, 0.0], [True, False, False]),
    ("max of two", lambda x: torch.max(x, ONES), [1.0, 3.0, 0.0], [True, False, False]),
    ("l1_loss", lambda x: F.l1_loss(x, ONES), [1.0, 3.0, 0.0], [True, False, False]),
    ("prelu", lambda x: F.prelu(x, ONE), ZERO, [False, True, False]),
]


@pytest.mark.parametrize(
    ("function", "values", "kinks"), [row[1:] for row in KINKS], ids=[row[0] for row in KINKS]
)
def test_at_a_kink_the_table_takes_what_pytorch_takes(
    function: Callable[[Tensor], Any], values: list[float], kinks: list[bool]
) -> None:
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    call = seen(lambda: function(x))
    bound, rule = call.bound(), call.rule
    assert rule.kink is not None and rule.kink_note
    assert rule.kink(bound).reshape(-1).tolist() == kinks
    upstream = tuple(torch.ones_like(y) if y.requires_grad else None for y in call.outputs)
    slot = next(i for i, t in enumerate(call.tensors) if t is x)
    derivative = rule.derivative(bound.place_of(slot)[0])
    assert derivative is not None
    rtol = LOOSE.get(call.name, RTOL)
    close(derivative.vjp(bound, slot, upstream), by_autograd(call, upstream)[slot], rtol)


def test_dropped_zeros_cannot_be_told_and_are_said_to_be() -> None:
    x = torch.tensor([0.0, 1.0, 0.0, 2.0], requires_grad=True)
    call = seen(lambda: F.dropout(x, 0.5))
    assert call.rule.unknown is not None
    assert call.rule.unknown(call.bound()).tolist() == [True, False, True, False]


# ---------------------------------------------------------------------- traces are the Jacobian

torch.manual_seed(0)
KERNEL, MATRIX = torch.randn(2, 3, 2).double(), torch.randn(4, 2).double()
MAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "layer_norm": lambda x: F.layer_norm(x, (4,)),
    "softmax": lambda x: x.softmax(1),
    "cumprod": lambda x: x.cumprod(1),
    "conv1d": lambda x: F.conv1d(x, KERNEL, padding=1),
    "matmul": lambda x: x @ MATRIX,
    "avg_pool1d": lambda x: F.avg_pool1d(x, 2, 1),
    "var": lambda x: x.var(1),
    "normalize": lambda x: F.normalize(x),
    "repeat": lambda x: x.repeat(2, 2),
}


@pytest.mark.parametrize("name", MAPS)
def test_coefficients_are_columns_of_the_jacobian(name: str) -> None:
    """Each term's factors beside ∂y[k]/∂x[i], from autograd by one-hot upstream gradients."""
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    call = seen(lambda: MAPS[name](x))
    bound, y, index = call.bound(), call.outputs[0], (1, 2)
    derivative = call.rule.derivative("input")
    assert derivative is not None
    _, terms = derivative.terms(bound, 0, (torch.ones_like(y).detach(),), index, ["y"])
    found = torch.zeros(y.shape, dtype=y.dtype)
    for term in terms:
        assert term.factors[0].value == 1
        found[term.factors[0].index] += math.prod(f.value for f in term.factors[1:])
    columns = [
        torch.autograd.grad(y, x, hot.reshape(y.shape), retain_graph=True)[0][index]
        for hot in torch.eye(y.numel(), dtype=y.dtype)
    ]
    close(found, torch.stack(columns).reshape(y.shape))
