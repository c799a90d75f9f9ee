"""One run of a program that gradstep starts."""

from __future__ import annotations

import gc
import os
import platform
import sys
from typing import Any

from gradstep.engine.link import Link, dial
from gradstep.engine.running.environment import as_the_program_sets_it
from gradstep.engine.stack import grow_stack
from gradstep.program import Program, is_experiment
from gradstep.protocol.fields import decode
from gradstep.protocol.trace import Loaded, Place, Reason, Stop


def run(ticket: dict[str, object]) -> int:
    """Connect, load torch, run the program. Returns its exit code."""
    program: Program = decode(Program, ticket["program"])
    link = Link(dial(int(str(ticket["port"])), bytes.fromhex(str(ticket["secret"]))))
    # As on a terminal: a line is shown when it is complete.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
    grow_stack()
    collects = gc.isenabled()
    gc.disable()  # what is imported is no garbage, and looking through it takes time
    try:
        with as_the_program_sets_it(program):
            import torch
    except ImportError as error:
        return _lost(link, f"{sys.executable} cannot import torch: {error}.")
    if not hasattr(torch.compiler, "set_stance"):
        found = f"{sys.executable} has torch {torch.__version__}"
        return _lost(link, f"gradstep needs torch 2.6 or newer; {found}.")
    return _run(program, link, torch.__version__, collects)


def _lost(link: Link, message: str) -> int:
    link.tell("stopped", stop=Stop(Reason.LOST, message=message, exit_code=1))
    return 1


def _run(program: Program, link: Link, torch_version: str, collects: bool) -> int:
    # Only now: these import torch.
    from gradstep.engine.assembly import Engine
    from gradstep.engine.running.driver import Driver
    from gradstep.engine.running.failures import describe_failure
    from gradstep.engine.running.script import Script

    if collects:
        if not gc.get_freeze_count():
            # To the oldest generation, unread: else the very next object would have all of it read.
            gc.freeze()
            gc.unfreeze()
        gc.enable()
    driven = not program.module and is_experiment(program.path)
    try:
        subject: Any = Driver(program) if driven else Script(program)
    except ImportError as error:
        return _lost(link, f"{error}.")
    engine = Engine(os.path.dirname(os.path.realpath(subject.file)), driven=driven)
    engine.install()
    engine.serve(link, subject if driven else None)
    debugger, observer, scope = engine.debugger, engine.observer, engine.scope
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


def _run_script(script: Any, debugger: Any, scope: Any) -> int:
    debugger.at_stop = lambda: setattr(scope, "globals", script.globals)
    return int(script.run(debugger))
