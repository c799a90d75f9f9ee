"""Model-agnostic meta-learning: the inner step is differentiated through (second order)."""

# phases: zero_grad forward backward forward backward forward backward update; iterations: 3

import torch
from digest import show
from torch import nn
from torch.nn import functional as F


def net(x, params):
    w1, b1, w2, b2 = params
    return F.linear(torch.tanh(F.linear(x, w1, b1)), w2, b2)  # @forward


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))
meta_opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for it in range(3):
    amplitude, phase = torch.rand(1) * 4 + 0.1, torch.rand(1) * 3
    x = torch.rand(10, 1) * 10 - 5
    y = amplitude * torch.sin(x + phase)
    meta_opt.zero_grad()  # @zero_grad
    fast = list(model.parameters())
    for _ in range(2):
        inner = F.mse_loss(net(x[:5], fast), y[:5])  # @forward
        grads = torch.autograd.grad(inner, fast, create_graph=True)  # @backward
        fast = [w - 0.01 * g for w, g in zip(fast, grads, strict=True)]  # @forward
    outer = F.mse_loss(net(x[5:], fast), y[5:])  # @forward
    outer.backward()  # @backward
    meta_opt.step()  # @update
    print(it, inner.item(), outer.item())
show(list(model.parameters()), meta_opt.state_dict())
