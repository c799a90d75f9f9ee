"""Newton's method: a Hessian from two calls of ``grad``, one with ``create_graph``."""

# phases: forward backward backward update; iterations: 4

import torch
from digest import show

torch.manual_seed(0)

theta = torch.tensor([2.0, -1.0], dtype=torch.float64, requires_grad=True)
for k in range(4):
    a, b = theta
    value = (a - 1) ** 4 + (a - 1) * b + 3 * b**2  # @forward
    (g,) = torch.autograd.grad(value, theta, create_graph=True)  # @backward
    rows = torch.autograd.grad(
        g, theta, torch.eye(2, dtype=g.dtype), is_grads_batched=True
    )  # @backward
    with torch.no_grad():
        theta -= torch.linalg.solve(rows[0], g)  # @update
    print(k, value.item(), theta.tolist())
show(theta)
