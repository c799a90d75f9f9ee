"""``mp.spawn`` and DistributedDataParallel on gloo; the parent trains nothing."""

# phases: none; iterations: 0

import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from digest import show
from torch.nn.parallel import DistributedDataParallel as DDP


def worker(rank, world_size, folder):
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world_size)
    torch.manual_seed(0)
    ddp_model = DDP(torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(ddp_model.parameters(), lr=0.001)
    for _ in range(2):
        optimizer.zero_grad()
        ddp_model(torch.randn(3, 4) + rank).pow(2).sum().backward()
        optimizer.step()
    if rank == 0:
        show(list(ddp_model.parameters()))
        torch.save(ddp_model.module.state_dict(), "rank0.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(worker, args=(2, folder), nprocs=2, join=True)
    print("done")
