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

from gradstep.protocol.examination import Life

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


def node_number(node: Any) -> int:
    return int(node._sequence_nr())


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

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._eager = self._used = False

    def install(self) -> None:
        original = torch.compile

        @functools.wraps(original)
        def compile(*args: Any, **kwargs: Any) -> Any:
            if not self._used:
                self._used = True
                self._set()
            return original(*args, **kwargs)

        replacement: Any = compile
        torch.compile = replacement

    def step_eagerly(self, on: bool) -> None:
        if on != self._eager:
            self._eager = on
            if self._used:
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
    and when a mode would see it being read. One function, as it is asked at every backward."""
    if loss.__class__ is not Tensor or _count_dispatch_modes() or _count_function_modes():
        return None
    if loss.layout is not _STRIDED or loss.is_meta or loss.is_nested or loss.numel() != 1:
        return None
    if loss._is_zerotensor() or _is_functorch_wrapped(loss):
        return None
    number = loss.item()
    return number if number.__class__ is float else None


# Each dot in their names would cost as much again as what they do.
_STRIDED = torch.strided
_is_functorch_wrapped: Callable[[Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor


def _plain_subclass(kind: type) -> bool:
    dispatch = getattr(kind, "__torch_dispatch__", None)
    return dispatch in (None, torch._C._disabled_torch_dispatch_impl)


def capturing() -> bool:
    """Whether a CUDA graph is being captured: then reading any value would break it."""
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())


def saved_tensors(node: Any) -> Iterator[tuple[str, Any]]:
    """What a node of backward saves: name and tensor; in the tensor's place a ``Life`` when it
    cannot be read, or a sentence when PyTorch refuses to use it. Hooks of the program
    (``saved_tensors_hooks``) are not called: unpacking may run a forward again.

    Relies on ``_raw_saved_*`` (of nodes of C++), ``_raw_saved_tensors`` (of ``autograd.Function``)
    and on ``data`` and ``unpack_hook`` of what they give."""
    for attribute in dir(node):
        if not attribute.startswith("_raw_saved_"):
            continue
        name = attribute.removeprefix("_raw_saved_")
        try:
            raw = getattr(node, attribute)
        except RuntimeError:  # a Function's, once freed
            yield name, Life.FREED
            continue
        several = isinstance(raw, (tuple, list))
        lives = [_life(one) for one in (raw if several else (raw,))]
        found: Any = lives
        if Life.PACKED not in lives and Life.ALIVE in lives:
            plain = "saved_tensors" if attribute == "_raw_saved_tensors" else f"_saved_{name}"
            try:
                found = getattr(node, plain)
            except RuntimeError as error:
                found = str(error).split("Hint:", 1)[0].strip()
            found = found if several and not isinstance(found, str) else [found] * len(lives)
        for number, (life, one) in enumerate(zip(lives, found, strict=True)):
            own = f"{name}[{number}]" if several else name
            yield own, (one if life is Life.ALIVE else life)


def _life(raw: Any) -> Life:
    held = getattr(raw, "data", None)
    if held is None:
        return Life.FREED  # or an optional tensor that was never there
    if not isinstance(held, Tensor) or getattr(raw, "unpack_hook", None) is not None:
        return Life.PACKED
    return Life.ALIVE
