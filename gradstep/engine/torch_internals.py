"""Everything of torch that is not public API and that gradstep leans on, in one place.

Each function says what it relies on; ``tests/engine/test_torch_internals.py`` tries each, so that a
new release of torch that moves one of them fails there and not in a user's run.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

DisableTorchFunction = torch._C.DisableTorchFunction
"""Context in which no function mode or subclass sees calls: for our own reads."""


def push_function_mode(mode: TorchFunctionMode) -> None:
    """Put ``mode`` below all others: the program's own leave the stack from its top."""
    above = []
    while torch._C._len_torch_function_stack():
        above.append(torch._C._pop_torch_function_stack())
    torch._C._push_on_torch_function_stack(mode)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)


def remove_function_mode(mode: TorchFunctionMode) -> bool:
    """Take ``mode`` off the stack, wherever it is. False when it is not on it: a mode is off its
    own stack while its handler runs and comes back when the handler returns."""
    above = []
    found = False
    while torch._C._len_torch_function_stack():
        top = torch._C._pop_torch_function_stack()
        if top is mode:
            found = True
            break
        above.append(top)
    for other in reversed(above):
        torch._C._push_on_torch_function_stack(other)
    return found


def function_mode_is_on(mode: TorchFunctionMode) -> bool:
    count = torch._C._len_torch_function_stack()
    return any(torch._C._get_function_stack_at(i) is mode for i in range(count))


_count_dispatch_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
_count_function_modes: Callable[[], int] = torch._C._len_torch_function_stack


def push_dispatch_mode(mode: TorchDispatchMode) -> None:
    """Put ``mode`` below all others: the program's own leave the stack from its top."""
    above = []
    while torch._C._len_torch_dispatch_stack():
        above.append(torch._C._pop_torch_dispatch_stack(None))
    torch._C._push_on_torch_dispatch_stack(mode)
    for other in reversed(above):
        torch._C._push_on_torch_dispatch_stack(other)


def remove_dispatch_mode(mode: TorchDispatchMode) -> bool:
    """Take ``mode`` off the dispatch stack, wherever it is; False when it is not there."""
    above = []
    found = False
    while torch._C._len_torch_dispatch_stack():
        top = torch._C._pop_torch_dispatch_stack(None)
        if top is mode:
            found = True
            break
        above.append(top)
    for other in reversed(above):
        torch._C._push_on_torch_dispatch_stack(other)
    return found


@contextlib.contextmanager
def without_dispatch_mode(mode: TorchDispatchMode) -> Iterator[None]:
    """Some kernels differ under any dispatch mode: they run without ours."""
    was_on = remove_dispatch_mode(mode)
    try:
        yield
    finally:
        if was_on:
            push_dispatch_mode(mode)


class unobserved:
    """Our own tensor work: no modes, no graph. Nothing of it may reach the program.

    A class, not a generator: it is entered for every value that is previewed."""

    __slots__ = ("_grad", "_modes", "_quiet")

    def __enter__(self) -> None:
        self._quiet = DisableTorchFunction()
        self._quiet.__enter__()
        self._grad = torch.is_grad_enabled()
        if self._grad:
            torch._C._set_grad_enabled(False)
        self._modes: list[Any] = []
        while torch._C._len_torch_dispatch_stack():
            self._modes.append(torch._C._pop_torch_dispatch_stack(None))

    def __exit__(self, *_: object) -> None:
        while self._modes:
            torch._C._push_on_torch_dispatch_stack(self._modes.pop())
        if self._grad:
            torch._C._set_grad_enabled(True)
        self._quiet.__exit__(None, None, None)


sequence_number: Callable[[], int] = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]
"""The number that the next autograd node made in this thread will carry."""


def run_backward(outputs: Any, seeds: Any, inputs: Any) -> tuple[Tensor | None, ...]:
    """Backward of our own, of which no program hears: past the entry that is wrapped."""
    engine: Any = torch.autograd.Variable._execution_engine
    found: tuple[Tensor | None, ...] = engine.run_backward(
        tuple(outputs), tuple(seeds), False, False, tuple(inputs), True, accumulate_grad=False
    )
    return found


def node_name(node: Any) -> str:
    """``MulBackward0``: without its namespace."""
    return str(node.name()).rpartition("::")[2]


def node_number(node: Any) -> int:
    return int(node._sequence_nr())


def heads_of(outputs: list[Tensor]) -> dict[int, list[tuple[int, int]]]:
    """By the number of an autograd node: which of its results is which of ``outputs``."""
    found: dict[int, list[tuple[int, int]]] = {}
    for index, tensor in enumerate(outputs):
        with DisableTorchFunction():
            made_by = tensor.grad_fn
            if made_by is not None:
                found.setdefault(node_number(made_by), []).append((tensor.output_nr, index))
    return found


ACCUMULATE_GRAD = "torch::autograd::AccumulateGrad"


def wrap_backward_entry(make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Every Python route into backward (``Tensor.backward``, ``autograd.backward`` and ``grad``)
    calls ``torch.autograd._engine_run_backward``; ``make`` gets it and returns its wrapper."""
    original = torch.autograd._engine_run_backward  # type: ignore[attr-defined]
    wrapper = make(original)
    torch.autograd._engine_run_backward = wrapper  # type: ignore[attr-defined]
    # A second name for the same function, imported by torch.autograd.graph's helpers.
    if getattr(torch.autograd.graph, "_engine_run_backward", None) is original:
        wrapped: Any = wrapper
        torch.autograd.graph._engine_run_backward = wrapped


def wrap_function_apply(around: Callable[[Any, Any, Any, Any], Any]) -> None:
    """``around`` gets every call of a custom ``autograd.Function``: how to call it, the class,
    arguments. No mode is told of these. Programs keep ``apply`` under names of their own
    (``relu = ReLU.apply``), so it is wrapped once, before they do; ``torch.compile`` knows it by
    its name."""
    owner: Any = torch.autograd.Function
    original = owner.__dict__["apply"].__func__

    @functools.wraps(original)
    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, cls, args, kwargs)

    owner.apply = classmethod(apply)


def wrap_new_parameter(around: Callable[[Any, Any, Any, Any], Any]) -> None:
    """``around`` gets every making of an ``nn.Parameter``: how to make it, the class, arguments.
    No mode is told of it."""
    owner: Any = torch.nn.Parameter
    original = owner.__new__

    @functools.wraps(original)
    def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, cls, args, kwargs)

    owner.__new__ = staticmethod(__new__)


MODULE_CALL = torch.nn.Module._call_impl.__code__
"""Of the frame in which a module's forward runs; its ``self`` is the module."""


class ModuleCalls:
    """``around`` gets every call of a module while on: how to call it, the module, arguments. A
    class calls what its ``__call__`` is at that moment; the program may have put its own there."""

    def __init__(self, around: Callable[[Any, Any, Any, Any], Any]) -> None:
        self._around = around
        self._on = False
        self._wrapper: Any = None
        self._original: Any = None

    def switch(self, on: bool) -> None:
        owner: Any = torch.nn.Module
        self._on = on
        if on and owner.__call__ is not self._wrapper:
            self._original = original = owner.__call__

            @functools.wraps(original)
            def __call__(this: Any, *args: Any, **kwargs: Any) -> Any:
                if self._on and self._wrapper is __call__:
                    return self._around(original, this, args, kwargs)
                return original(this, *args, **kwargs)

            self._wrapper = owner.__call__ = __call__
        elif not on and self._wrapper is not None and owner.__call__ is self._wrapper:
            owner.__call__, self._wrapper = self._original, None


def replace_backward_entry(old: Any, new: Any) -> bool:
    """Put ``new`` in the place of ``old``; False where the entry is another's by now."""
    if torch.autograd._engine_run_backward is not old:  # type: ignore[attr-defined]
        return False
    torch.autograd._engine_run_backward = new  # type: ignore[attr-defined]
    if getattr(torch.autograd.graph, "_engine_run_backward", None) is old:
        torch.autograd.graph._engine_run_backward = new
    return True


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


class CompiledCode:
    """``torch.compile`` under a mode would compile the mode too: while modes are on, compiled
    functions run eagerly, and at run level as they would without gradstep. Setting the stance
    imports dynamo, which takes a second, so nothing is set before the program compiles."""

    def __init__(self, told: Callable[[], None], first: Callable[[], None]) -> None:
        """``first`` is called before anything is compiled."""
        self._told, self._first = told, first
        self._eager = self.used = False

    def install(self) -> None:
        original = torch.compile

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            if not self.used:
                self.used = True
                self._first()
                self._set()
            return original(*args, **kwargs)

        replacement: Any = compile
        torch.compile = replacement

    def step_eagerly(self, on: bool) -> None:
        if on != self._eager:
            self._eager = on
            if self.used:
                self._set()

    def _set(self) -> None:
        if self._eager:
            self._told()
        if self._eager or "torch._dynamo" in sys.modules:
            torch.compiler.set_stance("force_eager" if self._eager else "default")


def is_leaf(tensor: Tensor) -> bool:
    """Of several views of a tensor that was changed in place since, asking one raises: none is."""
    try:
        return tensor.is_leaf
    except RuntimeError:
        return False


def grad_fn(tensor: Tensor) -> Any:
    """The node that made it; None for a leaf and for a view that can no longer be asked."""
    try:
        with DisableTorchFunction():
            return tensor.grad_fn
    except RuntimeError:
        return None


def is_opaque(tensor: Tensor) -> bool:
    """Whether reading the elements could crash or lie: forward-mode zero tensors, tensors inside
    a ``torch.func`` transform, meta and fake tensors, sparse and other layouts."""
    kind = tensor.__class__
    if kind is not Tensor and kind is not torch.nn.Parameter:
        return not _plain_subclass(kind)
    if tensor.layout is not _STRIDED or tensor.is_meta or tensor.is_nested:
        return True
    return bool(tensor._is_zerotensor() or _is_functorch_wrapped(tensor))


def plain_number(loss: Any) -> float | None:
    """The number in a real one-element tensor that nothing is peculiar about; None for all others,
    and when a mode or transform would see it being read. Asked at every backward, in one function
    and with few questions: each is code that has left the cache since the last backward."""
    if type(loss) is not Tensor or _count_dispatch_modes() or _count_function_modes():
        return None
    if loss.layout is not _STRIDED or loss.numel() != 1 or _transforms_are_active():
        return None
    try:
        number = loss.item()
    except RuntimeError:  # a meta tensor, a nested one
        return None
    return number if type(number) is float else None


# Each dot in their names would cost as much again as what they do.
_STRIDED = torch.strided
_is_functorch_wrapped: Callable[[Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor
_transforms_are_active: Callable[[], bool] = torch._C._are_functorch_transforms_active


def _plain_subclass(kind: type) -> bool:
    dispatch = getattr(kind, "__torch_dispatch__", None)
    return dispatch in (None, torch._C._disabled_torch_dispatch_impl)


def capturing() -> bool:
    """Whether a CUDA graph is being captured: then reading any value would break it."""
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())


def derivative_of_linear(
    function: Callable[[tuple[Tensor | None, ...]], Tensor], at: tuple[Tensor | None, ...]
) -> list[Tensor | None]:
    """The coefficients of a scalar ``function`` that is linear in its tensors. In a thread of ours,
    by the backward engine itself: Python's entry to it is where the program's backward is seen."""
    engine: Any = torch.autograd.Variable._execution_engine
    with torch.enable_grad():
        leaves = tuple(None if t is None else t.detach().requires_grad_() for t in at)
        value = function(leaves)
    wanted = tuple(leaf for leaf in leaves if leaf is not None)
    if not value.requires_grad:
        return [None if t is None else torch.zeros_like(t) for t in at]
    found = list(
        engine.run_backward(
            (value,), (torch.ones_like(value),), False, False, wanted,
            allow_unreachable=True, accumulate_grad=False,
        )
    )  # fmt: skip
    return [None if leaf is None else found.pop(0) for leaf in leaves]
