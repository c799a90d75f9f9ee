"""IPython, of a terminal or a notebook: asked only where the program has loaded it itself."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any:
    """IPython's shell; None in plain Python."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def cell() -> int:
    """Which cell runs, counted as IPython does; 0 in plain Python."""
    found = shell()
    return int(found.execution_count) if found is not None else 0


def cell_name(file: str) -> str:
    """How a person calls the cell that IPython has given the file name ``file``; empty for any
    other file."""
    names = getattr(getattr(shell(), "compile", None), "format_code_name", None)
    found = names(file) if names is not None else None
    return str(found[1]) if found else ""
