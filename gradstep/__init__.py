"""gradstep: a step-debugger for PyTorch training.

``open`` starts a program under the debugger, without a window; ``Experiment`` is what a file
returns that wants its four phases in any order; ``breakpoint`` holds a program from inside. None of
them imports torch or Qt by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradstep.experiment import Experiment
from gradstep.inside import breakpoint

if TYPE_CHECKING:
    from gradstep.debuggee import Debuggee
    from gradstep.debuggee import open_program as open
    from gradstep.protocol.breakpoints import BreakOn, Breakpoint

__version__ = "0.1.0"
__all__ = ["BreakOn", "Breakpoint", "Debuggee", "Experiment", "breakpoint", "open"]

# Lazy: a user's own file imports this package inside the engine, where none of it is needed.
_LATER = {
    "open": ("gradstep.debuggee", "open_program"),
    "Debuggee": ("gradstep.debuggee", "Debuggee"),
    "Breakpoint": ("gradstep.protocol.breakpoints", "Breakpoint"),
    "BreakOn": ("gradstep.protocol.breakpoints", "BreakOn"),
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        module, attribute = _LATER[name]
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
