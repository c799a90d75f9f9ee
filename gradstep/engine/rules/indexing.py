"""Choosing and placing elements by index or mask."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall, Unexplained
from gradstep.engine.rules.families import Derivative, Elementwise, Written
from gradstep.engine.rules.movement import Movement, Numbered, Replay
from gradstep.engine.rules.rule import Rule, docs, yaml

_TAKEN = "∂L/∂x = ∂L/∂y, added up at the elements that were chosen"
_LEFT = "∂L/∂x = ∂L/∂y where x was kept, 0 where it was replaced"
_PUT = "∂L/∂s = ∂L/∂y at the places where s was put"
_SYMBOLS = {"input": "x", "src": "s", "source": "s", "value": "s", "values": "s", "output": "y"}


def _moves(names: str, parameters: str, replay: Replay, put: str = "", text: str = _TAKEN) -> Rule:
    source = yaml(names.split()[0])
    by: dict[str, Derivative] = {"input": Movement(text, source, replay)}
    if put:
        by[put] = Movement(_PUT, source, replay)
    return Rule(names, parameters, by, _SYMBOLS)


def _setitem(n: Numbered) -> Tensor:
    found: Tensor = n["input"].clone()
    value = n["value"]
    found[n["index"]] = value if isinstance(value, Tensor) else 0.0
    return found


def _number(value: Any) -> Any:
    return value if isinstance(value, Tensor) else 0.0


def _scatter(n: Numbered) -> Any:
    if n["reduce"] is not None:
        raise Unexplained("with a reduction")
    src = n["src"] if n["src"] is not None else n["value"]
    return n["input"].scatter(n["dim"], n["index"], _number(src))


def _index_put(n: Numbered) -> Any:
    if n["accumulate"]:
        raise Unexplained("with accumulate")
    return n["input"].index_put(n["indices"], n["values"])


def _embedding(n: Numbered) -> Any:
    """Rows of the weight; the padding row gets no gradient."""
    weight, ids = n["weight"], n["input"]
    if n["scale_grad_by_freq"]:
        raise Unexplained("with scale_grad_by_freq")
    padding = n["padding_idx"]
    found = weight[ids]
    if padding is not None:
        found = torch.where((ids == padding % weight.shape[0])[..., None], 0.0, found)
    return found


def _kept(c: BoundCall) -> Tensor:
    return (~c["mask"]).to(c.y.dtype)


def _filled(c: BoundCall, g: Tensor) -> Tensor:
    return (g * c["mask"]).sum()


def _index_add_source(c: BoundCall, g: Tensor) -> Tensor:
    return g.index_select(c["dim"], c["index"]) * float(c["alpha"])


def _scatter_add_source(c: BoundCall, g: Tensor) -> Tensor:
    taken = g.gather(c["dim"], c["index"])
    found = torch.zeros_like(c["src"])
    found[tuple(slice(0, n) for n in taken.shape)] = taken
    return found


def _bag(c: BoundCall, g: Tensor) -> Tensor:
    """Bags of equal length, or by offsets; summed or averaged."""
    weight, ids, mode = c["weight"], c["input"], c["mode"]
    if mode == "max" or c["padding_idx"] is not None or c["scale_grad_by_freq"]:
        raise Unexplained("with max, a padding row or scale_grad_by_freq")
    if ids.dim() == 2:
        bag = torch.arange(ids.shape[0], device=ids.device).repeat_interleave(ids.shape[1])
    else:
        starts = torch.zeros(ids.shape[0] + 1, dtype=torch.long, device=ids.device)
        starts.index_add_(0, c["offsets"].long(), torch.ones_like(c["offsets"].long()))
        bag = starts[: ids.shape[0]].cumsum(0) - 1
    rows = g[bag]
    if mode == "mean":
        rows = rows / torch.bincount(bag, minlength=g.shape[0])[bag][:, None]
    if c["per_sample_weights"] is not None:
        rows = rows * c["per_sample_weights"].reshape(-1, 1)
    return torch.zeros_like(weight).index_add(0, ids.reshape(-1), rows)


def _one(c: BoundCall) -> Tensor:
    return torch.ones_like(c.y)


def _fold(c: BoundCall, g: Tensor) -> Tensor:
    options = {k: c[k] for k in ("dilation", "padding", "stride")}
    unfold: Any = torch.nn.functional.unfold
    found: Tensor = unfold(g, c["kernel_size"], **options)
    return found


def _put_back(c: BoundCall, g: Tensor) -> Tensor:
    return torch.zeros_like(c.x)


RULES: tuple[Rule, ...] = (
    _moves("getitem", "input, index", lambda n: operator.getitem(n["input"], n["index"])),
    _moves("setitem_ setitem", "input, index, value", _setitem, "value", _LEFT),
    _moves("index_select", "input, dim, index",
           lambda n: n["input"].index_select(n["dim"], n["index"])),
    _moves("gather", "input, dim, index, *, sparse_grad=False",
           lambda n: n["input"].gather(n["dim"], n["index"])),
    _moves("take", "input, index", lambda n: n["input"].take(n["index"])),
    _moves("take_along_dim", "input, indices, dim=None",
           lambda n: n["input"].take_along_dim(n["indices"], n["dim"])),
    _moves("masked_select", "input, mask", lambda n: n["input"].masked_select(n["mask"])),
    _moves("index_copy", "input, dim, index, source",
           lambda n: n["input"].index_copy(n["dim"], n["index"], n["source"]), "source", _LEFT),
    _moves("index_fill", "input, dim, index, value",
           lambda n: n["input"].index_fill(n["dim"], n["index"], _number(n["value"])),
           "value", _LEFT),
    _moves("index_put", "input, indices, values, accumulate=False", _index_put, "values", _LEFT),
    _moves("masked_scatter", "input, mask, source",
           lambda n: n["input"].masked_scatter(n["mask"], n["source"]), "source", _LEFT),
    _moves("scatter", "input, dim, index, src=None, *, value=None, reduce=None", _scatter, "src",
           _LEFT),
    _moves("select_scatter", "input, src, dim, index",
           lambda n: n["input"].select_scatter(n["src"], n["dim"], n["index"]), "src", _LEFT),
    _moves("slice_scatter", "input, src, dim=0, start=None, end=None, step=1",
           lambda n: n["input"].slice_scatter(
               n["src"], n["dim"], n["start"], n["end"], n["step"]), "src", _LEFT),
    _moves("copy_ copy", "input, src, non_blocking=False",
           lambda n: n["src"].expand(n["input"].shape) + 0 * n["input"], "src",
           "∂L/∂x = 0: all of x was replaced"),
    Rule("masked_fill", "input, mask, value",
         {"input": Elementwise("∂y/∂x = 0 where the mask holds, else 1", yaml("masked_fill"),
                               _kept),
          "value": Written("∂L/∂s = Σ ∂L/∂y where the mask holds", yaml("masked_fill"), _filled)},
         _SYMBOLS),
    Rule("fill_ fill zero_", "input, value=0",
         {"input": Written("∂L/∂x = 0: all of x was replaced", yaml("fill"), _put_back),
          "value": Written("∂L/∂s = Σ ∂L/∂y", yaml("fill"), lambda c, g: g.sum())}, _SYMBOLS),
    Rule("index_add", "input, dim, index, source, *, alpha=1",
         {"input": Elementwise("∂y/∂x = 1", yaml("index_add"), _one),
          "source": Written("∂L/∂s = α ∂L/∂y at the rows to which s was added",
                            yaml("index_add"), _index_add_source)}, _SYMBOLS),
    Rule("scatter_add", "input, dim, index, src",
         {"input": Elementwise("∂y/∂x = 1", yaml("scatter_add"), _one),
          "src": Written("∂L/∂s = ∂L/∂y at the places to which s was added",
                         yaml("scatter_add"), _scatter_add_source)}, _SYMBOLS),
    Rule("embedding",
         "input, weight, padding_idx=None, max_norm=None, norm_type=2.0, "
         "scale_grad_by_freq=False, sparse=False",
         {"weight": Movement("∂L/∂W[r] = Σ ∂L/∂y over the places where row r was looked up",
                             yaml("embedding"), _embedding)},
         {"input": "i", "weight": "W", "output": "y"}),
    Rule("embedding_bag",
         "input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, "
         "mode='mean', sparse=False, per_sample_weights=None, include_last_offset=False, "
         "padding_idx=None",
         {"weight": Written("∂L/∂W[r] = Σ ∂L/∂y (for a mean: over the bag's size) over the bags "
                            "that hold r", yaml("_embedding_bag"), _bag)},
         {"input": "i", "weight": "W", "output": "y"}),
    Rule("fold", "input, output_size, kernel_size, dilation=1, padding=0, stride=1",
         {"input": Written("∂L/∂x = ∂L/∂y at the place to which x was added", docs("fold"),
                           _fold)}),
)  # fmt: skip
