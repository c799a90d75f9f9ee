"""Mixed precision in half: the first steps overflow and GradScaler skips them."""

# phases: varies; iterations: any

import torch
from digest import show

torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(8))
opt = torch.optim.Adam([w], lr=0.01)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
for step in range(6):
    opt.zero_grad()  # @zero_grad
    loss = (w * torch.randn(8) * 4).sum() ** 2  # @forward
    scaler.scale(loss).backward()  # @backward @forward
    scaler.step(opt)  # @update
    scaler.update()
    print(step, loss.item(), scaler.get_scale(), int(opt.state[w].get("step", 0)))
show(w, opt.state_dict())
