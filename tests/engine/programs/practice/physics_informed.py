"""An oscillator learned from its equation: derivatives of the output by the input, twice, and an
unknown constant."""

# phases: varies; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(2)
net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
friction = nn.Parameter(torch.tensor(1.5))
optimizer = torch.optim.Adam([*net.parameters(), friction], lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
t = torch.linspace(0, 1, 12).view(-1, 1).requires_grad_(True)
start = torch.zeros(1, 1, requires_grad=True)


def slope(u, t):
    return torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]


for step in range(4):
    optimizer.zero_grad()
    u = net(start)
    loss = (u.squeeze() - 1) ** 2 + 0.1 * slope(u, start).squeeze() ** 2
    u = net(t)
    first = slope(u, t)
    loss = loss + 1e-2 * torch.mean((slope(first, t) + friction * first + 4 * u) ** 2)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(step, loss.item(), friction.item())
show(list(net.parameters()), friction)
