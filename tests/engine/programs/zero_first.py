"""An optimizer that clears before backward, as most training loops do."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x = torch.randn(5, 3)
y = torch.randn(5, 1)


def train(steps):
    for step in range(steps):
        prediction = model(x)  # @forward
        loss = nn.functional.mse_loss(prediction, y)  # @loss
        optimizer.zero_grad()  # @zero
        loss.backward()  # @backward
        optimizer.step()  # @update
        print(step, loss.item())  # @print


train(4)
print("done")
