"""Environment variables that a program sets before it imports torch.

The engine imports torch earlier than the program does, and some variables are read just then: how
many threads there are decides the last bits of a sum. So the program's file is read for them, never
run, and they hold while torch loads; afterwards the environment is as it was.
"""

from __future__ import annotations

import ast
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gradstep.program import Program, read_source

READ_BY_TORCH = (
    "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "VECLIB_", "DNNL_", "ONEDNN_", "ATEN_", "TORCH_",
    "PYTORCH_", "CUDA_", "CUBLAS_", "NVIDIA_", "HIP_", "ROCR_",
)  # fmt: skip


@contextlib.contextmanager
def as_the_program_sets_it(program: Program) -> Iterator[None]:
    """Import torch in here."""
    before = dict(os.environ)
    try:
        tree = ast.parse("" if program.module else read_source(Path(program.path)))
    except (OSError, SyntaxError, ValueError):
        tree = ast.parse("")
    for name, value, only_if_missing in _set_first(tree.body):
        if name.startswith(READ_BY_TORCH) and not (only_if_missing and name in os.environ):
            os.environ[name] = value
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update({k: v for k, v in before.items() if os.environ.get(k) != v})


def _set_first(body: list[ast.stmt]) -> Iterator[tuple[str, str, bool]]:
    """Names and values set at the top of a file, before anything that may import torch; whether
    only where the name is not set."""
    for statement in body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            if not _is_harmless(statement):
                return
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Subscript) and _is_environ(target.value):
                    yield from _constants(target.slice, statement.value, False)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            if isinstance(call.func, ast.Attribute) and _is_environ(call.func.value):
                if method == "setdefault" and len(call.args) == 2:
                    yield from _constants(call.args[0], call.args[1], True)
                elif method == "update" and len(call.args) == 1:
                    given = call.args[0]
                    if isinstance(given, ast.Dict):
                        for key, value in zip(given.keys, given.values, strict=True):
                            yield from _constants(key, value, False)


def _is_harmless(statement: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(statement, ast.ImportFrom):
        names = [statement.module or ""] if not statement.level else [""]
    else:
        names = [alias.name for alias in statement.names]
    known = sys.stdlib_module_names | {"numpy", "__future__"}
    return all(name.partition(".")[0] in known for name in names)


def _is_environ(node: ast.expr) -> bool:
    """``os.environ``, or ``environ`` by itself."""
    if isinstance(node, ast.Attribute):
        return node.attr == "environ" and isinstance(node.value, ast.Name) and node.value.id == "os"
    return isinstance(node, ast.Name) and node.id == "environ"


def _constants(
    name: ast.expr | None, value: ast.expr, missing: bool
) -> Iterator[tuple[str, str, bool]]:
    if not isinstance(name, ast.Constant) or not isinstance(value, ast.Constant):
        return
    if isinstance(name.value, str) and isinstance(value.value, str):
        yield name.value, value.value, missing
