"""A value that backward needs is changed in place, in the way that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)
first, second = nn.Linear(3, 4), nn.Linear(4, 1)
optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
clip = nn.ReLU(inplace=True)


def forward(x):
    h = first(x)
    h = torch.sigmoid(h)
    if way == "operator":
        h += 1  # @operator
    elif way == "slice":
        h[:, 0] = 0  # @slice
    elif way == "method":
        h.mul_(2)  # @method
    elif way == "module":
        kept = torch.tanh(h)
        h = clip(kept)  # @module
    loss = second(h).square().mean()
    return loss


loss = forward(torch.randn(5, 3))
print(loss.item())
if way == "here":
    grown = torch.exp(loss)
    loss = grown * 2
    grown -= 1  # @here
if way == "step":
    loss.backward(retain_graph=True)
    optimizer.step()  # @step
loss.backward()  # @backward
