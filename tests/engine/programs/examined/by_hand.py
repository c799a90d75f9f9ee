"""One parameter, plain gradient descent, whole numbers and booleans beside it."""

import torch

import gradstep

w = torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64, requires_grad=True)
counts = torch.tensor([1, 2], dtype=torch.int16)
mask = torch.tensor([True, False, True])


def model(x):
    prediction = (w * x * mask).exp()
    return prediction


def experiment():
    return gradstep.Experiment(
        model,
        loss=lambda prediction, y: ((prediction - y) ** 2).sum(),
        parameters={"w": w},
        learning_rate=0.125,
        data=[
            (torch.tensor([0.5, 0.25, 0.125], dtype=torch.float64), torch.ones(3).double()),
            (torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64), torch.zeros(3).double()),
        ],
    )
