"""Updates by hand under no_grad, several parameters, gradients set to None."""

import torch

torch.manual_seed(1)
w = torch.randn(2, 3, requires_grad=True)
b = torch.zeros(2, requires_grad=True)
x = torch.randn(3)
y = torch.tensor([1.0, -1.0])

for step in range(3):
    loss = ((w @ x + b - y) ** 2).sum()  # @loss
    loss.backward()  # @backward
    with torch.no_grad():
        for p in (w, b):
            p -= 0.1 * p.grad  # @update
    for p in (w, b):
        p.grad = None  # @zero
    print(step, loss.item())  # @print
