"""An optimizer for each parameter, stepped in a hook as soon as its gradient is complete."""

# phases: varies; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
optimizer_dict = {p: torch.optim.Adam([p], lr=0.01) for p in model.parameters()}


def optimizer_hook(parameter) -> None:
    optimizer_dict[parameter].step()  # @update
    optimizer_dict[parameter].zero_grad()  # @zero_grad


for p in model.parameters():
    p.register_post_accumulate_grad_hook(optimizer_hook)
for i in range(4):
    loss = model(torch.randn(8, 4)).pow(2).mean()  # @forward
    loss.backward()  # @backward
    print(i, loss.item())
show(list(model.parameters()), [o.state_dict() for o in optimizer_dict.values()])
