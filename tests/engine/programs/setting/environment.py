"""Sets variables that torch reads while it is imported."""

# phases: forward backward update; iterations: 2

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
before = sorted(name for name in os.environ if name.startswith(("OMP_", "CUBLAS_")))

import torch  # noqa: E402
from digest import show  # noqa: E402

print(before, torch.get_num_threads())
torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(40_000))
x = torch.randn(40_000)
optimizer = torch.optim.SGD([w], lr=0.1)
for _ in range(2):
    loss = (w * x).sum()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(loss.item())
show(w)
