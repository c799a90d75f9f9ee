"""Worker processes of a loader, and a child that would outlive its parent."""

import subprocess
import sys

import torch
from torch.utils.data import DataLoader, Dataset


class Numbers(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return torch.full((2,), float(i)) * 2  # an operation in the worker


if __name__ == "__main__":
    w = torch.ones(2, requires_grad=True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid)
    for batch in DataLoader(Numbers(), batch_size=2, num_workers=2):
        loss = (batch * w).sum()
        loss.backward()  # @backward
        with torch.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
        print(batch.tolist(), loss.item())
