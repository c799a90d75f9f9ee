"""Harmless Inf in every iteration, and one overflow that matters."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(3, 3)
with torch.no_grad():
    model.weight.abs_()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
allowed = torch.tensor([1.0, 1.0, 0.0])
for step in range(6):
    x = torch.ones(2, 3) * (1000.0 if step == 4 else 1.0)
    scores = model(x) + torch.log(allowed)  # @harmless
    odds = torch.exp(scores)  # @exp
    shares = odds / odds.sum(1, keepdim=True)  # @shares
    loss = (shares[:, :2] ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
