"""What watching holds on to: ``python tests/benchmarks/bench_memory.py`` prints the memory of a
running program's process, and how long a deep backward takes once nobody follows it any more.

``flat``: resident memory of the program's process at tenths of a long run (each iteration recorded,
at operation level; and at run level). ``deep``: a backward of many nodes, stepped into for twenty
nodes and then let go: how long until it has ended and the program stands, against the same backward
under plain Python. A backward of 1,000 nodes, done likewise, is taken off: it is the stop.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 3600.0
STEPS = 20

LOOP = """
import sys
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(16, 4), torch.randn(16, 1)
for iteration in range(int(sys.argv[1])):
    loss = (model(x) - y).pow(2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""

DEEP = """
import sys, time
import torch
torch.set_num_threads(1)
w = torch.ones(1, requires_grad=True)
for repeat in range(int(sys.argv[2])):
    y = w
    for _ in range(int(sys.argv[1])):
        y = y * 1.0
    began = time.perf_counter()
    y.backward()
    print(time.perf_counter() - began, flush=True)
    w.grad = None
"""


def resident(pid: int) -> float:
    """MiB of the process in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS: this benchmark reads /proc")


def flat(path: Path, iterations: int, level: str) -> None:
    gradstep: Any = importlib.import_module("gradstep")
    trace: Any = importlib.import_module("gradstep.protocol.trace")
    told = []
    with gradstep.open(path, [str(iterations)], timeout=PATIENCE) as program:
        if level == "run":
            program.advance(trace.Goal.RUN)
            for _ in range(10):
                stop = None
                try:
                    stop = program.wait(iterations * 0.12e-3 / 10)
                except TimeoutError:
                    told.append(resident(program.pid))
                if stop is not None:
                    break
            program.wait(PATIENCE)
            told.append(resident(program.pid))
        else:
            for number in range(1, iterations + 1):
                program.iteration(timeout=PATIENCE)
                if number % (iterations // 10) == 0:
                    told.append(resident(program.pid))
    words = " ".join(f"{mib:.0f}" for mib in told)
    print(f"flat  {level:9}  {iterations} iterations  MiB {words}", flush=True)


def let_go(path: Path, nodes: int, repeats: int) -> tuple[float, float]:
    """Seconds of one backward, plain and stepped into; medians."""
    gradstep: Any = importlib.import_module("gradstep")
    trace: Any = importlib.import_module("gradstep.protocol.trace")
    command = [sys.executable, str(path), str(nodes), str(repeats)]
    plain = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    watched = []
    with gradstep.open(path, [str(nodes), str(repeats)], timeout=PATIENCE) as program:
        for _ in range(repeats):
            program.forward(level=trace.Level.PHASE, timeout=PATIENCE)
            for _ in range(STEPS):
                stop = program.step(timeout=PATIENCE)
            assert stop.phase == "backward" and stop.done >= STEPS - 1, stop
            began = time.perf_counter()
            program.backward(level=trace.Level.PHASE, timeout=PATIENCE)
            watched.append(time.perf_counter() - began)
        program.run(timeout=PATIENCE)
    return statistics.median(map(float, plain.split())), statistics.median(watched)


def deep(path: Path, nodes: int, repeats: int) -> None:
    plain, watched = let_go(path, nodes, repeats)
    less_plain, less_watched = let_go(path, 1000, repeats)
    plain, watched = plain - less_plain, watched - less_watched
    print(
        f"deep  {nodes} nodes  plain {plain * 1e3:.0f} ms  stepped into and let go "
        f"{watched * 1e3:.0f} ms  {watched / plain:.2f} x",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=3, help="of the deep backward")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        loop, nodes = Path(folder) / "loop.py", Path(folder) / "nodes.py"
        loop.write_text(LOOP)
        nodes.write_text(DEEP)
        deep(nodes, chosen.nodes, chosen.repeats)
        flat(loop, chosen.iterations, "run")
        flat(loop, chosen.iterations, "operation")


if __name__ == "__main__":
    main()
