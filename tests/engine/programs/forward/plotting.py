"""Forwards that belong to no step, with gradients on: a curve for a plot after every epoch."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
x = torch.linspace(0, 1, 16).view(-1, 1)
y = torch.sin(6 * x)
curves = []
for _ in range(3):
    optimizer.zero_grad()  # @zero_grad
    loss = ((model(x) - y) ** 2).mean()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    curves.append(model(x).detach().numpy())
    print("".join("o" if v > 0 else "." for v in curves[-1][:, 0]), loss.item())
with open("curves.txt", "w") as f:
    f.writelines(f"{c.sum():.8e}\n" for c in curves)
show(list(model.parameters()), optimizer.state_dict())
