"""Stochastic weight averaging after a warm start; batch norm's statistics taken anew at the end."""

# phases: zero_grad forward backward update; iterations: 6

import torch
from digest import show
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

torch.manual_seed(9)
loader = [(torch.randn(6, 4), torch.randn(6, 1)) for _ in range(2)]
model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 1))
swa_model = AveragedModel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
swa_scheduler = SWALR(optimizer, swa_lr=0.02, anneal_epochs=1)
for epoch in range(3):
    epoch_loss = 0.0
    for input, target in loader:
        optimizer.zero_grad()  # @zero_grad
        loss = nn.functional.mse_loss(model(input), target)  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        epoch_loss = epoch_loss + loss
    if epoch > 0:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
    print(epoch, (epoch_loss / len(loader)).item(), optimizer.param_groups[0]["lr"])
update_bn(loader, swa_model)
swa_model.eval()
print(swa_model(loader[0][0]).square().mean().item())
show([model.state_dict(), swa_model.state_dict()], optimizer.state_dict())
