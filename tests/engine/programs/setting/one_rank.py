"""DistributedDataParallel with a single rank, in the script's own process."""

# phases: forward zero_grad backward update; iterations: 3

import os

import torch
import torch.distributed as dist
from digest import show

os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
torch.manual_seed(0)
model = torch.nn.parallel.DistributedDataParallel(
    torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(3):
    loss = model(torch.randn(5, 4)).square().mean()  # @forward
    optimizer.zero_grad()  # @zero_grad
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item())
show(list(model.parameters()))
dist.destroy_process_group()
