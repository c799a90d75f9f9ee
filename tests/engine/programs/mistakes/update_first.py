"""The step comes before backward. The argument says how often."""

import sys

import torch
from torch import nn

times = int(sys.argv[1])
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters())
for step in range(times):
    loss = model(torch.randn(8, 3)).square().mean()
    optimizer.step()  # @step
    optimizer.zero_grad()
    loss.backward()
    print(step, loss.item())
