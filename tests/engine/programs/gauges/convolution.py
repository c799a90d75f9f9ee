"""Convolutions and layers with ReLUs, gradients accumulated over two backwards, momentum; one unit
that is dead from the start, one that dies on the way. ``told`` looks on between the lines."""

import torch
from torch import nn


def make():
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(4 * 16, 6),
        nn.ReLU(inplace=True),
        nn.Linear(6, 2),
    )
    with torch.no_grad():
        model[0].bias[1] = -50.0
        model[3].bias[2] = -0.2
    return model


def train(told=lambda *event: None):
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    data = torch.Generator().manual_seed(5)
    for _ in range(6):
        for _ in range(2):
            x = torch.rand(8, 1, 6, 6, generator=data)
            y = torch.randint(2, (8,), generator=data)
            told("forward", model, x)
            loss = nn.functional.cross_entropy(model(x), y)
            told("before", model)
            loss.backward()
            told("backward", model)
        optimizer.step()
        told("step", model)
        optimizer.zero_grad(set_to_none=False)
    print(loss.item(), torch.rand(1).item())


if __name__ == "__main__":
    train()
