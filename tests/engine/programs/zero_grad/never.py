"""Never cleared: every step goes by the sum of all gradients so far."""

# phases: forward backward update; iterations: 5

import torch
from digest import show

torch.manual_seed(7)
layer = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
data = torch.randn(8, 3)
target = torch.randn(8, 2)
for i in range(5):
    loss = torch.nn.functional.l1_loss(layer(data), target)  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print("iteration", i, "loss", loss.item(), "grad", layer.weight.grad.norm().item())
show(list(layer.parameters()))
