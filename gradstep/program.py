"""Which program is to be debugged, and whether it can be."""

from __future__ import annotations

import ast
import tokenize
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A file (or ``module``, as ``python -m``) with its arguments. ``python``: the interpreter that
    runs it, by default this one; ``cwd``: its working directory, by default this process's."""

    path: str
    args: tuple[str, ...] = ()
    module: bool = False
    python: str | None = None
    cwd: str | None = None


def check_program(program: Program) -> str:
    """Why ``program`` cannot be started, in one sentence; empty when it can. Reads, never runs."""
    if program.module:
        return "" if program.path else "Say which module to run."
    path = Path(program.cwd or ".", program.path)
    name = path.name or program.path
    if not path.exists():
        return f"{program.path} does not exist."
    if path.is_dir():
        return f"{program.path} is a folder; gradstep opens one Python file."
    try:
        source = read_source(path)
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        return f"{name} is not a Python file: {_first_line(error)}."
    except OSError as error:
        return f"{name} cannot be read: {error.strerror or error}."
    if not source.strip():
        return f"{name} is empty."
    try:
        ast.parse(source, str(path))
    except SyntaxError as error:
        if path.suffix not in (".py", ".pyw", "") or error.lineno is None:  # null bytes
            return f"{name} is not a Python file."
        return f"{name} has a syntax error in line {error.lineno}: {error.msg}."
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{name} is not a Python file: {_first_line(error)}."
    return ""


def is_experiment(path: str | Path) -> bool:
    """Whether the file defines ``experiment()`` at its top level; decided by reading it.

    Raises ``OSError`` or ``SyntaxError`` when it cannot be read."""
    tree = ast.parse(read_source(Path(path)), str(path))
    return any(isinstance(n, ast.FunctionDef) and n.name == "experiment" for n in tree.body)


def read_source(path: Path) -> str:
    """The text of a Python file in its declared encoding."""
    with tokenize.open(path) as file:
        return file.read()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
