"""Cleared at the end of the iteration, with gradient clipping and a schedule."""

# phases: forward backward update zero_grad; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.1)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)
for i in range(4):
    xb, yb = torch.randn(10, 6), torch.randint(0, 3, (10,))
    loss = nn.functional.cross_entropy(net(xb), yb)  # @forward
    loss.backward()  # @backward
    norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # @update
    opt.step()  # @update
    sched.step()
    opt.zero_grad(set_to_none=True)  # @zero_grad
    print(i, loss.item(), norm.item(), sched.get_last_lr())
show(list(net.parameters()), opt.state_dict())
