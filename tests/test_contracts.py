"""Folders are processes: what may import what, and proof that a violation would be seen."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gradstep"
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Plant:
    """A violation of ``contract`` (its id): ``source`` becomes a new module ``module``, or with
    ``appended`` is added to one that exists."""

    contract: str
    module: str
    source: str
    appended: bool = False

    @property
    def name(self) -> str:
        return f"{self.contract}: {self.module}: {self.source.splitlines()[-1].strip()}"


PLANTS = (
    Plant("window", "gui/planted.py", "import torch"),
    Plant("window", "gui/graph/planted.py", "from torch.nn import Module"),
    Plant("window", "gui/planted.py", "from gradstep.engine.capture import store"),
    Plant(
        "window", "gui/panels/planted.py", "def late():\n    import gradstep.engine.stepping.gate"
    ),
    Plant("window", "gui/session.py", "def late():\n    import torch", appended=True),
    Plant("window", "__main__.py", "def late():\n    import torch", appended=True),
    Plant("window", "debuggee.py", "def late():\n    import torch", appended=True),
    Plant("qt", "engine/planted.py", "import PySide6"),
    Plant(
        "qt", "engine/stepping/gate.py", "def late():\n    from PySide6.QtCore import QTimer", True
    ),
    Plant("qt", "protocol/planted.py", "from gradstep.gui import theme"),
    Plant("qt", "debuggee.py", "def late():\n    import pyqtgraph", appended=True),
    Plant("qt", "phases.py", "import shiboken6", appended=True),
    Plant("engine", "engine/planted.py", "import numpy"),
    Plant(
        "engine", "engine/capture/store.py", "def late():\n    import numpy.linalg", appended=True
    ),
    Plant("engine", "engine/planted.py", "from gradstep import debuggee"),
    Plant("engine", "engine/planted.py", "from gradstep.assets import resource"),
    Plant("protocol", "protocol/planted.py", "import torch"),
    Plant("protocol", "protocol/values.py", "def late():\n    import numpy", appended=True),
    Plant("protocol", "protocol/fields.py", "from gradstep.program import Program", appended=True),
    Plant("debuggee", "debuggee.py", "def late():\n    import numpy", appended=True),
    Plant("debuggee", "debuggee.py", "from gradstep.engine.stepping import gate", appended=True),
    Plant("debuggee", "program.py", "def late():\n    import torch", appended=True),
    Plant("debuggee", "planted.py", "import numpy"),
    Plant("debuggee", "__init__.py", "import torch", appended=True),
    Plant("experiment", "experiment.py", "def late():\n    import numpy", appended=True),
    Plant("experiment", "experiment.py", "from gradstep.debuggee import Debuggee", appended=True),
    Plant("inside", "inside.py", "def late():\n    import numpy", appended=True),
    Plant("inside", "inside.py", "from gradstep.gui import display", appended=True),
    Plant("qt", "attached.py", "from gradstep.gui.app import run", appended=True),
    Plant("views", "gui/graph/planted.py", "from gradstep.gui.timeline import TimelinePanel"),
    Plant("views", "gui/value/planted.py", "def late():\n    from gradstep.gui import graph"),
    Plant("pickle", "protocol/planted.py", "import pickle"),
    Plant("pickle", "engine/planted.py", "def late():\n    from pickle import loads"),
    Plant("pickle", "gui/planted.py", "import marshal"),
)


def contracts() -> dict[str, str]:
    """Id to name of every contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["id"]: contract["name"] for contract in settings["contracts"]}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what lint-imports reads."""
    copy = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, copy / "gradstep", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    for name in ("pyproject.toml", "tests/__init__.py", "tests/only_imports.py"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def planted(request: pytest.FixtureRequest, checkout: Path) -> Iterator[tuple[Plant, Path]]:
    """The copy with ``request.param`` in it."""
    plant: Plant = request.param
    file = checkout / "gradstep" / plant.module
    assert file.exists() == plant.appended, f"{plant.module} is not there, or is already"
    before = file.read_text() if plant.appended else ""
    file.write_text(f"{before}\n\n{plant.source}\n")
    yield plant, checkout
    if plant.appended:
        file.write_text(before)
    else:
        file.unlink()


def lint(where: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, "--no-logo", "--no-cache", *options]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=60)


def test_clean_tree_keeps_every_contract(checkout: Path) -> None:
    result = lint(checkout)
    assert result.returncode == 0, result.stdout + result.stderr
    for name in contracts().values():
        assert f"{name} KEPT" in result.stdout


@pytest.mark.parametrize("planted", PLANTS, indirect=True, ids=lambda plant: plant.name)
def test_planted_violation_is_caught(planted: tuple[Plant, Path]) -> None:
    plant, where = planted
    result = lint(where, "--contract", plant.contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contracts()[plant.contract]} BROKEN" in result.stdout
    module = plant.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    name = "gradstep" if module == "__init__" else f"gradstep.{module}"
    assert name in result.stdout, "the culprit is not named"


def test_every_contract_is_proven_by_a_plant() -> None:
    assert {plant.contract for plant in PLANTS} == set(contracts())


def test_every_folder_stands_under_a_contract() -> None:
    """A new folder must be given its place; a new file beside the debuggee has one."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == {"gui", "engine", "protocol"}


# ---------------------------------------------------------------- by reading the sources


def modules(*folders: str) -> list[Path]:
    roots = [PACKAGE / folder for folder in folders] or [PACKAGE]
    return sorted(path for root in roots for path in root.rglob("*.py"))


def imported_roots(tree: ast.AST) -> set[str]:
    """Top-level names of everything imported anywhere in ``tree``, by statement or by
    ``import_module("name")``."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            constants = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            found.update(str(name).partition(".")[0] for name in constants)
    return found


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def unpickles(tree: ast.AST) -> list[str]:
    """Calls that would read pickled data, though no module named pickle is imported."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = ast.unparse(node.func.value)
        if owner in ("torch", "numpy", "np") and node.func.attr in ("load", "save"):
            found.append(f"{owner}.{node.func.attr} in line {node.lineno}")
    return found


def test_nothing_unpickles() -> None:
    found: dict[str, object] = {}
    for path in modules():
        tree = ast.parse(path.read_text())
        bad = imported_roots(tree) & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
        if bad or unpickles(tree):
            found[str(path)] = bad or unpickles(tree)
    assert not found


def test_a_planted_load_is_seen() -> None:
    assert unpickles(ast.parse("def f(p):\n    return torch.load(p)")) == ["torch.load in line 2"]
    assert imported_roots(ast.parse("m = importlib.import_module('pickle')")) == {"pickle"}


@pytest.mark.parametrize(("folder", "allowed"), [("engine", {"torch"}), ("protocol", set())])
def test_no_third_party_is_named(folder: str, allowed: set[str]) -> None:
    allowed = allowed | sys.stdlib_module_names | {"gradstep"}
    found = {str(p): imported_roots(ast.parse(p.read_text())) - allowed for p in modules(folder)}
    assert not {path: names for path, names in found.items() if names}


# ---------------------------------------------------------------- in a fresh interpreter


def fresh(code: str) -> str:
    """What ``code`` prints in a new interpreter that has gradstep from this checkout."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def dotted(paths: list[Path]) -> list[str]:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [n.removesuffix(".__init__") for n in names if not n.endswith(".__main__")]


def test_import_gradstep_is_light() -> None:
    code = "import gradstep; print(*{'torch', 'PySide6', 'numpy'} & set(sys.modules))"
    assert fresh(code).split() == []


def test_debuggee_and_protocol_load_without_torch_and_qt() -> None:
    names = [*dotted(modules("protocol")), "gradstep.debuggee", "gradstep.program"]
    code = f"import importlib\nfor n in {names!r}: importlib.import_module(n)\n"
    code += "print(*{'torch', 'PySide6', 'numpy', 'pyqtgraph'} & set(sys.modules))"
    assert fresh(code).split() == []


def test_window_loads_without_torch() -> None:
    code = f"""
import importlib, os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.modules["torch"] = None  # any import of it fails
for name in {dotted(modules("gui"))!r}:
    importlib.import_module(name)
print("gradstep.engine" in sys.modules)
"""
    assert fresh(code).split() == ["False"]


def test_engine_loads_with_torch_alone() -> None:
    code = f"""
import importlib, importlib.abc
import torch
BLOCKED = ("PySide6", "shiboken6", "pyqtgraph", "numpy")
for name in [n for n in sys.modules if n.partition(".")[0] in BLOCKED]:
    del sys.modules[name]  # torch itself may have brought numpy
class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(name)
sys.meta_path.insert(0, Wall())
for name in {dotted(modules("engine", "protocol"))!r}:
    importlib.import_module(name)
print("loaded")
"""
    assert fresh(code).split() == ["loaded"]
