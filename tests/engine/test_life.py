"""How programs begin and end: as under plain Python, and never taking the debugger with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import gradstep
from gradstep.debuggee import Debuggee, Exited, Output, Program, ProgramEnded, Progress
from gradstep.launch import END_TIMEOUT
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Goal, Level, Loaded, Reason
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened, marker

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]
ROOT = str(Path(__file__).parents[2])


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_an_exception_with_plain_pythons_traceback_and_exit_code(
    start: Start, plain: Plain
) -> None:
    expected = plain("raises.py")
    program = start("raises.py")
    assert program.backward().iteration == 1
    stop = program.run(level=Level.OPERATION)
    assert stop.reason is Reason.EXCEPTION and stop.exit_code == 1
    assert stop.line == marker("raises.py", "fails")
    failure = stop.failure
    assert failure.type == "RuntimeError" and failure.text == expected.stderr.decode()
    assert [(f.line, f.function) for f in failure.frames] == [
        (marker("raises.py", "calls"), ""),
        (marker("raises.py", "fails"), "compute"),
    ]
    # Its frames can still be read.
    assert program.value("factor").data == [1.0, 1.0, 1.0]
    assert program.value("w").grad == [0.0, 0.0]
    assert not program.can_advance
    with pytest.raises(ProgramEnded, match="size of tensor"):
        program.step()
    assert program.finish() == expected.returncode == 1
    assert (program.output_bytes, program.errors) == (expected.stdout, expected.stderr.decode())


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("missing.py", None, "missing.py does not exist."),
        ("empty.py", " \n", "empty.py is empty."),
        ("broken.py", "x = 1\nfor:\n", "broken.py has a syntax error in line 2: "),
        ("picture.png", "\x89PNG\x00\x01", "picture.png is not a Python file"),
        ("notes.txt", "Dear diary, today", "notes.txt is not a Python file"),
        (".", None, " is a folder; gradstep opens one Python file."),
    ],
)
def test_what_cannot_be_run_gets_one_sentence(
    tmp_path: Path, name: str, text: str | None, sentence: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text, encoding="latin-1")
    with pytest.raises(ProgramEnded) as refused:
        gradstep.open(path, timeout=PATIENCE)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_things_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(ProgramEnded, match="No module named nowhere_at_all"):
        gradstep.open("nowhere_at_all", module=True, timeout=PATIENCE)
    with pytest.raises(ProgramEnded, match="cannot be started"):
        gradstep.open(PROGRAMS / "raises.py", python="/no/such/python", timeout=PATIENCE)
    with pytest.raises(ProgramEnded):
        gradstep.open(PROGRAMS / "raises.py", python="/bin/true", timeout=PATIENCE)


def test_a_missing_import_is_the_programs_exception(start: Start, script: Any) -> None:
    path = script("import torch\nimport nowhere_at_all\n")
    stop = start(path).run()
    assert (stop.reason, stop.line) == (Reason.EXCEPTION, 2)
    assert stop.message == "ModuleNotFoundError: No module named 'nowhere_at_all'"


def test_torch_is_loaded_in_a_program_that_never_imports_it(start: Start, script: Any) -> None:
    """A known difference: the README of the tests says why."""
    program = start(script("import sys\nprint('torch' in sys.modules, 'gradstep' in dir())\n"))
    assert program.run().reason is Reason.END
    assert program.finish() == 0
    assert (program.output, program.errors) == ("True False\n", "")


def test_exit_codes_and_exit_handlers(
    start_all: Callable[..., list[Opened]], plain: Plain, script: Any
) -> None:
    text = "import atexit, sys\natexit.register(lambda: print('bye'))\n"
    endings = ("sys.exit(7)", "sys.exit('a reason')", "raise SystemExit(True)", "sys.exit(300)")
    paths = [script(f"{text}{end}\n", f"ends_{i}.py") for i, end in enumerate(endings)]
    for path, program, code in zip(paths, start_all(*paths), (7, 1, 1, 44), strict=True):
        expected = plain(path)
        stop = program.run()
        assert stop.reason is Reason.END and stop.exit_code is not None
        assert program.finish() == stop.exit_code % 256 == expected.returncode == code
        assert program.output == expected.stdout.decode() == "bye\n"
        assert program.errors == expected.stderr.decode()


def test_arguments_and_a_module(start: Start, plain: Plain, tmp_path: Path) -> None:
    assert start("leaves_early.py", ["--epochs", "a b"]).run().exit_code == 3
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text("NUMBER = 3\n")
    (package / "__main__.py").write_text(
        "import sys\nfrom .parts import NUMBER\n"
        "print(__name__, __package__, __spec__.name, NUMBER, sys.argv)\n"
    )
    expected = plain("package", ["x"], module=True, cwd=tmp_path)
    program = start("package", ["x"], module=True, cwd=str(tmp_path))
    assert program.loaded.file == str(package / "__main__.py")
    assert program.run().reason is Reason.END
    assert program.finish() == 0
    assert program.output_bytes == expected.stdout != b""


def test_standard_input(start: Start) -> None:
    program = start("reads_input.py")
    program.advance(Goal.RUN)
    wait_for(lambda: "name?" in program.output)
    program.write("Ada\n")
    assert program.wait().reason is Reason.END
    assert program.output == "name?\nhello Ada\n"


def test_an_endless_loop_is_paused_and_stopped(start: Start) -> None:
    program = start("spins.py")
    program.advance(Goal.RUN)
    wait_for(lambda: "spinning" in program.output)
    with pytest.raises(RequestFailed, match="running") as refused:
        program.values()
    assert refused.value.problem.kind == "busy"
    with pytest.raises(ProgramEnded, match="running"):
        program.step()
    program.pause()
    stop = program.wait()
    assert stop.reason is Reason.PAUSE
    assert stop.line in (marker("spins.py", "loop"), marker("spins.py", "body"))
    assert program.value("w").data == [1.0]
    # It goes on, and may be paused again, and stopped while it runs.
    program.advance(Goal.BACKWARD)
    time.sleep(0.1)
    program.pause()
    assert program.wait().reason is Reason.PAUSE
    program.advance(Goal.RUN)
    program.close()
    assert program.exit_code in (-signal.SIGINT, -signal.SIGKILL)  # on a busy machine, killed
    with pytest.raises(ProgramEnded):
        program.step()


def test_a_pause_between_operations_and_in_library_code(start: Start, script: Any) -> None:
    path = script(
        "import time, torch\n"
        "w = torch.ones(2, requires_grad=True)\n"
        "print('go', flush=True)\n"
        "while True: (w * 2).sum().backward()\n"
    )
    program = start(path)
    for goal, level in ((Goal.RUN, Level.RUN), (Goal.UPDATE, None), (Goal.RUN, Level.OPERATION)):
        program.advance(goal, level)
        wait_for(lambda: "go" in program.output)
        time.sleep(0.1)
        program.pause()
        stop = program.wait()
        assert (stop.reason, stop.line) == (Reason.PAUSE, 4)
    assert program.backward().reason is Reason.PHASE


def test_killed_left_and_crashed(start_all: Callable[..., list[Opened]]) -> None:
    spins, vanishes, crashes = start_all("spins.py", "vanishes.py", "crashes.py")
    spins.advance(Goal.RUN)
    wait_for(lambda: "spinning" in spins.output)
    os.kill(spins.pid, signal.SIGKILL)
    stop = spins.wait()
    assert stop.reason is Reason.LOST and "SIGKILL" in stop.message
    assert stop.exit_code == -signal.SIGKILL
    with pytest.raises(RequestFailed):
        spins.values()
    with pytest.raises(ProgramEnded, match="SIGKILL"):
        spins.step()
    stop = vanishes.run()
    assert (stop.reason, stop.exit_code) == (Reason.LOST, 7)
    assert "os._exit" in stop.message and "7" in stop.message
    assert vanishes.output == "now\n"
    stop = crashes.run()
    assert stop.reason is Reason.LOST and "SIGSEGV" in stop.message
    assert crashes.output == "crashing\n"


def test_killed_at_a_stop(start: Start) -> None:
    program = start("no_grad_update.py")
    program.forward()
    os.kill(program.pid, signal.SIGKILL)
    wait_for(lambda: program.exit_code is not None)
    with pytest.raises(RequestFailed):
        program.values()
    with pytest.raises(ProgramEnded):
        program.step()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_runs_out(start: Start) -> None:
    program = start("memory.py")
    stop = program.run()
    assert stop.reason is Reason.EXCEPTION
    assert stop.line == marker("memory.py", "takes")
    assert "alloc" in stop.failure.message
    assert program.output == "taking\n"


def test_workers_and_children_end_with_the_program(start: Start, plain: Plain) -> None:
    """The fixture sees that nothing is left, of a program in mid-run or of an ended one."""
    program = start("workers.py")
    stop = program.backward()
    assert stop.phase == "backward"
    child = int(program.output)
    os.kill(child, 0)
    program.close()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), 5.0)
    program = start("workers.py")
    stop = program.run(level=Level.OPERATION)
    assert (stop.reason, stop.iteration) == (Reason.END, 3)
    lines = program.output.splitlines()[1:]
    assert lines[0] == "[[0.0, 0.0], [2.0, 2.0]] 4.0"
    assert len(lines) == 3


ORPHAN = """
import os, sys
sys.path.insert(0, {root!r})
import gradstep
from gradstep.protocol.trace import Goal
if __name__ == "__main__":
    stopped = gradstep.open({stopped!r}, timeout=60)
    running = gradstep.open({running!r}, timeout=60)
    running.advance(Goal.RUN)
    print(stopped.pid, running.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_engine_ends_with_its_debuggee() -> None:
    """Whoever debugs may be killed too: stopped or running, the program does not outlive it."""
    text = ORPHAN.format(
        root=ROOT, stopped=str(PROGRAMS / "raises.py"), running=str(PROGRAMS / "spins.py")
    )
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == -signal.SIGKILL
    for pid in done.stdout.split():
        wait_for(lambda pid=int(pid): not alive(pid), 5.0)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_facts_come_in_order() -> None:
    facts: list[Any] = []
    program = Debuggee(Program(str(PROGRAMS / "leaves_early.py"), ("x",)), facts.append)
    with program:
        program.start()
        assert program.wait(PATIENCE).reason is Reason.START
        assert program.run(timeout=PATIENCE).reason is Reason.END
        assert program.finish() == 3
    kinds = [type(f).__name__ for f in facts if not isinstance(f, (Output, Progress))]
    assert kinds == ["Loaded", "Stop", "Running", "Stop", "Exited"]
    assert isinstance(facts[-1], Exited) and facts[-1].code == 3
    assert isinstance(facts[0], Loaded) and facts[0].kind == "script"
    texts = [f.text for f in facts if isinstance(f, Output)]
    assert "".join(texts) == "['x']\nbye\n"


def test_many_at_once_and_closed_in_any_state() -> None:
    """Closing while it starts, while it stands, twice: quickly, and nothing is left."""
    early = Debuggee(Program(str(PROGRAMS / "spins.py")))
    early.start()
    early.close()
    early.close()

    def open_one(name: str) -> Debuggee:
        return gradstep.open(PROGRAMS / name, timeout=PATIENCE)

    with ThreadPoolExecutor(3) as pool:
        programs = list(pool.map(open_one, ["raises.py", "no_training.py", "zero_first.py"]))
    assert len({p.pid for p in programs}) == 3
    for program in programs:
        began = time.monotonic()
        program.close()
        assert time.monotonic() - began < END_TIMEOUT + 2.0  # a busy machine kills slowly
        program.close()
        with pytest.raises(ProgramEnded):
            program.step()


@pytest.mark.slow
def test_exit_handlers_may_take_their_time(start: Start, script: Any) -> None:
    text = "import atexit, time\natexit.register(lambda: (time.sleep(6), print('bye')))\n"
    program = start(script(text))
    assert program.run().reason is Reason.END
    assert program.finish() == 0
    assert program.output == "bye\n"


@pytest.mark.parametrize("seconds", ["0", "100"], ids=["standing", "asleep"])
def test_a_program_that_is_closed_ends_as_by_ctrl_c(
    tmp_path: Path, seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exit handlers run, however long this machine takes for it."""
    monkeypatch.setattr("gradstep.debuggee.END_TIMEOUT", PATIENCE)
    notes = tmp_path / "notes"
    debuggee = gradstep.open(PROGRAMS / "ends.py", [str(notes), seconds], timeout=PATIENCE)
    debuggee.backward(timeout=PATIENCE)
    if seconds == "100":
        debuggee.advance(Goal.RUN)
        time.sleep(0.5)
    debuggee.close()
    assert notes.read_text().split() == ["finally", "atexit"]
    assert debuggee.exit_code == -signal.SIGINT


def test_a_program_that_ignores_ctrl_c_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "deaf.py"
    program.write_text(
        "import signal, torch\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "w = torch.ones(1, requires_grad=True)\n"
        "while True:\n    (w * 2).sum().backward()\n"
    )
    monkeypatch.setattr("gradstep.debuggee.END_TIMEOUT", 10 * PATIENCE)
    debuggee = gradstep.open(program, timeout=PATIENCE)
    debuggee.backward(timeout=PATIENCE)
    closing = threading.Thread(target=debuggee.close)
    closing.start()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert debuggee.exit_code == -signal.SIGKILL


def test_a_helper_thread_sees_the_main_thread_end(start: Start) -> None:
    program = start("polls_main.py")
    assert program.run().reason is Reason.END
    assert program.output.endswith("the main thread has ended\n")
