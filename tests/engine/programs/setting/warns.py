"""Warnings from torch's own code, at the user's line: each once per place."""

# phases: forward backward update zero_grad; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
a = nn.Parameter(torch.randn(4, 1))
opt = torch.optim.SGD([a], lr=0.1)
sched = torch.optim.lr_scheduler.StepLR(opt, 2)
sched.step()
for step in range(3):
    loss = nn.functional.mse_loss(a, torch.zeros(4))  # @forward
    loss.backward()  # @backward
    middle = (a * 2).grad
    opt.step()  # @update
    opt.zero_grad()  # @zero_grad
    print(step, loss.item(), middle)
show(a)
