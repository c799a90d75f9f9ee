"""An experiment with Adam on two groups, and a result of every layout that has named axes."""

import torch
from torch import nn

import gradstep


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.out = nn.Linear(2 * 6 * 6, 1)

    def forward(self, x):
        h = torch.relu(self.conv(x))
        return self.out(h.flatten(1))


def experiment():
    torch.manual_seed(3)
    model = Model()
    groups = [
        {"params": model.conv.parameters(), "lr": 0.02},
        {"params": model.out.parameters()},
    ]
    return gradstep.Experiment(
        model,
        loss=nn.MSELoss(),
        optimizer=torch.optim.Adam(groups, lr=0.01),
        data=[(torch.randn(4, 1, 8, 8), torch.randn(4, 1)) for _ in range(3)],
    )
