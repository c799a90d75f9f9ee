"""A schedule that counts in epochs, stepped after every batch. The argument says which."""

import sys

import torch
from torch import nn
from torch.optim import lr_scheduler

kind = sys.argv[1]
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
if kind == "StepLR":
    scheduler = lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
elif kind == "MultiStepLR":
    scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[4, 8])
elif kind == "ReduceLROnPlateau":
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
else:
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)


def train_epoch(batches):
    for x in batches:
        optimizer.zero_grad()
        loss = (model(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        if kind == "ReduceLROnPlateau":
            scheduler.step(loss)  # @plateau
        else:
            scheduler.step()  # @scheduler
    return loss.item()


data = [torch.randn(4, 3) for _ in range(20)]
for epoch in range(3):
    print(epoch, train_epoch(data), optimizer.param_groups[0]["lr"])
