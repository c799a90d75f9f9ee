"""No way leads from the loss to a parameter, for the reason that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)
model = nn.Linear(3, 4)
x, y = torch.randn(8, 3), torch.randint(0, 4, (8,))


def cross_entropy(out):
    return nn.functional.cross_entropy(out, y)


if way == "detach":
    out = model(x).detach()  # @detach
    loss = cross_entropy(out)
elif way == "data":
    out = model(x).data  # @data
    loss = cross_entropy(out)
elif way == "no_grad":
    with torch.no_grad():
        out = model(x)  # @no_grad
    loss = cross_entropy(out)
elif way == "argmax":
    guess = model(x).argmax(1)  # @argmax
    loss = (guess - y).float().square().mean()
elif way == "tensor":
    loss = torch.tensor(cross_entropy(model(x)).item())  # @tensor
elif way == "frozen":
    model.requires_grad_(False)
    loss = cross_entropy(model(x))
elif way == "grad off":
    torch.set_grad_enabled(False)
    loss = cross_entropy(model(x))  # @off
print(loss.item())
loss.backward()  # @backward
