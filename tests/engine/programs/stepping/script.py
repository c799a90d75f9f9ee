"""Modules within modules, a loss of one's own, a function with a backward of its own, a checkpoint,
and epochs around ``train``."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(3)


class Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)  # @gate_forward
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors  # @gate_backward
        inside = x.abs() < 1  # @gate_inside
        return grad * inside  # @gate_return


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(3, 3)

    def forward(self, x):
        h = self.lin(x)  # @lin
        return torch.tanh(h)  # @tanh


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.block, self.again = Block(), Block()
        self.tail = nn.Sequential(nn.Linear(3, 2), nn.SiLU(), nn.Linear(2, 1))

    def forward(self, x):
        h = self.block(x)  # @block
        h = checkpoint(self.again, h, use_reentrant=False)  # @again
        h = Gate.apply(h)  # @gate
        h = self.tail(h)  # @tail
        return h.squeeze(1)  # @squeeze


def loss_fn(prediction, y):
    error = prediction - y  # @error
    square = error * error  # @square
    return square.mean()  # @mean


def train(model, optimizer, data):
    total = 0.0  # @total
    for x, y in data:  # @batches
        optimizer.zero_grad()  # @zero
        loss = loss_fn(model(x), y)  # @loss
        loss.backward()  # @backward
        optimizer.step()  # @update
        total += loss.item()  # @item
    return total  # @returned


model = Model()  # @model
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)  # @optimizer
data = [(torch.randn(4, 3), torch.randn(4)) for _ in range(2)]
for epoch in range(3):  # @epochs
    total = train(model, optimizer, data)  # @train
    print(epoch, total)  # @print
print([round(float(p.detach().sum()), 6) for p in model.parameters()])  # @last
