"""Backward and step hidden in a library's object, as in accelerate, with accumulation."""

# phases: forward backward forward backward update zero_grad; iterations: 3

import contextlib

import torch
from digest import show
from torch import nn


class Prepared:
    """An optimizer that steps and clears only when gradients are complete."""

    def __init__(self, optimizer, owner):
        self.optimizer, self.owner = optimizer, owner

    def step(self):
        if self.owner.sync:
            self.optimizer.step()  # @update

    def zero_grad(self):
        if self.owner.sync:
            self.optimizer.zero_grad()  # @zero_grad

    def __getattr__(self, name):
        return getattr(self.optimizer, name)


class Accelerator:
    def __init__(self, accumulate):
        self.every, self.count, self.sync = accumulate, 0, False

    def prepare(self, model, optimizer):
        return model, Prepared(optimizer, self)

    @contextlib.contextmanager
    def accumulate(self, model):
        self.count += 1
        self.sync = self.count % self.every == 0
        yield

    def backward(self, loss, **kwargs):
        (loss / self.every).backward(**kwargs)  # @backward @forward


torch.manual_seed(12)
accelerator = Accelerator(accumulate=2)
model = nn.Linear(5, 3)
model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=0.01))
for step in range(6):
    batch = torch.randn(4, 5)
    with accelerator.accumulate(model):
        loss = model(batch).logsumexp(-1).mean()  # @forward
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    print(step, loss.item())
show(list(model.parameters()), optimizer.state_dict())
