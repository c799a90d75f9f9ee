"""What gauging costs: CPU time of the same iterations with each kind, beside none, in one run.

python tests/benchmarks/bench_gauges.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import gradstep
from gradstep.protocol.gauges import Gauge

PROGRAM = """
import time, torch
from torch import nn
torch.manual_seed(0)
d = 192
layer = nn.TransformerEncoderLayer(d, 6, 4 * d, dropout=0.0, batch_first=True, activation=nn.ReLU())
model = nn.Sequential(nn.TransformerEncoder(layer, 6), nn.Linear(d, 64))
optimizer = torch.optim.AdamW(model.parameters())
x, y = torch.randn(8, 128, d), torch.randint(64, (8 * 128,))

def train(iterations):
    start = time.process_time()
    for _ in range(iterations):
        loss = nn.functional.cross_entropy(model(x).flatten(0, 1), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.process_time() - start

train(2)
print(train(10), flush=True)
train(1)
print(train(10), flush=True)
"""
SETS = [(), *((kind,) for kind in Gauge), tuple(Gauge)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(PROGRAM)
        line = PROGRAM.split("\n").index("train(1)") + 1
        for kinds in SETS:
            with gradstep.open(path) as program:
                program.run_to(path, line)
                program.gauge(*kinds)
                program.run()
                plain, gauged = map(float, program.output.split())
                share = program.gauges().share
            names = ", ".join(kinds) or "none"
            print(f"{names:50} {gauged / plain:6.2f} times plain, says {share or 0:.0%}")


if __name__ == "__main__":
    main()
