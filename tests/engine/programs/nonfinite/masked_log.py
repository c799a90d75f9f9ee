"""The branch that where() does not take has a gradient all the same: 0 times 1/0."""

import torch

x = torch.tensor([1.0, 0.5, 0.0, 2.0])
w = torch.tensor([1.0, 1.0, 1.0, 1.0], requires_grad=True)
for step in range(4):
    p = w * x
    logs = torch.log(p)  # @log
    kept = torch.where(p > 0, logs, torch.zeros_like(p))
    loss = (kept**2).sum()
    loss.backward()  # @backward
    with torch.no_grad():
        w -= 0.01 * w.grad
    w.grad = None
    print(step, loss.item())
