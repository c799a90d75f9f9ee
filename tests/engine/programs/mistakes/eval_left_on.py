"""After the first evaluation the model stays in eval mode. The argument: batches per epoch."""

import sys

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
model.train()
for epoch in range(3):
    for _ in range(int(sys.argv[1])):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
    model.eval()  # @eval
    with torch.no_grad():
        print(epoch, loss.item(), model(torch.randn(8, 4)).square().mean().item())
