"""SGD with a closure: clear, forward and backward happen inside the update."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for input, target in [(torch.randn(5, 3), torch.randn(5, 1)) for _ in range(4)]:

    def closure():
        optimizer.zero_grad()  # @zero_grad
        output = model(input)  # @forward # noqa: B023
        loss = nn.functional.huber_loss(output, target)  # @forward # noqa: B023
        loss.backward()  # @backward
        return loss

    print("loss:", optimizer.step(closure).item())  # @update
show(list(model.parameters()))
