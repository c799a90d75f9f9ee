"""Gradient descent by hand, in the way that the first argument names."""

# phases: forward backward update zero_grad; iterations: 4

import sys

import torch
from digest import show

way = sys.argv[1]
lr = 0.05


def apply_all(parameters, rate):
    for parameter in parameters:
        apply_one(parameter, rate)


def apply_one(parameter, rate):
    parameter.data.sub_(rate * parameter.grad)  # @update


torch.manual_seed(0)
w = torch.randn(3, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
x = torch.randn(16, 3)
y = x.sum(1, keepdim=True) + 2
for step in range(4):
    loss = (x @ w + b - y).square().mean()  # @forward
    loss.backward()  # @backward
    if way == "data":
        w.data -= lr * w.grad.data  # @update
        b.data -= lr * b.grad.data  # @update
    elif way == "data rebound":
        w.data = w.data - lr * w.grad.data  # @update
        b.data = b.data - lr * b.grad.data  # @update
    elif way == "alpha":
        with torch.no_grad():
            w.add_(w.grad, alpha=-lr)  # @update
            b.add_(b.grad, alpha=-lr)  # @update
    elif way == "helper":
        apply_all((w, b), lr)  # @update
    elif way == "item":
        w.data.add_(w.grad.data, alpha=-lr)  # @update
        b.data.fill_(b.item() - lr * b.grad.item())  # @update
    elif way == "out":
        with torch.no_grad():
            torch.sub(w, lr * w.grad, out=w)  # @update
            torch.sub(b, lr * b.grad, out=b)  # @update
    elif way == "set_":
        with torch.no_grad():
            w.set_(w - lr * w.grad)  # @update
            b.set_(b - lr * b.grad)  # @update
    elif way == "detach":
        v = w.detach()
        v -= lr * w.grad  # @update
        v = b.detach()
        v -= lr * b.grad  # @update
    elif way == "copy_":
        with torch.no_grad():
            w.copy_(w - lr * w.grad)  # @update
            b.copy_(b - lr * b.grad)  # @update
    elif way == "foreach":
        torch._foreach_add_([w.data, b.data], [w.grad, b.grad], alpha=-lr)  # @update
    w.grad = b.grad = None  # @zero_grad
    print(step, loss.item())
show(w, b)
