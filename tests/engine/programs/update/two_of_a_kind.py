"""Two models of the same shape and two optimizers, each called by the same names in a function."""

import torch
from torch import nn


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()


def main():
    torch.manual_seed(0)
    left, right = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 2))
    optimizers = {"left": torch.optim.SGD(left.parameters(), lr=0.1)}
    optimizers["right"] = torch.optim.SGD(right.parameters(), lr=0.1)
    for _ in range(2):
        x = torch.randn(4, 2)
        step(optimizers["left"], (right(x).detach() - left(x)).square().mean())  # @left
        step(optimizers["right"], (left(x) - right(x)).square().mean())  # @right


main()
