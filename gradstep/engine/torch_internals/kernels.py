"""Operations that a mode would change, and how they are kept as they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from gradstep.engine.torch_internals.modes import push_function_mode, remove_function_mode

Runner = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]

# By identity: hashing an operation runs Python code. It is kept with its entry, so that its address
# is not given to another.
_runners: dict[int, tuple[Runner | None, Any]] = {}


def runner(function: Any) -> Runner | None:
    """What must run this operation in a dispatch mode's handler, so that no version bump is lost;
    None where nothing is. In-place ``_foreach_*_`` and operations written in Python lose them."""
    known = _runners.get(id(function))
    if known is None:
        schema = function._schema
        found: Runner | None = None
        if schema.is_mutable and schema.name.startswith("aten::_foreach_"):
            found = _run_foreach
        elif schema.name in torch._library.custom_ops.OPDEFS:
            found = _run_custom
        known = _runners[id(function)] = (found, function)
    return known[0]


def _run_foreach(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    result = function(*args, **kwargs)
    torch.autograd.graph.increment_version(args[0])  # the list of changed tensors comes first
    return result


def _run_custom(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What was made by ``torch.library.custom_op`` changes tensors of its own in place. Without a
    mode the key that counts versions is on while it runs; below a handler it is not."""
    included = torch._C._dispatch_tls_local_include_set()
    excluded = torch._C._dispatch_tls_local_exclude_set()
    counting = excluded.remove(torch._C.DispatchKey.ADInplaceOrView)
    with torch._C._ForceDispatchKeyGuard(included, counting):
        return function(*args, **kwargs)


# Calls whose kernel a dispatch mode changes (ATen takes other paths for "tensor subclasses").
SENSITIVE_CALLS = frozenset({
    "linalg_eigvalsh", "linalg_svdvals", "linalg_cond", "linalg_matrix_rank",
    "linalg_matrix_norm", "linalg_norm", "linalg_eigvals", "nuclear_norm", "ctc_loss",
    "max_pool1d", "linalg_tensorinv", "eigvalsh", "svdvals", "cond", "matrix_rank",
    "matrix_norm", "norm", "eigvals", "tensorinv", "max_pool1d_with_indices",
})  # fmt: skip


def keep_fast_paths(mode_here: Callable[[], TorchFunctionMode]) -> None:
    """``nn.MultiheadAttention`` and the transformer layers leave their fast path when any function
    mode is on; for those two modules, ask again with ours off, which ``mode_here`` gives for the
    thread that asks."""
    original = torch.overrides.has_torch_function
    modules = {"torch.nn.modules.activation", "torch.nn.modules.transformer"}

    def has_torch_function(relevant_args: Any) -> bool:
        answer = bool(original(relevant_args))
        if not answer or sys._getframe(1).f_globals.get("__name__") not in modules:
            return answer
        mode = mode_here()
        if not remove_function_mode(mode):
            return answer
        try:
            return bool(original(relevant_args))
        finally:
            push_function_mode(mode)

    replacement: Any = has_torch_function
    torch.overrides.has_torch_function = replacement
