"""Parameters that never get a gradient, for the reason that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.fc2 = nn.Linear(4, 4)
        self.fc3 = nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        if way == "detached":
            side = self.fc2(x)
            x = x + side.detach()  # @detached
        elif way == "data":
            x = x + self.fc2(x).data  # @data
        elif way == "no_grad":
            with torch.no_grad():
                side = self.fc2(x)  # @no_grad
            x = x + side
        elif way == "integer":
            choice = self.fc2(x).argmax(1, keepdim=True)  # @integer
            x = x * choice
        elif way == "logged":
            self.seen = self.fc2(x)  # @logged
        elif way == "none sent":
            x = x + Blocked.apply(self.fc2(x))
        elif way != "unused":
            x = x + self.fc2(x)
        return self.fc3(x)


class Blocked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, gradient):
        return None


model = Net()
if way == "frozen":
    model.fc2.requires_grad_(False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(8):
    if way != "cleared":
        optimizer.zero_grad()
    loss = model(torch.randn(8, 4)).square().mean()
    loss.backward()
    if way == "cleared":
        optimizer.zero_grad()
    optimizer.step()  # @step
    print(step, loss.item())
print([p.grad is None for p in model.parameters()])
