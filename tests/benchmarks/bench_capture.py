"""What watching costs: ``python tests/benchmarks/bench_capture.py`` prints ratios of one run.

Plain Python and the levels take turns and medians are told, so that a busy machine disturbs all
alike. ``process``: the whole life of a program, output silenced in both. ``loop``: the training
loop alone, which the program times itself. ``per aten``: what operation level adds to plain, over
the number of aten operations, counted in a run of their own. ``recorded``: every iteration's graph
with its values is recorded, and the program stands still after each, as when a person steps by
iterations; the levels before it are run through, with nobody to record for. ``nan``: on the way to
a NaN that never comes, at run level with losses and gradients checked.
"""

from __future__ import annotations

import argparse
import compileall
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
LESSON = ROOT / "resources" / "lessons" / "linear_by_hand.py"
LEVELS = ("run", "phase", "operation")
RECORDED = "recorded"
NAN = "nan"
PATIENCE = 600.0

# Each loop does `steps` iterations; the harness below times them, or counts what they call.
LOOPS = {
    "scalar": """
w = torch.tensor([1.0], requires_grad=True)
def loop(steps):
    for _ in range(steps):
        for x, y in ((1.0, 2.0), (2.0, 4.0), (3.0, 6.0)):
            l = (x * w - y) ** 2
            l.backward()
            w.data = w.data - 0.01 * w.grad.data
            w.grad.data.zero_()
""",
    "mlp": """
sizes = (64, 128, 128, 10)
layers = [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), nn.ReLU())]
model = nn.Sequential(*layers[:-1])
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(64, 64), torch.randint(10, (64,))
def loop(steps):
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
    "gpt": """
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
class Gpt(nn.Module):
    def __init__(self, vocabulary=65, d=64):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, d), nn.Embedding(32, d)
        self.blocks = nn.ModuleList(Block(d) for _ in range(4))
        self.head = nn.Linear(d, vocabulary)
    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(x)
model = Gpt()
optimizer = torch.optim.AdamW(model.parameters())
tokens = torch.randint(65, (8, 33))
def loop(steps):
    for _ in range(steps):
        logits = model(tokens[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
""",
}
STEPS = {"scalar": 1000, "mlp": 200, "gpt": 20}

HARNESS = """
import sys, time
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
{loop}
steps, count = int(sys.argv[1]), sys.argv[2] == "count"
clock = time.process_time if sys.argv[2] == "cpu" else time.perf_counter
loop(max(1, steps // 20))
if count:
    from torch.utils._python_dispatch import TorchDispatchMode
    class Count(TorchDispatchMode):
        n = 0
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            Count.n += 1
            return func(*args, **(kwargs or {{}}))
    with Count():
        loop(steps)
    print(Count.n)
else:
    began = clock()
    loop(steps)
    print(clock() - began)
"""


def plain(path: Path, *args: str) -> tuple[float, str]:
    """Seconds of the whole process, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(path), *args], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began, done.stdout


def watched(path: Path, level: str, *args: str) -> tuple[float, str]:
    """The same under gradstep at ``level``, run through, nothing displayed."""
    gradstep: Any = importlib.import_module("gradstep")
    trace = importlib.import_module("gradstep.protocol.trace")
    began = time.perf_counter()
    with gradstep.open(path, args, timeout=PATIENCE) as program:
        if level == NAN:
            stop = program.run_to_nan(timeout=PATIENCE)
        elif level == RECORDED:
            while program.can_advance:
                stop = program.iteration(timeout=PATIENCE)
        else:
            stop = program.run(level=trace.Level(level), timeout=PATIENCE)
        assert stop.reason is trace.Reason.END, stop
        program.finish()
        return time.perf_counter() - began, program.output


def silenced(folder: Path) -> Path:
    """The lesson without its prints: what they cost is not what is measured."""
    path = folder / "silenced.py"
    path.write_text("import builtins\nprint = lambda *a, **k: None\n" + LESSON.read_text())
    return path


def processes(folder: Path, repeats: int) -> None:
    path = silenced(folder)
    times: dict[str, list[float]] = {"plain": [], "run": []}
    for _ in range(repeats):
        times["plain"].append(plain(path)[0])
        times["run"].append(watched(path, "run")[0])
    told = {way: statistics.median(seconds) for way, seconds in times.items()}
    ratio = told["run"] / told["plain"]
    print(f"process  linear_by_hand  plain {told['plain']:.2f} s  run {ratio:.3f} x", flush=True)


def loops(folder: Path, name: str, repeats: int, scale: float, clock: str) -> None:
    path = folder / f"{name}.py"
    path.write_text(HARNESS.format(loop=LOOPS[name]))
    steps = max(1, int(STEPS[name] * scale))
    times: dict[str, list[float]] = {way: [] for way in ("plain", *LEVELS, RECORDED)}
    for _ in range(repeats):
        times["plain"].append(float(plain(path, str(steps), clock)[1]))
        for level in (*LEVELS, RECORDED):
            times[level].append(float(watched(path, level, str(steps), clock)[1]))
    operations = int(plain(path, str(steps), "count")[1])
    told = {way: statistics.median(seconds) for way, seconds in times.items()}
    ratios = "  ".join(
        f"{level} {told[level] / told['plain']:.3f} x" for level in (*LEVELS, RECORDED)
    )
    each = (told["operation"] - told["plain"]) / operations * 1e6
    spread = (max(times["plain"]) - min(times["plain"])) / told["plain"]
    print(
        f"loop     {name:14}  plain {told['plain']:.2f} s  {ratios}  "
        f"{each:.1f} {clock} us per aten ({operations} of them)  noise of plain {spread:.0%}",
        flush=True,
    )


def nan_watch(folder: Path, name: str, repeats: int, scale: float, clock: str) -> None:
    path = folder / f"{name}.py"
    path.write_text(HARNESS.format(loop=LOOPS[name]))
    steps = max(1, int(STEPS[name] * scale))
    times: dict[str, list[float]] = {way: [] for way in ("plain", "run", NAN)}
    for _ in range(repeats):
        times["plain"].append(float(plain(path, str(steps), clock)[1]))
        for way in ("run", NAN):
            times[way].append(float(watched(path, way, str(steps), clock)[1]))
    told = {way: statistics.median(seconds) for way, seconds in times.items()}
    spread = (max(times["plain"]) - min(times["plain"])) / told["plain"]
    print(
        f"nan      {name:14}  plain {told['plain'] / steps * 1e3:.2f} ms an iteration  "
        f"run {told['run'] / told['plain']:.3f} x  watch on {told[NAN] / told['plain']:.3f} x  "
        f"noise of plain {spread:.0%}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="of everything, taking turns")
    parser.add_argument("--scale", type=float, default=1.0, help="of the loops' lengths")
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="of the loops; cpu, on a machine that others use too",
    )
    parser.add_argument("--only", choices=("process", "loop", "nan"), help="one kind of line")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    compileall.compile_dir(ROOT / "gradstep", quiet=1)  # as pip leaves an installed package
    with tempfile.TemporaryDirectory() as folder:
        if chosen.only in (None, "process"):
            processes(Path(folder), chosen.repeats)
        for name in LOOPS if chosen.only in (None, "loop") else ():
            loops(Path(folder), name, chosen.repeats, chosen.scale, chosen.clock)
        for name in LOOPS if chosen.only in (None, "nan") else ():
            nan_watch(Path(folder), name, chosen.repeats, chosen.scale, chosen.clock)


if __name__ == "__main__":
    main()
