"""A graph that differs each step: random depth, weights shared, as the tutorial's DynamicNet."""

# phases: forward zero_grad backward update; iterations: 6

import random

import torch
from digest import show


class DynamicNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        for name in "abcde":
            setattr(self, name, torch.nn.Parameter(torch.randn(())))

    def forward(self, x):
        y = self.a + self.b * x + self.c * x**2 + self.d * x**3
        for exp in range(4, random.randint(4, 6)):
            y = y + self.e * x**exp
        return y

    def string(self):
        return f"y = {self.a.item()} + {self.b.item()} x + {self.c.item()} x^2"


random.seed(1)
torch.manual_seed(1)
x = torch.linspace(-1, 1, 50)
model = DynamicNet()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
for t in range(6):
    loss = torch.nn.functional.mse_loss(model(x), torch.sin(x), reduction="sum")  # @forward
    if t % 2 == 0:
        print(t, loss.item())
    optimizer.zero_grad()  # @zero_grad
    loss.backward()  # @backward
    optimizer.step()  # @update
print(f"Result: {model.string()}", random.random())
show(list(model.parameters()), optimizer.state_dict())
