"""What recording a forward costs, beside TorchLens: ``bench_peers.py --python PY`` prints ratios.

``PY`` is an interpreter with torchlens and the same torch; plain, TorchLens and gradstep run in it
by turns. All three time the same forward themselves, on one core, warmed up; the median is told.
``--clock cpu`` counts their thread's time only, on a machine that others use too.
gradstep records every operation with its values, as for a person who steps; TorchLens saves every
layer's output, its default.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900.0

MODELS = {
    "mlp": """
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
                      nn.Linear(128, 10))
x = torch.randn(64, 64)
""",
    "transformer": """
class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
        a = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp(self.norm2(x))
model = nn.Sequential(*(Block(64) for _ in range(4)))
x = torch.randn(4, 32, 64)
""",
}

PROGRAM = """
import statistics, sys, time
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
{model}
forward = model
if sys.argv[1] == "torchlens":
    import torchlens
    forward = lambda x: torchlens.trace(model, x)
clock = time.thread_time if sys.argv[3] == "cpu" else time.perf_counter
times = []
for _ in range(int(sys.argv[2])):
    began = clock()
    y = forward(x)
    times.append(clock() - began)
print("seconds", statistics.median(times[len(times) // 3:]))
"""


def seconds(output: str) -> float:
    return next(float(line.split()[1]) for line in output.splitlines() if line[:7] == "seconds")


def alone(python: str, path: Path, way: str, count: int, clock: str) -> float:
    command = [python, str(path), way, str(count), clock]
    return seconds(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def watched(python: str, path: Path, count: int, clock: str) -> float:
    gradstep: Any = importlib.import_module("gradstep")
    arguments = ["gradstep", str(count), clock]
    with gradstep.open(path, arguments, python=python, timeout=PATIENCE) as program:
        program.forward(timeout=PATIENCE)  # it never calls backward: to its end, all recorded
        return seconds(program.output)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="an interpreter with torchlens")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--count", type=int, default=12, help="forwards in one run")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        for name, model in MODELS.items():
            path = Path(folder) / f"{name}.py"
            path.write_text(PROGRAM.format(model=model))
            rows = [
                (
                    alone(chosen.python, path, "plain", chosen.count, chosen.clock),
                    alone(chosen.python, path, "torchlens", chosen.count, chosen.clock),
                    watched(chosen.python, path, chosen.count, chosen.clock),
                )
                for _ in range(chosen.repeats)
            ]
            plain, lens, ours = (statistics.median(column) for column in zip(*rows, strict=True))
            print(
                f"{name:12} plain {plain * 1e3:.2f} ms  torchlens {lens / plain:.0f} x  gradstep "
                f"{ours / plain:.1f} x  gradstep is {lens / ours:.1f} x cheaper",
                flush=True,
            )


if __name__ == "__main__":
    main()
