"""One training loop under several optimizers, each cleared in its own way."""

import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(6, 3), torch.randn(6, 1)


def clear_by_optimizer(optimizer, model):
    optimizer.zero_grad()  # @zero_by_optimizer


def clear_by_module(optimizer, model):
    model.zero_grad()  # @zero_by_module


def train(make, clear):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = make(model.parameters())
    for step in range(2):
        prediction = model(x)
        loss = nn.functional.mse_loss(prediction, y)
        loss.backward()  # @backward
        optimizer.step()  # @update
        clear(optimizer, model)  # @clear
        print(step, loss.item())  # @print


train(lambda p: torch.optim.SGD(p, lr=0.1), clear_by_optimizer)
train(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), clear_by_module)
train(lambda p: torch.optim.Adam(p, foreach=False), clear_by_optimizer)
train(lambda p: torch.optim.Adam(p, foreach=True), clear_by_module)
