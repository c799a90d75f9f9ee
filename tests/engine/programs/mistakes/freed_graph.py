"""A second backward on a freed graph, in the way that the argument names."""

import sys

import torch
from torch import nn

way = sys.argv[1]
torch.manual_seed(0)
model = nn.RNN(3, 4, batch_first=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
state = torch.zeros(1, 2, 4)
if way == "twice":
    out, _ = model(torch.randn(2, 5, 3))
    loss = out.square().mean()
    loss.backward()  # @first
    print("once")
    loss.backward()  # @second
elif way == "late":
    for step in range(101):
        optimizer.zero_grad()
        out, _ = model(torch.randn(2, 5, 3))
        loss = out.square().mean()
        loss.backward()
        optimizer.step()
        if step == 100:
            loss.backward()  # @late
elif way == "two losses":
    out, _ = model(torch.randn(2, 5, 3))
    squares = out.square()
    a, b = squares.mean(), squares.max()
    a.backward()  # @head
    print("once")
    torch.autograd.grad(b, list(model.parameters()))  # @other
elif way == "carried":
    for step in range(3):
        optimizer.zero_grad()
        out, state = model(torch.randn(2, 5, 3), state)
        loss = out.square().mean()
        loss.backward()  # @carried
        optimizer.step()
        print(step, loss.item())
