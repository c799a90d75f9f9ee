"""Gradients cleared by hand, in the way that the first argument names."""

# phases: forward backward update zero_grad; iterations: 4

import sys

import torch
from digest import show

way = sys.argv[1]
torch.manual_seed(0)
w = torch.randn(4, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.randn(20, 4)
y = x @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]]) + 0.7

for step in range(4):
    loss = ((x @ w + b - y) ** 2).mean()  # @forward
    loss.backward()  # @backward
    with torch.no_grad():
        w -= 0.05 * w.grad  # @update
        b -= 0.05 * b.grad  # @update
    for p in (w, b):
        if way == "zero_":
            p.grad.zero_()  # @zero_grad
        elif way == "data":
            p.grad.data.zero_()  # @zero_grad
        elif way == "None":
            p.grad = None  # @zero_grad
        elif way == "zeros":
            p.grad = torch.zeros_like(p)  # @zero_grad
        elif way == "fill":
            p.grad.fill_(0)  # @zero_grad
        elif way == "times":
            p.grad *= 0  # @zero_grad
        elif way == "slice":
            p.grad[:] = 0  # @zero_grad
        elif way == "copy":
            p.grad.copy_(torch.zeros_like(p))  # @zero_grad
        elif way == "grad data":
            p.grad.data = torch.zeros_like(p)  # @zero_grad
        elif way == "detached":
            p.grad.detach_()
            p.grad.zero_()  # @zero_grad
    print(step, loss.item())
show(w, b)
