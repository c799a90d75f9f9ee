"""Parameters that have no shape before the first call of their module."""

# phases: forward backward update zero_grad; iterations: 4

import torch
from torch import nn

torch.manual_seed(0)
w = torch.ones(3, requires_grad=True)
head = nn.LazyLinear(1)
body = nn.Sequential(nn.Linear(3, 4), nn.LazyLinear(2))
for i in range(4):
    loss = (body(w * 2).sum() + head(w).sum()) ** 2  # @forward
    loss.backward()  # @backward
    with torch.no_grad():
        for p in (w, *body.parameters(), *head.parameters()):
            p -= 0.01 * p.grad  # @update
    for p in (w, *body.parameters(), *head.parameters()):
        p.grad = None  # @zero_grad
    print(i, loss.item())
