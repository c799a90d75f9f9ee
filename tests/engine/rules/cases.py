"""One case for each operation of the table: how to call it with drawn arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.engine.rules.drawn import Draw

Case = Callable[[Draw], Callable[[], Any]]
"""Draws arguments and returns the call."""

CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    def add(function: Case) -> Case:
        assert name not in CASES
        CASES[name] = function
        return function

    return add


def simple(name: str, low: float = -2.0, high: float = 2.0) -> None:
    function = getattr(torch, name, None) or getattr(F, name)

    def draw_call(d: Draw) -> Callable[[], Any]:
        x = d.x(*d.shape(), low=low, high=high)
        return lambda: function(x)

    CASES[name] = draw_call


ELEMENTWISE = """
abs neg positive exp exp2 expm1 square sin cos tan sinh cosh tanh atan asinh sigmoid erf erfc
sinc floor ceil round trunc sign frac deg2rad rad2deg nan_to_num i0 relu relu6
selu silu mish softsign logsigmoid tanhshrink hardsigmoid hardswish
"""
for _name in ELEMENTWISE.split():
    simple(_name)
for _name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma"):
    simple(_name, 0.1, 3.0)
for _name in ("asin", "acos", "atanh", "erfinv"):
    simple(_name, -0.9, 0.9)
simple("acosh", 1.1, 3.0)


def with_options(name: str, *options: dict[str, Any], low: float = -2.0, high: float = 2.0) -> None:
    function = getattr(F, name, None) or getattr(torch, name)

    def draw_call(d: Draw) -> Callable[[], Any]:
        x, chosen = d.x(*d.shape(), low=low, high=high), d.one_of(*options)
        return lambda: function(x, **chosen)

    CASES[name] = draw_call


with_options("logit", {}, {"eps": 0.2}, low=0.05, high=0.95)
with_options("elu", {}, {"alpha": 0.7})
with_options("celu", {}, {"alpha": 0.7})
with_options("gelu", {}, {"approximate": "tanh"})
with_options("softplus", {}, {"beta": 3.0, "threshold": 2.0})
with_options("leaky_relu", {}, {"negative_slope": 0.3})
with_options("rrelu", {}, {"training": True}, {"lower": 0.1, "upper": 0.2})
with_options("hardtanh", {}, {"min_val": -0.5, "max_val": 1.5})
with_options("hardshrink", {}, {"lambd": 1.0})
with_options("softshrink", {}, {"lambd": 1.0})
with_options("threshold", {"threshold": 0.3, "value": -1.0})
with_options("dropout", {}, {"p": 0.3}, {"training": False}, {"p": 0.0})


@case("dropout2d")
def _(d: Draw) -> Any:
    x = d.x(2, 3, 2, 2)
    return lambda: F.dropout2d(x, d.one_of(0.3, 0.6))


@case("prelu")
def _(d: Draw) -> Any:
    count = d.one_of(1, 3)
    x, w = d.x(2, 3, *d.shape(0, 2)), d.x(count)
    return lambda: F.prelu(x, w)


@case("glu")
def _(d: Draw) -> Any:
    x = d.x(2, 4, 6)
    dim = d.one_of(0, 1, -1)
    return lambda: F.glu(x, dim)


@case("clamp")
def _(d: Draw) -> Any:
    a, b = d.two_shapes()
    x = d.x(*torch.broadcast_shapes(a, b))
    if d.one_of(True, False):
        low, high = d.x(*a, low=-2, high=1), d.x(*b, low=-1, high=2)
        return lambda: torch.clamp(x, low, high)
    return d.one_of(
        lambda: x.clamp(-1.0, 0.5), lambda: x.clamp(min=0.0), lambda: torch.clip(x, max=1.0)
    )


@case("clamp_min")
def _(d: Draw) -> Any:
    x, m = d.x(3, 2), d.one_of(0.3, d.x(3, 1))
    return lambda: x.clamp_min(m)


@case("clamp_max")
def _(d: Draw) -> Any:
    x, m = d.x(3, 2), d.one_of(0.3, d.x(2))
    return lambda: torch.clamp_max(x, m)


# ---------------------------------------------------------------------- binary


def binary(name: str, low: float = -2.0, high: float = 2.0, **options: Any) -> None:
    def draw_call(d: Draw) -> Callable[[], Any]:
        a, b = d.two_shapes()
        x, y = d.x(*a, low=low, high=high), d.x(*b, low=low, high=high)
        chosen = {k: d.one_of(*v) for k, v in options.items()}
        return lambda: getattr(torch, name)(x, y, **chosen)

    CASES[name] = draw_call


for _name in (
    "mul",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "hypot",
    "logaddexp",
    "copysign",
):
    binary(_name)
binary("add", alpha=(1, 2.5))
binary("sub", alpha=(1, 2.5))
binary("rsub", alpha=(1, 2.5))
binary("div", 0.5, 2.0, rounding_mode=(None, None, "floor", "trunc"))
binary("xlogy", 0.2, 2.0)
binary("pow", 0.2, 2.0)


@case("fmod")
def _(d: Draw) -> Any:
    x, y = d.x(3, 2, high=5.0), d.plain(2, low=0.5)
    return lambda: torch.fmod(x, y)


@case("remainder")
def _(d: Draw) -> Any:
    x, y = d.x(3, 2, low=-5.0), d.x(2, low=0.5)
    return lambda: torch.remainder(x, y)


@case("operators with numbers")
def _(d: Draw) -> Any:
    x = d.x(*d.shape(), low=0.5)
    return d.one_of(
        lambda: 2.5 * x, lambda: x * 3, lambda: x + 1, lambda: 1 - x, lambda: x - 2,
        lambda: 2 / x, lambda: x / 4, lambda: x**2, lambda: x**0, lambda: x**2.5, lambda: 2**x,
        lambda: -x, lambda: abs(x), lambda: +x,
    )  # fmt: skip


@case("where")
def _(d: Draw) -> Any:
    a, b = d.two_shapes()
    x, y = d.x(*a), d.x(*b)
    c = d.mask(*torch.broadcast_shapes(a, b))
    return d.one_of(lambda: torch.where(c, x, y), lambda: torch.where(c, x, 0.5))


@case("where as a method")
def _(d: Draw) -> Any:
    x, y, c = d.x(2, 3), d.x(3), d.mask(2, 1)
    return lambda: x.where(c, y)


@case("lerp")
def _(d: Draw) -> Any:
    x, e, w = d.x(2, 3), d.x(3), d.one_of(0.3, d.x(2, 1))
    return lambda: torch.lerp(x, e, w)


@case("addcmul")
def _(d: Draw) -> Any:
    x, a, b = d.x(2, 3), d.x(3), d.x(2, 1)
    return lambda: torch.addcmul(x, a, b, value=d.one_of(1, 0.5))


@case("addcdiv")
def _(d: Draw) -> Any:
    x, a, b = d.x(2, 3), d.x(3), d.x(2, 1, low=0.5)
    return lambda: torch.addcdiv(x, a, b, value=d.one_of(1, 0.5))


# ---------------------------------------------------------------------- products


@case("matmul")
def _(d: Draw) -> Any:
    left, right = d.one_of(
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2)),
    )  # fmt: skip
    a, b = d.x(*left), d.x(*right)
    return d.one_of(lambda: a @ b, lambda: torch.matmul(a, b))


@case("mm")
def _(d: Draw) -> Any:
    a, b = d.x(d.integer(1, 3), 3), d.x(3, d.integer(1, 3))
    return lambda: torch.mm(a, b)


@case("bmm")
def _(d: Draw) -> Any:
    a, b = d.x(2, d.integer(1, 3), 3), d.x(2, 3, 2)
    return lambda: a.bmm(b)


@case("mv")
def _(d: Draw) -> Any:
    a, b = d.x(d.integer(1, 3), 3), d.x(3)
    return lambda: torch.mv(a, b)


@case("dot")
def _(d: Draw) -> Any:
    a, b = d.x(3), d.x(3)
    return lambda: torch.dot(a, b)


@case("outer")
def _(d: Draw) -> Any:
    a, b = d.x(3), d.x(d.integer(1, 3))
    return lambda: torch.outer(a, b)


@case("inner")
def _(d: Draw) -> Any:
    a, b = d.x(*d.shape(0, 2), 3), d.x(*d.shape(0, 2), 3)
    return lambda: torch.inner(a, b)


@case("tensordot")
def _(d: Draw) -> Any:
    a, b = d.x(2, 3, 4), d.x(3, 4, 2)
    return d.one_of(
        lambda: torch.tensordot(a, b, 2), lambda: torch.tensordot(a, b, dims=([0, 2], [2, 1]))
    )


@case("linear")
def _(d: Draw) -> Any:
    x, w = d.x(*d.shape(0, 3), 3), d.x(2, 3)
    b = d.one_of(None, d.x(2))
    return lambda: F.linear(x, w, b)


@case("bilinear")
def _(d: Draw) -> Any:
    rows = d.shape(1, 2)
    x, y, w, b = d.x(*rows, 2), d.x(*rows, 3), d.x(4, 2, 3), d.one_of(None, d.x(4))
    return lambda: F.bilinear(x, y, w, b)


@case("einsum")
def _(d: Draw) -> Any:
    text, shapes = d.one_of(
        ("ij,jk->ik", ((2, 3), (3, 4))), ("bij,bjk", ((2, 2, 3), (2, 3, 2))),
        ("ij->j", ((2, 3),)), ("i,i->", ((3,), (3,))), ("...ij,jk->...ik", ((2, 2, 3), (3, 2))),
        ("bhqd,bhkd->bhqk", ((1, 2, 3, 2), (1, 2, 2, 2))), ("i,j,k->ijk", ((2,), (3,), (2,))),
    )  # fmt: skip
    tensors = [d.x(*shape) for shape in shapes]
    return lambda: torch.einsum(text, *tensors)


@case("addmm")
def _(d: Draw) -> Any:
    m, a, b = d.x(*d.one_of((2, 4), (4,), (2, 1))), d.x(2, 3), d.x(3, 4)
    return lambda: torch.addmm(m, a, b, beta=d.one_of(1, 0.5), alpha=d.one_of(1, 2))


@case("addmv")
def _(d: Draw) -> Any:
    m, a, b = d.x(2), d.x(2, 3), d.x(3)
    return lambda: torch.addmv(m, a, b, alpha=d.one_of(1, 2))


@case("baddbmm")
def _(d: Draw) -> Any:
    m, a, b = d.x(2, 1, 4), d.x(2, 2, 3), d.x(2, 3, 4)
    return lambda: torch.baddbmm(m, a, b, beta=0.5)


@case("addbmm")
def _(d: Draw) -> Any:
    m, a, b = d.x(2, 4), d.x(3, 2, 3), d.x(3, 3, 4)
    return lambda: torch.addbmm(m, a, b, alpha=2)


@case("addr")
def _(d: Draw) -> Any:
    m, a, b = d.x(2, 3), d.x(2), d.x(3)
    return lambda: torch.addr(m, a, b, alpha=d.one_of(1, 2), beta=0.5)


def _regular(d: Draw, *shape: int) -> torch.Tensor:
    x = d.plain(*shape) + 4 * torch.eye(shape[-1], dtype=torch.float64)
    return x.requires_grad_()


@case("inverse")
def _(d: Draw) -> Any:
    a = _regular(d, *d.shape(0, 1), 3, 3)
    return lambda: torch.inverse(a)


@case("det")
def _(d: Draw) -> Any:
    a = _regular(d, *d.shape(0, 1), 3, 3)
    return lambda: torch.linalg.det(a)


@case("logdet")
def _(d: Draw) -> Any:
    a = _regular(d, 3, 3)
    return lambda: torch.logdet(a)


@case("linalg_solve")
def _(d: Draw) -> Any:
    a, b = _regular(d, 3, 3), d.x(*d.one_of((3,), (3, 2)))
    return lambda: torch.linalg.solve(a, b)


@case("trace")
def _(d: Draw) -> Any:
    a = d.x(3, d.integer(1, 4))
    return lambda: a.trace()


@case("cross")
def _(d: Draw) -> Any:
    a, b = d.x(2, 3), d.x(2, 3)
    return lambda: torch.linalg.cross(a, b)


# ---------------------------------------------------------------------- reductions


def reduction(name: str, function: Any, low: float = -2.0, plain: bool = True) -> None:
    def draw_call(d: Draw) -> Callable[[], Any]:
        x = d.x(*(n + 1 for n in d.shape(1, 3, 3)), low=low)
        dim = d.integer(-x.dim(), x.dim() - 1)
        calls = [lambda: function(x, dim), lambda: function(x, dim=dim, keepdim=True)]
        if plain:
            calls.append(lambda: function(x))
        return d.one_of(*calls)

    CASES[name] = draw_call


for _name in (
    "sum",
    "nansum",
    "mean",
    "nanmean",
    "prod",
    "amax",
    "amin",
    "max",
    "min",
    "median",
    "std",
    "var",
):
    reduction(_name, getattr(torch, _name))
reduction("norm", torch.norm)
reduction("logsumexp", torch.logsumexp, plain=False)


@case("reductions of several axes")
def _(d: Draw) -> Any:
    x = d.x(2, 3, 2)
    dims = d.one_of((0, 1), (-1, 0), (0, 1, 2))
    return d.one_of(
        lambda: x.sum(dims), lambda: x.mean(dim=dims, keepdim=True), lambda: x.amax(dims),
        lambda: torch.var(x, dims, correction=0), lambda: x.std(dims, unbiased=False),
        lambda: x.var(False), lambda: x.logsumexp(dims), lambda: x.norm(dim=(0, 2)),
    )  # fmt: skip


@case("products with zeros")
def _(d: Draw) -> Any:
    x = d.steps(3, 4)
    return d.one_of(lambda: x.prod(), lambda: x.prod(1), lambda: x.cumprod(0))


@case("extremes with ties")
def _(d: Draw) -> Any:
    x, y = d.steps(3, 4), d.steps(4)
    return d.one_of(
        lambda: x.max(), lambda: x.min(), lambda: x.amax(1), lambda: x.amin(0),
        lambda: x.max(1), lambda: x.min(0, keepdim=True), lambda: torch.max(x, y),
        lambda: torch.min(x, y), lambda: torch.maximum(x, y), lambda: torch.minimum(x, y),
        lambda: torch.fmax(x, y), lambda: torch.fmin(x, y), lambda: torch.max(y, x),
    )  # fmt: skip


@case("norms of all orders")
def _(d: Draw) -> Any:
    x, p = d.x(3, 4), d.one_of(1, 2, 3, 0.5, float("inf"), 0)
    return d.one_of(
        lambda: x.norm(p), lambda: torch.linalg.vector_norm(x, p, dim=1),
        lambda: torch.linalg.norm(x), lambda: torch.norm(x, p, dim=0, keepdim=True),
    )  # fmt: skip


@case("dist")
def _(d: Draw) -> Any:
    x, y = d.x(2, 3), d.x(3)
    return lambda: torch.dist(x, y)


@case("sorting")
def _(d: Draw) -> Any:
    x = d.x(3, 4)
    dim = d.one_of(0, 1, -1)
    return d.one_of(
        lambda: x.sort(dim), lambda: x.topk(2, dim), lambda: x.kthvalue(2, dim),
        lambda: x.mode(dim), lambda: x.cummax(dim), lambda: x.cummin(dim), lambda: x.median(dim),
        lambda: torch.sort(x, descending=True),
    )  # fmt: skip


@case("along an axis")
def _(d: Draw) -> Any:
    x = d.x(3, 4)
    dim = d.one_of(0, 1, -1)
    return d.one_of(
        lambda: x.cumsum(dim), lambda: x.cumprod(dim), lambda: torch.logcumsumexp(x, dim)
    )


# ---------------------------------------------------------------------- softmax and losses


@case("softmax")
def _(d: Draw) -> Any:
    x = d.x(*d.shape(1, 3))
    dim = d.integer(-x.dim(), x.dim() - 1)
    return d.one_of(
        lambda: x.softmax(dim), lambda: F.softmax(x, dim=dim), lambda: F.softmin(x, dim),
        lambda: torch.log_softmax(x, dim), lambda: F.log_softmax(x, dim),
    )  # fmt: skip


HOW = ("mean", "sum", "none")


@case("regression losses")
def _(d: Draw) -> Any:
    shape = d.shape()
    x, t, how = d.x(*shape), d.x(*shape), d.one_of(*HOW)
    return d.one_of(
        lambda: F.mse_loss(x, t, reduction=how), lambda: F.l1_loss(x, t, reduction=how),
        lambda: F.smooth_l1_loss(x, t, reduction=how, beta=0.7),
        lambda: F.huber_loss(x, t, reduction=how, delta=0.7),
        lambda: F.smooth_l1_loss(x, t, reduction=how, beta=0.0),
        lambda: nn.MSELoss(reduction=how)(x, t),
    )  # fmt: skip


@case("binary_cross_entropy")
def _(d: Draw) -> Any:
    shape = d.shape(1, 2)
    x, t = d.x(*shape, low=0.05, high=0.95), d.x(*shape, low=0.0, high=1.0)
    w, how = d.one_of(None, d.plain(*shape)), d.one_of(*HOW)
    return lambda: F.binary_cross_entropy(x, t, weight=w, reduction=how)


@case("binary_cross_entropy_with_logits")
def _(d: Draw) -> Any:
    shape = d.shape(1, 2)
    x, t = d.x(*shape), d.x(*shape, low=0.0, high=1.0)
    w, p = d.one_of(None, d.plain(*shape)), d.one_of(None, d.plain(shape[-1], low=0.5))
    how = d.one_of(*HOW)
    return lambda: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=p, reduction=how)


@case("kl_div")
def _(d: Draw) -> Any:
    shape, logs = d.shape(1, 2), d.one_of(True, False)
    x = d.x(*shape, low=-3, high=0)
    t = d.x(*shape, low=-3.0 if logs else 0.1, high=0.0 if logs else 1.0)
    how = d.one_of(*HOW, "batchmean")
    return lambda: F.kl_div(x, t, reduction=how, log_target=logs)


@case("margins of single elements")
def _(d: Draw) -> Any:
    shape, how = d.shape(1, 2), d.one_of(*HOW)
    x, y = d.x(*shape), d.x(*shape)
    t = torch.where(d.mask(*shape), 1.0, -1.0).double()
    return d.one_of(
        lambda: F.soft_margin_loss(x, t, reduction=how),
        lambda: F.hinge_embedding_loss(x, t, reduction=how),
        lambda: F.margin_ranking_loss(x, y, t, margin=0.2, reduction=how),
    )


@case("likelihoods")
def _(d: Draw) -> Any:
    shape, how, logs = d.shape(1, 2), d.one_of(*HOW), d.one_of(True, False)
    x, t, v = d.x(*shape, low=0.1), d.x(*shape, low=0.1, high=4), d.x(*shape, low=0.2)
    return d.one_of(
        lambda: F.poisson_nll_loss(x, t, log_input=logs, reduction=how, full=logs),
        lambda: F.gaussian_nll_loss(x, t, v, reduction=how, full=logs),
    )


@case("cross_entropy")
def _(d: Draw) -> Any:
    rest = d.shape(0, 2)
    batch = (3,) if rest else d.one_of((), (3,))
    x = d.x(*batch, 4, *rest)
    t = d.ids(4, *batch, *rest)
    if d.one_of(True, False) and t.dim():
        t.view(-1)[1:2] = 1 if t.numel() == 2 else -100
    w, how, eps = d.one_of(None, d.plain(4, low=0.2)), d.one_of(*HOW), d.one_of(0.0, 0.3)
    if d.one_of(True, False, False):
        p = d.plain(*x.shape).softmax(len(batch)).requires_grad_()
        return lambda: F.cross_entropy(x, p, w, reduction=how, label_smoothing=eps)
    return lambda: F.cross_entropy(x, t, w, reduction=how, label_smoothing=eps)


@case("nll_loss")
def _(d: Draw) -> Any:
    rest = d.shape(0, 2)
    x, t = d.x(3, 4, *rest), d.ids(4, 3, *rest)
    w, how = d.one_of(None, d.plain(4, low=0.2)), d.one_of(*HOW)
    return lambda: F.nll_loss(x, t, w, ignore_index=d.one_of(-100, 1), reduction=how)


@case("margins over classes")
def _(d: Draw) -> Any:
    x, how, w = d.x(3, 4), d.one_of(*HOW), d.one_of(None, d.plain(4, low=0.2))
    t, many = d.ids(4, 3), d.mask(3, 4).double()
    return d.one_of(
        lambda: F.multi_margin_loss(x, t, p=d.one_of(1, 2), weight=w, reduction=how),
        lambda: F.multilabel_soft_margin_loss(x, many, weight=w, reduction=how),
    )


@case("likenesses")
def _(d: Draw) -> Any:
    a, b, n, how = d.x(3, 4), d.x(3, 4), d.x(3, 4), d.one_of(*HOW)
    t = torch.where(d.mask(3), 1.0, -1.0).double()
    p = d.one_of(1.0, 2.0, 3.0)
    return d.one_of(
        lambda: F.cosine_similarity(a, b), lambda: F.cosine_similarity(a, b, dim=0),
        lambda: F.pairwise_distance(a, b, p=p, keepdim=d.one_of(True, False)),
        lambda: F.triplet_margin_loss(a, b, n, p=p, reduction=how),
        lambda: F.cosine_embedding_loss(a, b, t, margin=0.1, reduction=how),
    )  # fmt: skip


# ---------------------------------------------------------------------- layers


def _sizes(n: int, low: int, high: int, d: Draw) -> tuple[int, ...]:
    return tuple(d.integer(low, high) for _ in range(n))


@case("convolution")
def _(d: Draw) -> Any:
    n, groups = d.one_of(1, 2, 2, 3), d.one_of(1, 2)
    kernel = _sizes(n, 1, 3, d)
    x = d.x(*d.one_of((), (2,)), 2 * groups, *_sizes(n, 5, 6, d))
    w, b = d.x(2 * groups, 2, *kernel), d.one_of(None, d.x(2 * groups))
    conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[n]
    dilation = d.one_of(1, 2)
    if d.one_of(True, False, False):
        return lambda: conv(x, w, b, padding=d.one_of("same", "valid"), groups=groups)
    stride, padding = d.one_of(1, 2, _sizes(n, 1, 3, d)), d.one_of(0, 1, _sizes(n, 0, 2, d))
    return lambda: conv(x, w, b, stride, padding, dilation, groups)


@case("transposed convolution")
def _(d: Draw) -> Any:
    n, groups = d.one_of(1, 2, 2, 3), d.one_of(1, 2)
    x = d.x(2, 2 * groups, *_sizes(n, 2, 3, d))
    w, b = d.x(2 * groups, 2, *_sizes(n, 2, 3, d)), d.one_of(None, d.x(2 * groups))
    conv = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}[n]
    stride = d.one_of(2, 3)
    padding, extra = d.one_of(0, 1), d.one_of(0, 1)
    return lambda: conv(x, w, b, stride, padding, extra, groups, d.one_of(1, 2))


@case("max pooling")
def _(d: Draw) -> Any:
    n = d.one_of(1, 2, 2, 3)
    x = d.x(*d.one_of((2,), (2, 2)), *_sizes(n, 5, 7, d))
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[n]
    options = d.one_of(
        {}, {"stride": 1, "padding": 1}, {"dilation": 2, "stride": 1}, {"ceil_mode": True},
        {"return_indices": True},
    )  # fmt: skip
    return lambda: pool(x, d.one_of(2, 3), **options)


@case("average pooling")
def _(d: Draw) -> Any:
    n = d.one_of(1, 2, 2, 3)
    x = d.x(*d.one_of((2,), (2, 2)), *_sizes(n, 5, 7, d))
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[n]
    options = d.one_of(
        {}, {"stride": 1, "padding": 1}, {"ceil_mode": True, "padding": 1},
        {"padding": 1, "count_include_pad": False}, {"stride": 3, "ceil_mode": True},
        {"divisor_override": 5} if n > 1 else {},
    )  # fmt: skip
    return lambda: pool(x, d.one_of(2, 3), **options)


@case("adaptive pooling")
def _(d: Draw) -> Any:
    n = d.one_of(1, 2, 3)
    x, size = d.x(*d.one_of((2,), (2, 2)), *_sizes(n, 4, 6, d)), _sizes(n, 1, 3, d)
    kind = d.one_of("avg", "max")
    pool = getattr(F, f"adaptive_{kind}_pool{n}d")
    return lambda: pool(x, size)


@case("lp pooling")
def _(d: Draw) -> Any:
    x, y = d.x(2, 4, 4, low=0.1), d.x(1, 2, 4, 4, low=0.1)
    return d.one_of(lambda: F.lp_pool1d(x, 2, 2), lambda: F.lp_pool2d(y, 3, 2))


@case("interpolate")
def _(d: Draw) -> Any:
    mode, n = d.one_of(
        ("nearest", 2), ("linear", 1), ("bilinear", 2), ("trilinear", 3), ("bicubic", 2),
        ("area", 2), ("nearest-exact", 2),
    )  # fmt: skip
    x = d.x(1, 2, *_sizes(n, 2, 4, d))
    corners = d.one_of(None, True) if "linear" in mode or "cubic" in mode else None
    options = d.one_of({"scale_factor": 2.0}, {"size": _sizes(n, 1, 5, d)})
    return lambda: F.interpolate(x, mode=mode, align_corners=corners, **options)


@case("pixel_shuffle")
def _(d: Draw) -> Any:
    x = d.x(1, 8, 2, 2)
    return d.one_of(lambda: F.pixel_shuffle(x, 2), lambda: F.pixel_unshuffle(x, 2))


@case("batch_norm")
def _(d: Draw) -> Any:
    x, w, b = d.x(3, 2, *d.shape(0, 2)), d.one_of(None, d.x(2)), d.one_of(None, d.x(2))
    mean, var = d.plain(2), d.plain(2, low=0.5)
    return d.one_of(
        lambda: F.batch_norm(x, mean, var, w, b, True),
        lambda: F.batch_norm(x, mean, var, w, b, False, eps=0.1),
        lambda: F.batch_norm(x, None, None, w, b, training=True),
    )


@case("layer_norm")
def _(d: Draw) -> Any:
    x, n = d.x(*d.shape(0, 2), 2, 3), d.one_of(1, 2)
    shape = x.shape[x.dim() - n :]
    w, b = d.one_of(None, d.x(*shape)), d.one_of(None, d.x(*shape))
    return lambda: F.layer_norm(x, shape, w, b, d.one_of(1e-5, 0.1))


@case("group_norm")
def _(d: Draw) -> Any:
    x = d.x(2, 4, *d.shape(1, 2))
    w, b = d.one_of((None, None), (d.x(4), None), (d.x(4), d.x(4)))  # torch fails for b alone
    return lambda: F.group_norm(x, d.one_of(1, 2), w, b)


@case("instance_norm")
def _(d: Draw) -> Any:
    x, w, b = d.x(2, 3, 2, 3), d.one_of(None, d.x(3)), d.one_of(None, d.x(3))
    mean, var = d.plain(3), d.plain(3, low=0.5)
    return d.one_of(
        lambda: F.instance_norm(x, weight=w, bias=b),
        lambda: F.instance_norm(x, mean, var, w, b, use_input_stats=False),
    )


@case("rms_norm")
def _(d: Draw) -> Any:
    x, w = d.x(*d.shape(0, 2), 3), d.one_of(None, d.x(3))
    return lambda: F.rms_norm(x, (3,), w, d.one_of(None, 0.1))


@case("other norms")
def _(d: Draw) -> Any:
    x = d.x(2, 4, 3)
    return d.one_of(
        lambda: F.normalize(x, p=d.one_of(1.0, 2.0, 3.0), dim=d.one_of(1, -1)),
        lambda: F.local_response_norm(x, d.one_of(2, 3), alpha=0.3),
    )


@case("scaled_dot_product_attention")
def _(d: Draw) -> Any:
    heads = d.one_of((), (2,), (2, 2))
    q, k, v = d.x(*heads, 3, 4), d.x(*heads, 2, 4), d.x(*heads, 2, 5)
    mask = d.one_of(None, d.plain(3, 2), d.x(3, 2), torch.tensor([[True, False]] * 3))
    if mask is not None:
        return lambda: F.scaled_dot_product_attention(q, k, v, mask)
    return d.one_of(
        lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        lambda: F.scaled_dot_product_attention(q, k, v, scale=d.one_of(None, 0.7)),
    )


@case("grouped attention")
def _(d: Draw) -> Any:
    q, k, v = d.x(1, 4, 2, 3), d.x(1, 2, 2, 3), d.x(1, 2, 2, 3)
    return lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=True)


@case("embedding")
def _(d: Draw) -> Any:
    ids, w = d.ids(4, *d.shape(1, 2)), d.x(4, 3)
    return lambda: F.embedding(ids, w, padding_idx=d.one_of(None, 1, -1))


@case("embedding_bag")
def _(d: Draw) -> Any:
    w, mode = d.x(4, 3), d.one_of("sum", "mean")
    ids, flat, starts = d.ids(4, 2, 3), d.ids(4, 5), torch.tensor([0, 2])
    return d.one_of(
        lambda: F.embedding_bag(ids, w, mode=mode),
        lambda: F.embedding_bag(flat, w, starts, mode=mode),
    )


@case("recurrent cells")
def _(d: Draw) -> Any:
    kind, gates = d.one_of(("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3), ("lstm", 4))
    rows = d.integer(1, 3)
    x, h, c = d.x(rows, 3), d.x(rows, 2), d.x(rows, 2)
    w, u, b, e = d.x(2 * gates, 3), d.x(2 * gates, 2), d.x(2 * gates), d.x(2 * gates)
    bias = d.one_of((), (b, e))
    cell = getattr(torch, f"{kind}_cell")
    return lambda: cell(x, (h, c) if kind == "lstm" else h, w, u, *bias)


# ---------------------------------------------------------------------- indexing


@case("getitem")
def _(d: Draw) -> Any:
    x, ids, mask = d.x(3, 4), d.ids(3, 2), d.mask(3, 4)
    return d.one_of(
        lambda: x[1], lambda: x[:, 2], lambda: x[1:, ::2], lambda: x[..., -1], lambda: x[None, 0],
        lambda: x[ids], lambda: x[ids, 1], lambda: x[[0, 0, 2]], lambda: x[mask],
        lambda: x[0, 1], lambda: x[ids, :, None],
    )  # fmt: skip


@case("taking")
def _(d: Draw) -> Any:
    x, ids, mask = d.x(3, 4), d.ids(3, 2), d.mask(3, 4)
    columns, flat, rows = d.ids(4, 3, 2), d.ids(12, 5), d.ids(3, 1, 4)
    return d.one_of(
        lambda: x.index_select(0, ids), lambda: torch.gather(x, 1, columns),
        lambda: x.take(flat), lambda: torch.take_along_dim(x, rows, 0),
        lambda: torch.take_along_dim(x, flat), lambda: torch.masked_select(x, mask),
    )  # fmt: skip


@case("placing")
def _(d: Draw) -> Any:
    x, s, rows = d.x(3, 4), d.x(2, 4), torch.tensor([2, 0])
    source = d.x(4, 4)
    mask, ids = d.mask(3, 4), torch.tensor([[0, 1, 2, 0], [1, 2, 0, 1]])
    one, scalar = d.x(4), d.x()
    return d.one_of(
        lambda: x.masked_fill(mask, 0.5), lambda: x.masked_fill(mask, scalar),
        lambda: torch.index_add(x, 0, rows, s, alpha=2), lambda: x.index_copy(0, rows, s),
        lambda: x.index_fill(0, rows, 3.0), lambda: x.scatter(0, ids, s),
        lambda: x.scatter(0, ids, 2.0), lambda: torch.scatter_add(x, 0, ids, s),
        lambda: x.index_put((rows,), s), lambda: torch.masked_scatter(x, mask, source),
        lambda: torch.select_scatter(x, one, 0, 1), lambda: torch.slice_scatter(x, s, 0, 1),
    )  # fmt: skip


@case("unfold and fold")
def _(d: Draw) -> Any:
    x, y, z = d.x(1, 2, 4, 4), d.x(1, 8, 4), d.x(2, 5)
    return d.one_of(
        lambda: F.unfold(x, 2, padding=1, stride=2), lambda: F.fold(y, (4, 4), 2, stride=2),
        lambda: z.unfold(1, 3, 1),
    )  # fmt: skip


# ---------------------------------------------------------------------- shapes


@case("shapes")
def _(d: Draw) -> Any:
    x, u, m, p = d.x(2, 3, 4), d.x(2, 1, 3), d.x(2, 3), d.plain(4, 6)
    return d.one_of(
        lambda: x.view(6, 4), lambda: x.reshape(2, -1), lambda: torch.reshape(x, (4, 6)),
        lambda: x.flatten(), lambda: torch.flatten(x, 1), lambda: x.unflatten(2, (2, 2)),
        lambda: u.squeeze(), lambda: u.squeeze(1), lambda: torch.squeeze(u, 0),
        lambda: x.unsqueeze(1), lambda: x.permute(2, 0, 1), lambda: torch.permute(x, (1, 0, 2)),
        lambda: x.transpose(0, 2), lambda: m.t(), lambda: m.T, lambda: x.mT,
        lambda: x.movedim(0, 2), lambda: x.ravel(), lambda: x.view_as(p), lambda: x.swapaxes(0, 1),
    )  # fmt: skip


@case("copies")
def _(d: Draw) -> Any:
    x, u, wide = d.x(2, 3), d.x(2, 1), d.plain(2, 3)
    return d.one_of(
        lambda: u.expand(2, 4), lambda: u.expand(3, -1, 2), lambda: torch.broadcast_to(u, (2, 2)),
        lambda: u.expand_as(wide), lambda: x.repeat(2, 1, 2), lambda: x.tile(2),
        lambda: x.tile((2, 2)),
        lambda: x.repeat_interleave(2, 0), lambda: x.repeat_interleave(3),
        lambda: x.clone(), lambda: x.contiguous(), lambda: x.double(), lambda: x.to(torch.float64),
    )  # fmt: skip


@case("orders")
def _(d: Draw) -> Any:
    x = d.x(3, 4)
    return d.one_of(
        lambda: x.flip(0),
        lambda: torch.flip(x, (0, 1)),
        lambda: x.roll(1, 0),
        lambda: x.roll(2),
        lambda: torch.rot90(x),
        lambda: x.fliplr(),
        lambda: x.flipud(),
    )


@case("parts")
def _(d: Draw) -> Any:
    x, v = d.x(4, 4), d.x(3)
    return d.one_of(
        lambda: x.narrow(1, 1, 2), lambda: x.select(0, 2), lambda: x.split(3),
        lambda: torch.split(x, [1, 3], dim=1), lambda: x.chunk(2, 1), lambda: x.unbind(1),
        lambda: x.diagonal(), lambda: x.diag(), lambda: v.diag(), lambda: x.tril(),
        lambda: torch.triu(x, 1), lambda: torch.diag_embed(x), lambda: torch.diagflat(v),
    )  # fmt: skip


@case("pad")
def _(d: Draw) -> Any:
    x = d.x(1, 2, 3, 3)
    return d.one_of(
        lambda: F.pad(x, (1, 2)), lambda: F.pad(x, (1, 0, 0, 2), value=3.0),
        lambda: F.pad(x, (1, 1, 1, 1), mode="reflect"), lambda: F.pad(x, (2, 1, 0, 1), "replicate"),
        lambda: F.pad(x, (1, 1, 0, 0), mode="circular"), lambda: F.pad(x, (-1, 0)),
    )  # fmt: skip


@case("joins")
def _(d: Draw) -> Any:
    x, y, z, v, w = d.x(2, 3), d.x(2, 3), d.x(1, 3), d.x(2), d.x(3)
    return d.one_of(
        lambda: torch.cat([x, y, z]), lambda: torch.cat((x, y), dim=1), lambda: torch.stack([x, y]),
        lambda: torch.stack((x, y), -1), lambda: torch.hstack((x, y)), lambda: torch.vstack((x, z)),
        lambda: torch.cat([x, x]), lambda: torch.block_diag(x, z),
        lambda: torch.meshgrid(v, w, indexing="ij"), lambda: torch.broadcast_tensors(x, z),
        lambda: torch.dstack((x, y)), lambda: torch.column_stack((x, y)),
    )  # fmt: skip
