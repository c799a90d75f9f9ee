"""A long short-term memory by hand, unrolled over ``STEPS`` steps (an argument; 500)."""

import sys

import torch
from torch import nn

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
WIDTH = 8


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.of_input = nn.Linear(WIDTH, 4 * WIDTH)
        self.of_state = nn.Linear(WIDTH, 4 * WIDTH)

    def forward(self, x, h, c):
        gates = self.of_input(x) + self.of_state(h)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell()
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, xs):
        h = c = torch.zeros(xs.shape[1], WIDTH)
        for x in xs:
            h, c = self.cell(x, h, c)
        return self.head(h)


torch.manual_seed(0)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(4):
    xs = torch.randn(STEPS, 4, WIDTH)
    optimizer.zero_grad()
    loss = net(xs).pow(2).mean()
    loss.backward()
    optimizer.step()
