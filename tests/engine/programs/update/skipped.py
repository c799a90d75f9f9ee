"""Accumulation: a step every third batch, the loss scaled, a remainder that is never stepped."""

# phases: forward backward forward backward forward backward update zero_grad; iterations: 2

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
accum_iter = 3
model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for batch_idx in range(6):
    inputs, labels = torch.randn(4, 4), torch.randint(0, 2, (4,))
    with torch.set_grad_enabled(True):
        preds = model(inputs)  # @forward
        loss = nn.functional.cross_entropy(preds, labels)  # @forward
        loss = loss / accum_iter  # @forward
        loss.backward()  # @backward
        if ((batch_idx + 1) % accum_iter == 0) or (batch_idx + 1 == 6):
            optimizer.step()  # @update
            optimizer.zero_grad()  # @zero_grad
    print(batch_idx, loss.item())
show(list(model.parameters()), optimizer.state_dict())
