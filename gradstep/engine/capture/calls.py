"""What kind of call a torch function is, decided once per function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import torch
from torch import Tensor


class Kind(Enum):
    OPERATION = auto()  # makes or changes tensors
    PASSIVE = auto()  # asks something of a tensor
    DATA_GET = auto()
    DATA_SET = auto()
    GRAD_GET = auto()
    GRAD_SET = auto()
    GRAD_DELETE = auto()
    REQUIRE_GRAD = auto()
    BACKWARD = auto()  # enters the backward engine from Python


_PASSIVE_NAMES = frozenset({
    "item", "tolist", "numpy", "size", "dim", "ndimension", "numel", "nelement", "stride",
    "storage", "untyped_storage", "data_ptr", "storage_offset", "element_size", "is_contiguous",
    "is_floating_point", "is_complex", "is_signed", "is_nonzero", "is_same_size", "is_set_to",
    "is_shared", "is_pinned", "is_inference", "get_device", "type", "register_hook",
    "register_post_accumulate_grad_hook", "retain_grad", "equal", "allclose",
    "is_tensor", "is_storage", "set_printoptions", "can_cast", "promote_types", "result_type",
    "dense_dim", "sparse_dim", "_is_view", "_version", "is_coalesced", "has_names", "is_conj",
    "is_neg", "_is_zerotensor", "qscheme", "is_grad_enabled", "_set_grad_enabled",
    "set_grad_enabled", "get_default_dtype", "set_default_dtype", "manual_seed", "seed",
    "initial_seed", "get_rng_state", "set_rng_state", "default_generator",
    "_record_function_enter_new", "_record_function_enter", "_record_function_exit", "__len__",
    "__bool__", "__float__", "__int__", "__index__", "__complex__", "__format__", "__repr__",
    "__str__", "__hash__", "__contains__", "__array__", "__array_wrap__", "__dlpack__",
    "__dlpack_device__", "__reduce_ex__", "__setstate__", "__deepcopy__", "_to_sparse",
    "backward_hook", "_backward_hooks", "names", "_has_compatible_shallow_copy_type",
    "get_num_threads", "set_num_threads", "_nnz", "__iter__", "__dir__", "share_memory_",
    "__cuda_array_interface__", "numpy_T",
})  # fmt: skip
_VIEW_PROPERTIES = ("T", "mT", "H", "mH", "real", "imag")


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a function. ``name``: ``mul``, ``linear``; ``T`` for a property."""

    kind: Kind
    name: str
    in_place: bool
    no_gradient: bool
    """Results never require grad, whatever goes in: no part of a forward."""


NEW_PARAMETER = Call(Kind.OPERATION, "Parameter", in_place=False, no_gradient=False)


class Calls(dict[Any, Call]):
    """What is known of each function, judged at its first call. Functions are torch's own and few,
    so they are kept. A dictionary, since it is asked at every call of the program."""

    def __init__(self) -> None:
        for function, kind in _properties():
            self[function] = _known(function, kind)
        for function in (Tensor.backward, torch.autograd.backward, torch.autograd.grad):
            self[function] = _known(function, Kind.BACKWARD)
        self[Tensor.requires_grad_] = _known(Tensor.requires_grad_, Kind.REQUIRE_GRAD)

    def __missing__(self, function: Any) -> Call:
        known = self[function] = judge(function)
        return known


def judge(function: Any) -> Call:
    """By its name, if it is none of the special ones."""
    name = getattr(function, "__name__", "")
    passive = (
        name in _PASSIVE_NAMES
        or name in ("__get__", "__set__", "__delete__")
        or name.startswith("_record_function")
    )
    return _known(function, Kind.PASSIVE if passive else Kind.OPERATION)


def _known(function: Any, kind: Kind) -> Call:
    name = _name(function)
    return Call(kind, name, is_in_place(name), has_no_gradient(name))


def _name(function: Any) -> str:
    name = getattr(function, "__name__", "") or type(function).__name__
    if name in ("__get__", "__set__", "__delete__"):
        return str(getattr(function.__self__, "__name__", name))
    name = name.partition(".")[0]  # an overload: set_.source_Tensor
    if name.startswith("__"):
        return _PLAIN_NAMES.get(name) or name.strip("_")
    return name.lstrip("_") or name


# Operators arrive under their Python names when a subclass or reflected operand is involved.
_PLAIN_NAMES = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "rsub",
    "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
    "__truediv__": "div", "__rtruediv__": "rdiv", "__itruediv__": "div_", "__pow__": "pow",
    "__rpow__": "rpow", "__ipow__": "pow_", "__matmul__": "matmul", "__rmatmul__": "matmul",
    "__neg__": "neg", "__getitem__": "getitem", "__setitem__": "setitem_", "__abs__": "abs",
}  # fmt: skip


def _properties() -> Iterator[tuple[Any, Kind]]:
    for owner in (Tensor, torch._C.TensorBase):
        for name in dir(owner):
            descriptor = getattr(owner, name, None)
            if not hasattr(descriptor, "__get__") or not hasattr(descriptor, "__set__"):
                continue
            kinds = (Kind.PASSIVE, Kind.PASSIVE, Kind.PASSIVE)
            if name == "data":
                kinds = (Kind.DATA_GET, Kind.DATA_SET, Kind.PASSIVE)
            elif name == "grad":
                kinds = (Kind.GRAD_GET, Kind.GRAD_SET, Kind.GRAD_DELETE)
            elif name == "requires_grad":
                kinds = (Kind.PASSIVE, Kind.REQUIRE_GRAD, Kind.PASSIVE)
            elif name in _VIEW_PROPERTIES:
                kinds = (Kind.OPERATION, Kind.PASSIVE, Kind.PASSIVE)
            for method, kind in zip(("__get__", "__set__", "__delete__"), kinds, strict=True):
                bound = getattr(descriptor, method, None)
                if bound is not None:
                    yield bound, kind


_NO_GRADIENT = frozenset({
    "argmax", "argmin", "argsort", "argwhere", "nonzero", "count_nonzero", "bucketize",
    "searchsorted", "unique", "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite",
    "isclose", "logical_and", "logical_or", "logical_not", "logical_xor", "all", "any",
})  # fmt: skip


def has_no_gradient(name: str) -> bool:
    """Whether results never require grad, whatever goes in: no part of a forward."""
    return name in _NO_GRADIENT or name.endswith("_like") or name.startswith("new_")


def is_in_place(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


# Most arguments that are no tensors are of these types, and hold none.
_PLAIN = frozenset({int, float, bool, str, type(None), torch.dtype, torch.device, torch.Size})


def tensors_in(values: Any, depth: int = 2) -> list[Tensor]:
    """Tensors among arguments or results, nested lists, tuples and dicts to ``depth`` included."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif depth and type(value) not in _PLAIN:
            if isinstance(value, (list, tuple)):
                found += tensors_in(value, depth - 1)
            elif isinstance(value, dict):
                found += tensors_in(value.values(), depth - 1)
    return found


def tensors_of(args: Any, kwargs: Any) -> list[Tensor]:
    """Tensors among the arguments of a call."""
    found = tensors_in(args)
    return found + tensors_in(kwargs.values()) if kwargs else found
