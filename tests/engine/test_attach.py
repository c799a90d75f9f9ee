"""``gradstep.breakpoint()`` in programs that plain Python started."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gradstep.facts import Exited, Running
from gradstep.protocol.breakpoints import BreakOn, Breakpoint
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Goal, Level, Loaded, Reason, Source, Stop
from tests.engine.attachable import Run, runner
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, marker

TRAINS, WAITS = "attach/trains.py", "attach/waits.py"
NO_SCREEN = "the program goes on without a window: gradstep needs a screen, and DISPLAY is not set."

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the relay is a shell script")


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with runner(tmp_path) as run:
        yield run


Plain = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """The training program without a screen, and so without gradstep: run once."""
    with runner(tmp_path_factory.mktemp("plain")) as run:
        yield functools.cache(lambda *args: run(TRAINS, *args, environ={}).end())


def test_held_looked_at_let_go_and_held_again(run: Run, plain: Plain) -> None:
    """Two windows, the first over several breakpoints; bit for bit the output of a plain run, which
    is that of a program without a screen."""
    running = run(TRAINS)
    facts: list[Any] = []
    window = running.window(facts.append)
    stop = window.stop
    assert (stop.reason, stop.line) == (Reason.BREAKPOINT, marker(TRAINS, "first"))
    assert stop.place.function == "look"
    assert window.loaded.kind == "attached" and window.attached
    assert window.pid == running.process.pid
    weight = window.value("model.weight").data
    stop = window.forward()
    assert (stop.reason, stop.phase, stop.line) == (
        Reason.PHASE,
        "forward",
        marker(TRAINS, "backward"),
    )
    assert stop.iteration == 1
    assert any(node.name == "linear" for node in window.graph().nodes)
    window.backward()
    gradient = window.value("model.weight").grad
    window.update()
    updated = window.value("model.weight").data
    for old, slope, new in zip(weight[0], gradient[0], updated[0], strict=True):
        assert new == pytest.approx(old - 0.1 * slope, rel=1e-6)
    # The window is still open: the next breakpoint stops in it.
    stop = window.run()
    assert (stop.reason, stop.line) == (Reason.BREAKPOINT, marker(TRAINS, "first"))
    assert running.windows == 1
    window.close()
    # The breakpoint that it has come by stays silent; the other one opens another window.
    second = running.window()
    assert second.stop.line == marker(TRAINS, "second")
    assert running.windows == 2
    assert second.run().reason is Reason.END
    code, output, errors = running.end()
    expected = plain()
    assert (code, output) == expected[:2] and code == 0
    assert output.splitlines()[-1] == "0 0"
    assert errors == ""
    assert [line for line in expected[2].splitlines() if NO_SCREEN in line] == [
        expected[2].rstrip("\n")
    ], "one line, once"
    kinds = [type(fact) for fact in facts if not isinstance(fact, Running)]
    assert kinds[:2] == [Loaded, Stop] and kinds[-1] is Exited


@pytest.mark.sweep
def test_a_window_that_vanishes_takes_nothing_with_it(run: Run, plain: Plain) -> None:
    """In the middle of backward, and at a call of forward."""
    running = run(TRAINS)
    window = running.window()
    window.forward()
    assert window.step().phase == "backward"
    window.close()
    second = running.window()
    second.steps_until("square")
    second.close()
    assert running.end()[:2] == plain()[:2]


@pytest.mark.sweep
def test_a_window_closed_while_the_program_runs(run: Run, tmp_path: Path) -> None:
    """At operation level, on the way to a far goal: it goes on without modes."""
    running = run(WAITS, str(tmp_path / "enough"))
    window = running.window()
    assert window.stop.line == marker(WAITS, "held")
    line = marker(WAITS, "busy")
    never = Breakpoint(1, BreakOn.LINE, str(PROGRAMS / WAITS), line, condition="w is None")
    window.set_breakpoints(never)
    window.advance(Goal.UPDATE)
    time.sleep(0.3)
    assert window.debuggee.stop.reason is Reason.BREAKPOINT
    window.close()
    time.sleep(0.3)
    (tmp_path / "enough").touch()
    assert running.end() == (0, "busy\n[2.0, 2.0, 2.0] 0 0 None\n", "")


@pytest.mark.sweep
def test_paused_in_the_middle_of_its_work(run: Run, tmp_path: Path) -> None:
    running = run(WAITS, str(tmp_path / "enough"))
    window = running.window()
    window.advance(Goal.RUN)
    time.sleep(0.3)
    window.pause()
    stop = window.wait()
    assert stop.reason is Reason.PAUSE
    assert stop.line in range(marker(WAITS, "busy") - 1, marker(WAITS, "busy") + 2)
    assert window.value("w").data == [1.0, 1.0, 1.0]
    (tmp_path / "enough").touch()
    assert window.run().reason is Reason.END
    assert running.end()[0] == 0


@pytest.mark.sweep
def test_ctrl_c_is_for_the_program(run: Run, tmp_path: Path) -> None:
    running = run(WAITS, str(tmp_path / "enough"))
    facts: list[Any] = []
    window = running.window(facts.append)
    os.kill(running.process.pid, signal.SIGINT)
    end = time.monotonic() + PATIENCE
    while not any(isinstance(fact, Running) for fact in facts):
        assert time.monotonic() < end
        time.sleep(0.01)
    with pytest.raises(RequestFailed, match="running"):
        window.values()
    (tmp_path / "enough").touch()
    assert window.wait().reason is Reason.END
    assert running.end() == (0, "busy\n[2.0, 2.0, 2.0] 1 0 None\n", "")


@pytest.mark.sweep
def test_an_exception_ends_it_as_in_plain_python(run: Run, plain: Plain) -> None:
    running = run(TRAINS, "fail")
    window = running.window()
    stop = window.run()
    for _ in range(5):
        if stop.reason is not Reason.BREAKPOINT:
            break
        stop = window.run(level=Level.OPERATION)
    assert (stop.reason, stop.failure.type) == (Reason.EXCEPTION, "ValueError")
    code, output, errors = running.end()
    expected = plain("fail")
    assert (code, output) == expected[:2] and code == 1
    assert errors == expected[2].split("\n", 1)[1], "the traceback, and nothing else"
    assert stop.failure.text == errors


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("/bin/false", "the window's process ended without a word."),
        ("/no/such/window", "No such file or directory"),
    ],
)
def test_a_window_that_does_not_come(run: Run, window: str, said: str) -> None:
    code, output, errors = run(TRAINS, window=window).end()
    assert code == 0 and output.count("\n") == 9
    assert "goes on without a window" in errors and said in errors
    assert errors.count("\n") == 1


def test_where_nothing_can_be_held_it_goes_on(run: Run) -> None:
    running = run("attach/elsewhere.py")
    code, output, errors = running.end()
    assert (code, output) == (0, "5\n[0.0, 1.0]\n0\n")
    assert running.windows == 0
    lines = errors.splitlines()
    say = "gradstep.breakpoint(): "
    assert sorted(set(lines)) == [
        say + "a worker process cannot be stopped; it goes on.",
        say + "only the main thread can be stopped; this one goes on.",
    ]
    assert len(lines) == 4, "once in each process"


def test_cells_of_a_notebook_are_the_users_code(run: Run) -> None:
    """Held at a line of no file; the engine knows the text, and the lines after it stop, too."""
    running = run("attach/notebook.py")
    window = running.window()
    stop = window.stop
    assert (stop.file, stop.line) == ("/tmp/ipykernel_77/1234567.py", 4)
    source, _ = window.request("source", Source, file=stop.file).result(PATIENCE)
    assert source.text.splitlines()[3] == "gradstep.breakpoint()"
    stop = window.forward()
    assert (stop.phase, stop.line) == ("forward", 6)
    assert {node.place.line for node in window.graph().nodes if node.name == "mul"} == {2}
    window.backward()
    assert window.value("w").grad == [3.0, 3.0]
    with pytest.raises(RequestFailed, match="No source"):
        window.request("source", Source, file="/tmp/ipykernel_77/7.py").result(PATIENCE)
    assert window.run().reason is Reason.END
    assert running.end() == (0, "[3.0, 3.0]\n", "")


@pytest.mark.sweep
def test_under_gradstep_it_is_a_breakpoint_at_every_level(start: Any) -> None:
    program = start(TRAINS)
    for level in Level:
        stop = program.run(level=level)
        assert (stop.reason, stop.line) == (Reason.BREAKPOINT, marker(TRAINS, "first")), level
    stop = program.forward()
    assert (stop.reason, stop.phase) == (Reason.PHASE, "forward")
    stop = program.run()
    assert (stop.reason, stop.line) == (Reason.BREAKPOINT, marker(TRAINS, "second"))
    assert program.run().reason is Reason.END


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK"])
def test_only_the_first_rank_is_stopped(run: Run, plain: Plain, name: str) -> None:
    code, output, errors = run(TRAINS, environ={name: "1", "DISPLAY": ":1"}).end()
    assert (code, output) == plain()[:2]
    assert errors == "gradstep.breakpoint(): only rank 0 is stopped; rank 1 goes on.\n"


def test_the_other_ranks_run_without_a_window(tmp_path: Path) -> None:
    """``torchrun --no-python gradstep train.py``"""
    program = tmp_path / "rank.py"
    program.write_text("import sys; print(*sys.argv[1:], 'gradstep' in sys.modules); sys.exit(3)")
    command = [sys.executable, "-m", "gradstep", str(program), "a", "b"]
    environ = {**os.environ, "RANK": "2"}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (3, "a b False\n", "")
