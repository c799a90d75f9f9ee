"""What changes parameters and is no update: initialisation, target copies, a checkpoint loaded,
finite differences, the buffers of batch norm."""

# phases: zero_grad forward backward update; iterations: 4

import copy

import torch
from digest import show
from torch import nn

torch.manual_seed(17)
online = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
for layer in online:
    if isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        layer.bias.data.fill_(0.01)
target = copy.deepcopy(online)
target.load_state_dict(online.state_dict())
optimizer = torch.optim.Adam(online.parameters(), lr=0.01)
x, reward = torch.randn(8, 3), torch.randn(8, 1)


def numeric_gradient(parameter, eps=1e-3):
    with torch.no_grad():
        parameter[0, 0] += eps
        up = online(x).mean()
        parameter[0, 0] -= 2 * eps
        down = online(x).mean()
        parameter[0, 0] += eps
    return ((up - down) / (2 * eps)).item()


best = None
for step in range(4):
    with torch.no_grad():
        goal = reward + 0.9 * target(x)
    optimizer.zero_grad()  # @zero_grad
    loss = nn.functional.mse_loss(online(x), goal)  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item(), numeric_gradient(online[2].weight))
    for p_target, p in zip(target.parameters(), online.parameters(), strict=True):
        p_target.data.copy_(0.005 * p.data + (1 - 0.005) * p_target.data)
    if best is None:
        best = copy.deepcopy(online.state_dict())
    if step == 2:
        online.load_state_dict(best)
show([online.state_dict(), target.state_dict()], optimizer.state_dict())
