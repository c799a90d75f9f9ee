"""A gradient reversal layer between features and a domain classifier."""

# phases: zero_grad forward backward update; iterations: 3

import math

import torch
from digest import show
from torch import nn


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.alpha, None


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.ReLU(True)
        )
        self.label = nn.Sequential(nn.Linear(27, 8), nn.Dropout(), nn.Linear(8, 3))
        self.domain = nn.Sequential(nn.Linear(27, 4), nn.ReLU(True), nn.Linear(4, 2))

    def forward(self, x, alpha):
        found = self.feature(x).view(-1, 27)
        return self.label(found), self.domain(Reverse.apply(found, alpha))


torch.manual_seed(4)
model, loss_fn = Network(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(3):
    alpha = 2.0 / (1.0 + math.exp(-10 * step / 3)) - 1
    source, target = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    model.zero_grad()  # @zero_grad
    label, domain = model(source, alpha=alpha)  # @forward
    loss = loss_fn(label, torch.randint(0, 3, (4,)))
    loss = loss + loss_fn(domain, torch.zeros(4, dtype=torch.long))
    _, domain = model(target, alpha=alpha)
    loss = loss + loss_fn(domain, torch.ones(4, dtype=torch.long))
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item())
show(list(model.parameters()), optimizer.state_dict())
