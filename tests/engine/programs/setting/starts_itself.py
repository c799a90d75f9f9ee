"""Starts its own command once more for each rank, as launchers of libraries do."""

# phases: forward backward update; iterations: 2

import os
import subprocess
import sys

import torch
from digest import show

rank = int(os.environ.get("LOCAL_RANK", 0))
if "LOCAL_RANK" not in os.environ:
    command = [sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]
    child = subprocess.run(
        command, env={**os.environ, "LOCAL_RANK": "1"}, capture_output=True, text=True, check=False
    )
    print(
        "child:", child.returncode, child.stdout.strip(), child.stderr.strip(), len(sys.orig_argv)
    )
torch.manual_seed(rank)
w = torch.nn.Parameter(torch.randn(3))
optimizer = torch.optim.SGD([w], lr=0.1)
for _ in range(2):
    loss = w.exp().sum()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print("rank", rank, loss.item())
show(w)
