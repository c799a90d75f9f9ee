"""Every loss is kept with its graph, in the way that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


class Log:
    def __init__(self):
        self.losses = []


def iteration():
    optimizer.zero_grad()
    loss = model(torch.randn(8, 3)).square().mean()
    if way == "scaled":
        (loss / 4).backward()
    else:
        loss.backward()
    optimizer.step()
    return loss


def total_by_name():
    total = 0
    for _ in range(9):
        loss = iteration()
        total = 8 * loss + total  # @rebound
    return total / 9


def train(log):
    total = 0
    for _ in range(9):
        loss = iteration()
        if way == "list":
            losses.append(loss)  # @list
        elif way == "attribute":
            log.losses.append(loss)  # @attribute
        else:
            total += loss  # @sum
    return total


losses = []
log = Log()
total = total_by_name() if way == "rebound" else train(log)
print(float(total), len(losses), len(log.losses))
