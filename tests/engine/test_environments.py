"""The user's program in an environment of its own, which has torch and nothing of ours."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

import gradstep
from gradstep.debuggee import ProgramEnded
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import PATIENCE, PROGRAMS

ENGINE = Path(gradstep.__file__).parent / "engine"
OURS = ("gradstep", "pyside6", "shiboken6", "pyqtgraph", "_editable", "__editable", "pytest")
FINDS = "import importlib.util as u, sys; print([bool(u.find_spec(n)) for n in sys.argv[1:]])"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links and a shell")


@pytest.fixture
def other(tmp_path: Path) -> str:
    """The Python of an environment with torch and what torch needs: neither gradstep (nor the line
    that a development install leaves for it) nor PySide6. Nothing is downloaded for it."""
    venv.create(tmp_path / "env", with_pip=False)
    python = str(tmp_path / "env" / "bin" / "python")
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    target = Path(subprocess.check_output(asked, text=True).strip())
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.lower().startswith(OURS) and package.suffix != ".pth":
            (target / package.name).symlink_to(package)
    return python


def test_it_needs_torch_and_nothing_else(other: str, tmp_path: Path) -> None:
    names = ["torch", "gradstep", "PySide6", "pyqtgraph"]
    found = subprocess.check_output([other, "-c", FINDS, *names], text=True, cwd=tmp_path)
    assert found == "[True, False, False, False]\n", "the environment is not what it should be"
    with gradstep.open(PROGRAMS / "attach/trains.py", python=other, timeout=PATIENCE) as program:
        # Its breakpoint works, too: gradstep is there from where the engine was started.
        assert program.run(timeout=PATIENCE).reason is Reason.BREAKPOINT
        assert program.forward(timeout=PATIENCE).phase == "forward"
        assert program.backward(timeout=PATIENCE).phase == "backward"
        assert program.value("model.weight").grad is not None
        assert program.loaded is not None and program.loaded.kind == "script"


def refusal(python: str) -> str:
    with pytest.raises(ProgramEnded) as refused:
        gradstep.open(PROGRAMS / "no_training.py", python=python, timeout=PATIENCE)
    message = str(refused.value)
    assert "\n" not in message
    return message


def written(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o700)
    return str(path)


def test_what_cannot_run_it_is_said_in_one_sentence(tmp_path: Path) -> None:
    missing = str(tmp_path / "python")
    assert refusal(missing) == f"{missing} cannot be started: No such file or directory."
    said = refusal("/bin/ls")
    assert said == "gradstep could not start in /bin/ls; it ended with exit code 0."
    venv.create(tmp_path / "bare", with_pip=False)
    bare = str(tmp_path / "bare" / "bin" / "python")
    assert refusal(bare) == f"{bare} cannot import torch: No module named 'torch'."
    (tmp_path / "torch.py").write_text("__version__ = '1.13.1'\nclass compiler: pass\n")
    old = f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n'
    said = refusal(written(tmp_path / "old_torch", old))
    assert said.startswith("gradstep needs torch 2.6 or newer;") and said.endswith("torch 1.13.1.")


OLD = """\
#!/bin/sh
exec {python} -c "
import runpy, sys
sys.argv = sys.argv[1:]
sys.version_info = (3, 8, 18, 'final', 0)
runpy.run_path(sys.argv[0], run_name='__main__')" "$@"
"""


def test_an_old_python_is_told_by_its_number(tmp_path: Path) -> None:
    """Python 3.8 reads the first file of the engine far enough to say what is needed."""
    old = written(tmp_path / "python3.8", OLD.format(python=sys.executable))
    assert refusal(old) == f"gradstep needs Python 3.11 or newer; {sys.executable} is Python 3.8."
    tree: Any = ast.parse((ENGINE / "__main__.py").read_text(), feature_version=(3, 5))
    assert not [
        node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.JoinedStr))
    ]
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]
