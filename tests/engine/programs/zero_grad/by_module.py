"""``model.zero_grad()`` as the first thing, gradients kept as zeros."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(3)
rnn = nn.GRU(4, 6, batch_first=True)
head = nn.Linear(6, 1)
model = nn.ModuleDict({"rnn": rnn, "head": head})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for _ in range(4):
    model.zero_grad(set_to_none=False)  # @zero_grad
    states, last = rnn(torch.randn(3, 5, 4))  # @forward
    loss = (head(last[0]) - 1).pow(2).mean()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(f"{loss:.8f}")
show(list(model.parameters()), optimizer.state_dict())
