"""Parameters that no optimizer holds, in the way that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.blocks = [nn.Linear(4, 4)] if way == "list" else nn.ModuleList([nn.Linear(4, 4)])
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        for block in self.blocks:
            x = torch.tanh(block(self.first(x)))
        return x * self.scale


net = Net()
if way == "list":
    optimizer = torch.optim.Adam(net.parameters())
elif way == "forgotten":
    optimizer = torch.optim.Adam([*net.first.parameters(), *net.blocks.parameters()])
elif way == "decoder":
    encoder, decoder = net, nn.Linear(4, 2)
    optimizer = torch.optim.Adam(encoder.parameters())
elif way == "late":
    optimizer = torch.optim.Adam(net.parameters())
    net.blocks.append(nn.Linear(4, 4))
for step in range(8):
    optimizer.zero_grad()
    out = net(torch.randn(8, 4))
    if way == "decoder":
        out = decoder(out)
    loss = (out - 1).square().mean()
    loss.backward()
    optimizer.step()  # @step
    print(step, loss.item())
