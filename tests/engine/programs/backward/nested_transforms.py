"""One ``torch.func`` transform inside of another: a step adapts the weights within the loss."""

# phases: forward backward forward backward update; iterations: 4

import torch
from digest import show
from torch.func import grad

torch.manual_seed(0)
x, y = torch.randn(8, 3), torch.randn(8)
w = torch.zeros(3)


def loss_of(w):
    return (x @ w - y).square().mean()  # @forward


def adapted(w):
    return loss_of(w - 0.1 * grad(loss_of)(w))  # @forward @backward


for _ in range(4):
    w = w - 0.1 * grad(adapted)(w)  # @backward @update
show(w)
