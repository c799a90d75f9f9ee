"""Every optimizer of torch that takes dense gradients, as they come and foreach and fused."""

# phases: varies; iterations: any

import inspect

import torch
from digest import show
from torch import nn

x = torch.linspace(-1, 1, 12).reshape(4, 3)


def train(kind, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2, bias=False))
    matrices = [p for p in model.parameters() if p.dim() == 2]
    optimizer = kind(matrices if kind.__name__ == "Muon" else model.parameters(), **options)
    for _ in range(2):
        optimizer.zero_grad()  # @zero_grad
        loss = model(x).square().sum()  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
    print(kind.__name__, options, loss.item())
    show(list(model.parameters()), optimizer.state_dict())


for name in sorted(vars(torch.optim)):
    kind = getattr(torch.optim, name)
    if not inspect.isclass(kind) or name in ("Optimizer", "LBFGS", "SparseAdam"):
        continue
    accepted = inspect.signature(kind.__init__).parameters
    train(kind)
    for option in ("foreach", "fused"):
        if option in accepted:
            train(kind, **{option: True})
