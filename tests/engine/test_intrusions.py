"""Programs that get in the debugger's way: each of these once went wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gradstep
from gradstep.protocol.trace import Goal, Level, NodeState, Reason

PROGRAMS = Path(__file__).with_name("programs")
WAIT = 90.0


@pytest.mark.parametrize("level", list(Level))
def test_output_and_traceback_are_those_of_plain_python(level: Level) -> None:
    path = str(PROGRAMS / "intrusions.py")
    plain = subprocess.run([sys.executable, path], capture_output=True, check=False)
    with gradstep.open(path, timeout=WAIT) as program:
        stop = program.run(level=level, timeout=WAIT)
        assert stop.reason is Reason.EXCEPTION
        assert program.finish() == plain.returncode == 1
        assert program.output_bytes == plain.stdout
        assert program.errors.encode() == plain.stderr


def test_phases_go_on_after_a_step_that_raised_and_stop_at_what_is_detached() -> None:
    with gradstep.open(PROGRAMS / "intrusions.py", timeout=WAIT) as program:
        program.backward(timeout=WAIT)
        for iteration in (1, 2, 3):
            assert program.backward(timeout=WAIT).iteration == iteration
            states = {n.name: (n.state, n.saved) for n in program.graph().nodes if n.backward}
            assert set(states) == {"mul", "sum"}
            detached = next(n for n in program.graph().nodes if n.name == "detach")
            assert (detached.state, detached.saved) == (NodeState.DONE, "")
            assert program.update(timeout=WAIT).iteration == iteration


def test_a_pause_that_follows_at_once_is_kept() -> None:
    with gradstep.open(PROGRAMS / "spins.py", timeout=WAIT) as program:
        for _ in range(5):
            program.advance(Goal.BACKWARD)
            program.pause()
            assert program.wait(WAIT).reason is Reason.PAUSE


def test_a_kept_alias_stays_one_and_edges_and_own_tensors_are_left_alone() -> None:
    path = str(PROGRAMS / "update" / "kept.py")
    plain = subprocess.run([sys.executable, path], capture_output=True, check=True)
    with gradstep.open(path, timeout=WAIT) as program:
        for iteration in (1, 2, 3, 4):
            stop = program.update(timeout=WAIT)
            assert (stop.reason, stop.iteration) == (Reason.PHASE, iteration)
        program.run(level=Level.RUN, timeout=WAIT)
        assert program.finish() == 0
        assert program.output_bytes == plain.stdout
