"""The names are bound to new tensors after each step: there is no old gradient to clear."""

# phases: forward backward update; iterations: 4

import sys

import torch
from digest import show

way, lr = sys.argv[1], 0.1
torch.manual_seed(0)
w = torch.randn(3, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.randn(16, 3)
y = x.sum(1, keepdim=True) + 2
for step in range(4):
    loss = (x @ w + b - y).square().mean()  # @forward
    loss.backward()  # @backward
    if way == "detach":
        w = (w - lr * w.grad).detach().requires_grad_()  # @update
        b = (b - lr * b.grad).detach().requires_grad_()  # @update
    elif way == "no_grad":
        with torch.no_grad():
            w = w - lr * w.grad  # @update
            b = b - lr * b.grad  # @update
        w.requires_grad = b.requires_grad = True
    elif way == "tensor":
        w = torch.tensor(w.data - lr * w.grad.data, requires_grad=True)  # @update
        b = torch.tensor(b.data - lr * b.grad.data, requires_grad=True)  # @update
    elif way == "Parameter":
        w = torch.nn.Parameter(w.data - lr * w.grad)  # @update
        b = torch.nn.Parameter(b.data - lr * b.grad)  # @update
    print(step, loss.item())
show(w, b)
