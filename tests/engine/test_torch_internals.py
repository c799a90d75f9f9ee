"""What gradstep leans on inside torch does what it is taken for. A release that moves one of these
fails here, and not in somebody's run."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from gradstep.engine import torch_internals as internals


class Calls(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(getattr(func, "__name__", "?"))
        return func(*args, **(kwargs or {}))


class Atens(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(func._schema.name)
        runner = internals.runner(func)
        if runner is not None:
            return runner(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


@pytest.fixture
def calls() -> Iterator[Calls]:
    mode = Calls()
    internals.push_function_mode(mode)
    yield mode
    internals.remove_function_mode(mode)


@pytest.fixture
def atens() -> Iterator[Atens]:
    mode = Atens()
    internals.push_dispatch_mode(mode)
    yield mode
    internals.remove_dispatch_mode(mode)


def test_function_mode_is_pushed_found_and_removed(calls: Calls) -> None:
    assert internals.function_mode_is_on(calls)
    one = torch.ones(1)
    assert (one + 1).item() == 2
    assert calls.seen == ["ones", "add", "item"]
    assert internals.remove_function_mode(calls)
    assert not internals.function_mode_is_on(calls)
    assert not internals.remove_function_mode(calls)
    one + 1
    assert len(calls.seen) == 3
    internals.push_function_mode(calls)


def test_function_mode_is_removed_from_below_another(calls: Calls) -> None:
    with Calls() as above:
        assert internals.remove_function_mode(calls)
        assert internals.function_mode_is_on(above)
        torch.ones(1)
        assert (above.seen, calls.seen) == (["ones"], [])
    internals.push_function_mode(calls)


def test_function_mode_is_off_while_its_handler_runs() -> None:
    class Asks(TorchFunctionMode):
        on: bool | None = None

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            self.on = internals.function_mode_is_on(self)
            return func(*args, **(kwargs or {}))

    with Asks() as mode:
        torch.ones(1)
        assert mode.on is False
        assert internals.function_mode_is_on(mode)


def test_dispatch_mode_is_pushed_and_removed_from_below(atens: Atens) -> None:
    assert torch.ones(1).sum() == 1
    assert "aten::ones" in atens.seen and "aten::sum" in atens.seen
    count = len(atens.seen)
    with Atens() as above:
        assert internals.remove_dispatch_mode(atens)
        torch.ones(1)
        assert above.seen == ["aten::ones"]
    assert len(atens.seen) == count
    assert not internals.remove_dispatch_mode(atens)
    internals.push_dispatch_mode(atens)
    with internals.without_dispatch_mode(atens):
        torch.ones(1)
    assert len(atens.seen) == count
    torch.ones(1)
    assert len(atens.seen) == count + 1


def test_unobserved_is_seen_by_nobody_and_leaves_no_trace(calls: Calls, atens: Atens) -> None:
    w = torch.ones(2, requires_grad=True)
    calls.seen.clear()
    atens.seen.clear()
    with internals.unobserved():
        product = w * 2
        with internals.unobserved():
            assert not torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    assert (calls.seen, atens.seen) == ([], [])
    assert not product.requires_grad
    assert torch.is_grad_enabled()
    with torch.no_grad():
        with internals.unobserved():
            pass
        assert not torch.is_grad_enabled()
    assert (w * 2).requires_grad
    assert "mul" in calls.seen and atens.seen == ["aten::mul"]
    with pytest.raises(ValueError, match="ours"), internals.unobserved():
        raise ValueError("ours")
    assert torch.is_grad_enabled() and internals.function_mode_is_on(calls)


def test_sequence_numbers_tie_a_call_to_its_nodes() -> None:
    w = torch.ones(2, 2, requires_grad=True)
    first = internals.sequence_number()
    made = torch.nn.functional.linear(w, w)
    last = internals.sequence_number()
    assert last - first >= 1
    assert internals.node_number(made.grad_fn) == last - 1
    with torch.no_grad():
        w * 2
    assert internals.sequence_number() == last
    accumulate = (w * 1).grad_fn.next_functions[0][0]  # type: ignore[union-attr]
    assert accumulate.name() == internals.ACCUMULATE_GRAD  # type: ignore[union-attr]
    assert accumulate.variable is w  # type: ignore[union-attr]


def test_every_python_route_into_backward_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in (torch.autograd, torch.autograd.graph):
        original = owner._engine_run_backward  # type: ignore[attr-defined]
        monkeypatch.setattr(owner, "_engine_run_backward", original)
    entered: list[int] = []

    def make(original: Any) -> Any:
        def wrapper(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            entered.append(len(outputs))
            return original(outputs, *args, **kwargs)

        return wrapper

    internals.wrap_backward_entry(make)
    w = torch.ones(2, requires_grad=True)
    (w * 2).sum().backward()
    torch.autograd.backward([(w * 2).sum(), (w * 3).sum()])
    torch.autograd.grad((w * w).sum(), w)
    torch.autograd.functional.jacobian(lambda x: (x * 2).sum(), w.detach())
    assert entered == [1, 2, 1, 1]
    assert w.grad is not None and w.grad.tolist() == [7.0, 7.0]


def test_versions_of_foreach_operations_are_repaired(atens: Atens) -> None:
    tensors = [torch.ones(2), torch.ones(3)]
    torch._foreach_add_(tensors, 1.0)
    torch._foreach_mul_(tensors, tensors)
    assert "aten::_foreach_add_" in "".join(atens.seen)
    assert [t._version for t in tensors] == [2, 2]
    torch._foreach_add(tensors, 1.0)
    assert [t._version for t in tensors] == [2, 2]
    tensors[0].add_(1)
    assert tensors[0]._version == 3


def test_versions_within_operations_written_in_python_are_kept() -> None:
    """Made by ``torch.library.custom_op``; the bare mode shows that something is to be kept."""

    @torch.library.custom_op("gradstep_tests::doubled", mutates_args=())
    def doubled(x: Tensor) -> Tensor:
        made = torch.zeros_like(x)
        return made.add_(x).mul_(2)

    class Bare(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return func(*args, **(kwargs or {}))

    x = torch.ones(2)
    assert doubled(x)._version == 2
    with Bare():
        assert doubled(x)._version == 0
    with Atens() as mode:
        result = doubled(x)
        x.add_(1)
    assert (result._version, result.tolist(), x._version) == (2, [2.0, 2.0], 1)
    assert mode.seen == ["gradstep_tests::doubled", "aten::add_"]


def test_a_dispatch_mode_does_change_a_sensitive_call() -> None:
    """The reason for the table of sensitive calls; without it this would fail one day, and the
    table could go."""
    torch.manual_seed(0)
    signal = torch.randn(1, 3, 8, requires_grad=True)
    plain = torch.nn.functional.max_pool1d(signal.detach(), 2)
    with Atens() as mode:
        torch.nn.functional.max_pool1d(signal.detach(), 2)
    assert "aten::max_pool1d" in "".join(mode.seen) or mode.seen
    with Atens() as mode, internals.without_dispatch_mode(mode):
        again = torch.nn.functional.max_pool1d(signal.detach(), 2)
    assert mode.seen == [] and torch.equal(plain, again)
    assert {"max_pool1d", "linalg_svdvals", "ctc_loss"} <= internals.SENSITIVE_CALLS


def test_fast_paths_are_kept(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    monkeypatch.setattr(torch.overrides, "has_torch_function", torch.overrides.has_torch_function)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    with torch.no_grad():
        layer(x)
        assert "_transformer_encoder_layer_fwd" not in calls.seen
        internals.keep_fast_paths(lambda: calls)
        layer(x)
    assert "_transformer_encoder_layer_fwd" in calls.seen
    assert internals.function_mode_is_on(calls)
    assert torch.overrides.has_torch_function((x,)), "for everybody else, as it was"


def test_compiled_functions_are_stepped_eagerly() -> None:
    """In a process of its own: the stance is the process's, and importing dynamo takes a second."""
    text = """
import sys, torch
from gradstep.engine import torch_internals as internals
told = []
code = internals.CompiledCode(lambda: told.append(1), lambda: None)
code.install()
assert torch.compile.__name__ == "compile"
code.step_eagerly(True)
assert "torch._dynamo" not in sys.modules and not told
calls = []
def double(x):
    calls.append(1)
    return x * 2
compiled = torch.compile(double)
assert told == [1]
assert compiled(torch.ones(1)).item() == compiled(torch.ones(1)).item() == 2
assert len(calls) == 2, "every call runs the Python function"
code.step_eagerly(False)
from torch._dynamo import eval_frame
assert eval_frame._stance.stance == "default", "at run level it is compiled as in plain Python"
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, cwd=root, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_opaque_tensors_are_known() -> None:
    class Named(Tensor):
        """A subclass that leaves operations alone."""

    class Wrapped(Tensor):
        """A subclass whose elements are elsewhere."""

        @staticmethod
        def __new__(cls, inner: Tensor) -> Wrapped:
            made: Wrapped = Tensor._make_wrapper_subclass(cls, inner.shape)  # type: ignore
            return made

        @classmethod
        def __torch_dispatch__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            raise NotImplementedError

    plain = torch.ones(2)
    assert not internals.is_opaque(plain)
    assert not internals.is_opaque(torch.nn.Parameter(plain))
    assert not internals.is_opaque(plain.as_subclass(Named))
    assert internals.is_opaque(Wrapped(plain))
    assert internals.is_opaque(torch.ones(2, device="meta"))
    assert internals.is_opaque(torch.eye(2).to_sparse())
    assert internals.is_opaque(torch._efficientzerotensor((2,)))
    inside: list[bool] = []
    torch.func.vmap(lambda x: inside.append(internals.is_opaque(x)) or x)(torch.ones(2, 2))
    torch.func.grad(lambda x: inside.append(internals.is_opaque(x)) or x.sum())(plain)
    assert inside == [True, True]


def test_a_plain_number_is_read_and_nothing_else() -> None:
    w = torch.tensor([3.0], requires_grad=True)
    assert internals.plain_number((w * 2).sum()) == 6.0
    assert internals.plain_number(w * 2) == 6.0  # one element of any shape
    assert internals.plain_number(torch.ones(2)) is None
    assert internals.plain_number(torch.ones((), device="meta")) is None
    assert internals.plain_number(torch.tensor(1 + 2j)) is None
    assert internals.plain_number(torch.ones(1).to_sparse()) is None
    assert internals.plain_number(torch.nn.Parameter(torch.ones(()))) is None
    assert internals.plain_number(1.0) is None
    seen: list[float | None] = []

    def inside(x: torch.Tensor) -> torch.Tensor:
        seen.append(internals.plain_number(x))
        return x * 2

    torch.func.vmap(inside)(torch.ones(2))
    with Calls():  # it would see the number being read
        seen.append(internals.plain_number(w * 2))
    assert seen == [None, None]


def test_the_engines_entry_runs_in_the_place_of_its_call() -> None:
    """No frame of it is entered, an error's traceback holds the line that plain PyTorch shows, and
    a line of ours is known for one."""
    original = torch.autograd._engine_run_backward  # type: ignore[attr-defined]
    told: list[Any] = []

    def entry(outputs: Any, *args: Any, **kwargs: Any) -> Any:
        told.append(outputs)
        if args == ("ours",):
            raise KeyError
        try:
            result = original(outputs, *args, **kwargs)
        finally:
            told.append("after")
        return result

    placed = internals.inlined(entry, original)
    assert placed.__code__.co_filename == original.__code__.co_filename
    assert original.__code__ not in placed.__code__.co_consts and placed is not entry

    def lines(run: Any) -> list[tuple[str, int, str]]:
        w = torch.ones((), requires_grad=True)
        loss = w * 2
        run(
            (loss,),
            (torch.ones(()),),
            False,
            False,
            (),
            allow_unreachable=True,
            accumulate_grad=True,
        )
        assert w.grad is not None and w.grad.item() == 2.0
        with pytest.raises(RuntimeError) as failed:
            run(
                (loss,),
                (torch.ones(()),),
                False,
                False,
                (),
                allow_unreachable=True,
                accumulate_grad=True,
            )
        trace = traceback.extract_tb(failed.value.__traceback__)[1:]
        return [(entry.filename, entry.lineno or 0, entry.line or "") for entry in trace]

    assert lines(placed) == lines(original)
    assert [t for t in told if t == "after"] == ["after", "after"] and len(told) == 4
    with pytest.raises(KeyError) as ours:
        placed((), "ours")
    assert internals.is_own_line(placed.__code__, ours.traceback[-1].lineno + 1)
    assert not internals.is_own_line(placed.__code__, original.__code__.co_firstlineno + 1)


def test_what_cannot_be_put_in_the_place_of_its_call_is_called() -> None:
    def original(x: int) -> int:
        if x:
            return 1
        return 2

    def outer(x: int) -> int:
        result = original(x)
        return result

    assert internals.inlined(outer, original) is outer
    assert internals.inlined(outer, len) is outer


def test_calls_of_modules_are_wrapped_and_the_programs_own_wrapper_stays() -> None:
    seen: list[str] = []

    def around(original: Any, module: Any, args: Any, kwargs: Any) -> Any:
        seen.append(type(module).__name__)
        return original(module, *args, **kwargs)

    plain: Any = torch.nn.Module.__call__
    model, x = torch.nn.Sequential(torch.nn.ReLU()), torch.tensor([-1.0, 2.0])
    calls = internals.ModuleCalls(around)
    calls.switch(True)
    assert model(x).tolist() == [0.0, 2.0]
    assert seen == ["Sequential", "ReLU"]
    wrapper = torch.nn.Module.__call__

    def of_the_program(this: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append("program")
        return wrapper(this, *args, **kwargs)

    owner: Any = torch.nn.Module
    try:
        owner.__call__ = of_the_program
        calls.switch(False)
        assert owner.__call__ is of_the_program
        seen.clear()
        model(x)
        assert seen == ["program", "program"]
        calls.switch(True)
        seen.clear()
        model(x)
        assert seen == ["Sequential", "program", "ReLU", "program"]
        calls.switch(False)
        assert owner.__call__ is of_the_program
    finally:
        owner.__call__ = plain


def test_views_that_can_no_longer_be_asked_are_no_leaves() -> None:
    base = torch.tensor([2.0, -1.0], requires_grad=True)
    first, _ = base
    assert not internals.is_leaf(first) and internals.grad_fn(first) is not None
    with torch.no_grad():
        base -= 1
    with pytest.raises(RuntimeError, match="Unbind"):
        _ = first.is_leaf
    assert not internals.is_leaf(first) and internals.grad_fn(first) is None
    assert internals.is_leaf(base)


def test_transforms_and_what_they_wrap() -> None:
    seen: list[tuple[int, bool, bool]] = []
    w = torch.ones(3)

    def inner(v: torch.Tensor) -> torch.Tensor:
        seen.append((internals.gradient_transforms(), internals.in_transform(),
                     internals.beneath(v) is w))  # fmt: skip
        return v.square().sum()

    def outer(v: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(inner)(v).sum()

    gradient = torch.func.grad(outer)(w)
    batched = torch.func.vmap(torch.func.grad(inner))(w.expand(2, 3))
    assert gradient.tolist() == [2.0] * 3 and batched.shape == (2, 3)
    assert seen == [(2, True, True), (1, True, False)]
    assert (internals.gradient_transforms(), internals.in_transform()) == (0, False)
    assert internals.beneath(w) is w
    assert internals.address(w[1:]) == internals.address(w) + w.element_size()
    assert internals.address(torch.eye(2).to_sparse()) == 0


def test_set_goes_by_way_of_ours() -> None:
    code = (
        "import torch\nfrom gradstep.engine import torch_internals as internals\n"
        "def around(original, args, kwargs):\n"
        "    print(len(args), sorted(kwargs))\n"
        "    return original(*args, **kwargs)\n"
        "internals.wrap_set(around)\n"
        "w, v = torch.zeros(2), torch.ones(2)\n"
        "print(w.set_(v) is w, w.set_(source=v).data_ptr() == v.data_ptr(), w.tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "2 []\n1 ['source']\nTrue True [1.0, 1.0]\n", done.stderr
