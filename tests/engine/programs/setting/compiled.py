"""``torch.compile`` on a model; the eager backend gives the same bits however it is stepped."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show

torch.manual_seed(0)
raw = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
model = torch.compile(raw, backend="eager")
optimizer = torch.optim.Adam(model.parameters())
for step in range(3):
    optimizer.zero_grad()  # @zero_grad
    loss = model(torch.randn(4, 3)).square().mean()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item())
show(list(raw.parameters()), optimizer.state_dict())
