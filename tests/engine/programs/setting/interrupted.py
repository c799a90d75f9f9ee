"""Interrupted from the keyboard: plain Python dies of SIGINT."""

# phases: varies; iterations: 2

import torch

w = torch.ones(2, requires_grad=True)
for step in range(5):
    loss = (w * w).sum()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
    print(step, loss.item())
    if step == 1:
        raise KeyboardInterrupt
