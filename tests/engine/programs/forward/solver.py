"""A neural ODE solved by Runge and Kutta: one module called many times, its parameters shared."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import nn


def rk4(f, t, dt, y):
    k1 = f(t, y)  # @forward
    k2 = f(t + dt / 2, y + dt * k1 / 2)  # @forward
    k3 = f(t + dt / 2, y + dt * k2 / 2)  # @forward
    k4 = f(t + dt, y + dt * k3)  # @forward
    return y + dt * (k1 + 2 * k2 + 2 * k3 + k4) / 6  # @forward


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2))

    def forward(self, t, y):
        return self.net(y**3)


torch.manual_seed(0)
func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-3)
truth = torch.tensor([0.3, -1.1])
for _ in range(3):
    optimizer.zero_grad()  # @zero_grad
    y = torch.tensor([2.0, 0.0])
    for n in range(4):
        y = rk4(func, n * 0.1, 0.1, y)
    # The same weights once more, by themselves: a decay.
    loss = (y - truth).abs().mean() + 1e-3 * sum(p.norm() for p in func.parameters())  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(loss.item(), y.tolist())
show(list(func.parameters()), optimizer.state_dict())
