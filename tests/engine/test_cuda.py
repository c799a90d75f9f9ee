"""On an accelerator: stops between backward nodes that run in another thread, values fetched to the
window, an experiment moved there and back. Runs where there is a CUDA device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gradstep
from gradstep.debuggee import Debuggee
from gradstep.phases import Phase
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Level, Reason

ROOT = Path(__file__).resolve().parents[2]
WAIT = 60.0


def _has_cuda() -> bool:
    found = subprocess.run(
        [sys.executable, "-c", "import torch; raise SystemExit(not torch.cuda.is_available())"],
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not _has_cuda(), reason="no CUDA device"),
]


@pytest.fixture
def linear() -> Iterator[Debuggee]:
    with gradstep.open(ROOT / "resources/lessons/linear.py", timeout=WAIT) as program:
        yield program


def test_an_experiment_moves_between_iterations_and_trains_alike(linear: Debuggee) -> None:
    devices = linear.devices()
    assert "cuda:0" in [d.id for d in devices.available]
    assert devices.current == "cpu"
    linear.iteration(timeout=WAIT)
    assert linear.set_device("cuda:0").current == "cuda:0"
    assert linear.value("w").info.tensor.device == "cuda:0"
    linear.forward(timeout=WAIT)
    with pytest.raises(RequestFailed, match="between iterations"):
        linear.set_device("cpu")
    linear.backward(timeout=WAIT)
    assert linear.value("w").grad == -7.840000152587891
    linear.update(timeout=WAIT)
    linear.zero_grad(timeout=WAIT)
    assert linear.set_device("cpu").current == "cpu"
    linear.forward(timeout=WAIT)
    linear.backward(timeout=WAIT)
    assert linear.value("w").grad == -16.228801727294922


def test_steps_between_backward_nodes_of_the_device_thread(linear: Debuggee) -> None:
    linear.set_device("cuda:0")
    linear.forward(timeout=WAIT)
    seen = []
    stop = linear.step(timeout=WAIT)
    while stop.operation is not None and stop.operation.phase is Phase.BACKWARD:
        seen.append((stop.operation.name, linear.value("w").info.tensor.device))
        stop = linear.step(timeout=WAIT)
    assert [name for name, _ in seen] == ["SubBackward0", "MulBackward0", "AccumulateGrad"]
    assert linear.value("w").grad == -2.0
    edges = {e.name: e.grad.elements for e in linear.graph().edges if e.grad and e.grad.elements}
    assert edges["y_pred"] == (-2.0,)
    assert edges["w"] == (-2.0,)


@pytest.mark.parametrize("level", list(Level))
def test_a_script_on_the_device_prints_the_same_bits(level: Level) -> None:
    path = ROOT / "tests/engine/programs/on_accelerator.py"
    plain = subprocess.run([sys.executable, str(path)], capture_output=True, check=True).stdout
    with gradstep.open(path, timeout=WAIT) as program:
        assert program.run(level=level, timeout=WAIT).reason is Reason.END
        assert program.output_bytes == plain
    with gradstep.open(path, timeout=WAIT) as program:
        for _ in range(2):
            assert program.backward(level=level, timeout=WAIT).phase is Phase.BACKWARD
            assert program.update(level=level, timeout=WAIT).phase is Phase.UPDATE
        assert program.run(level=level, timeout=WAIT).reason is Reason.END
        assert program.output_bytes == plain


def test_out_of_memory_is_a_fact_and_the_program_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "too_much.py"
    path.write_text(
        "import torch\n"
        "w = torch.ones(4, device='cuda', requires_grad=True)\n"
        "big = torch.empty(1 << 50, device='cuda')\n"
    )
    with gradstep.open(path, timeout=WAIT) as program:
        stop = program.run(timeout=WAIT)
        assert stop.reason is Reason.EXCEPTION
        assert stop.line == 3
        assert stop.failure is not None
        assert "no room" in stop.failure.explanation
        assert program.value("w").data == [1.0, 1.0, 1.0, 1.0]
