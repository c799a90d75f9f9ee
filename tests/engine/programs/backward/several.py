"""Several backwards before one update: retain_graph, gradient=, inputs=."""

# phases: forward backward backward forward backward forward backward update zero_grad; iterations: 3  # noqa: E501

import torch
from digest import show
from torch import nn

torch.manual_seed(9)
trunk, left, right = nn.Linear(3, 5), nn.Linear(5, 1), nn.Linear(5, 2)
parameters = [*trunk.parameters(), *left.parameters(), *right.parameters()]
optimizer = torch.optim.Adagrad(parameters, lr=0.1)
for step in range(3):
    x = torch.randn(4, 3)
    h = torch.tanh(trunk(x))  # @forward
    a, b = left(h).pow(2).mean(), right(h).abs().mean()  # @forward
    a.backward(retain_graph=True)  # @backward
    b.backward()  # @backward
    out = right(torch.sigmoid(trunk(x)))  # @forward
    out.backward(gradient=torch.full_like(out, 0.25))  # @backward
    c = left(trunk(x)).sum()  # @forward
    c.backward(inputs=list(left.parameters()))  # @backward
    optimizer.step()  # @update
    optimizer.zero_grad()  # @zero_grad
    print(step, a.item(), b.item(), c.item())
show(parameters, optimizer.state_dict())
