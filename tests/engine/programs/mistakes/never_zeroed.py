"""Gradients are never cleared. The argument says who updates."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)
model = nn.Linear(3, 1)
other = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x, y = torch.randn(8, 3), torch.randn(8, 1)
for step in range(7):
    if way == "wrong model":
        other.zero_grad()
    loss = (model(x) - y).square().mean()
    loss.backward()  # @backward
    if way == "data":
        for p in model.parameters():
            p.data -= 0.01 * p.grad.data
    elif way == "no_grad":
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.01 * p.grad
    else:
        optimizer.step()
    print(step, loss.item())
