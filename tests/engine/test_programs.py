"""Programs as practitioners write them: the same as under plain Python at every level, and their
iterations counted right at every level."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import FINAL, WAYS, Opened
from tests.engine.table_of_programs import CASES, HELPERS, Case, with_gaps

pytestmark = pytest.mark.sweep

Start = Callable[..., Opened]
Plain = Callable[..., subprocess.CompletedProcess[bytes]]
CHOSEN = ("run", "operation level", "by phases")
"""The last one is the phase level, with its stops; a program of few iterations ends in it."""


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    output: bytes
    errors: bytes
    code: int
    files: dict[str, bytes]
    found: tuple[str, ...] = ()
    """Kinds of what the phase watch found."""


Watched = Callable[[Case], tuple[Outcome, dict[str, tuple[Outcome, int]]]]
_SEEN: dict[Case, tuple[Outcome, dict[str, tuple[Outcome, int]]]] = {}


@pytest.fixture
def watched(start: Start, plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """The outcome under plain Python, and for each way under the debugger, with its iterations.
    Starting processes is what takes time: two tests look at one run."""
    monkeypatch.setenv("PYTHONPATH", HELPERS)

    def folder(way: str, case: Case) -> Path:
        made = tmp_path / way.replace(" ", "_")
        made.mkdir()
        case.prepare(made)
        return made

    def under_plain(case: Case) -> Outcome:
        cwd = folder("plain", case)
        done = plain(case.path(cwd), case.args, module=case.module, cwd=cwd, text=case.text)
        return Outcome(done.stdout, done.stderr, done.returncode, left_in(cwd))

    def under_debugger(case: Case, way: str) -> tuple[Outcome, int]:
        cwd = folder(way, case)
        program = start(case.path(cwd), case.args, module=case.module, cwd=str(cwd))
        if case.text:
            program.write(case.text)
        WAYS[way](program)
        assert program.stop.reason in FINAL, (way, program.stop)
        count = program.stop.iteration
        lost = program.stop.reason is Reason.LOST
        code = program.exit_code if lost else program.finish()
        errors = program.errors.encode()
        found = tuple(finding.kind for finding in program.findings)
        return Outcome(program.output_bytes, errors, code, left_in(cwd), found), count

    def watched(case: Case) -> tuple[Outcome, dict[str, tuple[Outcome, int]]]:
        if case not in _SEEN:
            with ThreadPoolExecutor(2) as pool:
                expected = pool.submit(under_plain, case)
                seen = list(pool.map(lambda way: under_debugger(case, way), CHOSEN))
                _SEEN[case] = expected.result(), dict(zip(CHOSEN, seen, strict=True))
        return _SEEN[case]

    return watched


def left_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("case", with_gaps("bits", CASES))
def test_the_same_as_plain_python(watched: Watched, case: Case) -> None:
    expected, seen = watched(case)
    assert expected.output and expected.code == case.code, expected
    for way, (outcome, _) in seen.items():
        assert outcome.errors.decode() == expected.errors.decode(), way
        assert outcome.output == expected.output, way
        assert outcome.code == expected.code, way
        assert outcome.files == expected.files, way


@pytest.mark.parametrize(
    "case", with_gaps("counts", [case for case in CASES if case.iterations is not None])
)
def test_iterations_counted_at_every_level(watched: Watched, case: Case) -> None:
    _, seen = watched(case)
    counts = {way: count for way, (_, count) in seen.items()}
    assert counts == dict.fromkeys(CHOSEN, case.iterations)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_phase_watch_gives_no_false_alarm(watched: Watched, case: Case) -> None:
    _, seen = watched(case)
    found = {way: outcome.found for way, (outcome, _) in seen.items()}
    assert found == dict.fromkeys(CHOSEN, case.found)
