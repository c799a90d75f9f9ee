"""What the tests' own forked programs owe them: to end, and to look, as started ones do."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

import gradstep
from gradstep.launch import EngineProcess
from gradstep.protocol.trace import Goal, Reason
from tests.forks import USABLE, Forked

pytestmark = pytest.mark.skipif(not USABLE, reason="needs pidfd_open")

PROGRAM = """\
import os, sys
import torch
w = torch.ones(1, requires_grad=True)
(w * 2).backward()
print(sys.argv, os.getcwd(), os.environ["COLOUR"], sys.stdin.read(), sorted(globals()))
sys.exit(7)
"""


def test_a_forked_program_sees_what_a_started_one_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "seven.py"
    path.write_text(PROGRAM)
    monkeypatch.setenv("COLOUR", "green")
    seen = []
    for fresh in (False, True):
        if fresh:
            monkeypatch.undo()
            monkeypatch.setenv("COLOUR", "green")
        with gradstep.open(path, ["a", "b"], cwd=str(tmp_path), timeout=60) as program:
            assert isinstance(program._process._process, Forked) is not fresh
            program.write("typed")
            program._process.close_input()
            assert program.run(timeout=60).reason is Reason.END
            seen.append((program.finish(), program.output, program.errors))
    assert seen[0] == seen[1]
    assert seen[0][0] == 7 and "green typed" in seen[0][1]


def test_a_forked_program_is_killed_with_all_its_group(tmp_path: Path) -> None:
    path = tmp_path / "endless.py"
    path.write_text("import torch\nwhile True:\n    pass\n")
    program = gradstep.open(path, timeout=60)
    program.advance(Goal.RUN)
    program.kill()
    program.close()
    assert program.exit_code == -signal.SIGKILL
    assert program.pid is not None and not Path(f"/proc/{program.pid}").exists()


def test_another_interpreter_and_variables_of_torch_start_afresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    popen = EngineProcess.popen
    command = ["/bin/sh", "-c", "exit 3"]
    assert popen(command).wait() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code = "import os, sys; sys.exit(int(os.environ['OMP_NUM_THREADS']))"
    process = popen([sys.executable, "-c", code])
    assert process.wait() == 1
