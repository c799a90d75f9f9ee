"""A number that float16 cannot hold: made by hand, and under autocast."""

import sys

import torch
from torch import nn

torch.manual_seed(0)
kind = sys.argv[1]
model = nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
for step in range(5):
    x = torch.ones(3, 4) * (1e6 if step == 3 else 1.0)
    if kind == "half":
        y = model(x)
        small = y.half()  # @half
        loss = small.float().abs().mean()
    else:
        with torch.autocast("cpu", dtype=torch.float16):
            y = model(x)  # @linear
        loss = y.float().abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
