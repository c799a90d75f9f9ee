"""Everything of torch that is not public API and that gradstep leans on, in one place.

Each function says what it relies on; ``tests/engine/test_torch_internals.py`` tries each, so that a
new release of torch that moves one of them fails there and not in a user's run.
"""

from gradstep.engine.torch_internals.autograd import (
    ACCUMULATE_GRAD,
    derivative_of_linear,
    grad_fn,
    heads_of,
    is_leaf,
    node_name,
    node_number,
    replace_backward_entry,
    run_backward,
    sequence_number,
    wrap_backward_entry,
)
from gradstep.engine.torch_internals.functional import (
    address,
    beneath,
    gradient_transforms,
    in_transform,
)
from gradstep.engine.torch_internals.inlined import inlined, is_own_line
from gradstep.engine.torch_internals.kernels import SENSITIVE_CALLS, keep_fast_paths, runner
from gradstep.engine.torch_internals.modes import (
    DisableTorchFunction,
    function_mode_is_on,
    push_dispatch_mode,
    push_function_mode,
    remove_dispatch_mode,
    remove_function_mode,
    unobserved,
    without_dispatch_mode,
)
from gradstep.engine.torch_internals.reading import capturing, is_opaque, is_unmade, plain_number
from gradstep.engine.torch_internals.wrapped import (
    MODULE_CALL,
    CompiledCode,
    ModuleCalls,
    wrap_function_apply,
    wrap_new_parameter,
    wrap_set,
)

__all__ = [
    "ACCUMULATE_GRAD",
    "MODULE_CALL",
    "SENSITIVE_CALLS",
    "CompiledCode",
    "DisableTorchFunction",
    "ModuleCalls",
    "address",
    "beneath",
    "capturing",
    "derivative_of_linear",
    "function_mode_is_on",
    "grad_fn",
    "gradient_transforms",
    "heads_of",
    "in_transform",
    "inlined",
    "is_leaf",
    "is_opaque",
    "is_own_line",
    "is_unmade",
    "keep_fast_paths",
    "node_name",
    "node_number",
    "plain_number",
    "push_dispatch_mode",
    "push_function_mode",
    "remove_dispatch_mode",
    "remove_function_mode",
    "replace_backward_entry",
    "run_backward",
    "runner",
    "sequence_number",
    "unobserved",
    "without_dispatch_mode",
    "wrap_backward_entry",
    "wrap_function_apply",
    "wrap_new_parameter",
    "wrap_set",
]
