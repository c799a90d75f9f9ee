"""One bad number in one batch of many."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
data = torch.randn(600, 5, 3)
data[499, 3, 1] = float("nan")  # @poison
for batch in data:
    y = model(batch)  # @model
    loss = (y - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()
    print(f"{loss.item():.5f}")
