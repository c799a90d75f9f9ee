"""Softmax regression on plain tensors, minibatches by slices, as a course on foundations has it."""

# phases: forward backward update zero_grad; iterations: 6

import math

import torch
from digest import show

torch.manual_seed(0)
x_train, y_train = torch.rand(24, 10), torch.randint(0, 4, (24,))
weights = torch.randn(10, 4) / math.sqrt(10)
weights.requires_grad_()
bias = torch.zeros(4, requires_grad=True)


def log_softmax(x):
    return x - x.exp().sum(-1).log().unsqueeze(-1)  # @forward


def model(xb):
    return log_softmax(xb @ weights + bias)  # @forward


def nll(input, target):
    return -input[range(target.shape[0]), target].mean()  # @forward


bs, lr = 8, 0.5
for epoch in range(2):
    for i in range((24 - 1) // bs + 1):
        xb, yb = x_train[i * bs : i * bs + bs], y_train[i * bs : i * bs + bs]
        loss = nll(model(xb), yb)
        loss.backward()  # @backward
        with torch.no_grad():
            weights -= weights.grad * lr  # @update
            bias -= bias.grad * lr  # @update
            weights.grad.zero_()  # @zero_grad
            bias.grad.zero_()  # @zero_grad
    print(epoch, loss.item())
show(weights, bias)
