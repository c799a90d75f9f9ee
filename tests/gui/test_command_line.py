"""``gradstep`` from the command line, and its one sentence where there is no screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gradstep
from gradstep.__main__ import main, parser, program_of
from gradstep.gui.display import lacking, obstacle
from gradstep.program import Program


def program(*words: str) -> Program:
    return program_of(parser().parse_args(words))


def test_without_a_program_it_opens_the_first_lesson() -> None:
    found = program()
    assert Path(found.path).name == "linear.py"
    assert Path(found.path).is_file()
    assert found.python is None


def test_what_follows_the_program_is_the_programs_own() -> None:
    found = program("--python", "/opt/python", "train.py", "--epochs", "1", "-m", "--python", "x")
    assert found == Program(
        os.path.abspath("train.py"), ("--epochs", "1", "-m", "--python", "x"), False, "/opt/python"
    )


def test_a_module_keeps_its_dotted_name() -> None:
    assert program("-m", "package.train", "--lr", "0.1") == Program(
        "package.train", ("--lr", "0.1"), True
    )


def test_a_module_without_a_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["-m"])
    assert "-m needs the name of a module" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"gradstep {gradstep.__version__}\n"


# ---------------------------------------------------------------------- no screen

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 is asked on Linux")


@linux
def test_without_a_display_there_is_one_sentence_and_no_abort() -> None:
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-m", "gradstep"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "DISPLAY is not set" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@linux
def test_a_display_that_does_not_answer_is_named() -> None:
    said = obstacle({"DISPLAY": ":987"})
    assert "DISPLAY=:987" in said or "lacks" in said  # the libraries are asked first
    assert "\n" not in said


def test_missing_libraries_are_named_with_what_to_install() -> None:
    said = lacking(["libxcb-cursor.so.0", "libxkbcommon-x11.so.0"])
    assert said.endswith("sudo apt install libxcb-cursor0 libxkbcommon-x11-0")
    assert "apt" not in lacking(["libxcb-cursor.so.0", "libunknown.so.1"])


def test_a_chosen_platform_is_not_questioned() -> None:
    assert obstacle({"QT_QPA_PLATFORM": "offscreen"}) == ""


def test_the_window_never_imports_torch() -> None:
    """Nor anything of the engine: it opens while torch still loads in another process."""
    code = (
        "import sys, gradstep.gui.window as _; found = set(sys.modules);"
        "print('torch' in found, [m for m in found if m.startswith('gradstep.engine')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False []\n"
