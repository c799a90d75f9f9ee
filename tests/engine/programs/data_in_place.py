"""Updates by hand on .data in place; gradients cleared by the module."""

import torch
from torch import nn

torch.manual_seed(2)
layer = nn.Linear(2, 1)
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
y = torch.tensor([[1.0], [0.0]])
for step in range(3):
    error = layer(x) - y  # @forward
    torch.autograd.backward((error * error).mean())  # @backward
    for p in layer.parameters():
        p.data.add_(p.grad.data, alpha=-0.01)  # @update
    layer.zero_grad(set_to_none=False)  # @zero
    print(step, error.abs().sum().item())
