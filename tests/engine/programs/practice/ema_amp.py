"""Mixed precision, clipping, an average of the weights, warm-up: a trainer's usual loop."""

# phases: zero_grad forward backward update; iterations: 4

import copy

import torch
from digest import show
from torch import nn


class ModelEMA:
    def __init__(self, model, decay=0.9):
        self.module = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.module.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        source = model.state_dict()
        for name, value in self.module.state_dict().items():
            if value.dtype.is_floating_point:
                value.mul_(self.decay).add_(source[name].detach(), alpha=1 - self.decay)
            else:
                value.copy_(source[name])


torch.manual_seed(7)
model = nn.Sequential(nn.Linear(6, 10), nn.BatchNorm1d(10), nn.SiLU(), nn.Linear(10, 3))
ema = ModelEMA(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[2])
scaler = torch.amp.GradScaler("cpu", init_scale=16.0)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
loss_meter = 0.0
for step in range(4):
    images, targets = torch.randn(6, 6), torch.randint(0, 3, (6,))
    optimizer.zero_grad(set_to_none=True)  # @zero_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(images)  # @forward
        loss = criterion(output, targets)  # @forward
    scaler.scale(loss).backward()  # @backward @forward
    scaler.unscale_(optimizer)  # @update
    total_norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)  # @update
    scaler.step(optimizer)  # @update
    scaler.update()
    scheduler.step()
    ema.update(model)
    loss_meter += loss.detach()
    top1 = (output.topk(1)[1].squeeze() == targets).float().mean()
    grad_norms = {n: p.grad.norm().item() for n, p in model.named_parameters()}
    print(step, loss.item(), total_norm.item(), top1.item(), max(grad_norms.values()))
    print(
        {n: p.grad.abs().mean().item() / p.abs().mean().item() for n, p in model.named_parameters()}
    )
with torch.no_grad():
    print(loss_meter.item() / 4, ema.module(images).sum().item())
show([model.state_dict(), ema.module.state_dict()], optimizer.state_dict())
