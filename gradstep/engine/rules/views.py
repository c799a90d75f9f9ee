"""Shapes, copies and casts: nothing is computed, elements are put elsewhere."""

from __future__ import annotations

from typing import Any

import torch

from gradstep.engine.rules.bound import Unexplained
from gradstep.engine.rules.families import Derivative, Elementwise
from gradstep.engine.rules.movement import Movement, Numbered, Replay
from gradstep.engine.rules.rule import Rule, docs, yaml


def _view(names: str, parameters: str, text: str, replay: Replay | None = None) -> Rule:
    """Each element has one copy."""
    formula, source = f"∂L/∂x = ∂L/∂y{text}", yaml(names.split()[0])
    derivative = Movement(formula, source, replay) if replay else Movement(formula, source)
    return Rule(names, parameters, {"input": derivative})


def _of_list(names: str, parameters: str, text: str) -> Rule:
    by: dict[str, Derivative] = {"tensors": Movement(text, yaml(names.split()[0]))}
    return Rule(names, parameters, by, {"tensors": "x", "output": "y"})


def _same(names: str, parameters: str, text: str = "1") -> Rule:
    by: dict[str, Derivative] = {
        "input": Elementwise(
            f"∂y/∂x = {text}", docs(names.split()[0]), lambda c: c.y.new_ones(c.y.shape)
        )
    }
    return Rule(names, parameters, by)


def _detach(names: str) -> Rule:
    by: dict[str, Derivative] = {
        "input": Elementwise("no gradient goes on: the result is cut off", docs("detach"),
                             lambda c: c.y.new_zeros(c.y.shape))
    }  # fmt: skip
    return Rule(names, "input", by)


def _split(n: Numbered) -> Any:
    if n.call.original.kwargs.keys() & {"indices_or_sections", "indices", "sections"}:
        raise Unexplained("called by other names of its arguments")
    return n["input"].split(n["split_size"], n["dim"])


def _pad(n: Numbered) -> Any:
    """What is put around, if it is a constant, comes from nowhere."""
    value = {"value": 0.0} if n["mode"] == "constant" else {}
    pad: Any = torch.nn.functional.pad
    return pad(n["input"], n["pad"], mode=n["mode"], **value)


_SAME_SHAPE = ", in the shape of x"
_BACK = ", with the axes put back"
_COPIES = " summed over the copies of each element"
_PLACE = ", put back to its place"
_ZERO = ", put back to its place; 0 for what was left out"

RULES: tuple[Rule, ...] = (
    _view("reshape view _unsafe_view", "input, *shape", _SAME_SHAPE),
    _view("reshape_as view_as", "input, other", _SAME_SHAPE,
          lambda n: n["input"].reshape(n["other"].shape)),
    _view("flatten", "input, start_dim=0, end_dim=-1", _SAME_SHAPE),
    _view("ravel", "input", _SAME_SHAPE),
    _view("unflatten", "input, dim, sizes", _SAME_SHAPE),
    _view("squeeze", "input, *dim", _SAME_SHAPE),
    _view("unsqueeze", "input, dim", _SAME_SHAPE),
    _view("atleast_1d", "*input", _SAME_SHAPE),
    _view("atleast_2d", "*input", _SAME_SHAPE),
    _view("permute", "input, *dims", _BACK),
    _view("transpose swapaxes swapdims", "input, dim0, dim1", _BACK),
    _view("movedim moveaxis", "input, source, destination", _BACK),
    _view("t", "input", "^{T}"),
    _view("T", "input", "^{T}", lambda n: n["input"].permute(*range(n["input"].dim())[::-1])),
    _view("mT mH adjoint", "input", "^{T}", lambda n: n["input"].mT),
    _view("H", "input", "^{T}", lambda n: n["input"].t()),
    _view("expand broadcast_to", "input, *size", _COPIES),
    _view("expand_as", "input, other", _COPIES, lambda n: n["input"].expand(n["other"].shape)),
    _view("repeat", "input, *sizes", _COPIES, lambda n: n["input"].repeat(*n["sizes"])),
    _view("tile", "input, *dims", _COPIES),
    _view("repeat_interleave", "input, repeats, dim=None, *, output_size=None", _COPIES),
    _view("flip", "input, *dims", _PLACE),
    _view("fliplr", "input", _PLACE),
    _view("flipud", "input", _PLACE),
    _view("roll", "input, shifts, dims=()", _PLACE),
    _view("rot90", "input, k=1, dims=(0, 1)", _PLACE),
    _view("narrow", "input, dim, start, length", _ZERO),
    _view("select", "input, dim, index", _ZERO),
    _view("split split_with_sizes", "input, split_size, dim=0", _PLACE,
          _split),
    _view("chunk", "input, chunks, dim=0", _PLACE),
    _view("unbind", "input, dim=0", _PLACE),
    _view("diagonal", "input, offset=0, dim1=0, dim2=1", _ZERO),
    _view("diag", "input, diagonal=0", _ZERO),
    _view("diag_embed", "input, offset=0, dim1=-2, dim2=-1", _PLACE),
    _view("diagflat", "input, offset=0", _PLACE),
    _view("tril", "input, diagonal=0", _ZERO),
    _view("triu", "input, diagonal=0", _ZERO),
    _view("unfold", "input, *arguments, **options", _COPIES),
    _view("pad", "input, pad, mode='constant', value=None", _COPIES, _pad),
    _view("channel_shuffle", "input, groups", _PLACE),
    _of_list("cat concat concatenate", "tensors, dim=0", "∂L/∂x = the part of ∂L/∂y that is x"),
    _of_list("stack", "tensors, dim=0", "∂L/∂x = the slice of ∂L/∂y that is x"),
    _of_list("hstack", "tensors", "∂L/∂x = the part of ∂L/∂y that is x"),
    _of_list("vstack row_stack", "tensors", "∂L/∂x = the part of ∂L/∂y that is x"),
    _of_list("dstack", "tensors", "∂L/∂x = the part of ∂L/∂y that is x"),
    _of_list("column_stack", "tensors", "∂L/∂x = the part of ∂L/∂y that is x"),
    _of_list("block_diag", "*tensors", "∂L/∂x = the block of ∂L/∂y that is x"),
    _of_list("meshgrid", "*tensors, indexing=None", f"∂L/∂x = ∂L/∂y{_COPIES}"),
    _of_list("broadcast_tensors", "*tensors", f"∂L/∂x = ∂L/∂y{_COPIES}"),
    _same("clone", "input"),
    _same("contiguous", "input"),
    _same("identity alias", "input"),
    _same("to type_as", "input, *arguments, **options"),
    _same("float", "input"),
    _same("double", "input"),
    _same("half", "input"),
    _same("bfloat16", "input"),
    _same("cpu", "input, *arguments"),
    _same("cuda", "input, *arguments, **options"),
    _detach("detach"),
)  # fmt: skip
