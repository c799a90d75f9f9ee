"""Watching changes nothing: output, exit code, parameters, optimizer and random numbers are those
of plain Python, at every level, run through or stepped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import WAYS, Opened
from tests.engine.table_of_programs import HELPERS

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.mark.parametrize(
    ("file", "ways"),
    [
        ("fidelity/optimizers.py", list(WAYS)),
        ("fidelity/autograd.py", [way for way in WAYS if way != "gauged"]),
        ("fidelity/python.py", [way for way in WAYS if "gauged" not in way]),
        ("linear_by_hand.py", ["by phases"]),
        pytest.param("setting/warns.py", ["operation level", "by phases"], marks=pytest.mark.sweep),
        pytest.param(
            "setting/handles_errors.py", ["operation level", "by phases"], marks=pytest.mark.sweep
        ),
        pytest.param("backward/functional.py", ["run", "by phases"], marks=pytest.mark.sweep),
    ],
)
def test_the_same_as_plain_python(
    start: Start, plain: Plain, monkeypatch: pytest.MonkeyPatch, file: str, ways: list[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", HELPERS)

    def watched(way: str) -> tuple[str, Opened, int]:
        program = start(file)
        WAYS[way](program)
        assert program.stop.reason in (Reason.END, Reason.EXCEPTION), (way, program.stop)
        return way, program, program.finish()

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(plain, file)
        seen = list(pool.map(watched, ways))
        expected = first.result()
    for way, program, code in seen:
        assert program.output_bytes == expected.stdout, way
        assert program.errors == expected.stderr.decode(), way
        assert code == expected.returncode, way
