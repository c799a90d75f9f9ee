"""A script for one variable, as the first lesson of every course has it."""

# phases: forward backward update zero_grad; iterations: 20

import torch
from digest import show

torch.manual_seed(0)

x = torch.tensor(3.0, requires_grad=True)
lr = 0.1
for i in range(20):
    y = (x - 1) ** 2 + 0.5 * x  # @forward
    y.backward()  # @backward
    with torch.no_grad():
        x -= lr * x.grad  # @update
    x.grad.zero_()  # @zero_grad
    if i % 5 == 0:
        print("step %d: x = %.6f, y = %.6f" % (i, x, y))  # noqa: UP031
print("minimum at", x.item())
show(x)
