"""Python expressions in the program's names, evaluated while it stands still."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.chance import random_numbers_kept
from gradstep.engine.giving_way import ending_python
from gradstep.engine.running.warned import quiet

Lookup = Callable[[str], Any]
"""What the program means by a name; raises ``KeyError``."""


class Expression:
    """Raises ``SyntaxError`` or ``ValueError`` when ``text`` is none."""

    def __init__(self, text: str, origin: str) -> None:
        with quiet():
            self._code = compile(text.strip(), f"<{origin}>", "eval", dont_inherit=True)
        self._names = _names(self._code)

    def value(
        self,
        lookup: Lookup,
        given: Mapping[str, Any],
        arriving: Mapping[str, Any],
        run: Callable[[Callable[[], Any]], Any] = lambda work: work(),
    ) -> Any:
        """What it is now. The program's names come first, then ``given``; ``arriving`` before
        both. ``run`` calls what it is given, which is the person's code alone. Raises whatever the
        expression raises. Call it unobserved."""
        scope: dict[str, Any] = {"__builtins__": builtins}
        for name in self._names:
            if name in arriving:
                scope[name] = arriving[name]
                continue
            try:
                scope[name] = lookup(name)
            except KeyError:
                if name in given:
                    scope[name] = given[name]

        def work() -> Any:
            # Inside of ``run``, whose own lines are never broken off.
            with ending_python():
                return eval(self._code, scope)

        with quiet():
            return run(work)


def _names(code: CodeType) -> frozenset[str]:
    """Every name that the expression, or a generator in it, looks up (attributes among them)."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return frozenset(names)


# ---------------------------------------------------------------------- changing nothing


class Forbidden(Exception):
    """The expression would have changed the program."""


@contextlib.contextmanager
def reading_only() -> Iterator[None]:
    """The program's tensors cannot be changed in place, backward cannot run, and random numbers
    that are drawn are put back."""
    entry: Any = torch.autograd._engine_run_backward  # type: ignore[attr-defined]

    def refuse(*_: Any, **__: Any) -> None:
        raise Forbidden("it would run backward; a watch only reads")

    with internals.unobserved(), random_numbers_kept():
        replaced = internals.replace_backward_entry(entry, refuse)
        try:
            with _ReadOnly():
                yield
        finally:
            if replaced:
                internals.replace_backward_entry(refuse, entry)


class _ReadOnly(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets operations write only into memory that was made while it is on."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._own: dict[int, Any] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Else its first operation imports dynamo into the program, which takes seconds.
        return False

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        schema = function._schema
        if schema.is_mutable:
            for argument, value in zip(schema.arguments, args, strict=False):
                self._check(argument, value, schema.name)
            for argument in schema.arguments:
                if argument.name in kwargs:
                    self._check(argument, kwargs[argument.name], schema.name)
        before = {_memory(t) for t in _tensors((args, kwargs))}
        result = function(*args, **kwargs)
        for tensor in _tensors(result):
            memory = _memory(tensor)
            if memory is not None and memory not in before:
                self._own[memory] = tensor
        return result

    def _check(self, argument: Any, value: Any, name: str) -> None:
        if argument.alias_info is None or not argument.alias_info.is_write:
            return
        if any(_memory(tensor) not in self._own for tensor in _tensors(value)):
            verb = name.removeprefix("aten::")
            raise Forbidden(f"{verb} would change a tensor of the program; a watch only reads")


def _memory(tensor: Tensor) -> int | None:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (RuntimeError, NotImplementedError):  # sparse tensors have none
        return None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
