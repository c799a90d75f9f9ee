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


def train(log):
    total = 0
    for _ in range(9):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 3)).square().mean()
        if way == "scaled":
            (loss / 4).backward()
        else:
            loss.backward()
        optimizer.step()
        if way == "list":
            losses.append(loss)  # @list
        elif way == "attribute":
            log.losses.append(loss)  # @attribute
        elif way == "rebound":
            total = total + 8 * loss  # @rebound
        else:
            total += loss  # @sum
    return total


losses = []
log = Log()
print(float(train(log)), len(losses), len(log.losses))
