"""One run of a program: everything of the engine put together."""

from __future__ import annotations

import os
import platform
import resource as _resource
import sys
from typing import Any

from gradstep.engine.link import Link
from gradstep.program import Program, is_experiment
from gradstep.protocol.fields import decode
from gradstep.protocol.trace import Level, Loaded, Place, Reason, Stop

STACK = 100 << 20
"""Bytes of C stack: freeing a deep graph whose nodes were seen from Python recurses."""


def run(ticket: dict[str, object]) -> int:
    """Connect, load torch, run the program. Returns its exit code."""
    program: Program = decode(Program, ticket["program"])
    link = Link(int(str(ticket["port"])), bytes.fromhex(str(ticket["secret"])))
    # As on a terminal: a line is shown when it is complete.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
    _grow_stack()
    try:
        import torch
    except ImportError as error:
        message = f"{sys.executable} cannot import torch: {error}"
        link.tell("stopped", stop=Stop(Reason.LOST, message=message, exit_code=1))
        return 1
    return _run(program, link, torch.__version__)


def _run(program: Program, link: Link, torch_version: str) -> int:
    # Only now: these import torch.
    from gradstep.engine import torch_internals as internals
    from gradstep.engine import tracebacks, warned
    from gradstep.engine.backward import Backward
    from gradstep.engine.commands import Commands
    from gradstep.engine.debugger import Debugger
    from gradstep.engine.driver import Driver
    from gradstep.engine.failures import describe_failure
    from gradstep.engine.observer import Observer
    from gradstep.engine.optimizers import Optimizers
    from gradstep.engine.scope import Scope
    from gradstep.engine.script import Script

    driven = not program.module and is_experiment(program.path)
    try:
        subject: Any = Driver(program) if driven else Script(program)
    except ImportError as error:
        link.tell("stopped", stop=Stop(Reason.LOST, message=f"{error}.", exit_code=1))
        return 1
    debugger = Debugger(
        os.path.dirname(os.path.realpath(subject.file)),
        lambda stop: link.tell("stopped", stop=stop),
        driven=driven,
    )
    debugger.found = lambda finding: link.tell("found", finding=finding)
    observer = Observer(debugger)
    compiled = internals.CompiledCode(debugger.remark_eager)
    compiled.install()
    tracebacks.install()
    warned.install()

    def set_level(level: Level) -> None:
        observer.set_level(level)
        compiled.step_eagerly(level is not Level.RUN)

    debugger.set_level = set_level
    Backward(debugger, observer).install()
    Optimizers(debugger, observer).install()
    internals.keep_fast_paths(observer.call_mode)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _forked(observer, debugger))
    scope = Scope(debugger.sites, debugger.callers, debugger.recorder)
    debugger.breakpoints.lookup = scope.lookup
    debugger.nonfinite.scope = scope
    debugger.nonfinite.install()
    commands = Commands(debugger, scope, subject if driven else None)

    def report() -> int | None:
        return None if debugger.gate.waiting else debugger.tracker.iteration

    link.start(commands, report)
    details: dict[str, Any] = {}
    if driven:
        try:
            experiment = subject.load()
        except BaseException as error:
            scope.globals = subject.globals
            failure = describe_failure(error, debugger.sites)
            place = failure.frames[-1] if failure.frames else Place(subject.file, 1)
            sys.excepthook(type(error), error, error.__traceback__)
            message = f"{failure.type}: {failure.message}"
            debugger.hold(
                Reason.EXCEPTION,
                None,
                None,
                place=place,
                message=message,
                failure=failure,
                exit_code=1,
            )
            return 1
        scope.extra = dict(experiment.named_parameters)
        if callable(getattr(experiment.model, "named_parameters", None)):
            scope.extra["model"] = experiment.model
        details = {
            "title": experiment.title,
            "epochs": experiment.epochs,
            "samples": len(experiment.data),
        }
    kind = "experiment" if driven else "script"
    python = platform.python_version()
    link.tell("loaded", loaded=Loaded(kind, subject.file, python, torch_version, **details))
    if driven:
        scope.globals = subject.globals
        return int(subject.run(debugger, observer))
    return _run_script(subject, debugger, scope)


def _forked(observer: Any, debugger: Any) -> None:
    """In a child of the program: nothing is observed, and no line is traced."""
    observer.set_level(Level.RUN)
    debugger.pursuit.finish()


def _run_script(script: Any, debugger: Any, scope: Any) -> int:
    debugger.at_stop = lambda: setattr(scope, "globals", script.globals)
    return int(script.run(debugger))


def _grow_stack() -> None:
    soft, hard = _resource.getrlimit(_resource.RLIMIT_STACK)
    if soft != _resource.RLIM_INFINITY and soft < STACK:
        wanted = STACK if hard == _resource.RLIM_INFINITY else min(STACK, hard)
        _resource.setrlimit(_resource.RLIMIT_STACK, (wanted, hard))
