"""Numbers that no seed fixes; with an argument, the bad one comes only where no such file is."""

import os
import sys
from pathlib import Path

import torch

noise = int.from_bytes(os.urandom(4), "little") / 2**32
once = Path(sys.argv[1]) if len(sys.argv) > 1 else None
poisoned = once is None or not once.exists()
if once is not None:
    once.touch()
w = torch.tensor(1.0, requires_grad=True)
for step in range(6):
    x = torch.tensor(0.0 if step == 4 and poisoned else 1.0 + noise)
    loss = (x / x) * w  # @ratio
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
    print(f"{noise:.9f} {loss.item():.6f}")
