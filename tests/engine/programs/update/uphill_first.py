"""Sharpness-aware: weights are moved uphill by hand, a second backward is taken there, and the
optimizer steps from where they were. One iteration, though parameters move twice."""

# phases: varies; iterations: 4

import torch
from digest import show
from torch import nn


class Sharpness(torch.optim.Optimizer):
    def __init__(self, parameters, base, rho=0.05, **options):
        super().__init__(parameters, {"rho": rho, **options})
        self.base = base(self.param_groups, **options)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self):
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.norm(torch.stack([p.grad.norm() for p in given]))
        for p in given:
            self.state[p]["old"] = p.data.clone()
            p.add_(p.grad * (self.param_groups[0]["rho"] / (norm + 1e-12)))  # @update
        self.zero_grad()  # @zero_grad

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data = self.state[p]["old"]
        self.base.step()  # @update
        self.zero_grad()  # @zero_grad


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2))
optimizer = Sharpness(model.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9)
for step in range(4):
    x, y = torch.randn(6, 5), torch.randint(0, 2, (6,))
    loss = nn.functional.cross_entropy(model(x), y)  # @forward
    loss.backward()  # @backward
    optimizer.first_step()
    nn.functional.cross_entropy(model(x), y).backward()  # @backward
    optimizer.second_step()
    print(step, loss.item())
show(list(model.parameters()))
