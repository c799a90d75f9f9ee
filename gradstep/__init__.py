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

__version__ = "0.1.0"
__all__ = ["Debuggee", "Experiment", "breakpoint", "open"]


def __getattr__(name: str) -> Any:
    # Lazy: a user's own file imports this package inside the engine, where none of it is needed.
    if name in ("open", "Debuggee"):
        from gradstep import debuggee

        return debuggee.open_program if name == "open" else debuggee.Debuggee
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
