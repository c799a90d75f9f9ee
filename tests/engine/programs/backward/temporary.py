"""Backward on a value that has no name; the loss is computed once more for the log."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(5)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
model.append(nn.Linear(4 * 6 * 6, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, nesterov=True, momentum=0.9)
images, labels = torch.rand(6, 1, 8, 8), torch.randint(10, (6,))
for epoch in range(4):
    optimizer.zero_grad()  # @zero_grad
    nn.functional.cross_entropy(
        model(images), labels, reduction="none"
    ).mean().backward()  # @backward @forward
    optimizer.step()  # @update
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).float().mean()
    print(f"Epoch: {epoch}\taccuracy {accuracy:.2%}")
show(list(model.parameters()), list(model.buffers()), optimizer.state_dict())
