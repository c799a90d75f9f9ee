"""Dropout, batch norm and clipping under every kind of optimizer."""

import torch
from digest import show
from torch import nn

optim = torch.optim
KINDS = [
    (optim.Adam, {"foreach": True}),
    (optim.Adam, {"foreach": False}),
    (optim.AdamW, {"fused": True}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "foreach": True}),
    (optim.RMSprop, {}),
    (optim.LBFGS, {"max_iter": 3}),
]


def train(kind, options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.ReLU(), nn.Linear(8, 1)
    )
    optimizer = kind(model.parameters(), lr=0.01, **options)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1)
    x, y = torch.randn(16, 4), torch.randn(16, 1)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    for step in range(2):
        if kind is optim.LBFGS:
            loss = optimizer.step(closure)
        else:
            loss = closure()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1, foreach=True)
            optimizer.step()
        schedule.step()
        print(kind.__name__, step, loss.item(), schedule.get_last_lr())
    show(list(model.parameters()), list(model.buffers()), optimizer.state_dict())


for kind, options in KINDS:
    train(kind, options)
