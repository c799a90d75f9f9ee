"""``python -m gradstep.engine``: started by ``Debuggee``, with a ticket on standard input.

Started by its path, so that an interpreter which has torch but not gradstep can run it: the package
is then loaded from where this file lies, and nothing else of that place becomes importable.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys

if not __package__:
    _package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    _spec = importlib.util.spec_from_file_location(
        "gradstep",
        os.path.join(_package, "__init__.py"),
        submodule_search_locations=[_package],
    )
    assert _spec is not None and _spec.loader is not None
    sys.path.pop(0)
    sys.path.insert(0, "")
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["gradstep"] = _module
    _spec.loader.exec_module(_module)


def _ticket() -> dict[str, object]:
    """The first line of standard input, byte by byte: the rest is the program's own."""
    line = bytearray()
    while byte := os.read(0, 1):
        if byte == b"\n":
            break
        line += byte
    if not line:
        sys.exit("gradstep.engine is started by gradstep; it has no use on its own.")
    ticket: dict[str, object] = json.loads(line)
    return ticket


if __name__ == "__main__":
    from gradstep.engine.session import run

    sys.exit(run(_ticket()))
