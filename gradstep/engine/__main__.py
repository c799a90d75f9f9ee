"""``python -m gradstep.engine``: started by ``Debuggee``, with a ticket on standard input.

Started by its path, so that an interpreter which has torch but not gradstep can run it: the package
is then loaded from where this file lies, and nothing else of that place becomes importable. Kept so
plain that even Python 2 can read it, and say what is needed instead.
"""

import importlib
import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "gradstep needs Python 3.11 or newer; %s is Python %d.%d."  # noqa: UP031
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )

if not __package__:
    import importlib.util

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

if __name__ == "__main__":
    from gradstep.engine.running.ticket import read_ticket

    ticket = read_ticket()

    from gradstep.engine.running.session import run

    sys.exit(run(ticket))
