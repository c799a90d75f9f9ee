"""Fails by itself deep in library code, after a caught failure and two warnings."""

# phases: varies; iterations: any

import warnings

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.head = nn.Linear(3, 1)

    def forward(self, x, last=False):
        x = torch.relu(self.fc(x))
        return self.head(x) if last else x.sum()


torch.manual_seed(0)
model = Model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
warnings.warn("about to train", stacklevel=1)
for step in range(3):
    optimizer.zero_grad()
    try:
        loss = model(torch.randn(2, 4), last=step == 2)
    except RuntimeError as error:
        raise ValueError(f"step {step}") from error
    loss.backward()
    optimizer.step()
    print(step, loss.item())
