"""The same, driven: a module of one's own and a loss of one's own."""

import torch
from torch import nn

import gradstep


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(2, 3), nn.Linear(3, 1)

    def forward(self, x):
        h = torch.tanh(self.hidden(x))  # @hidden
        return self.out(h)  # @out


def loss_fn(prediction, y):
    error = prediction - y  # @error
    return (error * error).mean()  # @mean


def experiment():
    torch.manual_seed(1)
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = [(torch.randn(4, 2), torch.randn(4, 1)) for _ in range(3)]
    return gradstep.Experiment(model, loss=loss_fn, optimizer=optimizer, data=data, epochs=2)
