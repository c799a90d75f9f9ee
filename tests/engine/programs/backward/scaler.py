"""Mixed precision as its tutorial has it: autocast, GradScaler, unscale and clip."""

# phases: forward backward update zero_grad; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
opt = torch.optim.SGD(net.parameters(), lr=0.001)
scaler = torch.amp.GradScaler("cpu", init_scale=256.0, growth_interval=2)
for _ in range(4):
    input, target = torch.randn(4, 8), torch.randn(4, 8)
    with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
        output = net(input)  # @forward
        loss = nn.functional.mse_loss(output, target)  # @forward
    scaler.scale(loss).backward()  # @backward @forward
    scaler.unscale_(opt)  # @update
    torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=0.1)  # @update
    scaler.step(opt)  # @update
    scaler.update()
    opt.zero_grad()  # @zero_grad
    print(output.dtype, loss.item(), scaler.get_scale())
show(list(net.parameters()), opt.state_dict(), scaler.state_dict())
