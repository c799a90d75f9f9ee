"""What it costs a program at full speed that its plots are alive.

Iterations of about a millisecond in one process, in stretches of half a second; in every other one
the losses (and gauges) are read as often as the window reads them. CPU time of the process and of
the thread that trains, each stretch beside its neighbour; the median of the ratios. Last, what
noting one loss takes.

python tests/benchmarks/bench_live.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import gradstep
from gradstep.debuggee import Debuggee
from gradstep.engine.sites import Sites
from gradstep.engine.stepping.losses import LossLog
from gradstep.protocol.gauges import Gauge
from gradstep.protocol.trace import Goal

STRETCHES = 40
PROGRAM = f"""
import time, torch
torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Sequential(*(torch.nn.Linear(96, 96) for _ in range(6)))
optimizer = torch.optim.SGD(model.parameters(), 0.01)
x = torch.randn(64, 96)

def train(iterations):
    for _ in range(iterations):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()

train(300)
for stretch in range({STRETCHES}):
    whole, own = time.process_time(), time.thread_time()
    train(500)
    print(time.process_time() - whole, time.thread_time() - own, flush=True)
"""
BEAT = 0.25
"""Seconds between two readings of the window."""


def measured(path: Path, *kinds: Gauge) -> tuple[float, float, float]:
    """Milliseconds of an iteration, and how many times the CPU time of the process and of the
    thread that trains, in stretches that are looked into."""
    with gradstep.open(path) as program:
        program.gauge(*kinds, limit=0.1)
        program.advance(Goal.RUN)
        over = threading.Event()
        asker = threading.Thread(target=_ask, args=(program, over, bool(kinds)))
        asker.start()
        program.wait()
        over.set()
        asker.join()
        times = [tuple(map(float, line.split())) for line in program.output.splitlines()]
    ratios = [
        [looked[i] / alone[i] for alone, looked in zip(times[::2], times[1::2], strict=True)]
        for i in (0, 1)
    ]
    whole, own = map(statistics.median, ratios)
    return 1000 * statistics.median(own for _, own in times) / 500, whole, own


def _ask(program: Debuggee, over: threading.Event, gauges: bool) -> None:
    read = 0
    while not over.wait(BEAT):
        if program.output.count("\n") % 2:
            found = program.losses(read)
            read = found.first + len(found.values)
            if gauges:
                program.gauges()


def noting(count: int = 200_000) -> float:
    """Nanoseconds that a loss takes to be noted."""
    log = LossLog(Sites(str(Path(__file__).parent)))

    space = {"note": log.note, "here": sys._getframe}
    text = "def backward(i): note(i, 0.5, None, here())"
    exec(compile(text, "<torch>", "exec"), space)  # code that is not the user's
    backward: Any = space["backward"]
    start = time.thread_time()
    for i in range(count):
        backward(i)
    return (time.thread_time() - start) / count * 1e9


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(PROGRAM)
        for name, kinds in {"loss": (), "loss and gradient flow": (Gauge.GRADIENTS,)}.items():
            length, whole, own = measured(path, *kinds)
            print(
                f"{name:24} read while iterations of {length:.2f} ms run: process {whole:.3f},"
                f" training thread {own:.3f} times as without"
            )
    print(f"noting a loss: {noting():.0f} ns")


if __name__ == "__main__":
    main()
