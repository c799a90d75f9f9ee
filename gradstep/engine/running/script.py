"""Runs a script or module as ``python`` would, under the debugger."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import os
import signal
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from gradstep.engine.running.failures import describe_failure
from gradstep.engine.stepping.debugger import Debugger
from gradstep.program import Program, read_source
from gradstep.protocol.trace import Place, Reason

_INTERRUPTED = -signal.SIGINT if os.name == "posix" else 0xC000013A
NOTHING_TRAINED = "The program ended and never called backward: it trained nothing."


class Script:
    """The program sets the order; the debugger stops it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.file = _locate(program)
        self.globals: dict[str, Any] = {}
        self.module: types.ModuleType | None = None

    def run(self, debugger: Debugger) -> int:
        """Returns the exit code that plain Python would leave with."""
        module = self._prepare()
        scope = module.__dict__
        self.globals = scope
        debugger.announce_start(_first_line(self.file))
        try:
            code = _compile(self.file)
            exec(code, scope)
        except SystemExit as leaving:
            self._ended(debugger, _exit_code(leaving))
            raise
        except BaseException as error:
            return self._failed(debugger, error)
        self._ended(debugger, 0)
        return 0

    def _prepare(self) -> types.ModuleType:
        program, file = self.program, self.file
        sys.argv = [program.path if not program.module else file, *program.args]
        how = ["-m"] if program.module else []
        sys.orig_argv[1:] = [*how, program.path, *program.args]
        sys.path[0] = os.getcwd() if program.module else os.path.dirname(os.path.realpath(file))
        module = types.ModuleType("__main__")
        scope = module.__dict__
        scope["__builtins__"] = builtins
        scope["__annotations__"] = {}
        scope["__loader__"] = SourceFileLoader("__main__", file)
        scope["__file__"] = file
        scope["__cached__"] = None
        if program.module:
            name = _runnable_module(program.path)
            scope["__package__"] = name.rpartition(".")[0]
            scope["__spec__"] = importlib.util.find_spec(name)
        else:
            scope["__package__"] = None
            scope["__spec__"] = None
        # Kept: Python clears the globals of modules that are still alive when it ends, and only
        # then are files closed (and written) that the program left open.
        sys.modules["__main__"] = self.module = module
        return module

    def _ended(self, debugger: Debugger, code: int) -> None:
        debugger.before_end()
        debugger.tracker.settle()
        debugger.finish()
        message = "" if debugger.tracker.trained else NOTHING_TRAINED
        debugger.hold(Reason.END, None, None, exit_code=code, message=message)

    def _failed(self, debugger: Debugger, error: BaseException) -> int:
        debugger.finish()
        # Python ends by the signal itself, after everything else, when it sees this go through.
        interrupted = type(error) is KeyboardInterrupt
        code = _INTERRUPTED if interrupted else 1
        failure = describe_failure(error, debugger.sites)
        trace = error.__traceback__
        debugger.failure = error
        innermost = None
        while trace is not None:
            if debugger.sites.is_user(trace.tb_frame.f_code):
                innermost = trace
            trace = trace.tb_next
        sys.last_type, sys.last_value = type(error), error
        sys.last_traceback = error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__)
        place = failure.frames[-1] if failure.frames else None
        debugger.hold(
            Reason.EXCEPTION,
            None,
            innermost.tb_frame if innermost is not None else None,
            place=place,
            message=f"{failure.type}: {failure.message}",
            failure=failure,
            exit_code=code,
        )
        if interrupted:
            sys.excepthook = lambda *_: None  # it has been told
            raise error
        return code


def _locate(program: Program) -> str:
    """The absolute path of the file to run. Raises ``ImportError`` for an unknown module."""
    if not program.module:
        return os.path.abspath(program.path)
    sys.path[0] = os.getcwd()
    spec = importlib.util.find_spec(_runnable_module(program.path))
    if spec is None or spec.origin is None:
        raise ImportError(f"No module named {program.path}")
    return spec.origin


def _runnable_module(name: str) -> str:
    """``python -m package`` runs ``package.__main__``."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        return f"{name}.__main__"
    return name


def _compile(file: str) -> CodeType:
    with open(file, "rb") as source:
        return compile(source.read(), file, "exec", dont_inherit=True)


def _first_line(file: str) -> Place | None:
    """Where execution begins: the first statement that is not the docstring."""
    try:
        body = ast.parse(read_source(Path(file))).body
    except (SyntaxError, ValueError, OSError):
        return Place(file, 1)
    if len(body) > 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return Place(file, body[0].lineno if body else 1)


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    return int(leaving.code) if isinstance(leaving.code, int) else 1
